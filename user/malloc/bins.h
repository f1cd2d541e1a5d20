/*
 * bins.h -- the free blocks, by size: segregated lists.
 *
 * A bin holds blocks of a range of sizes in a doubly linked list.  Below 1,024 bytes each multiple
 * of 16 has a bin, so any block of it fits; above, eight bins share each power of two, and the
 * last takes everything from 240 KiB on.  A bitmap says which bins are not empty.
 *
 * For less than 1,024 bytes the first bin that is not empty, of the wanted size or above, has what
 * is wanted at its head.  Otherwise a search walks the whole bin of the wanted size, since a block
 * that fits may stand anywhere in it, for the one that fits best; and takes the first of the next
 * bin that is not empty where there is none.
 *
 * With UMALLOC_FIRST_FIT there is one list, the last bin, and the search takes the first that fits:
 * the documents' allocator, for comparison.
 *
 * Always true (umalloc_check): a block is in the bin of its size exactly when it is FREE and not
 * the top; a bin's bit is set when it is not empty.
 *
 * Cost: constant, but for searches from 1,024 bytes on.
 */
#ifndef USER_MALLOC_BINS_H
#define USER_MALLOC_BINS_H

#include "user/malloc/inside.h"

enum {
	LINEAR_BINS = 64, /* the first: one for each multiple of 16 */
	LINEAR_SHIFT = 10,
	STEPS_SHIFT = 3, /* of the others, so many share a power of two (log2) */
	LAST_BIN = UMALLOC_BINS - 1,
};

_Static_assert(LINEAR_BINS << 4 == 1 << LINEAR_SHIFT && UMALLOC_BINS == 128, "two words of a map");

static inline uint32_t bin_of(const struct umalloc *m, uint64_t size)
{
	if (UMALLOC_UNLIKELY(m->config.fit == UMALLOC_FIRST_FIT)) return LAST_BIN;
	if (size < 1u << LINEAR_SHIFT) return (uint32_t)(size >> 4);
	const uint32_t shift = (63u ^ (uint32_t)__builtin_clzll(size)) - STEPS_SHIFT;
	const uint32_t step = (uint32_t)(size >> shift) - (1u << STEPS_SHIFT);
	const uint32_t bin =
		LINEAR_BINS + ((shift + STEPS_SHIFT - LINEAR_SHIFT) << STEPS_SHIFT) + step;
	return bin < LAST_BIN ? bin : LAST_BIN;
}

static inline void bin_add(struct umalloc *m, struct umalloc_block *b, uint64_t size)
{
	const uint32_t bin = bin_of(m, size);
	struct umalloc_block *first = m->bins[bin];

	b->next = first;
	b->prev = NULL;
	m->bins[bin] = b;
	if (first != NULL)
		first->prev = b;
	else
		m->bin_map[bin / 64] |= 1ull << bin % 64;
}

/* The first of a bin leaves it. */
static inline void bin_pop(struct umalloc *m, struct umalloc_block *b, uint32_t bin)
{
	SOUND(m, m->bins[bin] == b && b->prev == NULL, b);
	m->bins[bin] = b->next;
	if (b->next != NULL)
		b->next->prev = NULL;
	else
		m->bin_map[bin / 64] &= ~(1ull << bin % 64);
}

static inline void bin_remove(struct umalloc *m, struct umalloc_block *b)
{
	if (b->prev == NULL) {
		bin_pop(m, b, bin_of(m, block_size(b)));
		return;
	}
	SOUND(m, b->prev->next == b && (b->next == NULL || b->next->prev == b), b);
	b->prev->next = b->next;
	if (b->next != NULL) b->next->prev = b->prev;
}

/* The first bin from `from` on that is not empty; UMALLOC_BINS: none. */
static inline uint32_t bin_next(const struct umalloc *m, uint32_t from)
{
	if (UMALLOC_LIKELY(from < 64)) {
		const uint64_t word = m->bin_map[0] >> from;
		if (word != 0) return from + (uint32_t)__builtin_ctzll(word);
		from = 64;
	}
	const uint64_t word = m->bin_map[1] >> (from - 64);
	return word != 0 ? from + (uint32_t)__builtin_ctzll(word) : UMALLOC_BINS;
}

/* A free block of at least `size`, taken out of its bin, or NULL. */
struct umalloc_block *um_bin_take_large(struct umalloc *m, uint64_t size);

#endif
