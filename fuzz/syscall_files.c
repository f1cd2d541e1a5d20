/*
 * syscall_files.c -- subject syscall: files, pipes and descriptors, and the model of them.
 *
 * A descriptor leads to an open file, which several may share, after dup() or a fork; that has an
 * offset, and leads to a file or to an end of a pipe.  A file lives as long as it has a name or is
 * open.  Contents of files are kept byte for byte; those of a pipe by counting, as byte n of what
 * is ever written into it is known.  Pipes never wait here (O_NONBLOCK).
 *
 * What is written comes from the actor's scratch page, and what is read goes there.
 */
#include "fuzz/syscall_subject.h"

enum { OPEN_MAX = 64, FILES_MAX = 64, PIPES_MAX = 32, NONE = 0xff, PIPE_ROOM = 65536 };
enum open_kind { OPEN_NOTHING, OPEN_FILE, OPEN_READER, OPEN_WRITER };

static struct {
	uint8_t fd[ACTORS][DESCRIPTORS]; /* which open file, or NONE */
	uint8_t exec[ACTORS];            /* bits: descriptors that execve closes */
	struct {
		uint8_t kind, of; /* which file or pipe */
		uint32_t holders, flags;
		uint64_t offset;
	} open[OPEN_MAX];
	struct {
		bool named;
		uint32_t opens, size;
		uint8_t bytes[FILE_BYTES];
	} file[FILES_MAX];
	uint8_t name[NAMES]; /* which file, or NONE */
	struct {
		uint32_t readers, writers; /* open ends */
		uint64_t put, got;
	} pipe[PIPES_MAX];
} model;

void files_open(void)
{
	memset(&model, 0, sizeof model);
	memset(model.fd, NONE, sizeof model.fd);
	memset(model.name, NONE, sizeof model.name);
}

/* --- open files ------------------------------------------------------------------------------- */

static void drop(uint8_t n)
{
	if (n == NONE || --model.open[n].holders != 0) return;
	const uint8_t of = model.open[n].of;
	if (model.open[n].kind == OPEN_FILE) model.file[of].opens--;
	if (model.open[n].kind == OPEN_READER) model.pipe[of].readers--;
	if (model.open[n].kind == OPEN_WRITER) model.pipe[of].writers--;
	model.open[n].kind = OPEN_NOTHING;
}

static uint8_t open_new(enum open_kind kind, unsigned of, uint32_t flags)
{
	uint8_t n = 0;

	while (n < OPEN_MAX && model.open[n].kind != OPEN_NOTHING) n++;
	ASSERT(n < OPEN_MAX);
	model.open[n].kind = (uint8_t)kind;
	model.open[n].of = (uint8_t)of;
	model.open[n].holders = 1;
	model.open[n].flags = flags;
	model.open[n].offset = 0;
	return n;
}

void files_forked(unsigned from, unsigned to)
{
	model.exec[to] = model.exec[from];
	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		model.fd[to][i] = model.fd[from][i];
		if (model.fd[to][i] != NONE) model.open[model.fd[to][i]].holders++;
	}
}

void files_gone(unsigned group)
{
	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		drop(model.fd[group][i]);
		model.fd[group][i] = NONE;
	}
}

static int lowest_free(unsigned group, unsigned from)
{
	while (from < DESCRIPTORS && model.fd[group][from] != NONE) from++;
	return from < DESCRIPTORS ? (int)from : -ERR_MFILE;
}

int descriptor_free(unsigned group)
{
	return lowest_free(group, 0);
}

/* A descriptor stands for something else now. */
static void put_fd(unsigned group, int64_t fd, uint8_t open, bool exec)
{
	const uint8_t bit = (uint8_t)(1u << fd);

	model.fd[group][fd] = open;
	model.exec[group] = (uint8_t)(exec ? model.exec[group] | bit : model.exec[group] & ~bit);
}

/* The open file of descriptor aux, of the actor's group; NONE: there is none.  From DESCRIPTORS + 1
 * on it is the first that is open, from those less on. */
static uint8_t open_of(const struct script_op *op, unsigned by, unsigned *fd)
{
	const uint8_t *of = model.fd[group_number(by)];

	*fd = op->aux % FD_NAMES;
	if (*fd <= DESCRIPTORS) return *fd == DESCRIPTORS ? NONE : of[*fd];
	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		*fd = (op->aux % FD_NAMES - DESCRIPTORS - 1 + i) % DESCRIPTORS;
		if (of[*fd] != NONE) break;
	}
	return of[*fd];
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int64_t open_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const uint64_t path = '/' | (uint64_t)'f' << 8 | ('0' + arg[1]) << 16;

	if (program_store(run, arg[0], path) != FAULT_DONE) kpanic(ORACLE_SPACE, "no path");
	if (arg[3] != 0) return call(t, SYS_unlinkat, (uint64_t)AT_FDCWD, arg[0], 0, 0, 0, 0);
	return call(t, SYS_openat, (uint64_t)AT_FDCWD, arg[0], arg[2], 0644, 0, 0);
}

