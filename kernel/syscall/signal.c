/*
 * signal.c -- the calls about signals: kernel/task/signal.h's, with arguments from registers and
 * from the program's memory, in the order in which Linux judges them.
 *
 * Sets of signals are 8 bytes; a program that says otherwise is refused.
 *
 * Locks: none here.
 */
#include "kernel/syscall/signal.h"

#include "kernel/syscall/time.h"
#include "kernel/syscall/user.h"
#include "kernel/task/signal.h"

/* --- sending ---------------------------------------------------------------------------------- */

int64_t sys_kill(struct task *t, const uint64_t *arg)
{
	return signal_kill(t, (int32_t)arg[0], (int)arg[1]);
}

int64_t sys_tkill(struct task *t, const uint64_t *arg)
{
	return signal_kill_task(t, 0, (int32_t)arg[0], (int)arg[1]);
}

int64_t sys_tgkill(struct task *t, const uint64_t *arg)
{
	if ((int32_t)arg[0] <= 0) return -ERR_INVAL;
	return signal_kill_task(t, (int32_t)arg[0], (int32_t)arg[1], (int)arg[2]);
}

int64_t sys_rt_sigqueueinfo(struct task *t, const uint64_t *arg)
{
	struct abi_siginfo info;

	if (from_user(t, &info, arg[2], sizeof info) != 0) return -ERR_FAULT;
	return signal_queue(t, (int32_t)arg[0], (int)arg[1], &info);
}

int64_t sys_rt_tgsigqueueinfo(struct task *t, const uint64_t *arg)
{
	struct abi_siginfo info;

	if (from_user(t, &info, arg[3], sizeof info) != 0) return -ERR_FAULT;
	return signal_queue_task(t, (int32_t)arg[0], (int32_t)arg[1], (int)arg[2], &info);
}

/* --- actions and masks ------------------------------------------------------------------------ */

/* rt_sigaction(signal, new, old, bytes) */
int64_t sys_rt_sigaction(struct task *t, const uint64_t *arg)
{
	struct abi_sigaction to, was;

	if (arg[3] != sizeof(sigset)) return -ERR_INVAL;
	if (arg[1] != 0 && from_user(t, &to, arg[1], sizeof to) != 0) return -ERR_FAULT;
	const int answer =
		signal_action(t, (int)arg[0], arg[1] != 0 ? &to : NULL, arg[2] != 0 ? &was : NULL);
	if (answer != 0 || arg[2] == 0) return answer;
	return to_user(t, arg[2], &was, sizeof was);
}

/* rt_sigprocmask(how, new, old, bytes) */
int64_t sys_rt_sigprocmask(struct task *t, const uint64_t *arg)
{
	const sigset was = t->mask;
	sigset set;

	if (arg[3] != sizeof(sigset)) return -ERR_INVAL;
	if (arg[1] != 0) {
		if (from_user(t, &set, arg[1], sizeof set) != 0) return -ERR_FAULT;
		switch ((int)arg[0]) {
		case SIG_BLOCK: set |= was; break;
		case SIG_UNBLOCK: set = was & ~set; break;
		case SIG_SETMASK: break;
		default: return -ERR_INVAL;
		}
		(void)signal_mask(t, set);
	}
	return arg[2] == 0 ? 0 : to_user(t, arg[2], &was, sizeof was);
}

/* Of what the set has, the first so many bytes. */
int64_t sys_rt_sigpending(struct task *t, const uint64_t *arg)
{
	const sigset pending = signal_pending(t);

	if (arg[1] > sizeof pending) return -ERR_INVAL;
	return to_user(t, arg[0], &pending, arg[1]);
}

int64_t sys_rt_sigsuspend(struct task *t, const uint64_t *arg)
{
	sigset mask;

	if (arg[1] != sizeof mask) return -ERR_INVAL;
	if (from_user(t, &mask, arg[0], sizeof mask) != 0) return -ERR_FAULT;
	return signal_suspend(t, mask);
}

/* rt_sigtimedwait(set, info, timeout, bytes) */
int64_t sys_rt_sigtimedwait(struct task *t, const uint64_t *arg)
{
	struct abi_siginfo info;
	struct abi_timespec time;
	uint64_t deadline_ns = WAIT_FOREVER;
	sigset which;

	if (arg[3] != sizeof which) return -ERR_INVAL;
	if (from_user(t, &which, arg[0], sizeof which) != 0) return -ERR_FAULT;
	if (arg[2] != 0) {
		uint64_t ns;
		if (from_user(t, &time, arg[2], sizeof time) != 0) return -ERR_FAULT;
		if (!time_ns_of(&time, &ns)) return -ERR_INVAL;
		deadline_ns = ns == 0 ? 0 : time_after(mach_now_ns(), ns);
	}
	const int sig = signal_wait(t, which, deadline_ns, &info);
	if (sig <= 0 || arg[1] == 0) return sig;
	return to_user(t, arg[1], &info, sizeof info) != 0 ? -ERR_FAULT : sig;
}

/* --- frames and their stacks ------------------------------------------------------------------ */

int64_t sys_rt_sigreturn(struct task *t, const uint64_t *arg)
{
	(void)arg;
	signal_return(t);
	return ANSWER_IN_REGS;
}

int64_t sys_sigaltstack(struct task *t, const uint64_t *arg)
{
	struct abi_sigaltstack to, was;

	if (arg[0] != 0 && from_user(t, &to, arg[0], sizeof to) != 0) return -ERR_FAULT;
	const int answer = signal_stack(t, t->regs->sp, arg[0] != 0 ? &to : NULL, &was);
	if (answer != 0 || arg[1] == 0) return answer;
	return to_user(t, arg[1], &was, sizeof was);
}
