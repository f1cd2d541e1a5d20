/*
 * open.c -- openat, close, dup and fcntl: descriptors and what they stand for.
 *
 * As in Linux a descriptor is taken before the path is walked, so that a full table makes no file;
 * and given back when there is nothing to put there.
 *
 * Cost: openat the walk and one kmalloc; the others O(1).
 */
#include "kernel/syscall/open.h"

#include "kernel/file/pipe.h"
#include "kernel/syscall/file_args.h"
#include "kernel/syscall/lock.h"

/* All that openat() knows; it ignores the rest. */
enum {
	OPEN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK |
		     O_SYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW |
		     O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE,
	PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC,
	SETFL_FLAGS = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC,
};

static int64_t open_path(struct task *t, struct at *a, uint32_t flags, uint32_t mode)
{
	struct file_table *files = task_files(t);
	const int fd = file_table_take(files, 0, descriptors_most(t), (flags & O_CLOEXEC) != 0);
	int error;

	if (fd < 0) return fd;
	struct file *f = tree_open(&a->view, a->path, flags, mode & ~t->group->umask, &error);
	if (f == NULL) {
		file_table_give_back(files, fd);
		return error;
	}
	file_table_put(files, fd, f);
	return fd;
}

int64_t sys_openat(struct task *t, const uint64_t *arg)
{
	uint32_t flags = (uint32_t)arg[2] & OPEN_FLAGS;
	struct at a;

	if ((flags & O_TMPFILE & ~O_DIRECTORY) != 0 &&
	    ((flags & (O_DIRECTORY | O_CREAT)) != O_DIRECTORY || (flags & O_ACCMODE) == 0))
		return -ERR_INVAL;
	flags = (flags & O_PATH) != 0 ? flags & PATH_FLAGS : flags | O_LARGEFILE;
	const int error = at_open(&a, t, arg[0], arg[1], false);
	if (error != 0) return error;
	const int64_t answer = open_path(t, &a, flags, (uint32_t)arg[3] & S_PERMISSIONS);
	at_close(&a);
	return answer;
}

int64_t sys_close(struct task *t, const uint64_t *arg)
{
	return file_table_close(task_files(t), (int32_t)arg[0]);
}

