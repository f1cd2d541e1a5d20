/*
 * sched_wake.c -- making threads ready, and seeing to it that some CPU comes to run them.
 *
 * A thread that becomes ready goes into the queue of the CPU that it was last on, for its data may
 * still be near that; a new one into that of the CPU that made it; and elsewhere only where its
 * affinity says so or that CPU is offline.  Then somebody may have to be told:
 *
 *	that CPU idles                            it is woken
 *	the thread is more urgent than what runs  that CPU chooses anew, at once
 *	it is of the same priority, and what      that CPU begins a slice: without one, nothing
 *	runs has no slice                         would ever end its turn
 *	another CPU idles and may run it          that one is woken, and will steal it
 *
 * and in all other cases nobody: the queue is looked at when what runs there stops.
 *
 * No lost wake-up.  A CPU that is about to wait sets its bit of `idle_cpus`, and then looks at all
 * queues' counts; who makes a thread ready writes the count, and then looks at the bits.  Each
 * writes first and reads then, so not both can read what was before the other wrote:
 *
 *	the idle CPU   i: idle_cpus |= bit     the waker   k: count = n + 1
 *	               j: read count                       l: read idle_cpus
 *
 * if j came before k, then i before j before k before l, and the waker sees the bit.  That needs an
 * order of all four in which each CPU's own two stand as written.  Acquire and release alone do not
 * give it: atomic.h does, because a load waits there for the stores before it (LDAR after STLR).
 * The idle CPU then waits with mach_wait(), interrupts masked since before j, which misses no
 * interrupt that comes after; so the one that l leads to wakes it.  Who finds a bit set clears it
 * before sending the interrupt, so that two threads wake two CPUs; the CPU sets it again only
 * before it looks at all queues again, so a bit that is clear belongs to a CPU that will look.
 *
 * No lost slice: who adds a thread sees, under the lock, whether what runs there has one, and
 * begins it in its name; the interrupt that follows sets that CPU's timer.
 *
 * One wake wins: WAITING becomes READY by compare-and-swap from the word of that very wait.  Under
 * the lock of the thread's run queue, so never before the CPU that it waited on has left it.
 *
 * Locks: one run queue's at a time.  Cost: a wake about 120 instructions; no loop over CPUs but
 * where a thread's own CPU is offline or forbidden.
 */
#include "sched/sched_inside.h"

struct sched_cpu *sched_lock_cpu_of(struct sched *s, struct thread *t)
{
	for (;;) {
		const uint32_t cpu = atomic_load_u32(&t->cpu);
		ASSERT(cpu < s->config.cpus);
		struct sched_cpu *c = &s->cpu[cpu];
		lock_take_masked(&c->runq.lock);
		if (LIKELY(atomic_load_u32(&t->cpu) == cpu)) return c;
		lock_drop_masked(&c->runq.lock);
	}
}

static bool sched_is_fit(const struct sched *s, const struct thread *t, uint32_t cpu)
{
	return sched_may_run(t, cpu) && atomic_load_u32(&s->cpu[cpu].online) != 0;
}

/* With none online that it may run on it waits for one to come: where it is, if it may. */
uint32_t sched_cpu_for_locked(struct sched *s, const struct thread *t)
{
	const uint32_t last = atomic_load_u32(&t->cpu), here = mach_cpu();

	ASSERT(t->affinity != 0 && t->affinity >> s->config.cpus == 0);
	if (LIKELY(sched_is_fit(s, t, last))) return last;
	if (here < s->config.cpus && sched_is_fit(s, t, here)) return here;
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++)
		if (sched_is_fit(s, t, cpu)) return cpu;
	return sched_may_run(t, last) ? last : bit_lowest(t->affinity);
}

/* --- who is to be told ------------------------------------------------------------------------ */

enum sched_press sched_press_locked(struct sched_cpu *c, uint64_t now_ns)
{
	const struct thread *runs = c->current;
	const unsigned urgent = runq_most_urgent_locked(&c->runq);