/* What was cut off is zeroes if the file becomes longer again. */
static void resize(uint8_t file, uint32_t size)
{
	const uint32_t was = model.file[file].size;

	if (size < was) memset(model.file[file].bytes + size, 0, was - size);
	model.file[file].size = size;
}

static unsigned file_new(void)
{
	unsigned n = 0;

	while (n < FILES_MAX && (model.file[n].named || model.file[n].opens != 0)) n++;
	ASSERT(n < FILES_MAX);
	memset(&model.file[n], 0, sizeof model.file[n]);
	model.file[n].named = true;
	return n;
}

/* Linux's order: a descriptor is taken before the name is looked for. */
static int64_t open_meant(unsigned group, unsigned name, uint32_t flags)
{
	const int fd = lowest_free(group, 0);
	const bool there = model.name[name] != NONE;

	if (fd < 0) return fd;
	if (!there && (flags & O_CREAT) == 0) return -ERR_NOENT;
	if (there && (flags & O_EXCL) != 0) return -ERR_EXIST;
	if (!there) model.name[name] = (uint8_t)file_new();
	const uint8_t file = model.name[name];
	if ((flags & O_TRUNC) != 0) resize(file, 0);
	model.file[file].opens++;
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
	return model.name[name] != NONE;
}

void name_gone(unsigned name)
{
	model.file[model.name[name]].named = false;
	model.name[name] = NONE;
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
		model.open[n].holders++;
		drop(model.fd[group][expected]);
		put_fd(group, expected, n, mark != 0);
	}
	const int64_t answer = to == 0 ? call_by(run, by, SYS_dup, fd, 0, 0, 0)
				       : call_by(run, by, SYS_dup3, fd, to - 1, mark, 0);
	judge(run, to == 0 ? "dup" : "dup3", answer, expected);
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
	if (n != NONE && what == 0) expected = model.exec[group] >> fd & 1;
	if (n != NONE && (what == 1 || what == 2)) put_fd(group, fd, n, what == 1);
	if (n != NONE && what == 3) expected = lowest_free(group, 0);
	if (n != NONE && what == 3 && expected >= 0) {
		model.open[n].holders++;
		put_fd(group, expected, n, true);
	}
	const uint64_t with = what == 1 ? FD_CLOEXEC : 0;
	judge(run, "fcntl", call_by(run, by, SYS_fcntl, fd, calls[what], with, 0), expected);
}

static int64_t pipe_act(struct run *run, struct task *t, const uint64_t *arg)
{
	uint64_t both = 0;
	const int64_t answer = call(t, SYS_pipe2, arg[0], O_NONBLOCK, 0, 0, 0, 0);

	if (answer != 0) return answer;
	if (program_load(run, arg[0], &both) != FAULT_DONE) kpanic(ORACLE_SPACE, "no descriptors");
	return (int64_t)both;
}

static unsigned pipe_new(void)
{
	unsigned n = 0;

	while (n < PIPES_MAX && model.pipe[n].readers + model.pipe[n].writers != 0) n++;
	ASSERT(n < PIPES_MAX);
	model.pipe[n].readers = model.pipe[n].writers = 1;
	model.pipe[n].put = model.pipe[n].got = 0;
	return n;
}

void makes_pipe(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const uint64_t arg[] = { scratch_of(by) };

	const unsigned group = group_number(by);
	const int first = lowest_free(group, 0);
	const int second = first < 0 ? first : lowest_free(group, (unsigned)first + 1);
	int64_t expected = -ERR_MFILE;
	if (second >= 0) {
		const unsigned pipe = pipe_new();
		expected = (int64_t)second << 32 | first;
		put_fd(group, first, open_new(OPEN_READER, pipe, O_RDONLY), false);
		put_fd(group, second, open_new(OPEN_WRITER, pipe, O_WRONLY), false);
	}
	if (expected < 0) run_sometimes(run, SAW_TABLE_FULL);
	judge(run, "pipe2", act(run, by, pipe_act, arg), expected);
}

/* --- contents --------------------------------------------------------------------------------- */

static uint8_t pipe_byte(unsigned pipe, uint64_t n)
{
	return (uint8_t)(n * 31 + n / 251 + pipe);
}

static uint8_t file_byte(uint32_t seed, uint64_t n)
{
	return (uint8_t)(seed * 7 + n);
}

