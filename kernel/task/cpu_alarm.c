/*
 * cpu_alarm.c -- looking at the CPU time of groups for which something is due by it.
 *
 * There is no tick, and nobody counts while a program runs.  A group's CPU time is looked at when
 * it can have reached what is due: in as much time as is left, by as many CPUs as it can be on, but
 * not in less than LEAST_NS.  Then what is due is sent, or it is looked at again.  The looks are
 * the world's timer's, as alarms are (alarm.c).
 *
 * A group of which nobody runs or could uses nothing, so it is not looked at: it rests.  Each of
 * its tasks has `work` then, which ends no wait, but before it goes on in its program it comes by
 * here, and the looks begin anew.  `work` is set before the last look at who runs: a task that ran
 * is seen, and one that runs later sees it.
 *
 * As on Linux each second over RLIMIT_CPU's soft limit moves that limit up by one second
 * (kernel/time/posix-cpu-timers.c, check_process_timers).
 *
 * Always true: a group that has something due and does not rest has a time of its next look.
 *
 * Locks: the world's, and under it a run queue's for each task.  Cost: a look O(tasks of the
 * group); nothing where nothing is due.
 */
#include "kernel/task/cpu_alarm.h"

#include "kernel/task/task_inside.h"
#include "kernel/task/used.h"

enum { LEAST_NS = 1000000, ITIMER_TICK_NS = 4000000 };

#define S_NS 1000000000ull
#define NEVER UINT64_MAX

static const int signal_of[CPU_ALARMS] = { SIGVTALRM, SIGPROF };

static uint64_t time_of(const struct task_used *used, unsigned which)
{
	return which == ITIMER_VIRTUAL - 1 ? used->user_ns : used_ns(used);
}

static void send_locked(struct task_group *g, int sig) REQUIRES(&g->world->lock)
{
	const struct abi_siginfo info = { .signo = sig, .code = SI_KERNEL };

	(void)signal_send_locked(g, NULL, &info);
}

/* --- what is due ------------------------------------------------------------------------------ */

/* Sends it where it is due, and how long until the next. */
static uint64_t alarm_locked(struct task_group *g, unsigned which, uint64_t now_ns)
	REQUIRES(&g->world->lock)
{
	struct cpu_alarm *a = &g->cpu_alarm[which];

	if (a->due_ns == 0) return NEVER;
	if (a->due_ns > now_ns) return a->due_ns - now_ns;
	a->due_ns = alarm_again(a->due_ns, a->every_ns, now_ns);
	send_locked(g, signal_of[which]);
	return a->due_ns == 0 ? NEVER : a->due_ns - now_ns;
}

static uint64_t of_seconds(uint64_t s)
{
	return s < NEVER / S_NS ? s * S_NS : NEVER;
}

/* The same for the limit. */
static uint64_t limit_locked(struct task_group *g, uint64_t now_ns) REQUIRES(&g->world->lock)
{
	struct limit *l = &g->limits[RLIMIT_CPU];

	if (l->soft == NEVER) return NEVER;
	if (of_seconds(l->hard) <= now_ns) {
		send_locked(g, SIGKILL);
		return NEVER;
	}
	if (of_seconds(l->soft) <= now_ns) {
		send_locked(g, SIGXCPU);
		l->soft++;
	}
	const uint64_t due_ns = min_u64(of_seconds(l->soft), of_seconds(l->hard));
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

/* --- looks ------------------------------------------------------------------------------------ */

static bool is_active_locked(const struct task_group *g) REQUIRES(&g->world->lock)
{
	for (const struct list *l = g->tasks.next; l != &g->tasks; l = l->next) {
		const struct task *t = CONTAINER_OF(l, struct task, link);
		if (t->thread == THREAD_NONE) return true; /* it is about to begin */
		if (sched_is_active(g->world->config.sched, t->thread)) return true;
	}
	return false;
}

/* Whether all wait; then each comes by before it goes on in its program. */
static bool rests_locked(struct task_group *g) REQUIRES(&g->world->lock)
{
	if (is_active_locked(g)) return false;
	atomic_store_u32(&g->rests, 1);
	for (struct list *l = g->tasks.next; l != &g->tasks; l = l->next)
		atomic_store_u32(&CONTAINER_OF(l, struct task, link)->work, 1);
	if (!is_active_locked(g)) return true;
	atomic_store_u32(&g->rests, 0);
	return false;
}

void cpu_alarm_look_locked(struct task_group *g, uint64_t now_ns)
{
	uint64_t left_ns;

	g->look_ns = 0;
	atomic_store_u32(&g->rests, 0);
	if (g->task_count == 0) return;
	const struct task_used used = used_by_group_locked(g);
	left_ns = limit_locked(g, used_ns(&used));
	for (unsigned which = 0; which < CPU_ALARMS; which++)
		left_ns = min_u64(left_ns, alarm_locked(g, which, time_of(&used, which)));
	if (left_ns == NEVER || g->ending || rests_locked(g)) return;
	left_ns /= min_u64(g->task_count, g->world->config.sched->config.cpus);
	if (!add_fits(now_ns, max_u64(left_ns, LEAST_NS), &g->look_ns)) g->look_ns = NEVER - 1;
}

static void look_now_locked(struct task_group *g) REQUIRES(&g->world->lock)
{
	cpu_alarm_look_locked(g, mach_now_ns());
	alarm_set_locked(g->world);
}

void cpu_alarm_limit_locked(struct task_group *g)
{
	look_now_locked(g);
}

void cpu_alarm_wake(struct task_group *g)
{
	const mach_irq_t was = lock_take(&g->world->lock);

	if (g->rests != 0) look_now_locked(g);
	lock_drop(&g->world->lock, was);
}

/* --- what programs ask ------------------------------------------------------------------------ */

struct alarm cpu_alarm_change(struct task *t, unsigned which, const struct alarm *to)
{
	struct task_group *g = t->group;
	const mach_irq_t was = lock_take(&g->world->lock);
	const struct task_used used = used_by_group_locked(g);
	const uint64_t now_ns = time_of(&used, which);
	struct cpu_alarm *a = &g->cpu_alarm[which];
	struct alarm before = { 0, a->every_ns };

	if (a->due_ns != 0)
		before.left_ns = a->due_ns > now_ns ? a->due_ns - now_ns : ITIMER_TICK_NS;
	if (to != NULL) {
		if (!add_fits(now_ns, to->left_ns, &a->due_ns)) a->due_ns = NEVER - 1;
		if (to->left_ns == 0) a->due_ns = 0;
		a->every_ns = to->every_ns;
		look_now_locked(g);
	}
	lock_drop(&g->world->lock, was);
	return before;
}
