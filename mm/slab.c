/*
 * slab.c -- objects of one size: allocation and free.
 *
 * An object is in one of four places, and moves only between neighbours:
 *
 *	never used -> slab's free list <-> magazine <-> user
 *
 * The fast path (slab_inside.h) is magazine <-> user: interrupts masked, this CPU's latch, one
 * slot, and one bit in the frame of the page the object starts in, set while a user has it.  The
 * bit is changed atomically, because a word of bits covers objects that belong to several CPUs;
 * so of two frees of one object exactly one finds the bit set, whatever else happens.
 *
 * Always true at rest (slab_check):
 *	S1  per slab: taken + free-listed + never-used = objects per slab;
 *	S2  per cache: sum of taken = cache->taken = live bits + objects in magazines;
 *	S3  a slab is on the partial list exactly when it has an object to give;
 *	S4  an object in a magazine or on a free list has its live bit clear;
 *	S5  frames of pages that are no slab's have no live bits.
 *
 * Locks: a magazine's latch, then the cache's lock; never a page of the pool asked for or given
 * back under either.  Cost: fast path constant; slow path one batch (half a magazine) of list
 * steps, and a page every `per_slab` objects.
 */
#include "mm/slab_inside.h"

static const char *const verdict_names[SLAB_VERDICTS] = {
	[SLAB_FREED] = "freed",
	[SLAB_DOUBLE_FREE] = "double-free",
	[SLAB_WILD] = "wild-free",
	[SLAB_REDZONE] = "redzone",
};

const char *slab_verdict_name(enum slab_verdict v)
{
	return (unsigned)v < SLAB_VERDICTS ? verdict_names[v] : "?";
}

/* The smallest slab that wastes at most an eighth of itself, or the largest allowed. */
static void choose_order(struct slab_cache *cache)
{
	const uint32_t each = cache->stride + (cache->sites ? sizeof(site_t) : 0);

	for (cache->order = 0;; cache->order++) {
		const uint32_t bytes = (uint32_t)PAGE_SIZE << cache->order;
		cache->per_slab = (uint16_t)(bytes / each);
		if (cache->order == SLAB_ORDER_MAX) break;
		if (cache->per_slab != 0 && (bytes - cache->per_slab * each) * 8 <= bytes) break;
	}
	ASSERT(cache->per_slab != 0);
}

void slab_cache_init(struct slab_cache *cache, const struct slab_config *config)
{
	ASSERT(config->size >= SLAB_SIZE_MIN && config->size <= SLAB_SIZE_MAX);
	ASSERT(is_aligned(config->size, KMALLOC_ALIGN));
	ASSERT(is_aligned(config->redzone, KMALLOC_ALIGN));
	ASSERT(config->depth <= MAGAZINE_DEPTH_MAX && config->number <= UINT16_MAX);

	*cache = (struct slab_cache){
		.pages = config->pages,
		.frames = config->pages->frames,
		.memory = mach_phys(config->pages->base),
		.magazines = config->magazines,
		.magazine_stride = config->magazine_stride,
		.depth = config->depth,
		.size = config->size,
		.stride = config->size + config->redzone,
		.number = (uint16_t)config->number,
		.poison = config->poison,
		.sites = CALL_SITES && config->sites,
		.careful = config->poison || config->redzone != 0 || (CALL_SITES && config->sites),
		.keep = config->keep,
		.partial = FRAME_NONE,
	};
	choose_order(cache);
	lock_init(&cache->lock, RANK_SLAB);
	for (unsigned c = 0; c < config->pages->cpus; c++) {
		struct magazine *m = magazine_of(cache, c);
		latch_init(&m->latch, RANK_MAGAZINE);
		m->count = 0;
		m->depth = config->depth;
	}
}

/* Fills this CPU's magazine by half and returns one more object, or NULL when slabs have none. */
static void *magazine_refill(struct slab_cache *cache)
{
	const mach_irq_t irq = mach_irq_save();
	struct magazine *m = magazine_of(cache, mach_cpu());
	void *got[MAGAZINE_DEPTH_MAX];
	void *p = NULL;

	latch_take(&m->latch);
	if (m->count != 0) {
		p = m->slot[--m->count]; /* somebody filled it while we were outside */
	} else {
		const mach_irq_t inner = lock_take(&cache->lock);
		const uint32_t n = slabs_take_locked(cache, got, cache->depth / 2 + 1);
		lock_drop(&cache->lock, inner);
		if (n != 0) p = got[0];
		for (uint32_t i = n; i > 1; i--) m->slot[m->count++] = got[i - 1];
		ASSERT(m->count <= cache->depth);
	}
	latch_drop(&m->latch);
	mach_irq_restore(irq);
	return p;
}