/* How many bytes an operation moves: bits 8 and up of its arg; and whether it names memory that is
 * not there: 3 of the lower ones. */
static uint32_t amount_of(const struct script_op *op)
{
	return (op->arg >> 8) % (PIECE_BYTES + 1);
}

static bool points_nowhere(const struct script_op *op)
{
	return (op->arg & 7) == 7;
}

static bool can(uint8_t n, bool write)
{
	const uint32_t access = model.open[n].flags & O_ACCMODE;

	return write ? access != O_RDONLY : access != O_WRONLY;
}

/* `to` NULL: where nothing is. */
static int64_t read_meant(struct run *run, uint8_t n, uint32_t bytes, uint8_t *to)
{
	if (n == NONE || !can(n, false)) return -ERR_BADF;
	const uint8_t of = model.open[n].of;
	if (model.open[n].kind == OPEN_FILE) {
		const uint64_t at = min_u64(model.open[n].offset, model.file[of].size);
		const uint64_t count = min_u64(bytes, model.file[of].size - at);
		if (to == NULL && count != 0) return -ERR_FAULT;
		if (count == 0) return 0;
		memcpy(to, model.file[of].bytes + at, count);
		model.open[n].offset += count;
		if (!model.file[of].named && count > 0) run_sometimes(run, SAW_UNLINKED);
		return (int64_t)count;
	}
	const uint64_t there = model.pipe[of].put - model.pipe[of].got;
	if (bytes == 0) return 0;
	if (there == 0 && model.pipe[of].writers == 0) run_sometimes(run, SAW_PIPE_END);
	if (there == 0) return model.pipe[of].writers == 0 ? 0 : -ERR_AGAIN;
	if (to == NULL) return -ERR_FAULT;
	const uint64_t count = min_u64(bytes, there);
	for (uint64_t i = 0; i < count; i++) to[i] = pipe_byte(of, model.pipe[of].got + i);
	model.pipe[of].got += count;
	return (int64_t)count;
}

static int64_t read_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const int64_t answer = call(t, SYS_read, arg[0], arg[1], arg[2], 0, 0, 0);

	if (answer > (int64_t)PIECE_BYTES) kpanic(ORACLE_ERRNO, "more was read than asked for");
	if (answer > 0) program_get(run, (void *)(uintptr_t)arg[3], arg[1], (size_t)answer);
	return answer;
}

void makes_read(struct run *run, const struct script_op *op)
{
	static uint8_t wanted[PIECE_BYTES], got[PIECE_BYTES];
	const unsigned by = by_of(op);
	const uint32_t bytes = amount_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	const bool nowhere = points_nowhere(op);
	const int64_t expected = read_meant(run, n, bytes, nowhere ? NULL : wanted);
	const uint64_t at = nowhere ? NOWHERE : scratch_of(by) + 1024;
	const uint64_t arg[] = { fd, at, bytes, (uintptr_t)got };
	if (expected == -ERR_FAULT) run_sometimes(run, SAW_BAD_POINTER);
	judge(run, "read", act(run, by, read_act, arg), expected);
	if (expected > 0 && memcmp(got, wanted, (size_t)expected) != 0)
		kpanic(ORACLE_CONTENT, "read gives other bytes than were written");
}

/* Whether a write there stays within what the model keeps. */
static bool fits(uint8_t n, uint32_t bytes)
{
	if (n == NONE || model.open[n].kind != OPEN_FILE) return true;
	const bool appends = (model.open[n].flags & O_APPEND) != 0;
	const uint64_t at = appends ? model.file[model.open[n].of].size : model.open[n].offset;
	return at + bytes <= FILE_BYTES;
}

/* `from` NULL: where nothing is. */
static int64_t write_meant(struct run *run, uint8_t n, uint32_t bytes, const uint8_t *from)
{
	if (n == NONE || !can(n, true)) return -ERR_BADF;
	const uint8_t of = model.open[n].of;
	if (bytes == 0) return 0;
	if (model.open[n].kind == OPEN_FILE) {
		if (from == NULL) return -ERR_FAULT;
		if ((model.open[n].flags & O_APPEND) != 0)
			model.open[n].offset = model.file[of].size;
		memcpy(model.file[of].bytes + model.open[n].offset, from, bytes);
		model.open[n].offset += bytes;
		model.file[of].size = (uint32_t)max_u64(model.file[of].size, model.open[n].offset);
		return bytes;
	}
	if (model.pipe[of].readers == 0) {
		run_sometimes(run, SAW_PIPE_BROKEN);
		return -ERR_PIPE;
	}
	if (PIPE_ROOM - (model.pipe[of].put - model.pipe[of].got) < bytes) {
		run_sometimes(run, SAW_PIPE_FULL);
		return -ERR_AGAIN;
	}
	if (from == NULL) return -ERR_FAULT;
	model.pipe[of].put += bytes;
	return bytes;
}

