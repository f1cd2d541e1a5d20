/*
 * malloc.c -- the calls: allocate, free, flush.
 *
 * A small request is a block of the heap (heap.c), a large one a mapping of its own (mapping.c).
 * What was refused is asked for once more after everything that waits was released and merged, and
 * then it is refused for good: there is no third try, and nothing calls itself.
 *
 * A free looks at its pointer first, then flushes the queue, then frees its own block.  What is no
 * live block is refused with nothing changed; um_bad_free() finds out what it is.
 *
 * Locks: one, but for what a thread's cache has (cache.c), taken once by each call, and held
 * during memory calls: the break must not be moved by two, and a mapping must not be given to
 * somebody else before its note is gone.  Contents are set and copied without it.
 */
#include "user/malloc/short.h"

struct user_block um_user_find(struct umalloc *m, const void *p)
{
	struct user_block u = { NULL, NULL };

	if (UMALLOC_UNLIKELY((uintptr_t)p % UMALLOC_ALIGN != 0)) return u;
	if (UMALLOC_LIKELY(in_heap(m, p))) {
		struct umalloc_block *b = block_of(p);
		if (UMALLOC_LIKELY(block_is_users(b) && !um_is_cached(m, b))) u.block = b;
		return u;
	}
	u.map = um_mapping_find(m, p);
	if (u.map != NULL && u.map->state != MAPPING_LIVE) u.map = NULL;
	return u;
}

void um_user_release(struct umalloc *m, struct user_block u)
{
	if (UMALLOC_UNLIKELY(u.block == NULL)) {
		um_mapping_release(m, u.map);
		return;
	}
	count_released(m, block_units(u.block));
	heap_put_back(m, u.block);
}

/* --- allocation ------------------------------------------------------------------------------- */

static void *mapping_payload(struct umalloc *m, size_t align, size_t bytes)
{
	const struct umalloc_mapping *map = um_mapping_take(m, bytes, align);

	if (map == NULL) return NULL;
	count_allocated(m, mapping_units(map));
	return map->at;
}

UMALLOC_INLINE void *heap_payload(struct umalloc *m, size_t align, size_t bytes)
{
	const uint64_t size = block_size_for(bytes);
	struct umalloc_block *b = UMALLOC_LIKELY(align <= UMALLOC_ALIGN)
					  ? heap_take(m, size)
					  : um_heap_take_aligned(m, size, align);

	if (UMALLOC_UNLIKELY(b == NULL)) return NULL;
	count_allocated(m, block_units(b));
	return block_payload(b);
}

static bool is_large(const struct umalloc *m, size_t align, size_t bytes)
{
	return bytes >= m->config.map_bytes || align >= m->config.map_bytes;
}

/* After a refusal: everything that waits is released, for one more try. */
UMALLOC_RARE static void *take_pressed(struct umalloc *m, size_t align, size_t bytes)
{
	if (bytes > UMALLOC_BYTES_MAX || align > UMALLOC_BYTES_MAX) return NULL;
	um_deferred_flush(m, UMALLOC_FLUSH_PRESSURE);
	um_caches_empty(m);
	um_heap_merge_quick(m);
	if (!is_large(m, align, bytes)) return heap_payload(m, align, bytes);
	um_heap_trim(m, 0);
	return mapping_payload(m, align, bytes);
}

UMALLOC_INLINE void *take(struct umalloc *m, size_t align, size_t bytes)
{
	void *p = NULL;

	if (UMALLOC_LIKELY(!is_large(m, align, bytes)))
		p = heap_payload(m, align, bytes);
	else if (bytes <= UMALLOC_BYTES_MAX && align <= UMALLOC_BYTES_MAX)
		p = mapping_payload(m, align, bytes);
	return UMALLOC_LIKELY(p != NULL) ? p : take_pressed(m, align, bytes);
}

void *um_user_take(struct umalloc *m, size_t bytes)
{
	return take(m, UMALLOC_ALIGN, bytes);
}

/* Whatever it is, and whatever waits; with the lock, which is then dropped. */
UMALLOC_INLINE void *alloc_and_unlock(struct umalloc *m, size_t align, size_t bytes)
{
	if (deferred_waits(m)) um_deferred_flush(m, UMALLOC_FLUSH_ALLOC);
	void *p = take(m, align, bytes);
	umalloc_unlock(m);
	if (UMALLOC_UNLIKELY(p == NULL)) m->calls->refused(m->calls->context);
	return p;
}

void *umalloc_alloc_aligned(struct umalloc *m, size_t align, size_t bytes)
{
	umalloc_lock(m);
	return alloc_and_unlock(m, align, bytes);
}

__attribute__((noinline)) static void *alloc_the_long_way(struct umalloc *m, size_t bytes)
{
	return alloc_and_unlock(m, UMALLOC_ALIGN, bytes);
}

