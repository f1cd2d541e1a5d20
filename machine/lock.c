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
 * A latch is not fair: of two that wait either may be first, for ever in theory.  It belongs to one
 * CPU and is visited rarely; where many meet, a ticket lock it is.
 */
#include "machine/lock.h"

void lock_wait(struct lock *l, uint32_t mine)
{
	do mach_relax();
	while (atomic_load_u32(&l->serving) != mine);
}

void latch_wait(struct latch *l, unsigned cpu)
{
	do mach_relax();
	while (!atomic_claim_u32(&l->holder, cpu + 1));
}