int64_t sys_close_range(struct task *t, const uint64_t *arg)
{
	const uint32_t first = (uint32_t)arg[0], last = (uint32_t)arg[1], flags = (uint32_t)arg[2];

	if ((flags & ~(uint32_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0 || first > last)
		return -ERR_INVAL;
	const int wrong = (flags & CLOSE_RANGE_UNSHARE) != 0 ? task_files_unshare(t) : 0;
	if (wrong != 0) return wrong;
	file_table_close_range(task_files(t), first, last, (flags & CLOSE_RANGE_CLOEXEC) != 0);
	return 0;
}

/* --- copies ----------------------------------------------------------------------------------- */

static int64_t dup_from(struct task *t, struct file *f, uint64_t from, bool close_on_exec)
{
	const int fd = file_table_add(task_files(t), file_hold(f), from, descriptors_most(t),
				      close_on_exec);

	if (fd < 0) file_drop(f);
	return fd;
}

int64_t sys_dup(struct task *t, const uint64_t *arg)
{
	struct file *f = file_arg(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const int64_t fd = dup_from(t, f, 0, false);
	file_drop(f);
	return fd;
}

int64_t sys_dup3(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[2];

	if ((flags & ~(uint32_t)O_CLOEXEC) != 0 || (uint32_t)arg[0] == (uint32_t)arg[1])
		return -ERR_INVAL;
	struct file *f = file_arg(t, arg[0]);
	if (f == NULL) return -ERR_BADF;
	const int fd = file_table_replace(task_files(t), (uint32_t)arg[1], f, descriptors_most(t),
					  (flags & O_CLOEXEC) != 0);
	if (fd < 0) file_drop(f);
	return fd;
}

/* --- pipes ------------------------------------------------------------------------------------ */

/* Both descriptors taken, told to the program, and then in use: a program that cannot be told has
 * none. */
static int64_t pipe_give(struct task *t, struct file *const ends[2], uint64_t to,
			 bool close_on_exec)
{
	struct file_table *files = task_files(t);
	int32_t fds[2];

	for (int i = 0; i < 2; i++) {
		fds[i] = file_table_take(files, 0, descriptors_most(t), close_on_exec);
		if (fds[i] >= 0) continue;
		if (i != 0) file_table_give_back(files, fds[0]);
		return fds[i];
	}
	const int error = to_user(t, to, fds, sizeof fds);
	for (int i = 0; i < 2; i++) {
		if (error == 0)
			file_table_put(files, fds[i], file_hold(ends[i]));
		else
			file_table_give_back(files, fds[i]);
	}
	return error;
}

int64_t sys_pipe2(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[1];
	struct file *ends[2];

	if ((flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0) return -ERR_INVAL;
	int64_t answer = pipe_open(tree_of(t)->config.files, flags & ~(uint32_t)O_CLOEXEC, &ends[0],
				   &ends[1]);
	if (answer != 0) return answer;
	answer = pipe_give(t, ends, arg[0], (flags & O_CLOEXEC) != 0);
	file_drop(ends[0]);
	file_drop(ends[1]);
	return answer;
}

/* --- fcntl and ioctl -------------------------------------------------------------------------- */

/* Flags that may change while a file is open. */
static void set_flags(struct file *f, uint32_t flags, uint32_t mask)
{
	uint32_t was;

	do was = atomic_load_u32(&f->flags);
	while (!atomic_change_u32(&f->flags, was, (was & ~mask) | (flags & mask)));
}

static int64_t fcntl_dup(struct task *t, struct file *f, uint64_t from, bool close_on_exec)
{
	if ((int32_t)from < 0 || (uint32_t)from >= descriptors_most(t)) return -ERR_INVAL;
	return dup_from(t, f, (uint32_t)from, close_on_exec);
}

static int64_t fcntl_set_flags(struct task *t, struct file *f, uint32_t flags)
{
	const struct ids who = task_ids(t);
	const bool fresh = (flags & ~atomic_load_u32(&f->flags) & O_NOATIME) != 0;

	if (fresh && f->node != NULL && node_owned(f->node, &who) != 0) return -ERR_PERM;
	set_flags(f, flags, SETFL_FLAGS);
	return 0;
}

static int64_t fcntl_file(struct task *t, struct file *f, const uint64_t *arg)
{
	const bool path_only = (atomic_load_u32(&f->flags) & O_PATH) != 0;

	switch ((uint32_t)arg[1]) {
	case F_DUPFD: return fcntl_dup(t, f, arg[2], false);
	case F_DUPFD_CLOEXEC: return fcntl_dup(t, f, arg[2], true);
	case F_GETFD: return file_table_flag(task_files(t), (int32_t)arg[0]);
	case F_SETFD:
		return file_table_set_flag(task_files(t), (int32_t)arg[0],
					   (arg[2] & FD_CLOEXEC) != 0);
	case F_GETFL: return atomic_load_u32(&f->flags);
	default: break;
	}
	if (path_only) return -ERR_BADF;
	switch ((uint32_t)arg[1]) {
	case F_SETFL: return fcntl_set_flags(t, f, (uint32_t)arg[2]);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW: return lock_record(t, f, arg);
	case F_SETOWN:
	case F_GETOWN: return 0;
	case F_GETPIPE_SZ: return file_is_pipe(f) ? PIPE_BYTES : -ERR_BADF;
	default: return -ERR_INVAL;
	}
}

int64_t sys_fcntl(struct task *t, const uint64_t *arg)
{
	struct file *f = file_arg(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const int64_t answer = fcntl_file(t, f, arg);
	file_drop(f);
	return answer;
}

/* What a regular file has left behind its offset. */
static int64_t ioctl_left(struct task *t, struct file *f, uint64_t to)
{
	const int64_t here = file_seek(f, 0, WHENCE_CUR);

	if (here < 0) return here;
	const int32_t left = (int32_t)((int64_t)node_size(f->node) - here);
	return to_user(t, to, &left, sizeof left);
}

static int64_t ioctl_file(struct task *t, struct file *f, const uint64_t *arg)
{
	const uint32_t request = (uint32_t)arg[1];
	int32_t on;

	switch (request) {
	case FIOCLEX: return file_table_set_flag(task_files(t), (int32_t)arg[0], true);
	case FIONCLEX: return file_table_set_flag(task_files(t), (int32_t)arg[0], false);
	case FIONBIO:
		if (from_user(t, &on, arg[2], sizeof on) != 0) return -ERR_FAULT;
		set_flags(f, on != 0 ? O_NONBLOCK : 0, O_NONBLOCK);
		return 0;
	case FIONREAD:
		if (f->node != NULL && node_kind(f->node) == S_IFREG && f->ops->map != NULL)
			return ioctl_left(t, f, arg[2]);
		break;
	default: break;
	}
	return f->ops->control == NULL ? -ERR_NOTTY
				       : f->ops->control(f, space_of(t), request, arg[2]);
}

int64_t sys_ioctl(struct task *t, const uint64_t *arg)
{
	struct file *f = file_arg_real(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const int64_t answer = ioctl_file(t, f, arg);
	file_drop(f);
	return answer;
}
