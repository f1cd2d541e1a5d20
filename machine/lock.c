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
 * Who waits notes what for, since when, and who has it, where others can read it
 * (mach_lock_waiting): a CPU that is stuck here has its interrupts masked and can tell nobody.  The
 * rank is written last and taken away first, so notes that are read while they change are seen.
 *
 * A latch is not fair: of two that wait either may be first, for ever in theory.  It belongs to one
 * CPU and is visited rarely; where many meet, a ticket lock it is.
 */
#include "machine/lock.h"

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

void lock_wait(struct lock *l, uint32_t mine)
{
	uint32_t holder = atomic_load_u32(&l->holder);
	struct lock_waiting *w = waiting_begins(mach_cpu(), l->rank, holder);

	do {
		const uint32_t now = atomic_load_u32(&l->holder);
		if (now != holder) atomic_store_u32(&w->holder, holder = now);
		mach_relax();
	} while (atomic_load_u32(&l->serving) != mine);
	waiting_ends(w);
}

/* The holder's word is the CPU + 1, or 0; of a latch that was tried it is 1, whichever CPU. */
void latch_wait(struct latch *l, unsigned cpu)
{
	const uint32_t holder = atomic_load_u32(&l->holder);
	struct lock_waiting *w =
		waiting_begins(cpu, l->rank, holder != 0 ? holder - 1 : (uint32_t)CPUS_MAX);

	do mach_relax();
	while (!atomic_claim_u32(&l->holder, cpu + 1));
	waiting_ends(w);
}
