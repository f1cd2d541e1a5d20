/*
 * kmalloc_check.c -- kmalloc's numbers and checks: slabs, heap and pages taken together.
 *
 * Always true at rest: pages owned by slabs and by the heap, counted by walking the frames, are
 * the pages these two say they hold (K1); and everything below holds for each of them.
 */
#include "mm/kmalloc_inside.h"

void kmalloc_count(struct kmalloc *km, struct kmalloc_counts *out)
{
	uint32_t aside[KMALLOC_CLASSES];

	/* Each part is exact under its own lock; together they are at rest. */
	*out = (struct kmalloc_counts){ 0 };
	page_count(km->pages, &out->pages);
	heap_count(&km->heap, &out->heap);
	quarantine_census(km, aside);
	out->live_bytes = out->heap.granted_bytes;
	out->live_objects = out->heap.granted_blocks;
	for (uint32_t c = 0; c < KMALLOC_CLASSES; c++) {
		struct slab_counts *s = &out->slab[c];
		slab_count(&km->caches[c], s);
		/* Not free, but no user's. */
		s->live = sub_or_zero(s->live, aside[c]);
		out->quarantined += aside[c];
		out->live_objects += s->live;
		out->live_bytes += s->live * s->size;
		out->cached_objects += s->cached;
		out->slab_pages += s->slab_pages;
	}
	ASSERT(out->quarantined <= KMALLOC_QUARANTINE_MAX);
	out->heap_pages = (uint32_t)out->heap.span_pages;
}

const char *kmalloc_check_counts(struct kmalloc *km)
{
	const char *why = page_check_counts(km->pages);

	for (uint32_t c = 0; c < KMALLOC_CLASSES && why == NULL; c++)
		why = slab_check_counts(&km->caches[c]);
	if (why == NULL && km->quarantine_count > km->quarantine_limit)
		why = "the quarantine holds more than its limit";
	return why;
}

/* Whether slabs and heap have the pages that they say, counted by walking the frames. */
static const char *check_owners(const struct kmalloc *km)
{
	const struct page_pool *pool = km->pages;
	uint32_t owned[PAGE_OWNERS] = { 0 };
	uint32_t slab_pages = 0;

	/* From head to head: page_check() has seen that there is one where a block ends. */
	for (uint32_t f = 0, pages; f < pool->pages; f += pages) {
		const uint32_t word = pool->frames[f].word;
		pages = 1u << frame_word_order(word);
		if (frame_word_state(word) != FRAME_USED) continue;
		const unsigned owner = frame_word_owner(word);
		ASSERT(owner < PAGE_OWNERS);
		owned[owner] += pages;
	}
	ASSERT(owned[PAGE_OWNER_SLAB] <= pool->pages && owned[PAGE_OWNER_HEAP] <= pool->pages);
	for (uint32_t c = 0; c < KMALLOC_CLASSES; c++)
		slab_pages += km->caches[c].slabs << km->caches[c].order;
	if (owned[PAGE_OWNER_SLAB] != slab_pages) return "K1: pages of slabs do not add up";
	if (owned[PAGE_OWNER_HEAP] != km->heap.span_pages)
		return "K1: pages of the heap do not add up";
	return NULL;
}

const char *kmalloc_check(struct kmalloc *km)
{
	uint32_t aside[KMALLOC_CLASSES];
	const char *why = page_check(km->pages);

	/* Outermost first: what the lower ones say is only looked at when the pages are sound. */
	quarantine_census(km, aside);
	if (why == NULL) why = slab_check(km->caches, KMALLOC_CLASSES, aside);
	if (why == NULL) why = heap_check(&km->heap);
	if (why == NULL) why = check_owners(km);
	return why;
}

/* A full table still gets the rest of what it has rows for. */
bool kmalloc_sites(struct kmalloc *km, struct site_row *table, size_t room, size_t *rows)
{
	const bool all = slab_sites(km->caches, KMALLOC_CLASSES, table, room, rows);

	return heap_sites(&km->heap, table, room, rows) && all;
}
