/*
 * syscall_files.c -- subject syscall: descriptors, and the model of what they stand for.
 *
 * A descriptor leads to an open file, which several may share, after dup() or a fork; that has an
 * offset, and leads to a file or to an end of a pipe.  A file lives as long as it has a name or is
 * open.  Beside each descriptor is whether execve closes it, which a fork copies, and dup() does
 * not.  Pipes never wait here (O_NONBLOCK).
 */
#include "fuzz/syscall_files.h"

struct files_model files_model;

void files_open(void)
{
	memset(&files_model, 0, sizeof files_model);
	memset(files_model.fd, NONE, sizeof files_model.fd);
	memset(files_model.name, NONE, sizeof files_model.name);
}

/* --- open files ------------------------------------------------------------------------------- */

static void drop(uint8_t n)
{
	if (n == NONE || --files_model.open[n].holders != 0) return;
	const uint8_t of = files_model.open[n].of;
	if (files_model.open[n].kind == OPEN_FILE) files_model.file[of].opens--;
	if (files_model.open[n].kind == OPEN_PIPE) {
		files_model.pipe[of].readers -= can(n, false);
		files_model.pipe[of].writers -= can(n, true);
	}
	files_model.open[n].kind = OPEN_NOTHING;
}

uint8_t open_new(enum open_kind kind, unsigned of, uint32_t flags)
{
	uint8_t n = 0;

	while (n < OPEN_MAX && files_model.open[n].kind != OPEN_NOTHING) n++;
	ASSERT(n < OPEN_MAX);
	files_model.open[n].kind = (uint8_t)kind;
	files_model.open[n].of = (uint8_t)of;
	files_model.open[n].holders = 1;
	files_model.open[n].flags = flags;
	files_model.open[n].offset = 0;
	return n;
}

void files_forked(unsigned from, unsigned to)
{
	files_model.exec[to] = files_model.exec[from];
	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		files_model.fd[to][i] = files_model.fd[from][i];
		if (files_model.fd[to][i] != NONE)
			files_model.open[files_model.fd[to][i]].holders++;
	}
}

void files_gone(unsigned group)
{
	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		drop(files_model.fd[group][i]);
		files_model.fd[group][i] = NONE;
	}
}

int lowest_free(unsigned group, unsigned from)
{
	while (from < DESCRIPTORS && files_model.fd[group][from] != NONE) from++;
	return from < DESCRIPTORS ? (int)from : -ERR_MFILE;
}

int descriptor_free(unsigned group)
{
	return lowest_free(group, 0);
}

/* A descriptor stands for something else now. */
void put_fd(unsigned group, int64_t fd, uint8_t open, bool exec)
{
	const uint8_t bit = (uint8_t)(1u << fd);

	files_model.fd[group][fd] = open;
	files_model.exec[group] =
		(uint8_t)(exec ? files_model.exec[group] | bit : files_model.exec[group] & ~bit);
}

uint8_t open_of(const struct script_op *op, unsigned by, unsigned *fd)
{
	const uint8_t *of = files_model.fd[group_number(by)];

	*fd = op->aux % FD_NAMES;
	if (*fd <= DESCRIPTORS) return *fd == DESCRIPTORS ? NONE : of[*fd];
	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		*fd = (op->aux % FD_NAMES - DESCRIPTORS - 1 + i) % DESCRIPTORS;
		if (of[*fd] != NONE) break;
	}
	return of[*fd];
}

/* What execve will do with a descriptor. */
static void judge_flag(struct run *run, unsigned by, int64_t fd)
{
	const int64_t expected = files_model.exec[group_number(by)] >> fd & 1;

	judge(run, "fcntl", call_by(run, by, SYS_fcntl, (uint64_t)fd, F_GETFD, 0, 0), expected);
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int64_t open_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const uint64_t path = '/' | (uint64_t)'f' << 8 | ('0' + arg[1]) << 16;

	if (program_store(run, arg[0], path) != FAULT_DONE) kpanic(ORACLE_SPACE, "no path");
	if (arg[3] != 0) return call(t, SYS_unlinkat, (uint64_t)AT_FDCWD, arg[0], 0, 0, 0, 0);
	return call(t, SYS_openat, (uint64_t)AT_FDCWD, arg[0], arg[2], 0644, 0, 0);
}

void file_resize(uint8_t file, uint32_t size)
{
	const uint32_t was = files_model.file[file].size;

	if (size < was) memset(files_model.file[file].bytes + size, 0, was - size);
	files_model.file[file].size = size;
}

static unsigned file_new(void)
{
	unsigned n = 0;

	while (n < FILES_MAX && (files_model.file[n].named || files_model.file[n].opens != 0)) n++;
	ASSERT(n < FILES_MAX);
	memset(&files_model.file[n], 0, sizeof files_model.file[n]);
	files_model.file[n].named = true;
	return n;
}

