/*
 * syscall_files.c -- subject syscall: descriptors, and the model of what they stand for.
 *
 * A descriptor leads to an open file, which several may share, after dup() or a fork; that has an
 * offset, and leads to a node of the tree (syscall_tree.c) or to an end of a pipe.  Beside each
 * descriptor is whether execve closes it, which a fork copies, and dup() does not.
 */
#include "fuzz/syscall_files.h"

struct files_model files_model;

void files_open(void)
{
	memset(&files_model, 0, sizeof files_model);
	memset(files_model.fd, NONE, sizeof files_model.fd);
	files_model.node[ROOT].kind = NODE_FOLDER;
	files_model.node[ROOT].links = 1;
	memset(files_model.node[ROOT].entry, NONE, NAMES);
}

/* --- open files ------------------------------------------------------------------------------- */

static void drop(uint8_t n)
{
	if (n == NONE || --files_model.open[n].holders != 0) return;
	const uint8_t of = files_model.open[n].of, node = files_model.open[n].node;
	if (files_model.open[n].kind == OPEN_PIPE) {
		files_model.pipe[of].readers -= can(n, false);
		files_model.pipe[of].writers -= can(n, true);
		const bool last = files_model.pipe[of].readers + files_model.pipe[of].writers == 0;
		if (last && node != NONE) files_model.node[node].pipe = NONE;
	}
	files_model.open[n].kind = OPEN_NOTHING;
	if (node == NONE) return;
	locks_of_open_end(node, n);
	node_let_go(node);
}

/* A descriptor of a group stands for `n` no more: so ends what the group has locked there. */
static void let_fd_go(unsigned group, uint8_t n)
{
	if (n != NONE && files_model.open[n].node != NONE)
		locks_end(files_model.open[n].node, group);
	drop(n);
}

uint8_t open_new(enum open_kind kind, unsigned of, uint32_t flags)
{
	uint8_t n = 0;

	while (n < OPEN_MAX && files_model.open[n].kind != OPEN_NOTHING) n++;
	ASSERT(n < OPEN_MAX);
	files_model.open[n].kind = (uint8_t)kind;
	files_model.open[n].of = (uint8_t)of;
	files_model.open[n].node = kind == OPEN_PIPE ? NONE : (uint8_t)of;
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
	cwd_forked(from, to);
}

void files_gone(unsigned group)
{
	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		let_fd_go(group, files_model.fd[group][i]);
		files_model.fd[group][i] = NONE;
	}
	cwd_gone(group);
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

