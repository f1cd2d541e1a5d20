/*
 * cache.c -- what each thread keeps for itself: small free blocks, taken and freed without the lock
 * (magazines: Bonwick and Adams, "Magazines and Vmem", 2001, section 3).
 *
 * A cache has a list for each size up to 1,024 bytes, of 4 KiB and 32 blocks at most.  Where a list
 * is empty its thread takes the lock, once for what it wants and for a few more, twice as many each
 * time; where it is full, half of it goes back.  So a size that a thread asks for once costs no
 * memory, and one that it asks for often hardly ever the lock.  Blocks are fetched from the quick
 * list of their size, and then cut off a free block in a row: so a miss costs little more than one
 * block without a cache would, and what is used together lies together.
 *
 * The heap knows nothing of this: there, a cached block is live.  Its payload holds the next one
 * and a key, by which a second free of it is suspected; then all caches are searched, and it is
 * known.
 *
 * Not everything is cached: nothing while there is one thread, or while the queue of deferred frees
 * has to be flushed.  What is true of caches, and who else comes to them, is in caches.c.
 *
 * Cost: a hit some 35 instructions, a free to a list 45; of memory, at most 250 KiB a thread.
 */
#include "user/malloc/short.h"

/* --- fetching; with the lock and the latch ---------------------------------------------------- */

/* From a quick list, at most `n`; how many. */
static uint32_t fetch_quick(struct umalloc *m, struct umalloc_cache *c, uint64_t units, uint32_t n)
{
	uint32_t got = 0;

	while (got != n) {
		struct umalloc_block *b = quick_take(m, units);
		if (b == NULL) break;
		cache_push(c, b, units);
		got++;
	}
	return got;
}

/* A live block of the heap becomes `n`; how many there are of just the size.  What is beyond them,
 * a unit at most, makes the last too large: that one goes back. */
static uint32_t cut_row(struct umalloc *m, struct umalloc_cache *c, struct umalloc_block *row,
			uint64_t units, uint32_t n)
{
	const uint64_t size = units << UNIT_SHIFT, more = block_size(row) - n * size;
	struct umalloc_block *b = block_at((char *)row + n * size);

	if (more != 0) {
		b = block_at((char *)b - size);
		b->head = head_of(size + more, BLOCK_LIVE);
		heap_put_back(m, b);
		n--;
	}
	for (uint32_t i = 0; i < n; i++) {
		b = block_at((char *)b - size);
		b->head = head_of(size, BLOCK_LIVE);
		cache_push(c, b, units);
	}
	return n;
}

/* Cut off one free block, at most `n`; how many. */
static uint32_t fetch_row(struct umalloc *m, struct umalloc_cache *c, uint64_t units, uint32_t n)
{
	struct umalloc_block *b = um_heap_take_free(m, (n * units) << UNIT_SHIFT);

	if (b == NULL && n != 1) {
		n = 1;
		b = um_heap_take_free(m, units << UNIT_SHIFT);
	}
	return b != NULL ? cut_row(m, c, b, units, n) : 0;
}

/* What a thread wants of a size, and some more, as far as it is free. */
static void fetch(struct umalloc *m, struct umalloc_cache *c, uint64_t units)
{
	struct umalloc_cached *l = &c->list[units];
	const uint32_t room = cached_room(l), n = l->batch < room ? l->batch : room;
	uint32_t got = fetch_quick(m, c, units, n);

	if (got < n) got += fetch_row(m, c, units, n - got);
	count_live(m, got, got * units);
	if (l->batch < l->most / 2) l->batch *= 2;
}

/* --- calls of a thread that has one ----------------------------------------------------------- */

/* With the lock: who finds the latch taken has closed his cache.  *begun: told once.  False: it is
 * closed, or has no list for blocks of so many units. */
static bool at_own(struct umalloc *m, struct umalloc_cache *c, uint64_t units, bool *begun)
{
	if (!latch_try(c)) return false;
	*begun = c->m == NULL;
	if (*begun) um_cache_begin(m, c);
	if (c->list[units].most != 0) return true;
	latch_drop(c);
	return false;
}

static void tell(struct umalloc *m, struct umalloc_cache *c, bool begun)
{
	if (UMALLOC_UNLIKELY(begun)) m->calls->cached(m->calls->context, c);
}

/* One of those that were fetched, or NULL: nothing is free, or there is no cache. */
static void *fetched(struct umalloc *m, struct umalloc_cache *c, uint64_t units, bool *begun)
{
	struct umalloc_block *b = NULL;

	if (!at_own(m, c, units, begun)) return NULL;
	fetch(m, c, units);
	if (c->list[units].first != NULL) b = cache_pop(c, units);
	latch_drop(c);
	return b != NULL ? block_payload(b) : NULL;
}

void *um_alloc_fetching(struct umalloc *m, struct umalloc_cache *c, size_t bytes)
{
	bool begun = false;

	umalloc_lock(m);
	if (deferred_waits(m)) um_deferred_flush(m, UMALLOC_FLUSH_ALLOC);
	void *p = fetched(m, c, block_units_for(bytes), &begun);
	if (p == NULL) p = um_user_take(m, bytes);
	umalloc_unlock(m);
	tell(m, c, begun);
	if (UMALLOC_UNLIKELY(p == NULL)) m->calls->refused(m->calls->context);
	return p;
}

void um_free_spilling(struct umalloc *m, struct umalloc_cache *c, void *p)
{
	struct umalloc_block *b = block_of(p);
	const uint64_t units = port_peek(&b->head) >> HEAD_SIZE_SHIFT;
	bool begun = false;

	umalloc_lock(m);
	const bool own = at_own(m, c, units, &begun);
	if (own) {
		if (deferred_waits(m)) um_deferred_flush(m, UMALLOC_FLUSH_FREE);
		um_cache_shorten(m, c, units, c->list[units].most / 2);
		cache_push_freed(c, b, units);
		latch_drop(c);
	}
	umalloc_unlock(m);
	tell(m, c, begun);
	if (!own) um_free_any(m, p);
}

void *umalloc_alloc_by(struct umalloc *m, struct umalloc_cache *c, size_t bytes)
{
	return short_alloc_by(m, c, bytes);
}

void umalloc_free_by(struct umalloc *m, struct umalloc_cache *c, void *p)
{
	short_free_by(m, c, p);
}
