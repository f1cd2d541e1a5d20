/*
 * cache.h -- a thread's cache: its latch and its lists, for cache.c, where its thread is at it, and
 * caches.c, where others are.
 *
 * A list's `account` is two figures in one word, so that a push or a pop is one addition: for how
 * many blocks more there is room, in the lowest bits, and how many were freed to it, ever, above
 * them.  A push takes room, a free counts besides, a pop gives room back.
 *
 * All of it is called with the latch held.
 */
#ifndef USER_MALLOC_CACHE_H
#define USER_MALLOC_CACHE_H

#include "user/malloc/heap.h"

enum { ROOM_BITS = 16, ROOM_ONE = 1, FREED_ONE = 1 << ROOM_BITS };

static inline bool latch_try(struct umalloc_cache *c)
{
	return port_claim(&c->latch);
}

static inline void latch_drop(struct umalloc_cache *c)
{
	port_release(&c->latch);
}

static inline uint32_t cached_room(const struct umalloc_cached *l)
{
	return (uint16_t)l->account;
}

static inline uint32_t cached_count(const struct umalloc_cached *l)
{
	return l->most - cached_room(l);
}

static inline uint64_t cached_freed(const struct umalloc_cached *l)
{
	return l->account >> ROOM_BITS;
}

static inline void cache_push(struct umalloc_cache *c, struct umalloc_block *b, uint64_t units)
{
	struct umalloc_cached *l = &c->list[units];

	b->next = l->first;
	b->prev = CACHED_KEY;
	l->first = b;
	l->account -= ROOM_ONE;
	c->units += units;
}

static inline void cache_push_freed(struct umalloc_cache *c, struct umalloc_block *b,
				    uint64_t units)
{
	cache_push(c, b, units);
	c->list[units].account += FREED_ONE;
}

/* Of a list that is not empty. */
static inline struct umalloc_block *cache_pop(struct umalloc_cache *c, uint64_t units)
{
	struct umalloc_cached *l = &c->list[units];
	struct umalloc_block *b = l->first;

	l->first = b->next;
	b->prev = NULL;
	l->account += ROOM_ONE;
	c->units -= units;
	return b;
}

/* The long ways of short.h's calls: with the lock. */
void *um_alloc_fetching(struct umalloc *m, struct umalloc_cache *c, size_t bytes);
void um_free_spilling(struct umalloc *m, struct umalloc_cache *c, void *p);

/* All but `keep` of a list's blocks go to the quick list of their size.  With the lock. */
void um_cache_shorten(struct umalloc *m, struct umalloc_cache *c, uint64_t units, uint32_t keep);

/* The cache is its thread's from here on.  With the lock. */
void um_cache_begin(struct umalloc *m, struct umalloc_cache *c);

#endif
