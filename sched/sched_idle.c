/*
 * sched_idle.c -- what a CPU does when it has nothing to run: its idle thread's life.
 *
 * Every CPU comes in by the same way, sched_run(), and what called it becomes its idle thread, in
 * no queue and READY whenever something else runs.  It runs what is in the CPU's own queue, and
 * when that is empty takes one thread from the longest queue of another, goes round again, and
 * only with nothing to be had anywhere reaps its dead, does a piece of work for who owns the
 * world, and waits.
 *
 * The order before waiting matters (sched_wake.c): the bit in idle_cpus, then the last look at the
 * queues, all with interrupts masked, then mach_wait().  Interrupts never switch away from an idle
 * thread: they end its waiting, and the loop looks for itself.  So there is one place where an idle
 * CPU begins to run something, and after it has reaped its dead it gets no more before that.
 *
 * Stealing takes one thread at a time: the most urgent that may run here, and of these the one that
 * waited longest.  Taking half a queue would move threads that will run at home soon.  It is placed
 * in this CPU's queue and from there on is like any other.
 *
 * Locks: run queues', one at a time.  Cost: a look at all queues is one load for each CPU; an idle
 * CPU makes it once each time it is woken.
 */
#include "sched/sched_inside.h"

/* The CPU with the most threads that are ready, of the bits of `cpus`; CPUS_MAX: none has any. */
static uint32_t sched_busiest(const struct sched *s, uint32_t cpus)
{
	uint32_t busiest = CPUS_MAX, most = 0;

	for (; cpus != 0; cpus &= cpus - 1) {
		const uint32_t cpu = bit_lowest(cpus);
		const uint32_t count = atomic_load_u32(&s->cpu[cpu].runq.count);
		if (count <= most) continue;
		most = count;
		busiest = cpu;
	}
	return busiest;
}

/* Takes a thread from another CPU into this one's queue; false: there is none to be had. */
static bool sched_steal(struct sched *s, struct sched_cpu *c)
{
	const uint32_t here = c->runq.cpu;
	uint32_t others = ((1u << s->config.cpus) - 1) & ~(1u << here);
	uint32_t cpu;

	ASSERT_SLOW(c == sched_here(s) && c->current == &c->idle);
	while ((cpu = sched_busiest(s, others)) != CPUS_MAX) {
		struct runq *rq = &s->cpu[cpu].runq;
		lock_take_masked(&rq->lock);
		struct thread *t = runq_steal_locked(rq, here);
		ASSERT(t == NULL || (!t->idle && sched_may_run(t, here))); /* now, with the lock */
		if (t != NULL) atomic_store_u32(&t->cpu, here);
		lock_drop_masked(&rq->lock);
		if (t != NULL) {
			c->steals++;
			sched_place(s, t);
			return true;
		}
		others &= ~(1u << cpu);
	}
	return false;
}

/* Until there is nothing to run here. */
static void sched_run_ready(struct sched *s, struct sched_cpu *c)
{
	do {
		for (;;) {
			lock_take_masked(&c->runq.lock);
			struct thread *next = runq_next_locked(&c->runq);
			if (next == NULL) break;
			thread_must_move(&c->idle, THREAD_RUNNING, THREAD_READY, 0, 0);
			sched_switch_locked(s, c, next, mach_now_ns());
			ASSERT(c == sched_here(s) && c->current == &c->idle);
		}
		lock_drop_masked(&c->runq.lock);
	} while (sched_steal(s, c));
}

static bool sched_has_work(struct sched *s, struct sched_cpu *c)
{
	return atomic_load_u32(&c->runq.count) != 0 || sched_steal(s, c);
}

static void sched_wait_for_work(struct sched *s, struct sched_cpu *c)
{
	ASSERT(mach_irq_masked() && c->current == &c->idle);
	atomic_store_u32(&c->idles, 1);
	atomic_bit_set(&s->idle_cpus, c->runq.cpu);
	if (!sched_has_work(s, c)) {
		const uint64_t from_ns = mach_now_ns();
		sched_clock_set_exactly(c);
		mach_wait();
		c->idle_ns += mach_now_ns() - from_ns;
	}
	atomic_bit_clear(&s->idle_cpus, c->runq.cpu);
	atomic_store_u32(&c->idles, 0);
}

/* --- coming and going ------------------------------------------------------------------------- */

static void sched_come(struct sched *s, struct sched_cpu *c)
{
	ASSERT(c->runq.cpu < s->config.cpus && c->current == NULL);
	mach_context_adopt(&c->idle.context, NULL);
	lock_take_masked(&c->runq.lock);
	thread_must_move(&c->idle, THREAD_READY, THREAD_RUNNING, 0, 0);
	c->current = &c->idle;
	atomic_store_u64(&c->beat_ns, mach_now_ns());
	atomic_store_u32(&c->online, 1);
	lock_drop_masked(&c->runq.lock);
}

/* False: something became ready here meanwhile. */
static bool sched_go(struct sched_cpu *c)
{
	lock_take_masked(&c->runq.lock);
	const bool empty = c->runq.count == 0;
	ASSERT(c->current == &c->idle && c->left == NULL);
	if (empty) {
		thread_must_move(&c->idle, THREAD_RUNNING, THREAD_READY, 0, 0);
		c->current = NULL;
		atomic_store_u32(&c->online, 0);
	}
	lock_drop_masked(&c->runq.lock);
	if (empty) sched_clock_set_exactly(c); /* its timers still wake threads of others */
	return empty;
}

void sched_run(struct sched *s)
{
	ASSERT(!mach_irq_masked());
	mach_irq_t was = mach_irq_save();
	struct sched_cpu *c = sched_here(s);

	sched_come(s, c);
	for (;;) {
		sched_run_ready(s, c);
		mach_irq_restore(was);
		sched_reap_of(s, c);
		const bool more =
			s->config.idle == NULL || s->config.idle(s->config.arg, mach_cpu());
		was = mach_irq_save();
		sched_collector_rest(c);
		if (more)
			sched_wait_for_work(s, c);
		else if (sched_go(c))
			break;
	}
	mach_irq_restore(was);
}
