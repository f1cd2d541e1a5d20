/*
 * slab_page.c -- one slab: its objects, its free list, and the cache's list of slabs with room.
 *
 * A slab is a block of 2^order pages.  Objects stand one after another from its start, `stride`
 * bytes apart; when sites are kept, an array of them stands at its end.  Objects that were never
 * handed out are those from index `fresh` on, so making a slab touches no object.  Freed objects
 * are linked through their first 8 bytes by their offset in the slab, with its complement beside
 * it: a link that a stray write changed is caught before it is followed (it must be the offset of
 * an object of this slab), and the run ends there, because somebody wrote to freed memory.
 *
 * Slabs with something to give are on the cache's partial list, newest first, linked through the
 * frames of their first pages; full ones are on no list and are found from their objects.
 *
 * Locks: everything here that takes `_locked` in its name is under the cache's lock; slab_make and
 * slabs_return are not, because they deal with the page pool.
 */
#include "mm/slab_inside.h"

static struct frame *frame_at(const struct slab_cache *cache, uint32_t n)
{
	ASSERT(n < cache->pages->pages);
	return &cache->frames[n];
}

static uint32_t frame_number(const struct slab_cache *cache, const struct frame *head)
{
	return (uint32_t)(head - cache->frames);
}

static uint8_t *slab_base(const struct slab_cache *cache, const struct frame *head)
{
	return cache->memory + ((size_t)frame_number(cache, head) << PAGE_SHIFT);
}

/* --- what stands inside free and used objects ------------------------------------------------- */

METADATA_ACCESS static void fill(uint64_t *from, uint32_t bytes, uint8_t byte)
{
	for (uint32_t i = 0; i < bytes / sizeof *from; i++) from[i] = byte * 0x0101010101010101ull;
}

METADATA_ACCESS static bool filled(const uint64_t *from, uint32_t bytes, uint8_t byte)
{
	for (uint32_t i = 0; i < bytes / sizeof *from; i++)
		if (from[i] != byte * 0x0101010101010101ull) return false;
	return true;
}

METADATA_ACCESS static void site_set(site_t *at, site_t site)
{
	*at = site;
}

site_t *object_site(const struct slab_cache *cache, const void *p)
{
	const uint64_t n = object_offset(cache, p) >> PAGE_SHIFT;
	const struct frame *head = slab_head(frame_at(cache, (uint32_t)n));
	uint8_t *base = slab_base(cache, head);
	uint8_t *end = base + ((size_t)PAGE_SIZE << cache->order);
	const uint32_t index = object_index(cache, (uint32_t)((const uint8_t *)p - base));

	return (site_t *)(void *)end - cache->per_slab + index;
}

void object_prepare(struct slab_cache *cache, void *p, site_t site)
{
	uint8_t *end = (uint8_t *)p + cache->size;

	if (cache->poison && !filled(p, cache->size, SLAB_POISON_BYTE))
		kpanic("use-after-free", "a free object of %u bytes was written to", cache->size);
	fill((uint64_t *)(void *)end, cache->stride - cache->size, SLAB_REDZONE_BYTE);
	if (CALL_SITES && cache->sites) site_set(object_site(cache, p), site);
}

bool object_redzone_whole(const struct slab_cache *cache, const void *p)
{
	const uint8_t *end = (const uint8_t *)p + cache->size;

	return filled((const uint64_t *)(const void *)end, cache->stride - cache->size,
		      SLAB_REDZONE_BYTE);
}

void object_retire(const struct slab_cache *cache, void *p)
{
	ASSERT_SLOW(cache->poison);
	fill(p, cache->size, SLAB_POISON_BYTE);
}

enum slab_verdict object_verdict(const struct slab_cache *cache, uint64_t offset)
{
	const struct frame *frame = frame_at(cache, (uint32_t)(offset >> PAGE_SHIFT));
	const uint32_t inside =
		(frame->slab.head_back << PAGE_SHIFT) + (uint32_t)(offset & (PAGE_SIZE - 1));
	const bool starts = is_aligned(offset, KMALLOC_ALIGN) && inside % cache->stride == 0;

	return starts && object_index(cache, inside) < cache->per_slab ? SLAB_DOUBLE_FREE
								       : SLAB_WILD;
}

/* --- the list of slabs with objects to give --------------------------------------------------- */

static void partial_add(struct slab_cache *cache, struct frame *head)
{
	const uint32_t n = frame_number(cache, head);

	ASSERT(!head->slab.listed);
	head->prev = FRAME_NONE;
	head->next = cache->partial;
	if (cache->partial != FRAME_NONE) frame_at(cache, cache->partial)->prev = n;
	cache->partial = n;
	head->slab.listed = 1;
}

