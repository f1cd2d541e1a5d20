/*
 * kmalloc_smp.h -- the state of a run of subject kmalloc_smp, and what its files tell each other.
 */
#ifndef FUZZ_KMALLOC_SMP_H
#define FUZZ_KMALLOC_SMP_H

#include "fuzz/kmalloc_world.h"

/* States that a campaign must reach. */
enum {
	SAW_EXHAUSTION,
	SAW_WINDOW_FULL,
	SAW_MET_AT_HANDLE,
	SAW_OTHER_CPU_FREE,
	SAW_RESIZE_MOVED,
	SAW_RESIZE_REFUSED,
	SAW_DRAIN_RACED,
	SAW_LOCK_WAITED,
	SAW_SLAB_RETURNED,
	SAW_EARLY_RACED,
	SAW_EARLY_FULL,
	SAW_EARLY_ENDED,
	SAW_STATES
};

/* In the arena, where what is in it is watched. */
struct smp_state {
	struct pool_world world;
	struct kmalloc km;
	struct early early;
	struct slab_cpu cpus[KMALLOC_WORLD_CPUS];
	uint32_t handed[SCRIPT_SLOTS]; /* atomic: by which handles go from lane to lane */
};

static inline struct smp_state *smp_of(const struct run *run)
{
	return run->state;
}

/* The handle is this lane's from here on; false: it is another's. */
bool smp_claim(struct run *run, unsigned slot);
void smp_unclaim(struct run *run, unsigned slot);

/* --- kmalloc_smp_early.c ---------------------------------------------------------------------- */

enum {
	SMP_EARLY_SLOTS = SCRIPT_SLOTS - 1,
	SMP_EARLY_SIZE_MAX = 1024,
};

void smp_early_open(struct run *run);
void smp_early_check(struct run *run); /* nobody is in an operation */
void smp_step_early(struct run *run, const struct script_op *op);
void smp_step_early_end(struct run *run, const struct script_op *op);

#endif
