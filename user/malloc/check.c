/*
 * check.c -- a walk through everything, and what a bad pointer points to.
 *
 * The walk goes through all regions block by block, through all lists and all mappings, and
 * compares what it meets with what is written down: the claims at the heads of heap.c, bins.c,
 * mapping.c and deferred.c.  Each list's blocks are counted, and so are the blocks that say that
 * they are in one; a block in two lists, or in none, makes the two differ.
 *
 * Cost: all of the heap's heads, once.
 */
#include "user/malloc/inside.h"

struct walk {
	uint64_t blocks[HEAD_STATE + 1]; /* by state, the allocator's own not counted */
	uint64_t ours, live_units, queued_units, heap_bytes;
};

static const char *check_block(const struct umalloc_block *b, const struct umalloc_block *left)
{
	const bool left_free = left != NULL && block_is_free(left);

	if (!block_is_head(b)) return "a head is damaged";
	if (((b->head & HEAD_LEFT_FREE) != 0) != left_free)
		return "H2: a head is wrong about its left neighbour";
	if (left_free && block_left(b) != left)
		return "H2: a free block's last word is not its size";
	if (left_free && block_is_free(b)) return "H1: two free blocks are neighbours";
	return NULL;
}

static void count_block(struct walk *w, const struct umalloc_block *b)
{
	const uint64_t state = block_state(b);

	if (b->head & HEAD_OURS) {
		w->ours++;
		return;
	}
	w->blocks[state]++;
	if (state == BLOCK_LIVE) w->live_units += block_units(b);
	if (state == BLOCK_QUEUED) w->queued_units += block_units(b);
}

static const char *check_region(struct walk *w, const struct umalloc_region *r)
{
	const struct umalloc_block *left = NULL, *b = region_first(r);

	while ((uintptr_t)b < r->end - BLOCK_HEAD) {
		const char *why = check_block(b, left);
		if (why != NULL) return why;
		if (block_size(b) < BLOCK_MIN || block_size(b) > r->end - BLOCK_HEAD - (uintptr_t)b)
			return "H4: a block's size cannot be";
		count_block(w, b);
		left = b;
		b = block_right(b);
	}
	w->heap_bytes += r->break_at - (uintptr_t)r;
	return block_size(b) == 0 ? check_block(b, left) : "a region has no end mark";
}

static const char *check_bins(const struct umalloc *m, const struct walk *w)
{
	uint64_t met = m->top != NULL;

	for (uint32_t bin = 0; bin < UMALLOC_BINS; bin++) {
		const struct umalloc_block *prev = NULL;
		if ((m->bins[bin] != NULL) != (m->bin_map[bin / 64] >> bin % 64 & 1))
			return "the bitmap of bins is wrong";
		for (const struct umalloc_block *b = m->bins[bin]; b != NULL; b = b->next) {
			if (!block_is_free(b) || b == m->top || b->prev != prev)
				return "a bin holds what it should not";
			if (++met > w->blocks[BLOCK_FREE]) return "a bin goes in circles";
			prev = b;
		}
	}
	if (m->top != NULL &&
	    (uintptr_t)m->top + block_size(m->top) != m->regions->end - BLOCK_HEAD)
		return "H3: the top is not where the break is";
	return met == w->blocks[BLOCK_FREE] ? NULL : "a free block is in no bin";
}

/* Those in caches are marked as quick ones for the moment. */
static const char *check_quick(const struct umalloc *m, const struct walk *w, uint64_t cached)
{
	uint64_t met = cached;

	for (uint32_t q = 0; q < UMALLOC_QUICK; q++) {
		if (m->quick[q] != NULL && (m->quick_map[q / 64] >> q % 64 & 1) == 0)
			return "the map of quick lists is wrong";
		for (const struct umalloc_block *b = m->quick[q]; b != NULL; b = b->next) {
			if (block_state(b) != BLOCK_QUICK || block_units(b) != q)
				return "a quick list holds what it should not";
			if (++met > w->blocks[BLOCK_QUICK]) return "a quick list goes in circles";
		}
	}
	return met == w->blocks[BLOCK_QUICK] ? NULL : "a quick block is in no list";
}

/* Adds what is in mappings; `*stuck` are counted as queued, and are not in the queue. */
static const char *check_mappings(const struct umalloc *m, struct walk *w, uint64_t *stuck)
{
	uint64_t notes = 0, bytes = 0;

	for (uint32_t i = 0; i < UMALLOC_BUCKETS; i++) {
		for (const struct umalloc_mapping *map = m->mappings[i]; map; map = map->next) {
			if (mapping_bucket(map->at) != i) return "a mapping is in a wrong bucket";
			if (++notes > w->ours) return "a bucket goes in circles";
			bytes += map->bytes;
			const bool live = map->state == MAPPING_LIVE;
			w->blocks[live ? BLOCK_LIVE : BLOCK_QUEUED]++;
			*(live ? &w->live_units : &w->queued_units) += mapping_units(map);
			*stuck += map->state == MAPPING_STUCK;
		}
	}
	if (notes != w->ours) return "a mapping's note is lost";
	return bytes == m->mapped_bytes ? NULL : "mapped bytes are counted wrong";
}