static void partial_remove(struct slab_cache *cache, struct frame *head)
{
	ASSERT(head->slab.listed);
	if (head->next != FRAME_NONE) frame_at(cache, head->next)->prev = head->prev;
	if (head->prev != FRAME_NONE)
		frame_at(cache, head->prev)->next = head->next;
	else
		cache->partial = head->next;
	head->slab.listed = 0;
}

/* --- objects in and out of a slab ------------------------------------------------------------- */

/* What a link was written over is a free object's pattern again, and no other byte: what somebody
 * else wrote over is still to be found. */
static void restore_poison(struct slab_cache *cache, const uint32_t *objects, uint32_t n,
			   uint32_t bytes)
{
	for (uint32_t i = 0; i < n; i++)
		fill(object_at(cache, objects[i]), bytes, SLAB_POISON_BYTE);
}

void batch_chain(struct slab_cache *cache, const uint32_t *objects)
{
	for (uint32_t i = 0; i + 1 < cache->batch; i++)
		object_link_set(object_at(cache, objects[i]), LINK_NEXT, objects[i + 1]);
}

void batch_unchain(struct slab_cache *cache, uint32_t first, uint32_t *objects)
{
	const uint64_t end = (uint64_t)cache->pages->pages << (PAGE_SHIFT - SLAB_GRANULE_SHIFT);
	uint32_t at = first;

	for (uint32_t i = 0; i < cache->batch; i++) {
		objects[i] = at;
		if (i + 1 == cache->batch) break;
		at = object_link(object_at(cache, at), LINK_NEXT);
		if (UNLIKELY(at >= end))
			kpanic("use-after-free", "a batch of free objects was cut");
	}
	if (!cache->poison) return;
	restore_poison(cache, objects, cache->batch - 1, sizeof(uint64_t));
	fill((uint64_t *)object_at(cache, first) + LINK_BATCH, sizeof(uint64_t), SLAB_POISON_BYTE);
}

void depot_push_locked(struct slab_cache *cache, uint32_t first)
{
	ASSERT(cache->depot_count < cache->depot_limit);
	object_link_set(object_at(cache, first), LINK_BATCH, cache->depot);
	cache->depot = first;
	cache->depot_count++;
}

uint32_t depot_pop_locked(struct slab_cache *cache)
{
	const uint32_t first = cache->depot;

	ASSERT(cache->depot_count != 0 && first != OBJECT_NONE);
	cache->depot = object_link(object_at(cache, first), LINK_BATCH);
	cache->depot_count--;
	return first;
}

static bool slab_has(const struct slab_cache *cache, const struct frame *head)
{
	return head->slab.taken < cache->per_slab;
}

/* Objects off a slab's free list, at most `want`.  A link is followed only into the slab. */
static uint32_t take_listed(struct slab_cache *cache, struct frame *head, uint32_t *out,
			    uint32_t want)
{
	uint8_t *base = slab_base(cache, head);
	const uint32_t first = (uint32_t)(object_offset(cache, base) >> SLAB_GRANULE_SHIFT);
	const uint32_t end = head->slab.fresh * cache->stride;
	uint32_t at = head->slab.free_first;
	uint32_t n = 0;

	for (; n < want && at != FRAME_NONE; n++) {
		if (UNLIKELY(at >= end || !is_aligned(at, KMALLOC_ALIGN)))
			kpanic("use-after-free", "a free list left its slab");
		out[n] = first + (at >> SLAB_GRANULE_SHIFT);
		at = object_link(base + at, LINK_NEXT);
	}
	head->slab.free_first = at;
	if (cache->poison) restore_poison(cache, out, n, sizeof(uint64_t));
	return n;
}

/* Objects that were never out, at most `want`. */
static uint32_t take_fresh(struct slab_cache *cache, struct frame *head, uint32_t *out,
			   uint32_t want)
{
	const uint32_t n = (uint32_t)min_u64(want, cache->per_slab - head->slab.fresh);
	const uint32_t step = cache->stride >> SLAB_GRANULE_SHIFT;
	uint32_t handle = (frame_number(cache, head) << (PAGE_SHIFT - SLAB_GRANULE_SHIFT)) +
			  head->slab.fresh * step;

	for (uint32_t i = 0; i < n; i++, handle += step) out[i] = handle;
	if (cache->poison) restore_poison(cache, out, n, cache->size);
	head->slab.fresh = (uint16_t)(head->slab.fresh + n);
	return n;
}

