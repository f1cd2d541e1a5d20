/*
 * turns.h -- what is counted at [yield] points.  For machine/host alone.
 *
 * Most points are atomic operations, where a count is all there is to do: so they count in place
 * and the call of host_yield() is for the others.
 */
#ifndef MACHINE_HOST_TURNS_H
#define MACHINE_HOST_TURNS_H

#include "machine/machine.h"

struct host_turns {
	uint64_t yields; /* [yield] points passed since the reset */
	uint32_t spins;  /* relaxed so often in a row, without asking for a lock in between */
};
extern struct host_turns host_turns HOST_NEAR;

/* host_yield(HOST_YIELD_ATOMIC) and host_yield(HOST_YIELD_LOCK), in place. */
static inline void turns_at_atomic(void)
{
	host_turns.yields++;
}

/* Before a load or a store at offset `at` of what is watched (accesses.c). */
static inline void turns_at_access(size_t at)
{
	(void)at;
	host_turns.yields++;
}

static inline void turns_at_lock(void)
{
	host_turns.yields++;
	host_turns.spins = 0;
}

#endif
