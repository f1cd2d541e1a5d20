/*
 * fdt_ranges.h -- arithmetic on ranges that forms no sum, so none can wrap.
 *
 * Ranges are compared by distances, not by ends: two overlap exactly when one begins less than the
 * other's length behind its beginning.  Differences are modulo 2^64.
 */
#ifndef FUZZ_FDT_RANGES_H
#define FUZZ_FDT_RANGES_H

#include "fuzz/fdt_model.h"

#define RANGE_LIMIT (1ull << 47) /* one past the highest address of the board; kernel/platform.c */

static inline bool range_touches(struct range a, struct range b)
{
	return (b.base - a.base < a.bytes && b.bytes != 0) ||
	       (a.base - b.base < b.bytes && a.bytes != 0);
}

/* How many bytes two ranges share. */
static inline uint64_t range_shared(struct range a, struct range b)
{
	const struct range low = a.base <= b.base ? a : b;
	const struct range high = a.base <= b.base ? b : a;
	const uint64_t from = high.base - low.base;
	return from < low.bytes ? min_u64(low.bytes - from, high.bytes) : 0;
}

static inline bool range_is_possible(struct range r)
{
	return r.base <= RANGE_LIMIT && r.bytes <= RANGE_LIMIT - r.base;
}

/* Whole pages: all that are touched; and of memory, all that are whole. Ranges are possible. */
static inline struct range range_grown(struct range r)
{
	const uint64_t before = r.base % PAGE_SIZE;
	const uint64_t bytes = r.bytes + before;
	return (struct range){ r.base - before, bytes + (0 - bytes) % PAGE_SIZE };
}

static inline struct range range_shrunk(struct range r)
{
	const uint64_t before = r.base == 0 ? PAGE_SIZE : (0 - r.base) % PAGE_SIZE;
	if (r.bytes < before) return (struct range){ r.base, 0 };
	return (struct range){ r.base + before, (r.bytes - before) / PAGE_SIZE * PAGE_SIZE };
}

#endif
