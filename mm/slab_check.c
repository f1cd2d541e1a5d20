/*
 * slab_check.c -- what is true of slabs, said again by walking: counts, checks, sites.
 *
 * One pass over the pool's frames finds every slab, full ones included, by the owner of its first
 * page.  The walk trusts no counter: it follows every free list (never longer than the slab has
 * objects), counts live bits, and compares with what slab.c keeps (S1 to S5 there).
 */
#include "mm/slab_inside.h"

static bool is_head(const struct frame *frame)
{
	return frame->state == FRAME_USED && frame->owner == PAGE_OWNER_SLAB;
}

/* Of a block, from its head on; a page inside one counts for itself. */
static uint32_t pages_on(const struct frame *frame)
{
	return 1u << (frame->order & 31);
}

static uint32_t live_in_frame(const struct frame *frame)
{
	uint32_t n = 0;

	for (unsigned w = 0; w < COUNT_OF(frame->slab.live); w++)
		if (frame->slab.live[w] != 0)
			n += (uint32_t)__builtin_popcountll(frame->slab.live[w]);
	return n;
}

static uint32_t live_in_slab(const struct slab_cache *cache, const struct frame *head)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < 1u << cache->order; i++) n += live_in_frame(&head[i]);
	return n;
}

/* `offset` counts from the slab's beginning, which is a page's. */
static bool is_live(const struct frame *head, uint32_t offset)
{
	return object_is_live(head + (offset >> PAGE_SHIFT), offset);
}

/* Length of a slab's free list, or UINT32_MAX with *why when a link is bad. */
static uint32_t free_listed(const struct slab_cache *cache, const struct frame *head,
			    const char **why)
{
	const uint8_t *base = cache->memory + ((size_t)(head - cache->frames) << PAGE_SHIFT);
	uint32_t n = 0;

	for (uint32_t at = head->slab.free_first; at != FRAME_NONE; n++) {
		*why = "S1: a free list leaves its slab";
		if (at % cache->stride != 0 || object_index(cache, at) >= head->slab.fresh)
			return UINT32_MAX;
		*why = "S1: a free list goes round";
		if (n == cache->per_slab) return UINT32_MAX;
		*why = "S4: a free-listed object is live";
		if (is_live(head, at)) return UINT32_MAX;
		at = object_link(base + at, LINK_NEXT);
	}
	return n;
}

static const char *check_slab(const struct slab_cache *cache, const struct frame *head,
			      uint32_t live)
{
	const struct frame_slab *s = &head->slab;
	const char *why = NULL;
	const uint32_t listed = free_listed(cache, head, &why);

	if (listed == UINT32_MAX) return why;
	if (head->order != cache->order) return "S1: a slab's block has another order";
	if (s->fresh > cache->per_slab) return "S1: more objects handed out than there are";
	if (s->taken + listed != s->fresh) return "S1: objects of a slab do not add up";
	if (live > s->taken) return "S2: more live objects than are out";
	if ((s->listed != 0) != (s->taken < cache->per_slab))
		return "S3: partial list and free objects disagree";
	return NULL;
}

/* What a pass over the frames finds of one cache. */
struct census {
	uint32_t slabs, empty, listed;
	uint64_t taken, live;
};

static const char *take_census(struct slab_cache *caches, uint32_t n, struct census *found)
{
	const struct page_pool *pool = caches[0].pages;

	for (uint32_t f = 0; f < pool->pages; f += pages_on(&pool->frames[f])) {
		const struct frame *frame = &pool->frames[f];
		if (!is_head(frame)) {
			if (frame->state != FRAME_BODY && live_in_frame(frame) != 0)
				return "S5: live objects in a page that is no slab's";
			continue;
		}
		if (frame->slab.cache >= n) return "S1: a slab of no cache";
		const struct slab_cache *cache = &caches[frame->slab.cache];
		const uint32_t live = live_in_slab(cache, frame);
		const char *why = check_slab(cache, frame, live);
		if (why != NULL) return why;
		struct census *c = &found[frame->slab.cache];
		c->slabs++;
		c->empty += frame->slab.taken == 0;
		c->listed += frame->slab.listed;
		c->taken += frame->slab.taken;
		c->live += live;
	}
	return NULL;
}

/* NULL when a free object of the cache is there, out of its slab; else what is wrong. */
static const char *check_cached(const struct slab_cache *cache, uint32_t handle)
{
	const uint64_t at = (uint64_t)handle << SLAB_GRANULE_SHIFT;

	if (at >> PAGE_SHIFT >= cache->pages->pages) return "S2: a magazine holds no object at all";
	const struct frame *f = frame_of(cache->frames, handle);
	if (f->owner != PAGE_OWNER_SLAB || f->slab.cache != cache->number)
		return "S2: a magazine holds what is no object of the cache";
	return object_is_live(f, at) ? "S4: an object in a magazine is live" : NULL;
}

static const char *check_batch(const struct slab_cache *cache, uint32_t first)
{
	const char *why = NULL;

	for (uint32_t i = 0, at = first; i < cache->batch && why == NULL; i++) {
		why = check_cached(cache, at);
		if (why == NULL && i + 1 < cache->batch)
			at = object_link(object_at(cache, at), LINK_NEXT);
	}
	return why;
}