/* An object off this CPU's magazine, or NULL. */
static void *pop_here(struct slab_cache *cache)
{
	const mach_irq_t irq = mach_irq_save();
	const unsigned cpu = mach_cpu();
	void *p = magazine_pop(magazine_of(cache, cpu), cpu);

	mach_irq_restore(irq);
	return p;
}

void *slab_alloc_held(struct slab_cache *cache, size_t bytes, site_t site)
{
	void *p = pop_here(cache);

	ASSERT_SLOW(bytes != 0 && bytes <= cache->size);
	if (p == NULL) p = magazine_refill(cache);
	return p == NULL ? NULL : object_give(cache, p, bytes, site);
}

void *slab_alloc_slow(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site)
{
	/* A slab made here may be emptied by other CPUs before we come back to it: then again. */
	for (;;) {
		void *p = slab_alloc_held(cache, bytes, site);
		if (p != NULL) return p;
		const paddr_t pa =
			page_alloc(cache->pages, cache->order,
				   (how & PAGE_NO_RECLAIM) | PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_SLAB),
				   site);
		if (pa == PADDR_NONE) return NULL;
		slab_make(cache, pa);
	}
}

void *slab_alloc(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site)
{
	void *p = pop_here(cache);

	ASSERT_SLOW(bytes != 0 && bytes <= cache->size);
	if (LIKELY(p != NULL)) return object_give(cache, p, bytes, site);
	return slab_alloc_slow(cache, bytes, how, site);
}

void magazine_spill(struct slab_cache *cache, void *p)
{
	const mach_irq_t irq = mach_irq_save();
	struct magazine *m = magazine_of(cache, mach_cpu());
	uint32_t chain = FRAME_NONE;

	latch_take(&m->latch);
	const uint32_t n = m->count == cache->depth ? (m->count + 1) / 2 : 0;
	const mach_irq_t inner = lock_take(&cache->lock);
	/* The oldest half goes: what was freed last is used next. */
	for (uint32_t i = 0; i < n; i++) slabs_put_locked(cache, m->slot[i], &chain);
	if (cache->depth == 0) slabs_put_locked(cache, p, &chain);
	lock_drop(&cache->lock, inner);
	for (uint32_t i = n; i < m->count; i++) m->slot[i - n] = m->slot[i];
	m->count -= n;
	if (cache->depth != 0) m->slot[m->count++] = p;
	latch_drop(&m->latch);
	mach_irq_restore(irq);
	slabs_return(cache, chain);
}

enum slab_verdict slab_free(struct slab_cache *cache, void *p)
{
	const uint64_t offset = object_offset(cache, p);
	struct frame *frame;

	if (offset >> PAGE_SHIFT >= cache->pages->pages) return SLAB_WILD;
	frame = &cache->frames[offset >> PAGE_SHIFT];
	if (frame->owner != PAGE_OWNER_SLAB || frame->slab.cache != cache->number) return SLAB_WILD;
	const enum slab_verdict v = object_take_back(cache, frame, offset, p);
	if (v == SLAB_FREED) object_put(cache, p);
	return v;
}

/* Empties one CPU's magazine into the slabs. */
static void magazine_empty(struct slab_cache *cache, unsigned cpu)
{
	struct magazine *m = magazine_of(cache, cpu);
	uint32_t chain = FRAME_NONE;
	const mach_irq_t irq = mach_irq_save();

	latch_take(&m->latch);
	if (m->count != 0) {
		const mach_irq_t inner = lock_take(&cache->lock);
		while (m->count != 0) slabs_put_locked(cache, m->slot[--m->count], &chain);
		lock_drop(&cache->lock, inner);
	}
	latch_drop(&m->latch);
	mach_irq_restore(irq);
	slabs_return(cache, chain);
}

size_t slab_drain(struct slab_cache *cache)
{
	uint32_t chain = FRAME_NONE;
	const uint64_t before = cache->slabs;

	for (unsigned c = 0; c < cache->pages->cpus; c++) magazine_empty(cache, c);
	const mach_irq_t irq = lock_take(&cache->lock);
	slabs_detach_empty_locked(cache, &chain);
	const uint64_t after = cache->slabs;
	lock_drop(&cache->lock, irq);
	slabs_return(cache, chain);
	return before > after ? (size_t)(before - after) << cache->order : 0;
}
