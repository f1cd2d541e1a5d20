/*
 * signal_call.c -- what programs ask about signals: kill and its kin, actions, masks, waiting.
 *
 * Who is meant is looked up and gets the signal under one lock, so nobody is hit who got the number
 * later.  A zombie can be sent anything, to no effect.
 *
 * Waiting for a signal that is blocked (signal_wait) says so in `awaited`, so that a sender rouses
 * the task in spite of its mask; the signal stays pending until the waiter takes it.
 *
 * Locks: the world's.  Cost: O(1) for one, O(groups) for many.
 */
#include "kernel/task/right.h"
#include "kernel/task/task_inside.h"

static bool is_signal(int sig)
{
	return sig >= 1 && sig <= SIGNALS;
}

/* --- sending ---------------------------------------------------------------------------------- */

static int may_send_locked(const struct task_group *self, const struct task_group *g,
			   const struct abi_siginfo *info) REQUIRES(&g->world->lock)
{
	if (info->signo < 0 || info->signo > SIGNALS) return -ERR_INVAL;
	return self == NULL || right_to_signal_locked(self, g, info->signo) ? 0 : -ERR_PERM;
}

/* From `self` (NULL: the kernel).  Signal 0 only asks. */
static int send_checked_locked(const struct task_group *self, struct task_group *g, struct task *t,
			       const struct abi_siginfo *info) REQUIRES(&g->world->lock)
{
	const int answer = may_send_locked(self, g, info);

	return answer != 0 || info->signo == 0 ? answer : signal_send_locked(g, t, info);
}

/* Of a process group, or (pgid 0) all but the first and the caller's; how many, or an error.  Of
 * all it is none that the caller may not do it to some (Linux: kill_something_info). */
static int send_many_locked(struct task_world *w, int32_t pgid, const struct task_group *self,
			    const struct abi_siginfo *info) REQUIRES(&w->lock)
{
	int count = 0, failed = 0;

	for (struct list *l = w->all.next, *next; l != &w->all; l = next) {
		struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		next = l->next;
		if (pgid != 0 ? g->pgid != pgid : g->pid == 1 || g == self) continue;
		const int answer = send_checked_locked(self, g, NULL, info);
		if (answer == 0 || (pgid == 0 && answer == -ERR_PERM))
			count++;
		else
			failed = answer;
	}
	return count != 0 || failed == 0 ? count : failed;
}

uint32_t signal_send_pgid(struct task_world *w, int32_t pgid, int sig)
{
	const struct abi_siginfo info = { .signo = sig, .code = SI_KERNEL };
	const mach_irq_t was = lock_take(&w->lock);
	const int count = send_many_locked(w, pgid, NULL, &info);

	lock_drop(&w->lock, was);
	return (uint32_t)count;
}

bool signal_send_group(struct task_world *w, int32_t pid, int sig)
{
	const struct abi_siginfo info = { .signo = sig, .code = SI_KERNEL };
	const mach_irq_t was = lock_take(&w->lock);
	struct task_group *g = task_group_find_locked(w, pid);

	if (g != NULL) (void)signal_send_locked(g, NULL, &info);
	lock_drop(&w->lock, was);
	return g != NULL;
}

void signal_send_self(struct task *t, int sig)
{
	struct task_world *w = t->group->world;
	struct abi_siginfo info = { .signo = sig, .code = SI_USER };

	info.sent.pid = t->group->pid;
	info.sent.uid = atomic_load_u32(&t->group->uid[ID_REAL]);
	const mach_irq_t was = lock_take(&w->lock);
	(void)signal_send_locked(t->group, t, &info);
	lock_drop(&w->lock, was);
}

/* By the number of any of its tasks. */
static struct task_group *meant_locked(struct task_world *w, int32_t pid) REQUIRES(&w->lock)
{
	struct task *t = task_find_locked(w, pid);

	return t != NULL ? t->group : task_group_find_locked(w, pid);
}

