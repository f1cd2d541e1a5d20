/*
 * caches.c -- all threads' caches: one begins, one ends, all are emptied, counted or walked.
 *
 * Each cache has a latch, which its thread takes for some ten instructions and finds free, but for
 * whoever looks at all caches: a walk, figures, a fork; and a request for which there would be no
 * memory, or for which the heap would grow while an eighth of it lies in caches: then all are
 * emptied.  These have the lock, so the order is the lock, then latches; who finds his own latch
 * taken does not wait for it, but goes the way of those without a cache.
 *
 * A cache is in use from its first miss on until its thread ends, which gives it back and leaves
 * the latch taken.  In a child of fork all are emptied, since threads are gone.
 *
 * Always true (umalloc_check, with all latches taken): a block in a list is of its size, live, has
 * the key, and is in one list once; a list is as long as it says.
 */
#include "user/malloc/cache.h"

enum { LIST_UNITS = 4096 >> UNIT_SHIFT, LIST_BLOCKS = 32, SHARE_SHIFT = 3 };

static void latch_take(struct umalloc *m, struct umalloc_cache *c)
{
	while (!latch_try(c)) m->calls->relax(m->calls->context);
}

void um_caches_stop(struct umalloc *m)
{
	for (struct umalloc_cache *c = m->caches; c != NULL; c = c->next) latch_take(m, c);
}

void um_caches_go(struct umalloc *m)
{
	for (struct umalloc_cache *c = m->caches; c != NULL; c = c->next) latch_drop(c);
}

/* --- emptied ---------------------------------------------------------------------------------- */

/* A size that has a list has a quick list too. */
void um_cache_shorten(struct umalloc *m, struct umalloc_cache *c, uint64_t units, uint32_t keep)
{
	struct umalloc_cached *l = &c->list[units];
	struct umalloc_block *b = l->first;
	uint64_t gone = 0;

	for (uint32_t n = cached_count(l); n > keep; n--) {
		struct umalloc_block *next = b->next;
		b->prev = NULL;
		quick_put(m, b, units);
		b = next;
		gone++;
	}
	l->first = b;
	l->account += gone * ROOM_ONE;
	c->units -= gone * units;
	m->counts.live.blocks -= gone;
	m->counts.live.units -= gone * units;
}

static void empty(struct umalloc *m, struct umalloc_cache *c)
{
	for (uint32_t units = 0; units < UMALLOC_CACHED; units++) um_cache_shorten(m, c, units, 0);
}

void um_caches_empty(struct umalloc *m)
{
	for (struct umalloc_cache *c = m->caches; c != NULL; c = c->next) {
		latch_take(m, c);
		empty(m, c);
		latch_drop(c);
	}
}

void um_caches_thin(struct umalloc *m)
{
	uint64_t units = 0;

	um_caches_stop(m);
	for (const struct umalloc_cache *c = m->caches; c != NULL; c = c->next) units += c->units;
	um_caches_go(m);
	if (units << UNIT_SHIFT > m->heap_bytes >> SHARE_SHIFT) um_caches_empty(m);
}

/* --- the beginning and the end; with the lock and the latch ----------------------------------- */

void um_cache_begin(struct umalloc *m, struct umalloc_cache *c)
{
	c->m = m;
	c->next = m->caches;
	c->link = &m->caches;
	if (c->next != NULL) c->next->link = &c->next;
	m->caches = c;
	for (uint32_t units = BLOCK_MIN >> UNIT_SHIFT; units < UMALLOC_CACHED; units++) {
		const uint32_t most = LIST_UNITS / units;
		struct umalloc_cached *l = &c->list[units];
		if (units << UNIT_SHIFT >= m->config.quick_bytes) break;
		l->most = (uint16_t)(most < LIST_BLOCKS ? most : LIST_BLOCKS);
		l->account = l->most * ROOM_ONE;
		l->batch = 1;
	}
}

static void end(struct umalloc *m, struct umalloc_cache *c)
{
	empty(m, c);
	for (uint64_t units = 0; units < UMALLOC_CACHED; units++) {
		m->counts.released.blocks += cached_freed(&c->list[units]);
		m->counts.released.units += cached_freed(&c->list[units]) * units;
	}
	memset(c->list, 0, sizeof(c->list));
	*c->link = c->next;
	if (c->next != NULL) c->next->link = c->link;
	c->m = NULL;
}

void umalloc_cache_close(struct umalloc_cache *c)
{
	struct umalloc *m = c->m;

	if (m == NULL) {
		latch_try(c);
		return;
	}
	umalloc_lock(m);
	latch_take(m, c);
	end(m, c);
	umalloc_unlock(m);
}

void um_caches_forget(struct umalloc *m)
{
	while (m->caches != NULL) {
		struct umalloc_cache *c = m->caches;
		end(m, c);
		latch_drop(c);
	}
}

/* --- looking at all of them ------------------------------------------------------------------- */

struct umalloc_count um_caches_count(const struct umalloc *m, struct umalloc_count *released)
{
	struct umalloc_count in = { 0, 0 };

	for (const struct umalloc_cache *c = m->caches; c != NULL; c = c->next) {
		for (uint64_t units = 0; units < UMALLOC_CACHED; units++) {
			const struct umalloc_cached *l = &c->list[units];
			in.blocks += cached_count(l);
			in.units += cached_count(l) * units;
			released->blocks += cached_freed(l);
			released->units += cached_freed(l) * units;
		}
	}
	return in;
}

static bool has(struct umalloc *m, struct umalloc_cache *c, const struct umalloc_block *b)
{
	latch_take(m, c);
	const struct umalloc_block *at = c->list[block_units(b)].first;
	while (at != NULL && at != b) at = at->next;
	latch_drop(c);
	return at == b;
}

bool um_caches_have(struct umalloc *m, const struct umalloc_block *b)
{
	if (block_units(b) >= UMALLOC_CACHED) return false;
	for (struct umalloc_cache *c = m->caches; c != NULL; c = c->next)
		if (has(m, c, b)) return true;
	return false;
}

static const char *mark_list(const struct umalloc *m, const struct umalloc_cached *l,
			     uint64_t units, uint64_t was, uint64_t is)
{
	uint32_t met = 0;

	for (struct umalloc_block *b = l->first; b != NULL; b = b->next) {
		if (++met > cached_count(l)) return "a cache's list is longer than it says";
		if (!in_heap(m, block_payload(b)) || !block_is_head(b))
			return "a cache holds what is no block";
		if (block_state(b) != was) return "a block is in caches twice, or not live";
		if (block_units(b) != units || b->prev != CACHED_KEY)
			return "a cache holds what it should not";
		block_set_state(b, is);
	}
	return met == cached_count(l) ? NULL : "a cache's list is shorter than it says";
}

const char *um_caches_mark(struct umalloc *m, uint64_t was, uint64_t is)
{
	const char *why = NULL;

	for (const struct umalloc_cache *c = m->caches; c != NULL; c = c->next)
		for (uint64_t units = 0; units < UMALLOC_CACHED && why == NULL; units++)
			why = mark_list(m, &c->list[units], units, was, is);
	return why;
}
