/*
 * sched_clock.c -- a CPU's timer: deadlines of timers, slices of threads, and nothing else.
 *
 * There is no tick.  A thread has a slice only while another of its priority is ready on its CPU
 * (a more urgent one would run); an idle CPU's timer is set to the earliest deadline of its timers,
 * or not at all.  So a CPU that has one thing to do is not interrupted, and one that has nothing to
 * do sleeps until there is.
 *
 * Setting a timer costs more than most switches need to pay.  While a thread runs it may therefore
 * be set too early, never too late: a switch that makes the end of the slice later leaves it, and
 * the interrupt that comes too early sets it right.  `clock_ns` is what it is set to.
 *
 * Slices begin in three places: at a switch; when a thread of the priority of the running one
 * becomes ready, by who makes it ready, which then interrupts this CPU if it is another
 * (sched_wake.c); and when an interrupt finds that one has ended and nobody took over.
 *
 * Always true, with the lock held and a thread running: while one of its priority is ready,
 * slice_end_ns is not UINT64_MAX, and the timer is set to no later or an interrupt is on its way.
 *
 * Locks: the run queue's for slice_end_ns; the clock is its CPU's own.  Cost: 20 instructions where
 * the timer need not be set.
 */
#include "sched/sched_inside.h"

void sched_slice_locked(struct sched *s, struct sched_cpu *c, uint64_t now_ns)
{
	const struct thread *t = c->current;

	ASSERT_SLOW(c == sched_here(s));
	const bool shared = !t->idle && runq_most_urgent_locked(&c->runq) <= t->priority;

	atomic_store_u64(&c->slice_end_ns, shared ? now_ns + t->slice_ns : UINT64_MAX);
	sched_clock_set(c);
}

static uint64_t sched_clock_wanted(const struct sched_cpu *c)
{
	return min_u64(atomic_load_u64(&c->slice_end_ns), timer_next_ns(&c->timers));
}

void sched_clock_set(struct sched_cpu *c)
{
	const uint64_t wanted = sched_clock_wanted(c);

	ASSERT_SLOW(mach_irq_masked());
	if (wanted >= c->clock_ns) return;
	c->clock_ns = wanted;
	mach_timer_set(wanted);
}

void sched_clock_set_exactly(struct sched_cpu *c)
{
	const uint64_t wanted = sched_clock_wanted(c);

	ASSERT_SLOW(mach_irq_masked());
	if (wanted == c->clock_ns) return;
	c->clock_ns = wanted;
	mach_timer_set(wanted);
}

void sched_timers_changed(struct sched *s)
{
	ASSERT(mach_irq_masked());
	sched_clock_set(sched_here(s));
}

/* --- interrupts ------------------------------------------------------------------------------- */

void sched_timer_fired(struct sched *s)
{
	struct sched_cpu *c = sched_here(s);
	const uint64_t now_ns = mach_now_ns();

	ASSERT(mach_irq_masked() && c->handles == 0);
	c->clock_ns = UINT64_MAX;
	atomic_store_u64(&c->beat_ns, now_ns);
	c->handles = 1;
	timer_run(&c->timers, now_ns, s);
	c->handles = 0;
	sched_balance(s, c);
	sched_choose(s);
	sched_clock_set(sched_here(s)); /* the interrupted thread may go on elsewhere */
}

void sched_ipi_came(struct sched *s)
{
	ASSERT(mach_irq_masked() && sched_here(s)->handles == 0);
	atomic_store_u64(&sched_here(s)->beat_ns, mach_now_ns());
	sched_choose(s);
	sched_clock_set(sched_here(s));
}
