/*
 * canary_smp.h -- the state of a run of subject canary_smp, and its accesses that are seen.
 */
#ifndef FUZZ_CANARY_SMP_H
#define FUZZ_CANARY_SMP_H

#include "fuzz/frame/plan.h"
#include "machine/lock.h"

struct canary_smp {
	struct lock lock;
	uint64_t number, written;
	uint32_t flag, sleeper; /* atomic; CPU + 1, or 0 */
	uint32_t idle;          /* atomic: looked at between reading and writing */
};

/* With no lock. */
void canary_add(struct canary_smp *s, uint32_t times);
void canary_write(struct canary_smp *s, uint32_t value);

#endif
