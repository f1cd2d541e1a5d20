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
 *   B3  free_blocks, free_bytes and large_bytes are the sums over all lists.
 *
 * Locks: heap->lock is held by the caller of everything here.  Cost: put and drop constant, some
 * 25 instructions; take grows with the blocks of one class that are too small.
 */
#include "mm/heap_inside.h"

static void bins_count(struct heap *heap, int64_t blocks, uint32_t bytes)
{
	const int64_t change = blocks * (int64_t)bytes;
	heap->free_blocks += (size_t)blocks;
	heap->free_bytes += (size_t)change;
	if (bytes >= HEAP_LARGE) heap->large_bytes += (size_t)change;
}

/* Ends list `bin` behind the block at `prev`, or before its first when that is 0. */
static NOINLINE void bins_cut(struct heap *heap, unsigned bin, uint32_t prev)
{
	heap->cut_chains++;
	if (prev != 0) {
		node_set_next(heap, prev, 0);
		return;
	}
	heap->first[bin] = 0;
	heap->bins &= ~(1ull << bin);
}

/* Whether a link may be followed: to nothing, or to a free block that names `from` as the one
 * before it.  Reads inside the heap's reach only. */
static bool bins_next_sound(const struct heap *heap, uint32_t next, uint32_t from)
{
	if (next == 0) return true;
	if (next >= heap->limit) return false;
	const struct heap_node node = node_load(heap, next);
	return node.prev == from && node_kind(&node) == NODE_FREE && node_sound(&node, next);
}

static bool bins_prev_sound(const struct heap *heap, uint32_t at, const struct heap_node *node)
{
	if (node->prev == 0) return heap->first[heap_bin(node_bytes(node))] == at;
	if (node->prev >= heap->limit) return false;
	const struct heap_node prev = node_load(heap, node->prev);
	return prev.next == at && node_kind(&prev) == NODE_FREE && node_sound(&prev, node->prev);
}

bool bins_links_sound(const struct heap *heap, uint32_t at, const struct heap_node *node)
{
	return bins_prev_sound(heap, at, node) && bins_next_sound(heap, node->next, at);
}

/* Takes a block off its list whose `prev` was verified. */
static void bins_unlink(struct heap *heap, unsigned bin, uint32_t at, const struct heap_node *node)
{
	uint32_t next = node->next;
	if (UNLIKELY(!bins_next_sound(heap, next, at))) {
		bins_cut(heap, bin, at);
		next = 0;
	}
	if (next != 0) node_set_prev(heap, next, node->prev);
	if (node->prev != 0)
		node_set_next(heap, node->prev, next);
	else if ((heap->first[bin] = next) == 0)
		heap->bins &= ~(1ull << bin);
	bins_count(heap, -1, node_bytes(node));
}

void bins_drop(struct heap *heap, uint32_t at, const struct heap_node *node)
{
	const unsigned bin = heap_bin(node_bytes(node));
	ASSERT(node_kind(node) == NODE_FREE);
	if (UNLIKELY(!bins_prev_sound(heap, at, node))) {
		bins_cut(heap, bin, 0);
		bins_count(heap, -1, node_bytes(node));
		return;
	}
	bins_unlink(heap, bin, at, node);
}

void bins_put(struct heap *heap, uint32_t at, uint32_t bytes, uint32_t left)
{
	const unsigned bin = heap_bin(bytes);
	const uint32_t next = heap->first[bin];
	ASSERT(heap_rest_is_block(bytes) && is_aligned(bytes, HEAP_GRAIN));
	ASSERT(at < heap->limit);
	if (next != 0) node_set_prev(heap, next, at);
	heap->first[bin] = at;
	heap->bins |= 1ull << bin;
	node_put(heap, at,
		 (struct heap_node){ .size = bytes | NODE_FREE, .left = left, .next = next });
	bins_count(heap, 1, bytes);
}

static bool block_fits(const struct heap *heap, uint32_t at, const struct heap_node *node,
		       const struct heap_want *want)
{
	const uint32_t bytes = node_bytes(node);
	if (bytes < want->block) return false;
	if (want->align == HEAP_GRAIN) return true;
	return heap_front((uintptr_t)heap_pointer(heap, at), want->align) <= bytes - want->block;
}

/* The first block of list `bin` that fits: its offset, and its node in *node; or 0. */
static uint32_t bins_search(struct heap *heap, unsigned bin, const struct heap_want *want,
			    struct heap_node *node)
{
	uint32_t prev = 0;
	for (uint32_t at = heap->first[bin]; at != 0; prev = at, at = node->next) {
		if (UNLIKELY(at >= heap->limit)) {
			bins_cut(heap, bin, prev);
			return 0;
		}
		*node = node_load(heap, at);
		if (UNLIKELY(node->prev != prev || node_kind(node) != NODE_FREE ||
			     !node_sound(node, at))) {
			bins_cut(heap, bin, prev);
			return 0;
		}
		if (block_fits(heap, at, node, want)) return at;
	}
	return 0;
}

uint32_t bins_take(struct heap *heap, const struct heap_want *want, struct heap_node *node)
{
	uint64_t bins = heap->bins & ~0ull << heap_bin(want->block);
	for (; bins != 0; bins &= bins - 1) {
		const unsigned bin = bit_lowest(bins);
		const uint32_t at = bins_search(heap, bin, want, node);
		if (at == 0) continue;
		bins_unlink(heap, bin, at, node);
		return at;
	}
	return 0;
}
