/*
 * heap_node.h -- the 24 bytes at the start of every block of a heap, and how they are read.
 *
 * A span of memory looks like this:
 *
 *	prologue | node, payload | node, payload | ... | epilogue
 *
 * The prologue starts at a multiple of 16, so every block starts 8 bytes after one and every
 * payload at one; blocks are multiples of 16 bytes long.  A node knows the distance to both its
 * neighbours.  Prologues form a list in order of address and know their epilogue; an epilogue
 * knows its prologue.  Both count as granted: nothing merges with them.
 *
 * Places are offsets from heap->base in units of 8 bytes.  heap->base is set so low that no node
 * has an offset below HEAP_BINS: 0 is no place, and as what stands before a block on a list these
 * small numbers mean the list itself.
 */
#ifndef MM_HEAP_NODE_H
#define MM_HEAP_NODE_H

#include "mm/heap.h"

enum {
	HEAP_UNIT_SHIFT = 3,
	HEAP_GRAIN = 16, /* blocks are multiples of this */
	HEAP_LOWEST =
		HEAP_BINS << HEAP_UNIT_SHIFT,     /* bytes from heap->base to where nodes can be */
	HEAP_SPAN_NODES = 2 * HEAP_NODE_BYTES,    /* what a span needs for itself */
	HEAP_LARGE = PAGE_SIZE - HEAP_SPAN_NODES, /* a span of one page, all of it free */
};

enum node_kind { NODE_FREE = 1, NODE_GRANTED, NODE_SPAN, NODE_FIXED, NODE_END, NODE_KIND_MASK = 7 };

/* Two words of two halves each, and the check word. */
struct heap_node {
	uint64_t sizes; /* low: bytes to the right neighbour's node, plus enum node_kind;
			 * high: bytes to the left neighbour's node, 0 in a prologue */
	union {
		uint64_t notes;
		struct {
			uint32_t next, prev; /* of a free block: its list */
		};
		struct {
			uint32_t site, asked; /* of a granted block; bytes, a multiple of 8 */
		};
		struct {
			uint32_t next_span, epilogue; /* of a prologue */
		};
		uint32_t prologue; /* of an epilogue */
	};
	uint64_t check; /* node_sum() */
};

_Static_assert(sizeof(struct heap_node) == HEAP_NODE_BYTES, "promised: 24 bytes");
_Static_assert(_Alignof(struct heap_node) == 8, "promised: aligned to 8");
_Static_assert(((HEAP_NODE_BYTES + HEAP_GRAIN / 2) & (HEAP_GRAIN - 1)) == 0,
	       "a block 8 past a multiple of 16 has its payload on one");

static inline uint64_t node_sizes(uint32_t bytes, enum node_kind kind, uint32_t left)
{
	return bytes | kind | (uint64_t)left << 32;
}

static inline void *heap_pointer(const struct heap *heap, uint32_t at)
{
	return (void *)(heap->base + ((uintptr_t)at << HEAP_UNIT_SHIFT));
}

/* Whether a node may be at this offset: all there can be read. */
static inline bool heap_reaches(const struct heap *heap, uint32_t at)
{
	return at - HEAP_BINS < heap->reach;
}

/* `address` lies in a span or just behind one. */
static inline uint32_t heap_offset(const struct heap *heap, uintptr_t address)
{
	return (uint32_t)((address - heap->base) >> HEAP_UNIT_SHIFT);
}

/* --- reading a node --------------------------------------------------------------------------- */

static inline enum node_kind node_kind(const struct heap_node *node)
{
	return (enum node_kind)(node->sizes & NODE_KIND_MASK);
}

static inline uint32_t node_bytes(const struct heap_node *node)
{
	return (uint32_t)node->sizes & ~(uint32_t)NODE_KIND_MASK;
}

static inline uint32_t node_left_bytes(const struct heap_node *node)
{
	return (uint32_t)(node->sizes >> 32);
}

/* Offsets of the neighbours of the node at `at`. */
static inline uint32_t node_right(const struct heap_node *node, uint32_t at)
{
	return at + ((uint32_t)node->sizes >> HEAP_UNIT_SHIFT);
}

