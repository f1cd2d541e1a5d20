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

/* A group whose first member has gone has its session still: of any of its members. */
static int32_t session_of(void *unused, int32_t pgid)
{
	struct task_world *w = &kernel_tasks;
	int32_t sid = 0;
	const mach_irq_t was = lock_take(&w->lock);

	(void)unused;
	for (struct list *l = w->all.next; l != &w->all && sid == 0; l = l->next) {
		const struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (g->pgid == pgid) sid = g->sid;
	}
	lock_drop(&w->lock, was);
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

static bool caller_is_orphaned(void *unused)
{
	struct task *t = task_self(&kernel_tasks);

	(void)unused;
	return t != NULL && signal_is_orphaned(t);
}

void users_session_over(void *unused, int32_t sid)
{
	(void)unused;
	tty_session_over(&kernel_tty, sid);
}

void users_tty_start(void)
{
	static const struct tty_host host = {
		.signal_group = signal_group,
		.session_of = session_of,
		.caller = caller,
		.caller_heeds = caller_heeds,
		.caller_is_orphaned = caller_is_orphaned,
	};

	ktty_start(&host);
}