static int64_t write_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const void *from = (void *)(uintptr_t)arg[3];

	if (arg[1] != NOWHERE) program_put(run, arg[1], from, (size_t)arg[2]);
	return call(t, SYS_write, arg[0], arg[1], arg[2], 0, 0, 0);
}

void makes_write(struct run *run, const struct script_op *op)
{
	static uint8_t from[PIECE_BYTES];
	const unsigned by = by_of(op);
	const uint32_t bytes = amount_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	if (!fits(n, bytes)) return;
	const bool pipe = n != NONE && model.open[n].kind != OPEN_FILE;
	for (uint32_t i = 0; i < bytes; i++)
		from[i] = pipe ? pipe_byte(model.open[n].of, model.pipe[model.open[n].of].put + i)
			       : file_byte(op->arg, i);
	const bool nowhere = points_nowhere(op);
	const int64_t expected = write_meant(run, n, bytes, nowhere ? NULL : from);
	const uint64_t at = nowhere ? NOWHERE : scratch_of(by) + 1024;
	const uint64_t arg[] = { fd, at, bytes, (uintptr_t)from };
	if (expected == -ERR_FAULT) run_sometimes(run, SAW_BAD_POINTER);
	judge(run, "write", act(run, by, write_act, arg), expected);
}

/* Pieces into a pipe, from a position on, until one is refused: how many went. */
static int64_t fill_act(struct run *run, struct task *t, const uint64_t *arg)
{
	static uint8_t from[PIECE_BYTES];
	int64_t pieces = 0, answer;

	do {
		const uint64_t at = arg[3] + (uint64_t)pieces * PIECE_BYTES;
		for (unsigned i = 0; i < PIECE_BYTES; i++)
			from[i] = pipe_byte((unsigned)arg[2], at + i);
		const uint64_t write[] = { arg[0], arg[1], PIECE_BYTES, (uintptr_t)from };
		answer = write_act(run, t, write);
		pieces += answer == PIECE_BYTES;
	} while (answer == PIECE_BYTES);
	return answer == -ERR_AGAIN ? pieces : answer;
}

/* All that there is room for, in whole pieces. */
void makes_fill(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	if (n == NONE || model.open[n].kind != OPEN_WRITER) return;
	const uint8_t of = model.open[n].of;
	if (model.pipe[of].readers == 0) return;
	const uint64_t room = PIPE_ROOM - (model.pipe[of].put - model.pipe[of].got);
	const uint64_t arg[] = { fd, scratch_of(by) + 1024, of, model.pipe[of].put };
	model.pipe[of].put += room / PIECE_BYTES * PIECE_BYTES;
	run_sometimes(run, SAW_PIPE_FULL);
	judge(run, "filling a pipe", act(run, by, fill_act, arg), (int64_t)(room / PIECE_BYTES));
}

/* --- offsets and sizes ------------------------------------------------------------------------ */

void makes_seek(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const uint32_t whence = op->arg % 4;
	const int64_t distance = (int64_t)((op->arg >> 8) % 3000) - 500;
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	int64_t expected = -ERR_BADF;
	if (n != NONE && model.open[n].kind != OPEN_FILE) expected = -ERR_SPIPE;
	if (n != NONE && model.open[n].kind == OPEN_FILE) {
		const int64_t base = whence == WHENCE_SET ? 0
				     : whence == WHENCE_CUR
					     ? (int64_t)model.open[n].offset
					     : (int64_t)model.file[model.open[n].of].size;
		if (whence > WHENCE_END) return; /* data and holes: not in this model */
		expected = base + distance < 0 ? -ERR_INVAL : base + distance;
		if (expected >= 0) model.open[n].offset = (uint64_t)expected;
	}
	if (whence > WHENCE_END && n == NONE) expected = -ERR_BADF;
	judge(run, "lseek", call_by(run, by, SYS_lseek, fd, (uint64_t)distance, whence, 0),
	      expected);
}

void makes_truncate(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const uint32_t size = (op->arg >> 8) % FILE_BYTES;
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	int64_t expected = -ERR_BADF;
	if (n != NONE) {
		const uint8_t of = model.open[n].of;
		const bool may = model.open[n].kind == OPEN_FILE && can(n, true);
		expected = may ? 0 : -ERR_INVAL;
		if (may) resize(of, size);
	}
	judge(run, "ftruncate", call_by(run, by, SYS_ftruncate, fd, size, 0, 0), expected);
}
