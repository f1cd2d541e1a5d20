/*
 * process.c -- the calls about tasks and groups: kernel/task/task.h's, with arguments from
 * registers and from the program's memory, in the order in which Linux judges them.
 *
 * Locks: none here.
 */
#include "kernel/syscall/process.h"

#include "kernel/syscall/limit.h"
#include "kernel/syscall/user.h"
#include "kernel/task/files.h"

/* --- making ----------------------------------------------------------------------------------- */

/* clone(flags, stack, parent_tid, tls, child_tid): AArch64's order. */
int64_t sys_clone(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[0];
	const struct task_clone how = {
		.flags = flags & ~CLONE_SIGNAL,
		.exit_signal = (int32_t)(flags & CLONE_SIGNAL),
		.stack = arg[1],
		.parent_tid = arg[2],
		.tls = arg[3],
		.child_tid = arg[4],
	};

	if ((flags & (CLONE_THREAD | CLONE_SIGNAL)) > CLONE_THREAD) return task_clone(t, &how);
	return how.exit_signal > SIGNALS ? -ERR_INVAL : task_clone(t, &how);
}

/* The arguments of a program that knows more fields than we do, which must be zero. */
static int clone_args_in(struct task *t, struct abi_clone_args *args, uint64_t at, uint64_t bytes)
{
	*args = (struct abi_clone_args){ .flags = 0 };
	if (bytes > PAGE_SIZE) return -ERR_2BIG;
	if (bytes < CLONE_ARGS_BYTES_MIN) return -ERR_INVAL;
	if (from_user(t, args, at, min_u64(bytes, sizeof *args)) != 0) return -ERR_FAULT;
	for (uint64_t more = sizeof *args; more < bytes; more++) {
		uint8_t byte;
		if (from_user(t, &byte, at + more, 1) != 0) return -ERR_FAULT;
		if (byte != 0) return -ERR_2BIG;
	}
	return 0;
}

static int clone_args_wrong(const struct abi_clone_args *a)
{
	const uint64_t known = 0xffffffffull & ~CLONE_SIGNAL & ~CLONE_DETACHED;

	if (a->set_tid_count != 0 || a->set_tid != 0) return -ERR_INVAL;
	if (a->exit_signal > SIGNALS) return -ERR_INVAL;
	if ((a->flags & ~known) != 0) return -ERR_INVAL;
	if ((a->flags & CLONE_THREAD) != 0 && a->exit_signal != 0) return -ERR_INVAL;
	if ((a->stack == 0) != (a->stack_bytes == 0)) return -ERR_INVAL;
	return a->stack > USER_END || a->stack_bytes > USER_END - a->stack ? -ERR_INVAL : 0;
}

int64_t sys_clone3(struct task *t, const uint64_t *arg)
{
	struct abi_clone_args a;
	int answer = clone_args_in(t, &a, arg[0], arg[1]);

	if (answer == 0) answer = clone_args_wrong(&a);
	if (answer != 0) return answer;
	const struct task_clone how = {
		.flags = a.flags,
		.exit_signal = (int32_t)a.exit_signal,
		.stack = a.stack + a.stack_bytes,
		.parent_tid = a.parent_tid,
		.child_tid = a.child_tid,
		.tls = a.tls,
	};
	return task_clone(t, &how);
}

/*
 * unshare: what is shared by threads and cannot be had apart (memory, handlers, where they are in
 * the tree of files) is refused while it is shared; descriptors become the caller's own.  There are
 * no namespaces, so they cannot be unshared.
 */
int64_t sys_unshare(struct task *t, const uint64_t *arg)
{
	const uint64_t groups = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, flags = arg[0];
	const bool alone = atomic_load_u32(&t->group->task_count) == 1;

	if ((flags & ~(groups | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM)) != 0) return -ERR_INVAL;
	if ((flags & (groups | CLONE_FS)) != 0 && !alone) return -ERR_INVAL;
	if ((flags & CLONE_VM) != 0 && atomic_load_u32(&space_of(t)->holders) > 1)
		return -ERR_INVAL;
	return (flags & CLONE_FILES) != 0 ? task_files_unshare(t) : 0;
}

/* --- ending and waiting ----------------------------------------------------------------------- */

int64_t sys_exit(struct task *t, const uint64_t *arg)
{
	task_exit(t, (int)arg[0]);
}

int64_t sys_exit_group(struct task *t, const uint64_t *arg)
{
	task_exit_group(t, (int)arg[0]);
}