	ASSERT_SLOW(c->left == NULL); /* no switch is under way: it would have the lock */
	if (runs == NULL || urgent == PRIORITIES) return PRESS_NONE;
	if (runs->idle) return PRESS_IDLE;
	if (urgent < runs->priority) {
		if (atomic_load_u32(&c->resched) != 0) return PRESS_NONE; /* it was told */
		atomic_store_u32(&c->resched, 1);
		return PRESS_CHOOSE;
	}
	if (urgent > runs->priority) return PRESS_NONE;
	if (atomic_load_u64(&c->slice_end_ns) != UINT64_MAX) return PRESS_NONE;
	atomic_store_u64(&c->slice_end_ns, now_ns + runs->slice_ns);
	return PRESS_CLOCK;
}

void sched_tell(struct sched *s, uint32_t cpu, enum sched_press press)
{
	const bool here = cpu == mach_cpu();
	struct sched_cpu *c = &s->cpu[cpu];

	ASSERT_SLOW(mach_irq_masked());
	if (press == PRESS_NONE) return;
	if (press == PRESS_IDLE) {
		if (here) return; /* its loop looks again before it waits */
		if (atomic_bit_clear(&s->idle_cpus, cpu)) mach_ipi(cpu);
		return;
	}
	if (here && press == PRESS_CLOCK)
		sched_clock_set(c);
	else if (!here || c->handles == 0)
		mach_ipi(cpu); /* here: taken as soon as interrupts are unmasked */
}

void sched_offer(struct sched *s, uint32_t affinity, uint32_t cpu)
{
	uint64_t idle = atomic_load_u64(&s->idle_cpus) & affinity & ~(1ull << cpu);

	ASSERT_SLOW(mach_irq_masked() && cpu < s->config.cpus && idle >> s->config.cpus == 0);
	for (; idle != 0; idle &= idle - 1) {
		const uint32_t other = bit_lowest(idle);
		if (!atomic_bit_clear(&s->idle_cpus, other)) continue;
		mach_ipi(other);
		return;
	}
}

/* --- into a queue ----------------------------------------------------------------------------- */

/* With the lock of c, which it drops: the thread is READY, in no queue, c's, and may run there. */
static void sched_enqueue_locked(struct sched *s, struct sched_cpu *c, struct thread *t)
{
	const uint64_t now_ns = mach_now_ns();
	const uint32_t affinity = t->affinity, cpu = c->runq.cpu;

	ASSERT(t != c->current && c->left == NULL);
	atomic_store_u64(&t->ready_ns, now_ns);
	runq_add_locked(&c->runq, t);
	if (UNLIKELY(s->config.observe != NULL)) s->config.observe(s->config.arg, SEEN_READY, t);
	const enum sched_press press = sched_press_locked(c, now_ns);
	lock_drop_masked(&c->runq.lock);
	sched_tell(s, cpu, press);
	if (press != PRESS_IDLE) sched_offer(s, affinity, cpu);
}

void sched_place(struct sched *s, struct thread *t)
{
	struct sched_cpu *c = sched_lock_cpu_of(s, t);

	ASSERT(!t->idle && !list_linked(&t->run_link));
	for (;;) {
		const uint32_t cpu = sched_cpu_for_locked(s, t);
		if (LIKELY(cpu == c->runq.cpu)) break;
		atomic_store_u32(&t->cpu, cpu);
		lock_drop_masked(&c->runq.lock);
		c = sched_lock_cpu_of(s, t);
	}
	const enum thread_state state = thread_word_state(atomic_load_u64(&t->word));
	if (state != THREAD_READY) thread_must_move(t, state, THREAD_READY, 0, 0);
	sched_enqueue_locked(s, c, t);
}

bool sched_wake(struct sched *s, struct thread *t, uint64_t was, uint32_t flags)
{
	ASSERT(thread_word_state(was) == THREAD_WAITING);
	if (atomic_load_u64(&t->word) != was) return false;
	const mach_irq_t irq = mach_irq_save();
	struct sched_cpu *c = sched_lock_cpu_of(s, t);
	const bool won = thread_move(t, was, THREAD_READY, flags, 0);

	if (won) c->wakes++;
	if (!won) {
		lock_drop_masked(&c->runq.lock);
	} else if (LIKELY(sched_is_fit(s, t, c->runq.cpu))) {
		sched_enqueue_locked(s, c, t);
	} else {
		lock_drop_masked(&c->runq.lock);
		sched_place(s, t);
	}
	mach_irq_restore(irq);
	return won;
}
