/*
 * heap_inside.h -- nodes, and what the files of the heap know of each other.
 *
 * A span of memory looks like this, each node 24 bytes:
 *
 *	prologue | node, payload | node, payload | ... | epilogue
 *
 * The prologue starts at a multiple of 16, so every block starts 8 bytes after one and every
 * payload at one; blocks are multiples of 16 bytes long.  A node knows the distance to both its
 * neighbours.  Prologues form a list in order of address and know their epilogue; an epilogue
 * knows its prologue.  All of these count as granted: nothing merges with them.
 *
 * Places are offsets from heap->base in units of 8 bytes; 0 is no place.
 */
#ifndef MM_HEAP_INSIDE_H
#define MM_HEAP_INSIDE_H

#include "mm/heap.h"

enum {
	HEAP_UNIT_SHIFT = 3,
	HEAP_GRAIN = 16,                          /* blocks are multiples of this */
	HEAP_SPAN_NODES = 2 * HEAP_NODE_BYTES,    /* what a span needs for itself */
	HEAP_LARGE = PAGE_SIZE - HEAP_SPAN_NODES, /* a span of one page, all of it free */
};

/* No sum or offset of the heap comes near 32 bits: all spans together hold less than this, and a
 * request or alignment beyond it is refused before it takes part in any arithmetic. */
#define HEAP_BYTES_MAX ((size_t)1 << 31)

enum node_kind { NODE_FREE = 1, NODE_GRANTED, NODE_SPAN, NODE_FIXED, NODE_END, NODE_KIND_MASK = 7 };

struct heap_node {
	uint32_t size; /* bytes to the right neighbour's node, plus enum node_kind */
	uint32_t left; /* bytes to the left neighbour's node; 0 in a prologue */
	uint32_t next; /* free: next on its list.  Granted: site.  Spans: see heap_span.c */
	uint32_t prev; /* free: the one before.  Granted: bytes asked for, a multiple of 8 */
	uint64_t check;
};

_Static_assert(sizeof(struct heap_node) == HEAP_NODE_BYTES, "promised: 24 bytes");
_Static_assert(_Alignof(struct heap_node) == 8, "promised: aligned to 8");
_Static_assert(((HEAP_NODE_BYTES + HEAP_GRAIN / 2) & (HEAP_GRAIN - 1)) == 0,
	       "a block 8 past a multiple of 16 has its payload on one");

/* A request, made into what it needs of a block. */
struct heap_want {
	uint32_t asked; /* bytes, a multiple of 8 */
	uint32_t block; /* the same with the node, a multiple of HEAP_GRAIN */
	uint32_t align; /* of the payload, at least HEAP_GRAIN */
};

/* --- nodes ------------------------------------------------------------------------------------ */

static inline void *heap_pointer(const struct heap *heap, uint32_t at)
{
	return (void *)(heap->base + ((uintptr_t)at << HEAP_UNIT_SHIFT));
}

/* `address` lies in a span or just behind one. */
static inline uint32_t heap_offset(const struct heap *heap, uintptr_t address)
{
	return (uint32_t)((address - heap->base) >> HEAP_UNIT_SHIFT);
}

METADATA_ACCESS static inline struct heap_node node_load(const struct heap *heap, uint32_t at)
{
	return *(const struct heap_node *)heap_pointer(heap, at);
}

METADATA_ACCESS static inline void node_store(const struct heap *heap, uint32_t at,
					      const struct heap_node *node)
{
	*(struct heap_node *)heap_pointer(heap, at) = *node;
}

static inline enum node_kind node_kind(const struct heap_node *node)
{
	return (enum node_kind)(node->size & NODE_KIND_MASK);
}

static inline uint32_t node_bytes(const struct heap_node *node)
{
	return node->size & ~(uint32_t)NODE_KIND_MASK;
}

static inline uint32_t node_right(const struct heap_node *node, uint32_t at)
{
	return at + (node->size >> HEAP_UNIT_SHIFT);
}

static inline uint32_t node_left(const struct heap_node *node, uint32_t at)
{
	return at - (node->left >> HEAP_UNIT_SHIFT);
}

/*
 * What node->check must be.  A sum in which every word has an odd factor, so that a change of any
 * one word changes it, and which can follow a change of `left` without looking at the rest
 * (node_set_left).  The links of a free node are left out: they are verified by their back links.
 * The place enters as an offset, so the same script makes the same bytes on every machine.
 */
static inline uint64_t node_sum(const struct heap_node *node, uint32_t at)
{
	const uint64_t sizes = node->size | (uint64_t)node->left << 32;
	const uint64_t notes = node->next | (uint64_t)node->prev << 32;
	const uint64_t sum = sizes + at * 0x9e3779b97f4a7c15ull;
	return node_kind(node) == NODE_FREE ? sum : sum + notes * 0xd6e8feb86659fd93ull;
}

static inline bool node_sound(const struct heap_node *node, uint32_t at)
{
	return node->check == node_sum(node, at);
}

/* Writes `node` with its check word. */
static inline void node_put(const struct heap *heap, uint32_t at, struct heap_node node)
{
	node.check = node_sum(&node, at);
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
	node->left += now - was;
	node->check += ((uint64_t)now - was) << 32;
}

/* A node that is swallowed by a merge must not be taken for one later. */
METADATA_ACCESS static inline void node_scrub(const struct heap *heap, uint32_t at)
{
	struct heap_node *node = heap_pointer(heap, at);
	node->size = 0;
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

/* --- heap_bins.c: the lists of free blocks ---------------------------------------------------- */

/* The list for free blocks of `bytes`: four to a power of two from 512 on. */
static inline unsigned heap_bin(uint32_t bytes)
{
	const unsigned log2 = bit_highest(bytes | 512);
	const unsigned bin = (log2 - 9) * 4 + (bytes >> (log2 - 2));
	return bin < HEAP_BINS ? bin : HEAP_BINS - 1;
}

/* Takes the first fitting block off its list: its offset, and its node in *node; or 0. */
uint32_t bins_take(struct heap *heap, const struct heap_want *want, struct heap_node *node);

/* Makes [at, at + bytes) a free block and lists it; tells nobody to the right. */
void bins_put(struct heap *heap, uint32_t at, uint32_t bytes, uint32_t left);

/* Takes a given free block, sound and with sound links, off its list. */
void bins_drop(struct heap *heap, uint32_t at, const struct heap_node *node);

/* Whether both neighbours on its list agree that this free node is there. */
bool bins_links_sound(const struct heap *heap, uint32_t at, const struct heap_node *node);

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

/* Pages' worth of large free blocks beyond what is to be kept.  The nodes of a span of its own do
 * not count against a page that is free but for them. */
static inline size_t heap_excess(const struct heap *heap)
{
	return sub_or_zero(heap->large_bytes + HEAP_SPAN_NODES, heap->keep_bytes) >> PAGE_SHIFT;
}

/* Takes the excess, as far as the free block at `at` has it, out of the heap. */
void heap_cut_excess(struct heap *heap, uint32_t at, struct heap_cut *cut);

/* Gives cut pages to the pool.  Without the heap's lock. */
void heap_return(struct heap *heap, const struct heap_cut *cut);
/* --- heap_check.c ----------------------------------------------------------------------------- */

/* Why `at` is not a granted block, by walking its span.  Never HEAP_FREED. */
enum heap_verdict heap_accuse(const struct heap *heap, uint32_t at);

#endif