/* Linux's order: a descriptor is taken before the name is looked for. */
static int64_t open_meant(unsigned group, unsigned name, uint32_t flags)
{
	const int fd = lowest_free(group, 0);
	const bool there = files_model.name[name] != NONE;

	if (fd < 0) return fd;
	if (!there && (flags & O_CREAT) == 0) return -ERR_NOENT;
	if (there && (flags & O_EXCL) != 0) return -ERR_EXIST;
	if (!there) files_model.name[name] = (uint8_t)file_new();
	const uint8_t file = files_model.name[name];
	if ((flags & O_TRUNC) != 0) file_resize(file, 0);
	files_model.file[file].opens++;
	put_fd(group, fd, open_new(OPEN_FILE, file, flags), (flags & O_CLOEXEC) != 0);
	return fd;
}

void makes_open(struct run *run, const struct script_op *op)
{
	static const uint32_t hows[] = {
		O_RDONLY,
		O_RDWR | O_CREAT,
		O_WRONLY | O_CREAT | O_APPEND,
		O_RDWR | O_CREAT | O_EXCL,
		O_RDWR | O_TRUNC,
	};
	const unsigned by = by_of(op), name = op->aux % NAMES;
	const uint32_t mark = (op->arg >> 8 & 1) != 0 ? O_CLOEXEC : 0;
	const uint32_t flags = hows[op->arg % COUNT_OF(hows)] | mark;

	const int64_t expected = open_meant(group_number(by), name, flags);
	const uint64_t arg[] = { scratch_of(by), name, flags, 0 };
	if (expected == -ERR_MFILE) run_sometimes(run, SAW_TABLE_FULL);
	judge(run, "openat", act(run, by, open_act, arg), expected);
	if (expected >= 0) judge_flag(run, by, expected);
}

void makes_unlink(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op), name = op->aux % NAMES;
	const uint64_t arg[] = { scratch_of(by), name, 0, 1 };

	const bool there = name_there(name);
	if (there) name_gone(name);
	judge(run, "unlinkat", act(run, by, open_act, arg), there ? 0 : -ERR_NOENT);
}

bool name_there(unsigned name)
{
	return files_model.name[name] != NONE;
}

void name_gone(unsigned name)
{
	files_model.file[files_model.name[name]].named = false;
	files_model.name[name] = NONE;
}

void makes_close(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	if (n != NONE) put_fd(group_number(by), fd, NONE, false);
	drop(n);
	judge(run, "close", call_by(run, by, SYS_close, fd, 0, 0, 0), n != NONE ? 0 : -ERR_BADF);
}

/* arg: 0: dup(); else dup3() to arg - 1, as bit 8 says to be closed by execve. */
void makes_dup(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const uint32_t to = (op->arg & 0xff) % (DESCRIPTORS + 2);
	const uint32_t mark = to != 0 && (op->arg >> 8 & 1) != 0 ? O_CLOEXEC : 0;
	unsigned fd;

	const unsigned group = group_number(by);
	const uint8_t n = open_of(op, by, &fd);
	int64_t expected;
	if (to == 0)
		expected = n == NONE ? -ERR_BADF : lowest_free(group, 0);
	else if (to - 1 == fd)
		expected = -ERR_INVAL;
	else
		expected = to - 1 >= DESCRIPTORS || n == NONE ? -ERR_BADF : (int64_t)to - 1;
	if (expected >= 0) {
		files_model.open[n].holders++;
		drop(files_model.fd[group][expected]);
		put_fd(group, expected, n, mark != 0);
	}
	const int64_t answer = to == 0 ? call_by(run, by, SYS_dup, fd, 0, 0, 0)
				       : call_by(run, by, SYS_dup3, fd, to - 1, mark, 0);
	judge(run, to == 0 ? "dup" : "dup3", answer, expected);
	if (expected >= 0) judge_flag(run, by, expected);
}

/* What execve does with a descriptor, asked for (arg 0), or said; or (arg 3) a copy that it
 * closes. */
void makes_flag(struct run *run, const struct script_op *op)
{
	static const uint32_t calls[] = { F_GETFD, F_SETFD, F_SETFD, F_DUPFD_CLOEXEC };
	const unsigned by = by_of(op), what = op->arg % COUNT_OF(calls);
	unsigned fd;

	const unsigned group = group_number(by);
	const uint8_t n = open_of(op, by, &fd);
	int64_t expected = n == NONE ? -ERR_BADF : 0;
	if (n != NONE && what == 0) expected = files_model.exec[group] >> fd & 1;
	if (n != NONE && (what == 1 || what == 2)) put_fd(group, fd, n, what == 1);
	if (n != NONE && what == 3) expected = lowest_free(group, 0);
	if (n != NONE && what == 3 && expected >= 0) {
		files_model.open[n].holders++;
		put_fd(group, expected, n, true);
	}
	const uint64_t with = what == 1 ? FD_CLOEXEC : 0;
	judge(run, "fcntl", call_by(run, by, SYS_fcntl, fd, calls[what], with, 0), expected);
}