/* One that is free where there is one, small or not. */
UMALLOC_INLINE struct umalloc_block *take_free(struct umalloc *m, size_t bytes)
{
	struct umalloc_block *b = heap_take_free(m, block_size_for(bytes));

	if (UMALLOC_LIKELY(b != NULL)) count_allocated(m, block_units(b));
	return b;
}

void *um_alloc_free(struct umalloc *m, size_t bytes)
{
	struct umalloc_block *b = take_free(m, bytes);

	return UMALLOC_LIKELY(b != NULL) ? block_payload(b) : um_alloc_any(m, bytes);
}

void *um_alloc_any(struct umalloc *m, size_t bytes)
{
	struct umalloc_block *b = NULL;

	umalloc_lock(m);
	if (UMALLOC_LIKELY(bytes < m->short_bytes)) {
		b = alloc_quick(m, bytes);
		if (b == NULL) b = take_free(m, bytes);
	}
	if (UMALLOC_UNLIKELY(b == NULL)) return alloc_the_long_way(m, bytes);
	umalloc_unlock(m);
	return block_payload(b);
}

void *umalloc_alloc(struct umalloc *m, size_t bytes)
{
	return UMALLOC_LIKELY(umalloc_alone(m)) ? short_alloc_alone(m, bytes)
						: um_alloc_any(m, bytes);
}

/* A mapping is zero. */
static void *zeroed(const struct umalloc *m, void *p, size_t bytes)
{
	if (p != NULL && !is_large(m, UMALLOC_ALIGN, bytes)) memset(p, 0, bytes);
	return p;
}

void *umalloc_alloc_zeroed(struct umalloc *m, size_t bytes)
{
	return zeroed(m, umalloc_alloc(m, bytes), bytes);
}

void *umalloc_alloc_zeroed_by(struct umalloc *m, struct umalloc_cache *c, size_t bytes)
{
	return zeroed(m, umalloc_alloc_by(m, c, bytes), bytes);
}

/* --- freeing ---------------------------------------------------------------------------------- */

/* Whatever it is, and whatever waits; with the lock, which is then dropped. */
__attribute__((noinline)) static void free_the_long_way(struct umalloc *m, void *p)
{
	const struct user_block u = um_user_find(m, p);
	const bool known = u.block != NULL || u.map != NULL;

	if (known) {
		if (deferred_waits(m)) um_deferred_flush(m, UMALLOC_FLUSH_FREE);
		um_user_release(m, u);
	}
	const enum umalloc_verdict verdict = known ? UMALLOC_WILD : um_bad_free(m, p);
	umalloc_unlock(m);
	if (!known) m->calls->misused(m->calls->context, p, verdict);
}

void um_free_any(struct umalloc *m, void *p)
{
	if (p == NULL) return;
	umalloc_lock(m);
	if (UMALLOC_LIKELY(free_quick(m, p, true)))
		umalloc_unlock(m);
	else
		free_the_long_way(m, p);
}

void umalloc_free(struct umalloc *m, void *p)
{
	if (UMALLOC_LIKELY(umalloc_alone(m)))
		short_free_alone(m, p);
	else
		um_free_any(m, p);
}

size_t umalloc_usable(struct umalloc *m, const void *p)
{
	umalloc_lock(m);
	const struct user_block u = um_user_find(m, p);
	const size_t bytes = u.block != NULL || u.map != NULL ? user_granted(u) : 0;
	umalloc_unlock(m);
	return bytes;
}

void umalloc_flush(struct umalloc *m)
{
	umalloc_lock(m);
	um_deferred_flush(m, UMALLOC_FLUSH_DEMAND);
	umalloc_unlock(m);
}

void umalloc_at_exit(struct umalloc *m)
{
	umalloc_lock(m);
	um_deferred_flush(m, UMALLOC_FLUSH_EXIT);
	m->config.deferred_slots = 0;
	umalloc_unlock(m);
}

void umalloc_drain(struct umalloc *m)
{
	umalloc_lock(m);
	um_deferred_flush(m, UMALLOC_FLUSH_DEMAND);
	um_caches_empty(m);
	um_heap_merge_quick(m);
	um_heap_trim(m, 0);
	umalloc_unlock(m);
}

/* Whoever is alone too: a child is, though its parent was not when it took the lock. */
void umalloc_before_fork(struct umalloc *m)
{
	um_lock_always(m);
	um_caches_stop(m);
}

void umalloc_after_fork(struct umalloc *m)
{
	um_caches_go(m);
	um_unlock_always(m);
}

void umalloc_after_fork_in_child(struct umalloc *m)
{
	um_caches_forget(m);
	um_unlock_always(m);
}
