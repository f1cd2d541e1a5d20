/*
 * sched_balance.c -- so that busy CPUs have about as many ready threads each.
 *
 * Idle CPUs steal; busy ones do not look round.  A CPU that has many ready threads therefore gives:
 * whenever its timer comes, which is about once in a slice while threads share it, it looks for the
 * CPU that has the fewest, and where that has fewer by BALANCE_GAP or more, it gets one.  One that
 * has only one thread is not interrupted for this; it is told when it gets a second.
 *
 * Which one: the last of its list, which would have to wait longest here; the least urgent, but not
 * one that would have to wait there for something more urgent than itself; and none that was moved
 * and has not run since, or two CPUs could give it to each other for ever.
 *
 * It ends.  With a and b ready, a >= b + 2, a gift makes of a * a + b * b less by 2 or more; so
 * where nothing else happens there are only so many, and when there are no more no two CPUs differ
 * by 2, but for threads that may not be moved.  That needs the two numbers to be true when the gift
 * is made: a CPU's own stands under its lock, and the other's only shrinks meanwhile by itself,
 * since one CPU at a time may give to it (`receives`).  What wakes or is spawned there in between
 * makes one gift too many, which the next slices put right.
 *
 * Locks: run queues', one at a time, as when stealing: the thread is READY and in no queue in
 * between (sched_place).  Cost: a load for each CPU in a slice; about 300 instructions a gift, and
 * a look at each thread that may not be moved.
 */
#include "sched/sched_inside.h"

enum { BALANCE_GAP = 2 };

/* The CPU with the fewest ready threads, `most` or fewer, of the bits of `cpus`; CPUS_MAX: none. */
static uint32_t sched_lightest(const struct sched *s, uint32_t cpus, uint32_t most)
{
	uint32_t lightest = CPUS_MAX, end = most + 1;

	for (; cpus != 0; cpus &= cpus - 1) {
		const uint32_t cpu = bit_lowest(cpus);
		const uint32_t count = atomic_load_u32(&s->cpu[cpu].runq.count);
		if (count >= end || atomic_load_u32(&s->cpu[cpu].online) == 0) continue;
		end = count;
		lightest = cpu;
	}
	return lightest;
}

/* How many are ready on that CPU, no switch being under way, and the priority of what is most
 * urgent there, ready or running. */
static uint32_t sched_ready_on(struct sched_cpu *c, unsigned *urgent)
{
	lock_take_masked(&c->runq.lock);
	const uint32_t count = c->runq.count;
	const unsigned ready = runq_most_urgent_locked(&c->runq);
	const unsigned runs = c->current != NULL ? c->current->priority : (unsigned)PRIORITY_IDLE;

	lock_drop_masked(&c->runq.lock);
	*urgent = (unsigned)min_u64(ready, runs);
	return count;
}

/* With `other` waiting for it: one of c's threads, in nobody's queue and the other's, or NULL. */
static struct thread *sched_spare(struct sched_cpu *c, struct sched_cpu *other)
{
	unsigned urgent;
	const uint32_t ready = sched_ready_on(other, &urgent);
	struct thread *t = NULL;

	lock_take_masked(&c->runq.lock);
	if (c->runq.count >= ready + BALANCE_GAP)
		t = runq_spare_locked(&c->runq, other->runq.cpu, urgent);
	if (t != NULL) {
		ASSERT(t != c->current && !t->idle && sched_may_run(t, other->runq.cpu));
		t->moved_at = t->switches + 1;
		atomic_store_u32(&t->cpu, other->runq.cpu);
	}
	lock_drop_masked(&c->runq.lock);
	return t;
}

/* False: nothing that c has can go there. */
static bool sched_give_one(struct sched *s, struct sched_cpu *c, struct sched_cpu *other)
{
	ASSERT(c != other);
	if (!atomic_claim_u32(&other->receives, 1)) return false; /* it gets one already */
	struct thread *t = sched_spare(c, other);

	if (t != NULL) {
		sched_place(s, t);
		c->gifts++;
	}
	atomic_store_u32(&other->receives, 0);
	return t != NULL;
}

void sched_balance(struct sched *s, struct sched_cpu *c)
{
	uint32_t others = ((1u << s->config.cpus) - 1) & ~(1u << c->runq.cpu);

	ASSERT(c == sched_here(s) && c->left == NULL);
	mach_lock_none_held(RANK_NONE);
	if (c->current == NULL || c->current->idle) return;
	while (others != 0) {
		const uint32_t count = atomic_load_u32(&c->runq.count);
		if (count < BALANCE_GAP) return;
		const uint32_t to = sched_lightest(s, others, count - BALANCE_GAP);
		if (to == CPUS_MAX || sched_give_one(s, c, &s->cpu[to])) return;
		others &= ~(1u << to);
	}
}
