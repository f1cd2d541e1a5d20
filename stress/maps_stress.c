/*
 * maps_stress.c -- one space that is mapped into and unmapped from as often as is asked for.
 *
 * Each operation maps a page or a few, anywhere, in the one space that all CPUs share, touches the
 * first of them one time in TOUCH_ONE_IN, and unmaps them again; RING mappings of each CPU are
 * left standing meanwhile, so places are found between others.  Where ranges were not reused, or
 * something small stayed behind of each, the 2,000,000 that //stress:maps asks for would find the
 * end of one or the other (an older design's was 196,320).
 *
 * Always true: a mapping belongs to the CPU that made it; nothing is ever refused.
 *
 * Locks: none.
 */
#include "stress/space_stress.h"

enum { RING = 8, TOUCH_ONE_IN = 4, PAGES_BELOW = 4, RELAX_ONE_IN = 8 };

static struct space *space;
static struct {
	uint64_t at, bytes; /* 0 bytes: none */
} rings[CPUS_MAX][RING];

static void nothing(void)
{
}

static void make(const struct stress_turn *turn, struct random *random)
{
	(void)turn, (void)random;
	if (mach_cpu() != 0) return;
	space = kspace_create();
	if (space == NULL) kpanic("assert", "no memory for a space at the beginning");
}

static void unmap(uint64_t at, uint64_t bytes)
{
	if (bytes != 0) space_granted("munmap", kspace_unmap(space, at, bytes));
}

static NOINLINE void stress_maps_again(const struct stress_turn *turn, struct random *random)
{
	const uint32_t place = random_below(random, RING);
	const unsigned cpu = mach_cpu();
	const uint64_t bytes = (uint64_t)(1 + random_below(random, PAGES_BELOW)) << PAGE_SHIFT;
	const int64_t at = kspace_map(space, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (!space_granted("mmap", at)) return;
	if (random_one_in(random, TOUCH_ONE_IN)) space_writes(space, (uint64_t)at, random->state);
	unmap(rings[cpu][place].at, rings[cpu][place].bytes);
	rings[cpu][place].at = (uint64_t)at;
	rings[cpu][place].bytes = bytes;
	space_misbehaves(turn->plan, stress_count(STRESS_OPERATIONS));
}

static void churn(const struct stress_turn *turn, struct random *random)
{
	for (uint32_t i = 0; i < turn->plan->operations; i++) {
		stress_maps_again(turn, random);
		stress_sample(turn);
		if (random_one_in(random, RELAX_ONE_IN)) mach_relax();
	}
}

static void settle(const struct stress_turn *turn, struct random *random)
{
	const unsigned cpu = mach_cpu();
	(void)turn, (void)random;
	for (unsigned i = 0; i < RING; i++) {
		unmap(rings[cpu][i].at, rings[cpu][i].bytes);
		rings[cpu][i].bytes = 0;
	}
	space_switch(&kernel_vm, NULL);
}

static void retire(const struct stress_turn *turn, struct random *random)
{
	(void)turn, (void)random;
	if (mach_cpu() != 0) return;
	space_must_be_empty(space);
	space_retire(space);
}

static const struct stress_part parts[] = {
	{ "make", make, false },     { "churn", churn, false }, { "settle", settle, false },
	{ "retire", retire, false }, { NULL, NULL, false },
};

const struct stress maps_stress = { .name = "maps", .open = nothing, .parts = parts };