void copy_fd(unsigned group, int64_t fd, uint8_t n, bool exec)
{
	files_model.open[n].holders++;
	let_fd_go(group, files_model.fd[group][fd]);
	put_fd(group, fd, n, exec);
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

uint8_t open_near(const struct script_op *op, unsigned by, bool named, unsigned *fd)
{
	const uint8_t *of = files_model.fd[group_number(by)];
	const unsigned from = op->aux % FD_NAMES;
	unsigned next = DESCRIPTORS;

	*fd = DESCRIPTORS;
	if (from == DESCRIPTORS) return NONE;
	for (unsigned i = DESCRIPTORS; i > 0; i--) {
		const unsigned at = (from + i) % DESCRIPTORS;
		if (of[at] == NONE) continue;
		*fd = at;
		if (files_model.open[of[at]].node != NONE) next = at;
	}
	if (named && next != DESCRIPTORS) *fd = next;
	return *fd == DESCRIPTORS ? NONE : of[*fd];
}

void judge_flag(struct run *run, unsigned by, int64_t fd)
{
	const int64_t expected = files_model.exec[group_number(by)] >> fd & 1;

	judge(run, "fcntl", call_by(run, by, SYS_fcntl, (uint64_t)fd, F_GETFD, 0, 0), expected);
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int64_t open_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const uint64_t path = path_text((unsigned)arg[1]);

	if (program_store(run, arg[0], path) != FAULT_DONE) kpanic(ORACLE_SPACE, "no path");
	if (arg[3] != 0) return call(t, SYS_unlinkat, (uint64_t)AT_FDCWD, arg[0], 0, 0, 0, 0);
	return call(t, SYS_openat, (uint64_t)AT_FDCWD, arg[0], arg[2], 0644, 0, 0);
}

/* What is there may be opened so: 0 or an error. */
static int64_t open_refused(const struct model_node *of, uint32_t flags)
{
	const uint32_t access = flags & O_ACCMODE;
	const bool folder = of->kind == NODE_FOLDER;

	if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return -ERR_EXIST;
	if ((flags & O_CREAT) != 0 && folder) return -ERR_ISDIR;
	if ((flags & O_DIRECTORY) != 0 && !folder) return -ERR_NOTDIR;
	if (of->kind == NODE_LINK) return -ERR_LOOP;
	if (folder && (access != O_RDONLY || (flags & O_TRUNC) != 0)) return -ERR_ISDIR;
	if (of->kind != NODE_FIFO || access != O_WRONLY) return 0;
	return of->pipe == NONE || files_model.pipe[of->pipe].readers == 0 ? -ERR_NXIO : 0;
}

static uint8_t open_fifo(uint8_t node, uint32_t flags)
{
	struct model_node *of = &files_model.node[node];

	if (of->pipe == NONE) of->pipe = (uint8_t)pipe_new();
	const uint8_t n = open_new(OPEN_PIPE, of->pipe, flags);
	files_model.open[n].node = node;
	files_model.pipe[of->pipe].readers += can(n, false);
	files_model.pipe[of->pipe].writers += can(n, true);
	return n;
}

/* Linux's order: a descriptor is taken before the path is walked. */
int64_t open_meant(struct run *run, unsigned group, unsigned path, uint32_t flags)
{
	const int fd = lowest_free(group, 0);
	const bool fresh = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	struct walked w;

	if (fd < 0) return fd;
	const int error = tree_walk(run, group, path, (flags & O_NOFOLLOW) == 0 && !fresh, &w);
	if (error != 0) return error;
	if (w.node == NONE) {
		if ((flags & O_CREAT) == 0 || folder_dead(w.folder)) return -ERR_NOENT;
		w.node = node_new(NODE_FILE);
		node_enter(&w, w.node);
	} else {
		const int64_t refused = open_refused(&files_model.node[w.node], flags);
		if (refused != 0) return refused;
	}
	const uint8_t kind = files_model.node[w.node].kind;
	if (kind == NODE_FILE && (flags & O_TRUNC) != 0) file_resize(w.node, 0);
	files_model.node[w.node].holds++;
	const uint8_t n =
		kind == NODE_FIFO
			? open_fifo(w.node, flags)
			: open_new(kind == NODE_FOLDER ? OPEN_FOLDER : OPEN_FILE, w.node, flags);
	put_fd(group, fd, n, (flags & O_CLOEXEC) != 0);
	return fd;
}

/* Nobody waits here until a fifo's other end is open. */
static uint32_t never_waiting(unsigned name)
{
	const uint8_t node = files_model.node[ROOT].entry[name];
	struct walked w;

	if (node == NONE || files_model.node[node].kind == NODE_FILE) return 0;
	if (tree_walk(NULL, 0, 2 * name, true, &w) != 0 || w.node == NONE) return 0;
	return files_model.node[w.node].kind == NODE_FIFO ? O_NONBLOCK : 0;
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
	const uint32_t flags = hows[op->arg % COUNT_OF(hows)] | mark | never_waiting(name);

	const int64_t expected = open_meant(run, group_number(by), 2 * name, flags);
	const uint64_t arg[] = { scratch_of(by), 2 * name, flags, 0 };
	if (expected == -ERR_MFILE) run_sometimes(run, SAW_TABLE_FULL);
	judge(run, "openat", act(run, by, open_act, arg), expected);
	if (expected >= 0) judge_flag(run, by, expected);
}

void makes_reach(struct run *run, const struct script_op *op)
{
	static const uint32_t hows[] = {
		O_RDONLY,
		O_RDWR | O_CREAT,
		O_RDONLY | O_DIRECTORY,
		O_RDWR,
		O_WRONLY,
		O_RDONLY | O_NOFOLLOW,
		O_RDWR | O_CREAT | O_EXCL,
		O_WRONLY | O_CREAT | O_APPEND,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
		O_RDWR | O_TRUNC,
	};
	const unsigned by = by_of(op), path = path_near(group_number(by), op->aux, true);
	const uint32_t flags = hows[op->arg % COUNT_OF(hows)] | O_NONBLOCK;

	if ((flags & O_CREAT) != 0 && tree_crowded()) return;
	const int64_t expected = open_meant(run, group_number(by), path, flags);
	const uint64_t arg[] = { scratch_of(by), path, flags, 0 };
	if (expected >= 0 &&
	    files_model.open[files_model.fd[group_number(by)][expected]].kind == OPEN_PIPE)
		run_sometimes(run, SAW_FIFO);
	judge(run, "openat", act(run, by, open_act, arg), expected);
}

void makes_unlink(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op), name = op->aux % NAMES;
	const uint64_t arg[] = { scratch_of(by), 2 * name, 0, 1 };
	const uint8_t node = files_model.node[ROOT].entry[name];
	int64_t expected = -ERR_NOENT;

	if (node != NONE) expected = files_model.node[node].kind == NODE_FOLDER ? -ERR_ISDIR : 0;
	if (expected == 0) node_leave(ROOT, name);
	judge(run, "unlinkat", act(run, by, open_act, arg), expected);
}

void makes_close(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	if (n != NONE) put_fd(group_number(by), fd, NONE, false);
	let_fd_go(group_number(by), n);
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
		copy_fd(group, expected, n, mark != 0);
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
		copy_fd(group, expected, n, true);
	}
	const uint64_t with = what == 1 ? FD_CLOEXEC : 0;
	judge(run, "fcntl", call_by(run, by, SYS_fcntl, fd, calls[what], with, 0), expected);
}

/* Descriptors from one on, and flags that an open file has for all of them. */
void makes_copy(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op), what = op->arg % 4;
	const uint64_t from = (op->arg >> 2) % (DESCRIPTORS + 2);
	const unsigned group = group_number(by);
	unsigned fd;

	const uint8_t n = open_near(op, by, false, &fd);
	uint32_t command = F_GETFL;
	uint64_t with = 0;
	int64_t expected = -ERR_BADF;
	if (what < 2) {
		command = what == 0 ? F_DUPFD : F_DUPFD_CLOEXEC;
		with = from;
		if (n != NONE)
			expected = from >= DESCRIPTORS ? -ERR_INVAL
						       : lowest_free(group, (unsigned)from);
		if (expected >= 0) copy_fd(group, expected, n, what == 1);
	} else if (n != NONE && what == 2) {
		command = F_SETFL;
		with = (files_model.open[n].flags & O_NONBLOCK) | ((from & 1) != 0 ? O_APPEND : 0);
		files_model.open[n].flags =
			(files_model.open[n].flags & ~(uint32_t)O_APPEND) | (uint32_t)with;
		expected = 0;
	} else if (n != NONE) {
		const uint32_t once = O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC;
		const bool named = files_model.open[n].node != NONE;
		expected =
			(int64_t)((files_model.open[n].flags & ~once) | (named ? O_LARGEFILE : 0));
	}
	judge(run, "fcntl", call_by(run, by, SYS_fcntl, fd, command, with, 0), expected);
}
