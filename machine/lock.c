/*
 * lock.c -- the waiting side of a latch.
 *
 * Taking a latch is a handful of instructions in the caller (lock.h); having to wait for one is
 * rare.  So waiting is out of line, and RARE_CALL makes the called side save the registers: the
 * caller's fast path keeps its own in place and stays a leaf.
 *
 * The latch is tried again only after mach_relax(), so that the other side of the wait runs: on
 * the board its core gets the memory bus, on the host its virtual CPU gets a turn.
 *
 * Not fair: of two that wait either may be first, for ever in theory.  A latch belongs to one CPU
 * and is visited rarely; where many meet, a ticket lock it is.
 */
#include "machine/lock.h"

void latch_wait(struct latch *l, unsigned cpu)
{
	do mach_relax();
	while (!atomic_claim_u32(&l->holder, cpu + 1));
}
