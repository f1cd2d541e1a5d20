/*
 * heap_inside.h -- what the files of the heap know of each other.
 */
#ifndef MM_HEAP_INSIDE_H
#define MM_HEAP_INSIDE_H

#include "mm/heap_node.h"

/* No sum or offset of the heap comes near 32 bits: all spans together hold less than this, and a
 * request or alignment beyond it is refused before it takes part in any arithmetic. */
#define HEAP_BYTES_MAX ((size_t)1 << 31)

/* A request, made into what it needs of a block. */
struct heap_want {
	uint32_t asked; /* bytes, a multiple of 8 */
	uint32_t block; /* the same with the node, a multiple of HEAP_GRAIN */
	uint32_t align; /* of the payload, at least HEAP_GRAIN */
};

/* --- the arithmetic of splitting -------------------------------------------------------------- */

/* Whether `rest` bytes behind a granted block become a block; less is granted with it. */
static inline bool heap_rest_is_block(size_t rest)
{
	return rest >= HEAP_NODE_BYTES;
}

/*
 * Bytes to leave in front of a node for a block at `address`, so that the payload stands at a
 * multiple of `align`: none, or enough for a free block.
 */
static inline size_t heap_front(uintptr_t address, size_t align)
{
	const uintptr_t payload = address + HEAP_NODE_BYTES;
	const size_t front = align_up(payload, align) - payload;
	return front == 0 || heap_rest_is_block(front) ? front : front + align;
}

/* --- heap_bins.c: the lists of free blocks; here what every alloc and free passes ------------- */

/* Inlined at every level: passing nodes in registers halves the cost of an alloc or free. */
#define HOT static inline __attribute__((always_inline))

/* The list for free blocks of `bytes`: four to a power of two from 512 on. */
HOT unsigned heap_bin(uint32_t bytes)
{
	const unsigned shift = bit_highest(bytes | 512) - 2;
	const unsigned bin = shift * 4 + (bytes >> shift) - 28;
	return bin < HEAP_BINS ? bin : HEAP_BINS - 1;
}

/* Smallest size on each list; the last entry ends the last list. */
extern const uint32_t bin_floor[HEAP_BINS + 1];

/* The list that a free block is on. */
HOT unsigned bins_of(const struct heap_node *node)
{
	return node->prev < HEAP_BINS ? node->prev : heap_bin(node_bytes(node));
}

/* Whether a link from the block at `from` may be followed: to nothing, or to a place in the heap
 * that names `from` as the one before it. */
HOT bool bins_next_sound(const struct heap *heap, uint32_t next, uint32_t from)
{
	return next == 0 || (heap_reaches(heap, next) && node_prev(heap, next) == from);
}

/* Whether both neighbours on its list agree that this free node is there. */
HOT bool bins_links_sound(const struct heap *heap, uint32_t at, const struct heap_node *node)
{
	if (!bins_next_sound(heap, node->next, at)) return false;
	if (node->prev < HEAP_BINS) return heap->first[node->prev] == at;
	return heap_reaches(heap, node->prev) && node_next(heap, node->prev) == at;
}

/* Whether the first block of list `bin` is what it must be. */
HOT bool head_sound(const struct heap *heap, uint32_t at, const struct heap_node *node,
		    unsigned bin)
{
	return node_kind(node) == NODE_FREE && node_sound_free(node, at) && node->prev == bin &&
	       bins_next_sound(heap, node->next, at);
}

HOT void bins_count_large(struct heap *heap, uint32_t was, uint32_t now)
{
	if (was >= HEAP_LARGE) heap->large_bytes -= was;
	if (now >= HEAP_LARGE) heap->large_bytes += now;
}

/* Makes [at, at + bytes) a free block and lists it.  Tells nobody to the right. */
HOT void bins_put(struct heap *heap, uint32_t at, uint32_t bytes, uint32_t left)
{
	const unsigned bin = heap_bin(bytes);
	const uint32_t next = heap->first[bin];
	ASSERT_SLOW(heap_rest_is_block(bytes) && is_aligned(bytes, HEAP_GRAIN));
	ASSERT_SLOW(heap_reaches(heap, at));
	if (next != 0) node_set_prev(heap, next, at);
	heap->first[bin] = at;
	heap->bins |= 1ull << bin;
	node_put_free(heap, at, node_sizes(bytes, NODE_FREE, left), next, bin);
	heap->free_blocks++;
	bins_count_large(heap, 0, bytes);
}

