/*
 * alarm.c -- groups' alarm clocks: one timer for all of them.
 *
 * A group says when its own is due, or when its CPU time is to be looked at (cpu_alarm.c); the
 * world's timer is set to the earliest of all, and when it fires it looks at every group.  So a
 * group may end at any moment without anybody asking whether a timer of its may be firing: the
 * timer is the world's.
 *
 * A timer that is being moved may fire at that moment with what it was set for before: each setting
 * has a number, and a fire() with another one than the last does nothing.
 *
 * Always true: while any group has an alarm the timer is set to no later than the earliest, or
 * fire() waits for the lock.
 *
 * Locks: the world's, and within it a timer queue's.  Cost: O(groups) for each that comes, or that
 * is asked for.
 */
#include "kernel/task/alarm.h"

#include "kernel/task/cpu_alarm.h"
#include "kernel/task/task_inside.h"

/* The earliest of all; UINT64_MAX: nobody has one. */
static uint64_t earliest_locked(struct task_world *w) REQUIRES(&w->lock)
{
	uint64_t least = UINT64_MAX;

	for (struct list *l = w->all.next; l != &w->all; l = l->next) {
		const struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (g->alarm_ns != 0) least = min_u64(least, g->alarm_ns);
		if (g->look_ns != 0) least = min_u64(least, g->look_ns);
	}
	return least;
}

/* Interrupts are masked, as the lock is held.  In a fire() the clock is set anew afterwards. */
static void set_locked(struct task_world *w, bool fires) REQUIRES(&w->lock)
{
	struct sched *s = w->config.sched;
	struct timer *timer = &w->alarm;
	const uint64_t due_ns = earliest_locked(w);

	ASSERT(mach_irq_masked());
	w->alarm_number++;
	if (timer->deadline_ns != UINT64_MAX) timer_cancel(&s->cpu[timer->cpu].timers, timer);
	if (due_ns == UINT64_MAX) return;
	const bool first = timer_add(&s->cpu[mach_cpu()].timers, timer, due_ns, w->alarm_number);
	if (first && !fires) sched_timers_changed(s);
}

void alarm_set_locked(struct task_world *w)
{
	set_locked(w, false);
}

uint64_t alarm_again(uint64_t due_ns, uint64_t every_ns, uint64_t now_ns)
{
	const uint64_t late_ns = now_ns - due_ns;
	uint64_t next_ns;

	ASSERT(now_ns >= due_ns);
	if (every_ns == 0) return 0;
	const uint64_t times = late_ns / every_ns + 1;
	return add_fits(due_ns, times * every_ns, &next_ns) ? next_ns : 0;
}

static void come_locked(struct task_world *w, uint64_t now_ns) REQUIRES(&w->lock)
{
	static const struct abi_siginfo info = { .signo = SIGALRM, .code = SI_KERNEL };

	for (struct list *l = w->all.next; l != &w->all; l = l->next) {
		struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (g->look_ns != 0 && g->look_ns <= now_ns) cpu_alarm_look_locked(g, now_ns);
		if (g->alarm_ns == 0 || g->alarm_ns > now_ns) continue;
		g->alarm_ns = alarm_again(g->alarm_ns, g->alarm_every_ns, now_ns);
		if (!g->zombie) (void)signal_send_locked(g, NULL, &info);
	}
}

static void fire(void *s, struct timer *timer, uint64_t number)
{
	struct task_world *w = CONTAINER_OF(timer, struct task_world, alarm);
	const mach_irq_t was = lock_take(&w->lock);

	(void)s;
	if (number == w->alarm_number) {
		come_locked(w, mach_now_ns());
		set_locked(w, true);
	}
	lock_drop(&w->lock, was);
}

void alarm_begin(struct task_world *w)
{
	timer_init(&w->alarm, fire);
	w->alarm_number = 0;
}

/* What a group left behind that is gone. */
void alarm_end(struct task_world *w)
{
	struct timer *timer = &w->alarm;

	if (timer->deadline_ns != UINT64_MAX)
		timer_cancel(&w->config.sched->cpu[timer->cpu].timers, timer);
}

struct alarm alarm_change(struct task *t, const struct alarm *to)
{
	struct task_group *g = t->group;
	struct task_world *w = g->world;
	const mach_irq_t was = lock_take(&w->lock);
	const uint64_t now_ns = mach_now_ns();
	struct alarm before = { 0, g->alarm_every_ns };
	uint64_t due_ns;

	/* One that is due at this moment has a moment left, as on Linux. */
	if (g->alarm_ns != 0) before.left_ns = max_u64(sub_or_zero(g->alarm_ns, now_ns), 1);
	if (to != NULL) {
		const bool fits = add_fits(now_ns, to->left_ns, &due_ns) && due_ns < UINT64_MAX;
		g->alarm_ns = to->left_ns == 0 ? 0 : fits ? due_ns : UINT64_MAX - 1;
		g->alarm_every_ns = to->every_ns;
		set_locked(w, false);
	}
	lock_drop(&w->lock, was);
	return before;
}
