/*
 * canary_smp_seen.c -- the accesses of subject canary_smp that are seen, where the build sees any.
 */
#include "fuzz/canary_smp.h"

void canary_add(struct canary_smp *s, uint32_t times)
{
	for (uint32_t n = 0; n < times; n++) {
		const uint64_t number = s->number;
		atomic_load_u32(&s->idle);
		s->number = number + 1;
	}
}

void canary_write(struct canary_smp *s, uint32_t value)
{
	s->written = value;
}