static const char *check_queue(const struct umalloc *m, const struct walk *w, uint64_t stuck)
{
	const struct deferred_queue *q = &m->deferred;

	if (q->count > m->config.deferred_slots) return "more wait than the queue has slots";
	if (stuck != m->stuck) return "stuck mappings are counted wrong";
	if (q->count + stuck != w->blocks[BLOCK_QUEUED])
		return "a queued block is not in the queue";
	for (uint32_t i = 0; i < q->count; i++)
		if (q->entry[(q->first + i) % DEFERRED_FREE_SLOTS_MAX].at == NULL)
			return "an entry of the queue is empty";
	return NULL;
}

static const char *check_counts(const struct umalloc *m, const struct walk *w,
				struct umalloc_count cached)
{
	const struct umalloc_counts *c = &m->counts;

	if (w->heap_bytes > m->heap_bytes) return "the heap is larger than what was got";
	if (w->queued_units != c->queued.units || w->blocks[BLOCK_QUEUED] != c->queued.blocks)
		return "what is queued is counted wrong";
	if (w->live_units + cached.units != c->live.units ||
	    w->blocks[BLOCK_LIVE] + cached.blocks != c->live.blocks)
		return "what is live is counted wrong";
	if (m->short_bytes != (short_ways_are_open(m) ? m->config.quick_bytes : 0) ||
	    (m->span != 0) != (short_ways_are_open(m) && m->regions->older == NULL))
		return "the short ways are open, and something waits; or the reverse";
	return c->live.units <= c->peak_units ? NULL : "more is live than ever was";
}

const char *umalloc_check_held(struct umalloc *m)
{
	struct walk w = { { 0 }, 0, 0, 0, 0 };
	uint64_t stuck = 0;
	struct umalloc_count given = { 0, 0 };
	const struct umalloc_count cached = um_caches_count(m, &given);
	const char *why = um_caches_mark(m, BLOCK_LIVE, BLOCK_QUICK);

	for (const struct umalloc_region *r = m->regions; r != NULL && why == NULL; r = r->older)
		why = check_region(&w, r);
	if (why == NULL) why = check_bins(m, &w);
	if (why == NULL) why = check_quick(m, &w, cached.blocks);
	if (why == NULL) why = check_mappings(m, &w, &stuck);
	if (why == NULL) why = check_queue(m, &w, stuck);
	if (why == NULL) why = check_counts(m, &w, cached);
	return why != NULL ? why : um_caches_mark(m, BLOCK_QUICK, BLOCK_LIVE);
}

const char *umalloc_check(struct umalloc *m)
{
	umalloc_lock(m);
	um_caches_stop(m);
	const char *why = umalloc_check_held(m);
	um_caches_go(m);
	umalloc_unlock(m);
	return why;
}

/* --- bad pointers ----------------------------------------------------------------------------- */

/* The block that covers `p`, found from the region's first on, or NULL where heads are damaged. */
static const struct umalloc_block *block_around(const struct umalloc_region *r, const void *p)
{
	const struct umalloc_block *b = region_first(r);

	while ((uintptr_t)b < r->end - BLOCK_HEAD) {
		if (!block_is_head(b) || block_size(b) < BLOCK_MIN) return NULL;
		if ((uintptr_t)p < (uintptr_t)block_right(b)) return b;
		b = block_right(b);
	}
	return NULL;
}

enum umalloc_verdict um_bad_free(struct umalloc *m, const void *p)
{
	const struct umalloc_region *r = um_heap_region(m, p);
	const struct umalloc_mapping *map = um_mapping_find(m, p);

	if (map != NULL) return UMALLOC_DOUBLE_FREE; /* it is not live, or would have been found */
	if (r == NULL || (uintptr_t)p % UMALLOC_ALIGN != 0) return UMALLOC_WILD;
	const struct umalloc_block *b = block_around(r, p);
	if (b == NULL || (b->head & HEAD_OURS) != 0) return UMALLOC_WILD;
	if (block_state(b) == BLOCK_LIVE && !um_is_cached(m, b)) return UMALLOC_WILD;
	return block_state(b) == BLOCK_FREE || block_payload(b) == p ? UMALLOC_DOUBLE_FREE
								     : UMALLOC_WILD;
}

bool umalloc_resembles_block(const void *p)
{
	return (uintptr_t)p % UMALLOC_ALIGN == 0 && block_is_users(block_of(p));
}

const char *umalloc_verdict_name(enum umalloc_verdict v)
{
	switch (v) {
	case UMALLOC_DOUBLE_FREE: return "a double free";
	case UMALLOC_WILD: return "a free of what is no block";
	}
	return "unknown";
}
