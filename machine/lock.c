/*
 * lock.c -- the waiting side of a lock and of a latch.
 *
 * Taking either is a handful of instructions in the caller (lock.h); having to wait is rare.  So
 * waiting is out of line, and RARE_CALL makes the called side save the registers: the caller's
 * fast path keeps its own in place and stays a leaf.
 *
 * What is waited for is looked at again only after mach_relax(), so that the other side of the wait
 * runs: on the board its core gets the memory bus, on the host its virtual CPU gets a turn.
 *
 * Who has looked many times rests in between (mach_rest), for then the other side may have lost its
 * core to us: where a board of four CPUs has two cores, all four were seen in here, and the one
 * whose turn it was did not run.  That is early for who is not next, whose turn cannot come before
 * the next one has had its own: after as long as a rest takes, for where the lock goes round
 * quickly, who rests misses its turn, all others wait for it and rest in their turn, and there is
 * no end to that.  And late, some fifty microseconds, for who is next and whose rest everybody
 * would have to wait for.
 *
 * Who waits notes what for, since when, and who has it, where others can read it
 * (mach_lock_waiting): a CPU that is stuck here has its interrupts masked and can tell nobody.  The
 * rank is written last and taken away first, so notes that are read while they change are seen.
 *
 * A latch is not fair: of two that wait either may be first, for ever in theory.  It belongs to one
 * CPU and is visited rarely; where many meet, a ticket lock it is.
 */
#include "machine/lock.h"

enum {
	LOOKS_NEXT = 2000, /* in vain before a rest, for who comes next */
	LOOKS_LATER = 32,  /* for who does not, */
	LATER_NS = 20000,  /* and then for so long */
	REST_NS = 20000,
};

static struct lock_waiting *waiting_begins(unsigned cpu, uint32_t rank, uint32_t holder)
{
	struct lock_waiting *w = mach_lock_waiting(cpu);

	atomic_store_u64(&w->since_ns, mach_now_ns());
	atomic_store_u32(&w->holder, holder);
	atomic_store_u32(&w->rank, rank);
	return w;
}

static void waiting_ends(struct lock_waiting *w)
{
	atomic_store_u32(&w->rank, RANK_NONE);
}

/* Before the next look, `looks` having been in vain; `next`: it can be our turn any moment. */
static void waiting_goes_on(const struct lock_waiting *w, uint32_t looks, bool next)
{
	const bool early = looks < (next ? LOOKS_NEXT : LOOKS_LATER);

	if (LIKELY(early) || (!next && mach_now_ns() - w->since_ns < LATER_NS))
		mach_relax();
	else
		mach_rest(REST_NS);
}

void lock_wait(struct lock *l, uint32_t mine)
{
	uint32_t holder = atomic_load_u32(&l->holder), serving = mine - 1, looks = 0;
	struct lock_waiting *w = waiting_begins(mach_cpu(), l->rank, holder);

	do {
		const uint32_t now = atomic_load_u32(&l->holder);
		if (now != holder) atomic_store_u32(&w->holder, holder = now);
		waiting_goes_on(w, looks++, mine - serving <= 1);
		serving = atomic_load_u32(&l->serving);
	} while (serving != mine);
	waiting_ends(w);
}

/* The holder's word is the CPU + 1, or 0; of a latch that was tried it is 1, whichever CPU. */
void latch_wait(struct latch *l, unsigned cpu)
{
	const uint32_t holder = atomic_load_u32(&l->holder);
	struct lock_waiting *w =
		waiting_begins(cpu, l->rank, holder != 0 ? holder - 1 : (uint32_t)CPUS_MAX);
	uint32_t looks = 0;

	do waiting_goes_on(w, looks++, true);
	while (!atomic_claim_u32(&l->holder, cpu + 1));
	waiting_ends(w);
}