uint32_t slabs_take_locked(struct slab_cache *cache, uint32_t *out, uint32_t want)
{
	uint32_t got = 0;

	while (got < want && cache->partial != FRAME_NONE) {
		struct frame *head = frame_at(cache, cache->partial);
		uint32_t n = take_listed(cache, head, out + got, want - got);
		n += take_fresh(cache, head, out + got + n, want - got - n);
		ASSERT(n != 0 && head->slab.taken + n <= cache->per_slab);
		if (head->slab.taken == 0) cache->empty--;
		head->slab.taken = (uint16_t)(head->slab.taken + n);
		got += n;
		if (!slab_has(cache, head)) partial_remove(cache, head);
	}
	cache->taken += got;
	cache->peak_taken = max_u64(cache->peak_taken, cache->taken);
	return got;
}

/* Takes a wholly free slab from the cache; it goes back to the pool when the lock is dropped. */
static void slab_detach(struct slab_cache *cache, struct frame *head, uint32_t *chain)
{
	ASSERT(head->slab.taken == 0 && cache->slabs != 0);
	partial_remove(cache, head);
	cache->slabs--;
	cache->slabs_returned++;
	head->next = *chain;
	*chain = frame_number(cache, head);
}

/* A slab got its first free object, or its last one back: that changes where it stands. */
static void slab_moves(struct slab_cache *cache, struct frame *head, bool was_full, uint32_t *chain)
{
	if (was_full) partial_add(cache, head);
	if (head->slab.taken != 0) return;
	if (cache->empty < cache->keep)
		cache->empty++;
	else
		slab_detach(cache, head, chain);
}

void slabs_put_locked(struct slab_cache *cache, const uint32_t *objects, uint32_t n,
		      uint32_t *chain)
{
	for (uint32_t i = 0; i < n; i++) {
		struct frame *frame = frame_of(cache->frames, objects[i]);
		struct frame *head = slab_head(frame);
		const bool was_full = head->slab.taken == cache->per_slab;
		ASSERT_SLOW(head->slab.cache == cache->number && head->slab.taken != 0);
		object_link_set(object_at(cache, objects[i]), LINK_NEXT, head->slab.free_first);
		head->slab.free_first = (live_bit(objects[i]) << SLAB_GRANULE_SHIFT) +
					((uint32_t)frame->slab.head_back << PAGE_SHIFT);
		head->slab.taken--;
		if (was_full || head->slab.taken == 0) slab_moves(cache, head, was_full, chain);
	}
	ASSERT(cache->taken >= n);
	cache->taken -= n;
}

void slabs_detach_empty_locked(struct slab_cache *cache, uint32_t *chain)
{
	for (uint32_t n = cache->partial; n != FRAME_NONE && cache->empty != 0;) {
		struct frame *head = frame_at(cache, n);
		n = head->next;
		if (head->slab.taken != 0) continue;
		cache->empty--;
		slab_detach(cache, head, chain);
	}
}

/* --- pages ------------------------------------------------------------------------------------ */

void slab_make(struct slab_cache *cache, paddr_t pa)
{
	struct frame *head = page_frame(cache->pages, pa);

	ASSERT(head != NULL && head->order == cache->order);
	for (uint32_t i = 0; i < 1u << cache->order; i++) {
		head[i].owner = PAGE_OWNER_SLAB;
		head[i].slab = (struct frame_slab){
			.cache = cache->number,
			.head_back = (uint16_t)i,
			.free_first = FRAME_NONE,
		};
	}
	mach_poison(mach_phys(pa), (size_t)PAGE_SIZE << cache->order);
	const mach_irq_t irq = lock_take(&cache->lock);
	partial_add(cache, head);
	cache->slabs++;
	cache->empty++;
	cache->slabs_made++;
	lock_drop(&cache->lock, irq);
}

size_t slabs_return(struct slab_cache *cache, uint32_t chain)
{
	size_t pages = 0;

	while (chain != FRAME_NONE) {
		struct frame *head = frame_at(cache, chain);
		const paddr_t pa = page_address(cache->pages, chain);
		ASSERT(head->slab.taken == 0 && !head->slab.listed);
		chain = head->next;
		for (uint32_t i = 1; i < 1u << cache->order; i++) head[i].owner = PAGE_OWNER_KERNEL;
		const enum page_verdict v =
			page_free(cache->pages, pa, cache->order, SLAB_PAGES_HOW);
		if (v != PAGE_FREED)
			kpanic("double-free", "a slab's page: %s", page_verdict_name(v));
		pages += (size_t)1 << cache->order;
	}
	return pages;
}