static inline uint32_t node_left(const struct heap_node *node, uint32_t at)
{
	return at - (uint32_t)(node->sizes >> (32 + HEAP_UNIT_SHIFT));
}

/*
 * What node->check must be: a sum, so that a change of any one word changes it, and so that it can
 * follow a change of the left size without looking at the rest (node_set_left).  The place enters
 * by a large odd factor: bytes copied elsewhere are no node there.  It enters as an offset, so the
 * same script makes the same bytes on every machine.  The links of a free node are left out; they
 * are verified by their back links.
 */
static inline uint64_t node_sum_free(const struct heap_node *node, uint32_t at)
{
	return node->sizes + at * 0x9e3779b97f4a7c15ull;
}

static inline uint64_t node_sum(const struct heap_node *node, uint32_t at)
{
	const uint64_t sum = node_sum_free(node, at);
	return node_kind(node) == NODE_FREE ? sum : sum + node->notes;
}

static inline bool node_sound(const struct heap_node *node, uint32_t at)
{
	return node->check == node_sum(node, at);
}

/* The same where it is known whether the node says free. */
static inline bool node_sound_free(const struct heap_node *node, uint32_t at)
{
	return node->check == node_sum_free(node, at);
}

static inline bool node_sound_granted(const struct heap_node *node, uint32_t at)
{
	return node->check == node_sum_free(node, at) + node->notes;
}

/* --- touching memory: nothing else does ------------------------------------------------------- */

METADATA_ACCESS static inline struct heap_node node_load(const struct heap *heap, uint32_t at)
{
	return *(const struct heap_node *)heap_pointer(heap, at);
}

METADATA_ACCESS static inline void node_store(const struct heap *heap, uint32_t at,
					      const struct heap_node *node)
{
	*(struct heap_node *)heap_pointer(heap, at) = *node;
}

/* Writes a node with its check word. */
static inline void node_put(const struct heap *heap, uint32_t at, uint64_t sizes, uint32_t low,
			    uint32_t high)
{
	struct heap_node node = { .sizes = sizes, .notes = low | (uint64_t)high << 32 };
	node.check = node_sum(&node, at);
	node_store(heap, at, &node);
}

/* The same for a free block, whose check word leaves the links out. */
static inline void node_put_free(const struct heap *heap, uint32_t at, uint64_t sizes,
				 uint32_t next, uint32_t prev)
{
	struct heap_node node = { .sizes = sizes, .next = next, .prev = prev };
	node.check = node_sum_free(&node, at);
	node_store(heap, at, &node);
}

/*
 * Tells the node at `at` that its left neighbour's size went from `was` to `now`.  By difference,
 * from what we know and not from what stands there: so damage to the node is carried along and
 * found when it is next verified, never healed by a check word made from damaged sizes.
 */
METADATA_ACCESS static inline void node_set_left(const struct heap *heap, uint32_t at, uint32_t was,
						 uint32_t now)
{
	struct heap_node *node = heap_pointer(heap, at);
	ASSERT_SLOW(heap_reaches(heap, at));
	const uint64_t change = ((uint64_t)now - was) << 32;
	node->sizes += change;
	node->check += change;
}

/* A node that is swallowed by a merge must not be taken for one later. */
METADATA_ACCESS static inline void node_scrub(const struct heap *heap, uint32_t at)
{
	struct heap_node *node = heap_pointer(heap, at);
	node->sizes = 0;
	node->check = 0;
}

METADATA_ACCESS static inline void node_set_next(const struct heap *heap, uint32_t at,
						 uint32_t next)
{
	((struct heap_node *)heap_pointer(heap, at))->next = next;
}

METADATA_ACCESS static inline void node_set_prev(const struct heap *heap, uint32_t at,
						 uint32_t prev)
{
	((struct heap_node *)heap_pointer(heap, at))->prev = prev;
}

METADATA_ACCESS static inline uint32_t node_next(const struct heap *heap, uint32_t at)
{
	return ((const struct heap_node *)heap_pointer(heap, at))->next;
}

METADATA_ACCESS static inline uint32_t node_prev(const struct heap *heap, uint32_t at)
{
	return ((const struct heap_node *)heap_pointer(heap, at))->prev;
}

#endif
