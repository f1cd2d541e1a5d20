/*
 * users_tty.c -- the terminal asks tasks: who calls, what session is that, send them a signal.
 *
 * Locks: the world's of tasks, in its calls.
 */
#include "kernel/ktty.h"
#include "kernel/task/signal.h"
#include "kernel/users_inside.h"

static void signal_group(void *unused, int32_t pgid, int sig)
{
	(void)unused;
	signal_send_pgid(&kernel_tasks, pgid, sig);
}

static int32_t session_of(void *unused, int32_t pgid)
{
	(void)unused;
	const mach_irq_t was = lock_take(&kernel_tasks.lock);
	const struct task_group *g = task_group_find_locked(&kernel_tasks, pgid);
	const int32_t sid = g == NULL || g->pgid != pgid ? 0 : g->sid;
	lock_drop(&kernel_tasks.lock, was);
	return sid;
}

static void caller(void *unused, int32_t *pgid, int32_t *sid, bool *leads)
{
	struct task *t = task_self(&kernel_tasks);

	(void)unused;
	*pgid = t == NULL ? 0 : task_getpgid(t, 0);
	*sid = t == NULL ? 0 : task_getsid(t, 0);
	*leads = t != NULL && *sid == t->group->pid;
}

static bool caller_heeds(void *unused, int sig)
{
	struct task *t = task_self(&kernel_tasks);

	(void)unused;
	return t != NULL && !signal_is_moot(t, sig);
}

void users_tty_start(void)
{
	static const struct tty_host host = {
		.signal_group = signal_group,
		.session_of = session_of,
		.caller = caller,
		.caller_heeds = caller_heeds,
	};

	ktty_start(&host);
}