static int kill_locked(struct task *t, int32_t pid, const struct abi_siginfo *info)
	REQUIRES(&t->group->world->lock)
{
	struct task_world *w = t->group->world;

	if (pid > 0) {
		struct task_group *g = meant_locked(w, pid);
		return g == NULL ? -ERR_SRCH : send_checked_locked(t->group, g, NULL, info);
	}
	if (pid == INT32_MIN) return -ERR_SRCH;
	const int32_t pgid = pid == 0 ? t->group->pgid : pid == -1 ? 0 : -pid;
	const int count = send_many_locked(w, pgid, t->group, info);
	return count > 0 ? 0 : count == 0 ? -ERR_SRCH : count;
}

static int kill_noted(struct task *t, int32_t pid, const struct abi_siginfo *info)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const int answer = kill_locked(t, pid, info);

	lock_drop(&w->lock, was);
	return answer;
}

static struct abi_siginfo info_of(const struct task *t, int sig, int code)
{
	struct abi_siginfo info = { .signo = sig, .code = code };

	info.sent.pid = t->group->pid;
	info.sent.uid = atomic_load_u32(&t->group->uid[ID_REAL]);
	return info;
}

int signal_kill(struct task *t, int32_t pid, int sig)
{
	const struct abi_siginfo info = info_of(t, sig, SI_USER);

	return kill_noted(t, pid, &info);
}

static int kill_task_noted(struct task *t, int32_t tgid, int32_t tid,
			   const struct abi_siginfo *info)
{
	const struct task_group *self = t->group;
	struct task_world *w = t->group->world;

	if (tid <= 0 || tgid < 0) return -ERR_INVAL;
	const mach_irq_t was = lock_take(&w->lock);
	struct task *to = task_find_locked(w, tid);
	/* A group's first task is there as long as the group is, though what it gets after its end
	 * has no effect. */
	struct task_group *g = to != NULL ? to->group : task_group_find_locked(w, tid);
	int answer = -ERR_SRCH;
	if (g != NULL && (tgid == 0 || g->pid == tgid))
		answer = to != NULL ? send_checked_locked(self, g, to, info)
				    : may_send_locked(self, g, info);
	lock_drop(&w->lock, was);
	return answer;
}

int signal_kill_task(struct task *t, int32_t tgid, int32_t tid, int sig)
{
	const struct abi_siginfo info = info_of(t, sig, SI_TKILL);

	return kill_task_noted(t, tgid, tid, &info);
}

/* Nobody may pretend to another that he is the kernel, or somebody else. */
static bool pretends(const struct task *t, int32_t pid, const struct abi_siginfo *info)
{
	return (info->code >= 0 || info->code == SI_TKILL) && pid != t->group->pid;
}

int signal_queue(struct task *t, int32_t pid, int sig, struct abi_siginfo *info)
{
	info->signo = sig;
	if (pretends(t, pid, info)) return -ERR_PERM;
	return pid > 0 ? kill_noted(t, pid, info) : -ERR_SRCH;
}

int signal_queue_task(struct task *t, int32_t tgid, int32_t tid, int sig, struct abi_siginfo *info)
{
	if (tid <= 0 || tgid <= 0) return -ERR_INVAL;
	info->signo = sig;
	if (pretends(t, tgid, info)) return -ERR_PERM;
	return kill_task_noted(t, tgid, tid, info);
}

/* --- actions and masks ------------------------------------------------------------------------ */

/* Only the group's own tasks change actions: who is alone reads without the lock. */
static bool is_alone(const struct task *t)
{
	return LIKELY(atomic_load_u32(&t->group->task_count) == 1);
}

static void action_now(struct task *t, const struct abi_sigaction *a, struct abi_sigaction *out)
{
	struct task_world *w = t->group->world;

	if (is_alone(t)) {
		*out = *a;
		return;
	}
	const mach_irq_t irq = lock_take(&w->lock);
	*out = *a;
	lock_drop(&w->lock, irq);
}

/* What a program asked for, without what nobody may have. */
static struct abi_sigaction action_made(const struct abi_sigaction *to)
{
	const uint64_t known = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |
			       SA_NODEFER | SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER;
	struct abi_sigaction made = *to;

	made.flags &= known;
	made.mask &= ~SIGNALS_HARD;
	return made;
}

static bool action_is(const struct abi_sigaction *a, const struct abi_sigaction *b)
{
	return ((a->handler ^ b->handler) | (a->flags ^ b->flags) | (a->restorer ^ b->restorer) |
		(a->mask ^ b->mask)) == 0;
}

