/*
 * block.h -- blocks of the heap: what stands in front of each, and how neighbours are found.
 *
 * A region of the heap is a row of blocks without gaps, then an end mark.  A block begins with one
 * word, its head; what follows is the user's, up to the next head.  Sizes count the head and are
 * multiples of 16, so payloads are aligned to 16 and a block of 32 bytes holds 24.  The head:
 *
 *	bit 0        the block to the left is free, and its last word is its size (boundary tags:
 *	             Knuth, The Art of Computer Programming, volume 1, section 2.5)
 *	bits 1, 2    enum block_state
 *	bit 3        the allocator's own: no free of it from outside is right
 *	bits 4..27   HEAD_SIGN, by which a head is told from what only stands where one could be
 *	bits 28..63  the size in units of 16 bytes; 0: the end mark
 *
 * Only a FREE block has its size at its end too; a QUICK or QUEUED one is a neighbour that is not
 * to be merged with.  A head that stops being one is set to 0.
 *
 * A block in a thread's cache stays LIVE, and says where it is in its payload (cache.c): its head
 * is not the cache's to change.  Whoever frees to a cache reads a head without the lock, and of a
 * live one bit 0 may change at that moment: these are the atomic accesses here.
 */
#ifndef USER_MALLOC_BLOCK_H
#define USER_MALLOC_BLOCK_H

#include "port.h" /* of port/linux/ or port/machine/, by the include path */
#include "user/malloc/malloc.h"

enum block_state {
	BLOCK_FREE = 0 << 1,   /* merged with its neighbours; in a bin, or the top */
	BLOCK_LIVE = 1 << 1,   /* somebody's */
	BLOCK_QUEUED = 2 << 1, /* freed, in the queue of deferred frees */
	BLOCK_QUICK = 3 << 1,  /* freed, in a quick list */
};

enum {
	BLOCK_HEAD = 8,
	BLOCK_MIN = 32,
	UNIT_SHIFT = 4,
	HEAD_LEFT_FREE = 1 << 0,
	HEAD_STATE = 3 << 1,
	HEAD_OURS = 1 << 3,
	HEAD_SIGN = 0xb10c4e0,
	HEAD_SIGN_BITS = 0xffffff0,
	HEAD_SIZE_SHIFT = 28,
};

/* The largest request that a thread's cache serves. */
#define CACHED_BYTES ((size_t)(((UMALLOC_CACHED - 1) << UNIT_SHIFT) - BLOCK_HEAD))

/* No request may be larger: sizes can be added up without a look at each sum. */
#define UMALLOC_BYTES_MAX ((size_t)1 << 46)

/* No block, and so no heap, may be: 36 bits for its units. */
#define HEAP_BYTES_MAX ((uint64_t)1 << 39)

struct umalloc_block {
	uint64_t head;
	struct umalloc_block *next, *prev; /* while free */
};

/* The head of a block of `size` bytes, what is to its left not being free. */
static inline uint64_t head_of(uint64_t size, enum block_state state)
{
	return size << (HEAD_SIZE_SHIFT - UNIT_SHIFT) | HEAD_SIGN | state;
}

static inline uint64_t block_units(const struct umalloc_block *b)
{
	return b->head >> HEAD_SIZE_SHIFT;
}

static inline uint64_t block_size(const struct umalloc_block *b)
{
	return block_units(b) << UNIT_SHIFT;
}

static inline uint64_t block_state(const struct umalloc_block *b)
{
	return b->head & HEAD_STATE;
}

static inline bool block_is_head(const struct umalloc_block *b)
{
	return (b->head & HEAD_SIGN_BITS) == HEAD_SIGN;
}

static inline bool block_is_free(const struct umalloc_block *b)
{
	return (b->head & (HEAD_SIGN_BITS | HEAD_STATE)) == (HEAD_SIGN | BLOCK_FREE);
}

/* A block that a user may free, if it is not in a cache. */
static inline bool head_is_users(uint64_t head)
{
	return (head & (HEAD_SIGN_BITS | HEAD_STATE | HEAD_OURS)) == (HEAD_SIGN | BLOCK_LIVE);
}

static inline bool block_is_users(const struct umalloc_block *b)
{
	return head_is_users(b->head);
}

static inline struct umalloc_block *block_at(const void *p)
{
	return (struct umalloc_block *)(uintptr_t)p;
}

static inline void *block_payload(const struct umalloc_block *b)
{
	return (char *)(uintptr_t)b + BLOCK_HEAD;
}

static inline struct umalloc_block *block_of(const void *payload)
{
	return block_at((const char *)payload - BLOCK_HEAD);
}

static inline struct umalloc_block *block_right(const struct umalloc_block *b)
{
	return block_at((const char *)b + block_size(b));
}

/* Only where HEAD_LEFT_FREE is set. */
static inline struct umalloc_block *block_left(const struct umalloc_block *b)
{
	return block_at((const char *)b - ((const uint64_t *)b)[-1]);
}

static inline void block_set_state(struct umalloc_block *b, uint64_t state)
{
	b->head = (b->head & ~(uint64_t)HEAD_STATE) | state;
}

/* The block to the left has become free, or is no more. */
static inline void block_left_is(struct umalloc_block *b, bool is_free)
{
	const uint64_t head = b->head & ~(uint64_t)HEAD_LEFT_FREE;
	port_poke(&b->head, is_free ? head | HEAD_LEFT_FREE : head);
}

/* `size` bytes at `b` are a free block from here on, between two that are not. */
static inline void block_make_free(struct umalloc_block *b, uint64_t size)
{
	b->head = head_of(size, BLOCK_FREE);
	((uint64_t *)((char *)b + size))[-1] = size;
	block_left_is(block_right(b), true);
}

/* What a request of `bytes`, at most UMALLOC_BYTES_MAX, takes. */
static inline uint64_t block_units_for(size_t bytes)
{
	const uint64_t units = (bytes + BLOCK_HEAD + UMALLOC_ALIGN - 1) >> UNIT_SHIFT;
	return units < BLOCK_MIN >> UNIT_SHIFT ? BLOCK_MIN >> UNIT_SHIFT : units;
}

static inline uint64_t block_size_for(size_t bytes)
{
	return block_units_for(bytes) << UNIT_SHIFT;
}

static inline uint64_t block_granted(const struct umalloc_block *b)
{
	return block_size(b) - BLOCK_HEAD;
}

#endif
