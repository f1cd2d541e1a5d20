/*
 * heap.h -- the short ways of heap.c: what most calls get by with, inline.
 *
 * A quick list has freed blocks of one size, as they were.  carve() cuts a request off a free block
 * or the top.  Neither makes a call, so that a caller in which they succeed needs no frame.
 */
#ifndef USER_MALLOC_HEAP_H
#define USER_MALLOC_HEAP_H

#include "user/malloc/bins.h"

/* A block of exactly so many units, live, from a quick list, or NULL. */
static inline struct umalloc_block *quick_take(struct umalloc *m, uint64_t units)
{
	struct umalloc_block *b = m->quick[units];

	if (UMALLOC_UNLIKELY(b == NULL)) return NULL;
	m->quick[units] = b->next;
	b->head ^= BLOCK_QUICK ^ BLOCK_LIVE;
	return b;
}

/* A live block, of a size that has a quick list, goes there. */
static inline void quick_put(struct umalloc *m, struct umalloc_block *b, uint64_t q)
{
	b->head ^= BLOCK_LIVE ^ BLOCK_QUICK;
	b->next = m->quick[q];
	if (b->next == NULL) m->quick_map[q / 64] |= 1ull << q % 64;
	m->quick[q] = b;
}

/* The first `size` bytes of a free block that is in no bin are live; what is left over goes into
 * one, or stays the top. */
UMALLOC_INLINE void carve(struct umalloc *m, struct umalloc_block *b, uint64_t size)
{
	const uint64_t have = block_size(b), rest = have - size;
	struct umalloc_block *left = block_at((char *)b + size);

	if (rest < BLOCK_MIN) {
		b->head = head_of(have, BLOCK_LIVE);
		block_left_is(block_right(b), false);
		if (b == m->top) m->top = NULL;
		return;
	}
	b->head = head_of(size, BLOCK_LIVE);
	left->head = head_of(rest, BLOCK_FREE);
	((uint64_t *)((char *)left + rest))[-1] = rest;
	if (b == m->top)
		m->top = left;
	else
		bin_add(m, left, rest);
}

/* The top, if it has `size` bytes, or NULL. */
static inline struct umalloc_block *top_for(const struct umalloc *m, uint64_t size)
{
	return m->top != NULL && block_size(m->top) >= size ? m->top : NULL;
}

/* A live block of at least `size`, fewer than 1,024 bytes, of what is free; or NULL. */
static inline struct umalloc_block *carve_small(struct umalloc *m, uint64_t size)
{
	const uint32_t bin = bin_next(m, (uint32_t)(size >> 4));
	struct umalloc_block *b;

	if (bin != UMALLOC_BINS) {
		b = m->bins[bin];
		bin_pop(m, b, bin);
	} else {
		b = top_for(m, size);
		if (UMALLOC_UNLIKELY(b == NULL)) return NULL;
	}
	carve(m, b, size);
	return b;
}

/* The same of any size. */
UMALLOC_INLINE struct umalloc_block *heap_take_free(struct umalloc *m, uint64_t size)
{
	if (UMALLOC_LIKELY(size < 1u << LINEAR_SHIFT && m->config.fit != UMALLOC_FIRST_FIT))
		return carve_small(m, size);
	return um_heap_take_large(m, size);
}

/* A live block of at least `size` bytes, or NULL; nothing is counted.  The heap may grow. */
static inline struct umalloc_block *heap_take(struct umalloc *m, uint64_t size)
{
	const uint64_t units = size >> UNIT_SHIFT;
	struct umalloc_block *b = units < UMALLOC_QUICK ? quick_take(m, units) : NULL;

	if (b == NULL) b = um_heap_take_free(m, size);
	return UMALLOC_LIKELY(b != NULL) ? b : um_heap_take_grown(m, size);
}

/* A live block becomes free: later, if it is small. */
static inline void heap_put_back(struct umalloc *m, struct umalloc_block *b)
{
	const uint64_t units = block_units(b);

	if (units << UNIT_SHIFT < m->config.quick_bytes)
		quick_put(m, b, units);
	else
		um_heap_put_trimming(m, b);
}

#endif
