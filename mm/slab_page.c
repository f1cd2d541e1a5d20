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

METADATA_ACCESS uint32_t object_link(const void *p)
{
	const uint64_t both = *(const uint64_t *)p;
	const uint32_t next = (uint32_t)both;

	if (UNLIKELY((uint32_t)(both >> 32) != ~next))
		kpanic("use-after-free", "a free object's link was overwritten");
	return next;
}

METADATA_ACCESS void object_link_set(void *p, uint32_t next)
{
	*(uint64_t *)p = (uint64_t)~next << 32 | next;
}

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

enum slab_verdict object_retire(struct slab_cache *cache, void *p)
{
	uint8_t *end = (uint8_t *)p + cache->size;

	if (!filled((uint64_t *)(void *)end, cache->stride - cache->size, SLAB_REDZONE_BYTE))
		return SLAB_REDZONE;
	if (cache->poison) fill(p, cache->size, SLAB_POISON_BYTE);
	return SLAB_FREED;
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

/* --- the list of slabs with objects to give ---------------------------------------------------- */

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

/* --- objects in and out of a slab --------------------------------------------------------------- */

/* The next object of a slab that has one. */
static void *slab_take(struct slab_cache *cache, struct frame *head)
{
	uint8_t *base = slab_base(cache, head);
	uint8_t *p;

	if (head->slab.free_first == FRAME_NONE) {
		p = base + (size_t)head->slab.fresh++ * cache->stride;
		if (cache->poison) fill((uint64_t *)(void *)p, cache->size, SLAB_POISON_BYTE);
	} else {
		/* The link is followed only if it leads to an object of this slab. */
		const uint32_t offset = head->slab.free_first;
		if (UNLIKELY(offset % cache->stride != 0 ||
			     object_index(cache, offset) >= head->slab.fresh))
			kpanic("use-after-free", "a free list left its slab");
		p = base + offset;
		head->slab.free_first = object_link(p);
		if (cache->poison) fill((uint64_t *)(void *)p, sizeof(uint64_t), SLAB_POISON_BYTE);
	}
	head->slab.taken++;
	return p;
}

static bool slab_has(const struct slab_cache *cache, const struct frame *head)
{
	return head->slab.taken < cache->per_slab;
}

uint32_t slabs_take_locked(struct slab_cache *cache, void **out, uint32_t want)
{
	uint32_t got = 0;

	while (got < want && cache->partial != FRAME_NONE) {
		struct frame *head = frame_at(cache, cache->partial);
		if (head->slab.taken == 0) cache->empty--;
		while (got < want && slab_has(cache, head)) out[got++] = slab_take(cache, head);
		if (!slab_has(cache, head)) partial_remove(cache, head);
	}
	cache->taken += got;
	cache->peak_taken = max_u64(cache->peak_taken, cache->taken);
	return got;
}

/* Takes a wholly free slab from the cache; it goes back to the pool when the lock is dropped. */
static void slab_detach(struct slab_cache *cache, struct frame *head, uint32_t *chain)
{
	ASSERT(head->slab.taken == 0);
	partial_remove(cache, head);
	cache->slabs--;
	cache->slabs_returned++;
	head->next = *chain;
	*chain = frame_number(cache, head);
}

void slabs_put_locked(struct slab_cache *cache, void *p, uint32_t *chain)
{
	struct frame *head = slab_head(&cache->frames[object_offset(cache, p) >> PAGE_SHIFT]);
	const bool was_full = !slab_has(cache, head);

	ASSERT(head->slab.cache == cache->number && head->slab.taken != 0);
	object_link_set(p, head->slab.free_first);
	head->slab.free_first = (uint32_t)((uint8_t *)p - slab_base(cache, head));
	head->slab.taken--;
	cache->taken--;
	if (was_full) partial_add(cache, head);
	if (head->slab.taken != 0) return;
	if (cache->empty < cache->keep)
		cache->empty++;
	else
		slab_detach(cache, head, chain);
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

/* --- pages -------------------------------------------------------------------------------------- */

void slab_make(struct slab_cache *cache, paddr_t pa)
{
	struct frame *head = page_frame(cache->pages, pa);

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
		chain = head->next;
		for (uint32_t i = 1; i < 1u << cache->order; i++) head[i].owner = PAGE_OWNER_KERNEL;
		const enum page_verdict v = page_free(cache->pages, pa, cache->order,
						      PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_SLAB));
		if (v != PAGE_FREED)
			kpanic("double-free", "a slab's page: %s", page_verdict_name(v));
		pages += (size_t)1 << cache->order;
	}
	return pages;
}