static int used_to_user(struct task *t, uint64_t to, const struct task_waited *got)
{
	const struct abi_rusage use = rusage_of(&got->used);

	return to == 0 ? 0 : to_user(t, to, &use, sizeof use);
}

/* pid: -1 any child, 0 of the caller's process group, below -1 of that group, else itself. */
int64_t sys_wait4(struct task *t, const uint64_t *arg)
{
	const int32_t pid = (int32_t)arg[0];
	const uint32_t options = (uint32_t)arg[2];
	const uint32_t known = W_NOHANG | W_UNTRACED | W_CONTINUED | W_NOTHREAD | W_ALL | W_CLONE;
	struct task_wait_how how = { .type = P_PID, .id = pid, .options = options | W_EXITED };
	struct task_waited got;

	if ((options & ~known) != 0) return -ERR_INVAL;
	if (pid == INT32_MIN) return -ERR_SRCH;
	if (pid == -1) how.type = P_ALL;
	if (pid == 0 || pid < -1) how.type = P_PGID;
	if (how.type == P_PGID) how.id = pid == 0 ? task_getpgid(t, 0) : -pid;
	const int answer = task_wait(t, &how, &got);
	if (answer <= 0) return answer;
	if (arg[1] != 0 && to_user(t, arg[1], &got.wait4, sizeof got.wait4) != 0) return -ERR_FAULT;
	return used_to_user(t, arg[3], &got) != 0 ? -ERR_FAULT : got.pid;
}

static int64_t waitid_tell(struct task *t, uint64_t to, const struct task_waited *got)
{
	struct abi_siginfo info = { .signo = 0 };

	if (to == 0) return 0;
	if (got != NULL) {
		info.signo = SIGCHLD;
		info.code = got->code;
		info.child.pid = got->pid;
		info.child.uid = got->uid;
		info.child.status = got->status;
	}
	return to_user(t, to, &info, offsetof(struct abi_siginfo, child.user_ticks));
}

/* waitid(type, id, info, options, use) */
int64_t sys_waitid(struct task *t, const uint64_t *arg)
{
	const uint32_t what = W_EXITED | W_UNTRACED | W_CONTINUED;
	const uint32_t known = what | W_NOHANG | W_NOWAIT | W_NOTHREAD | W_ALL | W_CLONE;
	struct task_wait_how how = { .type = (int32_t)arg[0],
				     .id = (int32_t)arg[1],
				     .options = (uint32_t)arg[3] };
	struct task_waited got;

	if ((how.options & ~known) != 0 || (how.options & what) == 0) return -ERR_INVAL;
	if (how.type != P_ALL && how.type != P_PID && how.type != P_PGID) return -ERR_INVAL;
	if (how.type == P_PID && how.id <= 0) return -ERR_INVAL;
	if (how.type == P_PGID && how.id < 0) return -ERR_INVAL;
	if (how.type == P_PGID && how.id == 0) how.id = task_getpgid(t, 0);
	const int answer = task_wait(t, &how, &got);
	if (answer < 0) return answer;
	if (answer != 0 && used_to_user(t, arg[4], &got) != 0) return -ERR_FAULT;
	return waitid_tell(t, arg[2], answer != 0 ? &got : NULL);
}

/* --- numbers ---------------------------------------------------------------------------------- */

int64_t sys_set_tid_address(struct task *t, const uint64_t *arg)
{
	t->clear_tid = arg[0];
	return t->tid;
}

int64_t sys_getpid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return t->group->pid;
}

int64_t sys_gettid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return t->tid;
}

int64_t sys_getppid(struct task *t, const uint64_t *arg)
{
	struct task_world *w = t->group->world;

	(void)arg;
	const mach_irq_t was = lock_take(&w->lock);
	const int32_t parent = t->group->parent;
	lock_drop(&w->lock, was);
	return parent;
}

int64_t sys_setpgid(struct task *t, const uint64_t *arg)
{
	return task_setpgid(t, (int32_t)arg[0], (int32_t)arg[1]);
}

int64_t sys_getpgid(struct task *t, const uint64_t *arg)
{
	return task_getpgid(t, (int32_t)arg[0]);
}

int64_t sys_getsid(struct task *t, const uint64_t *arg)
{
	return task_getsid(t, (int32_t)arg[0]);
}

int64_t sys_setsid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return task_setsid(t);
}