/* Takes a free block, sound and with sound links, off its list. */
HOT void bins_drop(struct heap *heap, const struct heap_node *node)
{
	ASSERT_SLOW(node_kind(node) == NODE_FREE && heap->free_blocks != 0);
	if (node->next != 0) node_set_prev(heap, node->next, node->prev);
	if (node->prev >= HEAP_BINS)
		node_set_next(heap, node->prev, node->next);
	else if ((heap->first[node->prev] = node->next) == 0)
		heap->bins ^= 1ull << node->prev;
	heap->free_blocks--;
	bins_count_large(heap, node_bytes(node), 0);
}

/* The free block `node`, sound and with sound links, is [to, to + bytes) from now on. */
HOT void bins_move(struct heap *heap, const struct heap_node *node, uint32_t to, uint32_t bytes,
		   uint32_t left)
{
	const unsigned bin = bins_of(node);
	ASSERT_SLOW(heap_rest_is_block(bytes) && heap_reaches(heap, to));
	if (bytes < bin_floor[bin] || bytes >= bin_floor[bin + 1]) {
		bins_drop(heap, node);
		bins_put(heap, to, bytes, left);
		return;
	}
	if (node->next != 0) node_set_prev(heap, node->next, to);
	if (node->prev >= HEAP_BINS)
		node_set_next(heap, node->prev, to);
	else
		heap->first[bin] = to;
	node_put_free(heap, to, node_sizes(bytes, NODE_FREE, left), node->next, node->prev);
	bins_count_large(heap, node_bytes(node), bytes);
}

/* Finds a block that fits: its offset, or 0.  It and its links are sound; it stays listed. */
uint32_t bins_search(struct heap *heap, uint32_t block, uint32_t align);

/* The same, its node into *node, for the case that the first block of the first list will do. */
HOT uint32_t bins_find(struct heap *heap, const struct heap_want *want, struct heap_node *node)
{
	const uint64_t bins = heap->bins & ~0ull << heap_bin(want->block);
	if (UNLIKELY(bins == 0)) return 0;
	const unsigned bin = bit_lowest(bins);
	uint32_t at = heap->first[bin];
	*node = node_load(heap, at);
	if (LIKELY(node_bytes(node) >= want->block && want->align == HEAP_GRAIN &&
		   head_sound(heap, at, node, bin)))
		return at;
	at = bins_search(heap, want->block, want->align);
	if (at != 0) *node = node_load(heap, at);
	return at;
}

/* --- heap.c ----------------------------------------------------------------------------------- */

/* A block and its neighbours, as their nodes stood when they were verified. */
struct heap_block {
	uint32_t at;
	struct heap_node node, left, right;
};

/* Makes block `b`, granted until now and counted no more, free: one with its free neighbours.
 * Returns the offset of the free block that it is part of. */
uint32_t heap_merge(struct heap *heap, const struct heap_block *b);

/* --- heap_span.c: what spans are made of ------------------------------------------------------ */

/* The last span that begins before `at`: its prologue's offset, and its node; or 0. */
uint32_t span_before(const struct heap *heap, uint32_t at, struct heap_node *prologue);

/* Makes [memory, memory + bytes), multiples of 16, part of the heap: a span of its own, or part of
 * those of the same kind (NODE_SPAN, NODE_FIXED) that it touches. */
void span_adopt(struct heap *heap, uintptr_t memory, size_t bytes, enum node_kind kind);

/* Pages that were taken out of a span and are still to be given back. */
struct heap_cut {
	uintptr_t memory;
	size_t pages;
};

/* Takes wholly free pages, up to `pages` of them, out of the free block at `at`. */
void span_cut(struct heap *heap, uint32_t at, size_t pages, struct heap_cut *cut);

/* --- heap_grow.c: pages from the pool and back ------------------------------------------------ */

/* Gets pages, enough for `want` at least.  Holds no lock of the heap while it asks.  False after
 * telling the listener why. */
bool heap_grow(struct heap *heap, const struct heap_want *want, uint32_t how, site_t site);

void heap_tell(const struct heap *heap, enum mm_event event, uint64_t bytes, uint64_t align,
	       site_t site);

/* Takes the excess, as far as the free block at `at` has it, out of the heap. */
void heap_cut_excess(struct heap *heap, uint32_t at, struct heap_cut *cut);

/* Gives cut pages to the pool.  Without the heap's lock. */
void heap_return(struct heap *heap, const struct heap_cut *cut);

/* --- heap_check.c ----------------------------------------------------------------------------- */

/* Why `at` is not a granted block, by walking its span.  Never HEAP_FREED. */
enum heap_verdict heap_accuse(const struct heap *heap, uint32_t at);

#endif