/* Objects in all magazines and the depot; UINT64_MAX with *why when one is there that cannot be. */
static uint64_t in_magazines(struct slab_cache *cache, const char **why)
{
	uint64_t n = 0;

	for (unsigned c = 0; c < cache->pages->cpus; c++) {
		const struct magazine *m = magazine_of(cache, c);
		*why = "S2: a magazine holds more than its depth";
		if (m->count > cache->depth) return UINT64_MAX;
		for (uint32_t i = 0; i < m->count; i++) {
			*why = check_cached(cache, m->slot[i]);
			if (*why != NULL) return UINT64_MAX;
		}
		n += m->count;
	}
	uint32_t first = cache->depot;
	for (uint32_t d = 0; d < cache->depot_count; d++, n += cache->batch) {
		*why = check_batch(cache, first);
		if (*why != NULL) return UINT64_MAX;
		first = object_link(object_at(cache, first), LINK_BATCH);
	}
	*why = "S2: the depot is longer than its count";
	return first == OBJECT_NONE ? n : UINT64_MAX;
}

static uint32_t list_length(const struct slab_cache *cache)
{
	uint32_t n = 0;

	for (uint32_t f = cache->partial; f != FRAME_NONE; f = cache->pages->frames[f].next)
		if (f >= cache->pages->pages || n++ > cache->slabs) return UINT32_MAX;
	return n;
}

const char *slab_check(struct slab_cache *caches, uint32_t n, const uint32_t *aside)
{
	enum { CACHES_MAX = 32 };
	struct census found[CACHES_MAX] = { 0 };
	const char *why = NULL;

	ASSERT(n != 0 && n <= CACHES_MAX);
	why = take_census(caches, n, found);
	for (uint32_t i = 0; i < n && why == NULL; i++) {
		struct slab_cache *cache = &caches[i];
		const uint64_t cached = in_magazines(cache, &why);
		if (cached == UINT64_MAX) return why;
		why = NULL;
		if (found[i].slabs != cache->slabs) return "S1: slabs of a cache miscounted";
		if (found[i].empty != cache->empty) return "S1: empty slabs miscounted";
		if (found[i].taken != cache->taken) return "S2: objects out of slabs miscounted";
		if (found[i].live + cached + (aside == NULL ? 0 : aside[i]) != cache->taken)
			return "S2: live objects and magazines do not add up";
		if (found[i].listed != list_length(cache)) return "S3: partial list miscounted";
	}
	return why;
}

const char *slab_check_counts(struct slab_cache *cache)
{
	uint64_t cached = (uint64_t)cache->depot_count * cache->batch;

	for (unsigned c = 0; c < cache->pages->cpus; c++) cached += magazine_of(cache, c)->count;
	if (cached > cache->taken) return "S2: more objects in magazines than are out";
	if (cache->taken > (uint64_t)cache->slabs * cache->per_slab)
		return "S2: more objects out than slabs hold";
	if (cache->slabs_made - cache->slabs_returned != cache->slabs)
		return "S1: slabs made and returned do not add up";
	return NULL;
}

void slab_count(struct slab_cache *cache, struct slab_counts *out)
{
	uint64_t cached = 0;

	for (unsigned c = 0; c < cache->pages->cpus; c++) {
		cached += atomic_load_u32(&magazine_of(cache, c)->count);
	}
	const mach_irq_t irq = lock_take(&cache->lock);
	cached += (uint64_t)cache->depot_count * cache->batch;
	*out = (struct slab_counts){
		.size = cache->size,
		.slabs = cache->slabs,
		.slab_pages = cache->slabs << cache->order,
		.per_slab = cache->per_slab,
		.live = sub_or_zero(cache->taken, cached),
		.cached = cached,
		.peak = cache->peak_taken,
		.made = cache->slabs_made,
		.returned = cache->slabs_returned,
	};
	lock_drop(&cache->lock, irq);
}

METADATA_ACCESS static site_t site_get(const site_t *at)
{
	return *at;
}

/* The live objects of a slab's page that starts at `page`; a word of notes has those of 1 KiB. */
static bool sites_of_page(const struct slab_cache *cache, const struct frame *frame,
			  const uint8_t *page, struct site_row *table, size_t room, size_t *rows)
{
	bool all = true;

	for (unsigned w = 0; w < COUNT_OF(frame->slab.live); w++) {
		for (uint64_t live = atomic_load_u64(&frame->slab.live[w]); live != 0;
		     live &= live - 1) {
			const size_t bit = w * 64 + bit_lowest(live);
			site_t site = SITE_NONE;

			if (CALL_SITES && cache->sites)
				site = site_get(
					object_site(cache, page + (bit << SLAB_GRANULE_SHIFT)));
			all &= site_row_add(table, room, rows, site, cache->size);
		}
	}
	return all;
}

bool slab_sites(struct slab_cache *caches, uint32_t n, struct site_row *table, size_t room,
		size_t *rows)
{
	const struct page_pool *pool = caches[0].pages;
	bool all = true;

	for (uint32_t f = 0; f < pool->pages; f += pages_on(&pool->frames[f])) {
		const struct frame *head = &pool->frames[f];
		if (!is_head(head) || head->slab.cache >= n) continue;
		const struct slab_cache *cache = &caches[head->slab.cache];
		for (uint32_t i = 0; i < 1u << cache->order; i++)
			all &= sites_of_page(cache, &head[i],
					     cache->memory + ((size_t)(f + i) << PAGE_SHIFT), table,
					     room, rows);
	}
	return all;
}
