/*
 * short.h -- the short ways of malloc and free: what most calls get by with, inline, so that a
 * program's malloc() is one function, without a frame and without a call (libc.c).
 *
 * There are two, chosen by whether there is one thread.  One thread takes from the quick list of a
 * size, and frees to it (heap.h).  Of several each does so with a cache of its own (cache.h), under
 * its latch.  A call that finds anything else than what is usual -- a list that is empty or full, a
 * size that has none, a block that is not known at first sight, something in the queue of deferred
 * frees -- goes a long way instead, with nothing changed: those are always right.
 *
 * What is looked at here without the lock: cached_bytes, low and span of the instance; the latch;
 * the head of the block that is freed; its key.
 */
#ifndef USER_MALLOC_SHORT_H
#define USER_MALLOC_SHORT_H

#include "user/malloc/cache.h"

/* --- one thread; or with the lock ------------------------------------------------------------- */

/* One of just the size that was freed, counted; or NULL. */
UMALLOC_INLINE struct umalloc_block *alloc_quick(struct umalloc *m, size_t bytes)
{
	const uint64_t units = block_units_for(bytes);
	struct umalloc_block *b = quick_take(m, units);

	if (UMALLOC_LIKELY(b != NULL)) count_allocated(m, units);
	return b;
}

/* A block of the only region that has a quick list, and nothing waits; false: it is not so.
 * `caches`: there are some, and it may be in one. */
UMALLOC_INLINE bool free_quick(struct umalloc *m, void *p, bool caches)
{
	struct umalloc_block *b = block_of(p);

	if (UMALLOC_UNLIKELY((uintptr_t)p - m->low >= m->span ||
			     (uintptr_t)p % UMALLOC_ALIGN != 0 || !block_is_users(b)))
		return false;
	const uint64_t units = block_units(b);
	if (UMALLOC_UNLIKELY(units << UNIT_SHIFT >= m->short_bytes)) return false;
	if (caches && UMALLOC_UNLIKELY(b->prev == CACHED_KEY)) return false;
	count_released(m, units);
	quick_put(m, b, units);
	return true;
}

UMALLOC_INLINE void *short_alloc_alone(struct umalloc *m, size_t bytes)
{
	if (UMALLOC_UNLIKELY(bytes >= m->short_bytes)) return um_alloc_any(m, bytes);
	struct umalloc_block *b = alloc_quick(m, bytes);
	return UMALLOC_LIKELY(b != NULL) ? block_payload(b) : um_alloc_free(m, bytes);
}

UMALLOC_INLINE void short_free_alone(struct umalloc *m, void *p)
{
	if (UMALLOC_UNLIKELY(!free_quick(m, p, false))) um_free_any(m, p);
}

/* --- a thread that has a cache ---------------------------------------------------------------- */

UMALLOC_INLINE void *short_alloc_by(struct umalloc *m, struct umalloc_cache *c, size_t bytes)
{
	const uint64_t units = block_units_for(bytes);

	if (UMALLOC_UNLIKELY(bytes >= port_peek(&m->cached_bytes) || !latch_try(c)))
		return um_alloc_any(m, bytes);
	if (UMALLOC_UNLIKELY(c->list[units].first == NULL)) {
		latch_drop(c);
		return um_alloc_fetching(m, c, bytes);
	}
	struct umalloc_block *b = cache_pop(c, units);
	latch_drop(c);
	return block_payload(b);
}

/* A block of the only region that has a list, and is in none; and nothing waits. */
UMALLOC_INLINE void short_free_by(struct umalloc *m, struct umalloc_cache *c, void *p)
{
	struct umalloc_block *b = block_of(p);

	if (UMALLOC_UNLIKELY((uintptr_t)p - port_peek(&m->low) >= port_peek(&m->span) ||
			     (uintptr_t)p % UMALLOC_ALIGN != 0)) {
		um_free_any(m, p);
		return;
	}
	const uint64_t head = port_peek(&b->head), units = head >> HEAD_SIZE_SHIFT;
	if (UMALLOC_UNLIKELY(!head_is_users(head) || units >= UMALLOC_CACHED ||
			     b->prev == CACHED_KEY || !latch_try(c))) {
		um_free_any(m, p);
		return;
	}
	if (UMALLOC_UNLIKELY(cached_room(&c->list[units]) == 0)) {
		latch_drop(c);
		um_free_spilling(m, c, p);
		return;
	}
	cache_push_freed(c, b, units);
	latch_drop(c);
}

#endif
