/*
 * lock.c -- the waiting side of a latch, out of line: it is rare, and its registers are its own.
 */
#include "machine/lock.h"

void latch_wait(struct latch *l, unsigned cpu)
{
	do mach_relax();
	while (!atomic_claim_u32(&l->holder, cpu + 1));
}