/* Whether what is pending of that signal goes when it gets this action. */
static bool action_forgets(const struct abi_sigaction *a, int sig)
{
	return a->handler == SIG_IGNORE ||
	       (a->handler == SIG_DEFAULT && (signal_bit(sig) & SIGNALS_QUIET) != 0);
}

int signal_action(struct task *t, int sig, const struct abi_sigaction *to,
		  struct abi_sigaction *was)
{
	struct task_world *w = t->group->world;

	if (!is_signal(sig)) return -ERR_INVAL;
	struct abi_sigaction *a = &t->group->signals->action[sig - 1];
	if (to == NULL) {
		if (was != NULL) action_now(t, a, was);
		return 0;
	}
	if ((signal_bit(sig) & SIGNALS_HARD) != 0) return -ERR_INVAL;
	const struct abi_sigaction made = action_made(to);
	const bool forgets = action_forgets(&made, sig);
	/* As it is already: a program that sees to all signals, one by one, finds most so. */
	if (!forgets && is_alone(t) && action_is(a, &made)) {
		if (was != NULL) *was = made;
		return 0;
	}
	const mach_irq_t irq = lock_take(&w->lock);
	if (was != NULL) *was = *a;
	*a = made;
	if (forgets) signal_forget_all_locked(t->group, signal_bit(sig));
	lock_drop(&w->lock, irq);
	return 0;
}

sigset signal_mask(struct task *t, sigset mask)
{
	struct task_world *w = t->group->world;
	const sigset was = t->mask;

	mask &= ~SIGNALS_HARD;
	if (mask == was) return was;
	const mach_irq_t irq = lock_take(&w->lock);
	signal_set_mask_locked(t, mask);
	lock_drop(&w->lock, irq);
	return was;
}

sigset signal_pending(struct task *t)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const sigset pending = (t->pending | t->group->pending) & t->mask;

	lock_drop(&w->lock, was);
	return pending;
}

bool signal_is_moot(struct task *t, int sig)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const bool moot = (t->mask & signal_bit(sig)) != 0 ||
			  t->group->signals->action[sig - 1].handler == SIG_IGNORE;

	lock_drop(&w->lock, was);
	return moot;
}

void signal_mask_begin(struct task *t, sigset mask)
{
	const sigset was = signal_mask(t, mask);

	if (!t->restore_mask) t->saved_mask = was;
	t->restore_mask = true;
}

void signal_mask_end(struct task *t, bool interrupted)
{
	if (interrupted || !t->restore_mask) return;
	t->restore_mask = false;
	signal_mask(t, t->saved_mask);
}

/* --- waiting ---------------------------------------------------------------------------------- */

int signal_suspend(struct task *t, sigset mask)
{
	struct sched *s = t->group->world->config.sched;

	signal_mask_begin(t, mask);
	(void)sched_sleep_heeding(s, WAIT_FOREVER);
	return RESTART_NOHAND;
}

/* What is there already is taken; else it will be told when there is. */
static int await(struct task *t, sigset which, struct abi_siginfo *info)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const int sig = signal_take_locked(t, which, info);

	t->awaited = sig == 0 ? which : 0;
	lock_drop(&w->lock, was);
	return sig;
}

/* Nobody is to rouse it for these any more; of what has come meanwhile one is taken, and the others
 * of its group are to look at the rest, which it was roused for instead of them. */
static int await_no_more(struct task *t, sigset which, struct abi_siginfo *info)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const int sig = signal_take_locked(t, which, info);

	t->awaited = 0;
	if (t->group->task_count > 1) signal_pass_on_locked(t, which & t->mask);
	signal_recheck_locked(t);
	lock_drop(&w->lock, was);
	return sig;
}

int signal_wait(struct task *t, sigset which, uint64_t deadline_ns, struct abi_siginfo *info)
{
	struct sched *s = t->group->world->config.sched;

	which &= ~SIGNALS_HARD;
	int sig = await(t, which, info);
	if (sig != 0) return sig;
	const enum wait_result result = sched_sleep_heeding(s, deadline_ns);
	sig = await_no_more(t, which, info);
	if (sig != 0) return sig;
	return result == WAIT_TIMEOUT ? -ERR_AGAIN : -ERR_INTR;
}
