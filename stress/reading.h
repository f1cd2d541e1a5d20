/*
 * reading.h -- everything the kernel counts about its memory, at a moment when nothing moves.
 */
#ifndef STRESS_READING_H
#define STRESS_READING_H

#include "machine/base.h"

enum { READINGS_MAX = 128 };

struct reading {
	const char *name;
	uint32_t of; /* which: a slab's object size, a block's order; 0 where there is but one */
	uint64_t value;
};

struct readings {
	uint32_t count;
	struct reading row[READINGS_MAX];
};

/* Forces what is put off (retired spaces, CPUs' slabs, empty slabs, quarantines, page caches), then
 * reads.  On one CPU, the others at rest.  NULL, or which structure is not sound. */
const char *readings_take(struct readings *out);

/* The first row of `now` that is not as in `then`, or NULL when all are equal. */
const struct reading *readings_differ(const struct readings *then, const struct readings *now);

/* Keeps who has which memory; readings_blame() says what became more or less since, by function. */
void readings_keep_sites(void);
void readings_blame(void);

#endif
