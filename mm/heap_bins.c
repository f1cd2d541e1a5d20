/*
 * heap_bins.c -- the lists of free blocks.
 *
 * 64 lists by size, four to each power of two from 512 bytes on, and a word with a bit for each
 * list that is not empty.  A request looks through all of its own class, where some blocks are too
 * small for it, and takes the first that fits; in a higher class the first block nearly always
 * fits, and when an alignment spoils it the next ones are tried.  So no fit is ever missed: who
 * looks only at heads asks for pages while the block it needs stands second.
 *
 * Links live in memory that its last user may still write to.  None is followed before it was
 * looked at: a place must lie inside the heap, the node there must be sound and free, and its back
 * link must name where we came from.  Where that fails the chain is cut and cut_chains counts it;
 * the blocks behind are lost to the heap, which otherwise goes on.
 *
 * Always true (heap_check):
 *   B1  bit b of heap->bins is set exactly when first[b] is not 0;
 *   B2  a free block is on exactly one list, that of heap_bin(its size);
 *   B3  free_blocks and large_bytes are the sums over all lists.
 *
 * Locks: heap->lock is held by the caller of everything here.  Cost: to put, move or drop a block
 * is constant and inline in heap_inside.h; a search grows with the blocks of the need's own class
 * that are too small.
 */
#include "mm/heap_inside.h"

#define OCTAVE(log2) 4u << ((log2)-2), 5u << ((log2)-2), 6u << ((log2)-2), 7u << ((log2)-2)

const uint32_t bin_floor[HEAP_BINS + 1] = {
	HEAP_NODE_BYTES, 128,        256,        384,        OCTAVE(9),  OCTAVE(10), OCTAVE(11),
	OCTAVE(12),      OCTAVE(13), OCTAVE(14), OCTAVE(15), OCTAVE(16), OCTAVE(17), OCTAVE(18),
	OCTAVE(19),      OCTAVE(20), OCTAVE(21), OCTAVE(22), OCTAVE(23), UINT32_MAX,
};

/* Ends a list behind the block at `prev`; where that is a list, before its first. */
static NOINLINE void bins_cut(struct heap *heap, uint32_t prev)
{
	ASSERT(prev < HEAP_BINS || heap_reaches(heap, prev));
	heap->cut_chains++;
	if (prev >= HEAP_BINS) {
		node_set_next(heap, prev, 0);
		return;
	}
	heap->first[prev] = 0;
	heap->bins &= ~(1ull << prev);
}

/* Whether a free block has room for `block` bytes behind a front that aligns them. */
static bool block_fits(const struct heap *heap, uint32_t at, const struct heap_node *node,
		       uint32_t block, uint32_t align)
{
	const uint32_t bytes = node_bytes(node);
	if (bytes < block) return false;
	if (align == HEAP_GRAIN) return true;
	return heap_front((uintptr_t)heap_pointer(heap, at), align) <= bytes - block;
}

/* Whether the block at `at` is what a list's next block must be, coming from `prev`. */
static bool block_listed(const struct heap *heap, uint32_t at, uint32_t prev)
{
	if (!heap_reaches(heap, at)) return false;
	const struct heap_node node = node_load(heap, at);
	return node.prev == prev && node_kind(&node) == NODE_FREE && node_sound_free(&node, at);
}

/* The first block of list `bin` that fits, or 0. */
static uint32_t list_search(struct heap *heap, unsigned bin, uint32_t block, uint32_t align)
{
	uint32_t prev = bin;
	ASSERT(bin < HEAP_BINS && heap->first[bin] != 0);
	for (uint32_t at = heap->first[bin]; at != 0;) {
		if (UNLIKELY(!block_listed(heap, at, prev))) {
			bins_cut(heap, prev);
			return 0;
		}
		const struct heap_node node = node_load(heap, at);
		if (block_fits(heap, at, &node, block, align)) {
			if (UNLIKELY(!bins_next_sound(heap, node.next, at))) bins_cut(heap, at);
			return at;
		}
		prev = at;
		at = node.next;
	}
	return 0;
}

uint32_t bins_search(struct heap *heap, uint32_t block, uint32_t align)
{
	uint64_t bins = heap->bins & ~0ull << heap_bin(block);
	ASSERT(block >= HEAP_NODE_BYTES && is_power_of_two(align));
	for (; bins != 0; bins &= bins - 1) {
		const uint32_t at = list_search(heap, bit_lowest(bins), block, align);
		if (at != 0) return at;
	}
	return 0;
}
