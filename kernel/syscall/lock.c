/*
 * lock.c -- flock, and fcntl's locks on ranges of bytes.
 *
 * The order of the checks is Linux's (fs/locks.c): the structure is read, its range and then its
 * type are looked at, then whether the file was opened for that.  A record that another thread's
 * close was too fast for is given up again, so that none outlasts the process's last descriptor.
 *
 * Cost: kernel/file/file_lock.c's.
 */
#include "kernel/syscall/lock.h"

#include "kernel/file/file_lock.h"
#include "kernel/syscall/file_args.h"

int64_t sys_flock(struct task *t, const uint64_t *arg)
{
	const uint32_t how = (uint32_t)arg[1] & ~(uint32_t)LOCK_NB;

	if (how != LOCK_SH && how != LOCK_EX && how != LOCK_UN) return -ERR_INVAL;
	struct file *f = file_arg_real(t, arg[0]);
	if (f == NULL) return -ERR_BADF;
	const struct file_lock want = {
		.owner = f,
		.pid = t->group->pid,
		.whole = true,
		.type = how == LOCK_SH   ? F_RDLCK
			: how == LOCK_EX ? F_WRLCK
					 : F_UNLCK,
		.end = INT64_MAX,
	};
	const int answer = file_lock_set(f, &want, ((uint32_t)arg[1] & LOCK_NB) == 0);
	file_drop(f);
	return answer;
}

/* --- records ---------------------------------------------------------------------------------- */

/* Where a range counts from; an error below 0. */
static int64_t range_base(struct file *f, int16_t whence)
{
	switch (whence) {
	case WHENCE_SET: return 0;
	case WHENCE_CUR: return f->ops->has_place ? file_seek(f, 0, WHENCE_CUR) : 0;
	case WHENCE_END: return f->node == NULL ? 0 : (int64_t)node_size(f->node);
	default: return -ERR_INVAL;
	}
}

static int range_arg(struct file *f, const struct abi_flock *l, struct file_lock *out)
{
	const int64_t base = range_base(f, l->whence);
	int64_t start;

	if (base < 0) return (int)base;
	if (__builtin_add_overflow(base, l->start, &start)) return -ERR_OVERFLOW;
	if (start < 0) return -ERR_INVAL;
	if (l->length > 0 && l->length - 1 > INT64_MAX - start) return -ERR_OVERFLOW;
	if (l->length < 0 && start + l->length < 0) return -ERR_INVAL;
	out->start = (uint64_t)(l->length < 0 ? start + l->length : start);
	out->end = INT64_MAX;
	if (l->length != 0)
		out->end = (uint64_t)(l->length < 0 ? start - 1 : start + l->length - 1);
	return 0;
}

static bool is_of_file(uint32_t command)
{
	return command >= F_OFD_GETLK;
}

/* The record that a program asks for. */
static int record_arg(struct task *t, struct file *f, uint32_t command, const struct abi_flock *l,
		      struct file_lock *out)
{
	const bool of_file = is_of_file(command);

	*out = (struct file_lock){
		.owner = of_file ? (const void *)f : task_files(t),
		.pid = of_file ? -1 : t->group->pid,
		.by_process = !of_file,
		.type = (uint8_t)l->type,
	};
	const int error = range_arg(f, l, out);
	if (error != 0) return error;
	return l->type == F_RDLCK || l->type == F_WRLCK || l->type == F_UNLCK ? 0 : -ERR_INVAL;
}

static int64_t record_get(struct task *t, struct file *f, uint32_t command, struct abi_flock *l,
			  uint64_t to)
{
	struct file_lock want, other;

	if (l->type != F_RDLCK && l->type != F_WRLCK) return -ERR_INVAL;
	const int error = record_arg(t, f, command, l, &want);
	if (error != 0) return error;
	if (is_of_file(command) && l->pid != 0) return -ERR_INVAL;
	if (file_lock_find(f, &want, &other)) {
		l->type = other.type;
		l->whence = WHENCE_SET;
		l->start = (int64_t)other.start;
		l->length = other.end == INT64_MAX ? 0 : (int64_t)(other.end - other.start + 1);
		l->pid = other.pid;
	} else {
		l->type = F_UNLCK;
	}
	return to_user(t, to, l, sizeof *l);
}

/* Whether the descriptor still stands for that file. */
static bool is_still(struct task *t, uint64_t fd, const struct file *f)
{
	struct file *now = file_arg(t, fd);

	if (now != NULL) file_drop(now);
	return now == f;
}

static int64_t record_set(struct task *t, struct file *f, const uint64_t *arg,
			  const struct abi_flock *l)
{
	const uint32_t command = (uint32_t)arg[1];
	struct file_lock want;
	int error = record_arg(t, f, command, l, &want);

	if (error != 0) return error;
	if (want.type == F_RDLCK && !file_may_read(f)) return -ERR_BADF;
	if (want.type == F_WRLCK && !file_may_write(f)) return -ERR_BADF;
	if (is_of_file(command) && l->pid != 0) return -ERR_INVAL;
	error = file_lock_set(f, &want, command == F_SETLKW || command == F_OFD_SETLKW);
	if (error != 0 || want.type == F_UNLCK || !want.by_process || is_still(t, arg[0], f))
		return error;
	want.type = F_UNLCK;
	(void)file_lock_set(f, &want, false);
	return -ERR_BADF;
}

int64_t lock_record(struct task *t, struct file *f, const uint64_t *arg)
{
	const uint32_t command = (uint32_t)arg[1];
	struct abi_flock l;

	if (from_user(t, &l, arg[2], sizeof l) != 0) return -ERR_FAULT;
	return command == F_GETLK || command == F_OFD_GETLK ? record_get(t, f, command, &l, arg[2])
							    : record_set(t, f, arg, &l);
}
