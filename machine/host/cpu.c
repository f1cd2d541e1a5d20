/*
 * cpu.c -- where virtual CPUs take turns, and their clock.  (Fibers come next; until then all
 * runs on the one CPU that calls.)
 */
#include "machine/host/cpu.h"

#include "machine/host/lockcheck.h"
#include "machine/machine.h"

enum { SPINS_MAX = 64 };

static uint32_t spins;
static uint64_t clock_ns;

void host_yield(enum host_yield kind)
{
	if (kind == HOST_YIELD_ATOMIC) return;
	spins = kind == HOST_YIELD_RELAX ? spins + 1 : 0;
	if (UNLIKELY(spins > SPINS_MAX)) lockcheck_stuck();
}

uint64_t mach_now_ns(void)
{
	return clock_ns;
}

void host_clock_advance(uint64_t ns)
{
	clock_ns += ns;
}
