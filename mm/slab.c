/*
 * slab.c -- objects of one size: allocation and free.
 *
 * An object is in one of these places, and moves only between neighbours (the depot may be passed):
 *
 *	never used -> slab's free list <-> depot <-> magazine <-> user
 *
 * The fast path (slab_inside.h) is magazine <-> user: this CPU's magazine, tried and not waited
 * for, one slot, and one bit in the frame of the page the object starts in, set while a user has
 * it.  No interrupt is masked: whoever finds the magazine in use, an interrupt handler for one,
 * goes to the slabs.  The bit is changed atomically, because a word of bits covers objects that
 * belong to several CPUs; so of two frees of one object exactly one finds the bit set.
 *
 * Always true at rest (slab_check):
 *	S1  per slab: taken + free-listed + never-used = objects per slab;
 *	S2  per cache: sum of taken = cache->taken = live bits + objects in magazines, in the
 *	    depot, and in the quarantine of whoever keeps one;
 *	S3  a slab is on the partial list exactly when it has an object to give;
 *	S4  an object in a magazine or on a free list has its live bit clear;
 *	S5  frames of pages that are no slab's have no live bits.
 *
 * Locks: a magazine's latch or the cache's lock, never both, and never a page of the pool asked
 * for or given back under either.  Cost: fast path constant; slow path one batch (half a
 * magazine) of list steps, and a page every `per_slab` objects.
 */
#include "mm/slab_inside.h"

enum { BATCH_MAX = (MAGAZINE_DEPTH_MAX + 1) / 2 };

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
	ASSERT(config->depth <= MAGAZINE_DEPTH_MAX && config->depot <= DEPOT_MAX);
	ASSERT(config->number <= UINT16_MAX);
	/* A handle names every 16 bytes of the pool, and OBJECT_NONE none of them. */
	ASSERT(config->pages->pages <= OBJECT_NONE >> (PAGE_SHIFT - SLAB_GRANULE_SHIFT));

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
		.batch = (config->depth + 1) / 2,
		.depot_limit = config->depth == 0 ? 0 : config->depot,
		.partial = FRAME_NONE,
		.depot = OBJECT_NONE,
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

/* A batch off the depot, or else objects out of the slabs; how many there were. */
static uint32_t take_batch(struct slab_cache *cache, uint32_t *out, uint32_t want)
{
	const mach_irq_t irq = lock_take(&cache->lock);

	if (want == cache->batch && cache->depot_count != 0) {
		const uint32_t first = depot_pop_locked(cache);
		lock_drop(&cache->lock, irq);
		batch_unchain(cache, first, out);
		return want;
	}
	const uint32_t n = slabs_take_locked(cache, out, want);
	lock_drop(&cache->lock, irq);
	return n;
}

/* A batch to the depot; false when that is full. */
static bool depot_put(struct slab_cache *cache, const uint32_t *objects)
{
	batch_chain(cache, objects);
	const mach_irq_t irq = lock_take(&cache->lock);
	const bool room = cache->depot_count < cache->depot_limit;
	if (room) depot_push_locked(cache, objects[0]);
	lock_drop(&cache->lock, irq);
	return room;
}

/* Objects to the slabs; how many pages went back to the pool with slabs that are empty now. */
static size_t put_batch(struct slab_cache *cache, const uint32_t *objects, uint32_t n)
{
	uint32_t chain = FRAME_NONE;
	const mach_irq_t irq = lock_take(&cache->lock);

	slabs_put_locked(cache, objects, n, &chain);
	lock_drop(&cache->lock, irq);
	return LIKELY(chain == FRAME_NONE) ? 0 : slabs_return(cache, chain);
}

/* Everything in the depot goes to the slabs; pages given back. */
static size_t depot_empty(struct slab_cache *cache)
{
	uint32_t objects[BATCH_MAX];
	size_t pages = 0;

	for (;;) {
		const mach_irq_t irq = lock_take(&cache->lock);
		const bool none = cache->depot_count == 0;
		const uint32_t first = none ? OBJECT_NONE : depot_pop_locked(cache);
		lock_drop(&cache->lock, irq);
		if (none) return pages;
		batch_unchain(cache, first, objects);
		pages += put_batch(cache, objects, cache->batch);
	}
}

/* Puts what of `objects` there is room for on this CPU's magazine; how many. */
static uint32_t magazine_fill(struct slab_cache *cache, const uint32_t *objects, uint32_t n)
{
	struct magazine *m = magazine_of(cache, mach_cpu());

	if (!latch_try(&m->latch)) return 0;
	const uint32_t had = m->count;
	const uint32_t put = (uint32_t)min_u64(n, m->depth - had);
	for (uint32_t i = 0; i < put; i++) m->slot[had + i] = objects[i];
	m->count = had + put;
	latch_release(&m->latch);
	return put;
}

/* Takes the older half off this CPU's magazine, if that is full; how many. */
static uint32_t magazine_halve(struct slab_cache *cache, uint32_t *out)
{
	struct magazine *m = magazine_of(cache, mach_cpu());
	const uint32_t n = cache->batch;
	bool full;

	if (!latch_try(&m->latch)) return 0;
	full = m->count == m->depth;
	if (LIKELY(full)) {
		for (uint32_t i = 0; i < n; i++) out[i] = m->slot[i];
		for (uint32_t i = n; i < m->depth; i++) m->slot[i - n] = m->slot[i];
		m->count -= n;
	}
	latch_release(&m->latch);
	return full ? n : 0;
}

/* One object from depot or slabs, and more for the magazine; OBJECT_NONE when they have none. */
static uint32_t magazine_refill(struct slab_cache *cache)
{
	uint32_t got[BATCH_MAX];
	const uint32_t n = take_batch(cache, got, (uint32_t)max_u64(cache->batch, 1));

	if (n == 0) return OBJECT_NONE;
	const uint32_t put = magazine_fill(cache, got, n - 1);
	if (UNLIKELY(put + 1 < n)) put_batch(cache, got + put, n - 1 - put);
	return got[n - 1];
}

void *slab_alloc_held(struct slab_cache *cache, size_t bytes, site_t site)
{
	uint32_t handle = magazine_pop(magazine_of(cache, mach_cpu()));

	ASSERT_SLOW(bytes != 0 && bytes <= cache->size);
	if (handle == OBJECT_NONE) handle = magazine_refill(cache);
	return handle == OBJECT_NONE ? NULL : object_give(cache, handle, bytes, site);
}

void *slab_alloc_slow(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site)
{
	/* A slab made here may be emptied by other CPUs before we come back to it: then again. */
	for (;;) {
		/* A look without the lock: what it misses is found after the next slab is made. */
		const bool some = atomic_load_u32(&cache->partial) != FRAME_NONE ||
				  atomic_load_u32(&cache->depot_count) != 0;
		const uint32_t handle = some ? magazine_refill(cache) : OBJECT_NONE;
		if (LIKELY(handle != OBJECT_NONE)) return object_give(cache, handle, bytes, site);
		const paddr_t pa = page_alloc(cache->pages, cache->order,
					      (how & PAGE_NO_RECLAIM) | SLAB_PAGES_HOW, site);
		if (pa != PADDR_NONE) {
			slab_make(cache, pa);
			continue;
		}
		/* No page came of it, but reclaim may have brought objects home to their slabs. */
		const uint32_t late = magazine_refill(cache);
		return late == OBJECT_NONE ? NULL : object_give(cache, late, bytes, site);
	}
}

void *slab_alloc(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site)
{
	const uint32_t handle = magazine_pop(magazine_of(cache, mach_cpu()));

	ASSERT_SLOW(bytes != 0 && bytes <= cache->size);
	if (LIKELY(handle != OBJECT_NONE)) return object_give(cache, handle, bytes, site);
	return slab_alloc_slow(cache, bytes, how, site);
}

/* What was freed last is used next: the older half goes to the depot, or to the slabs. */
void magazine_spill(struct slab_cache *cache, uint32_t handle)
{
	uint32_t out[BATCH_MAX];
	const uint32_t n = cache->depth == 0 ? 0 : magazine_halve(cache, out);
	/* A look without the lock: a batch is not chained for a depot that is full. */
	const bool full = atomic_load_u32(&cache->depot_count) >= cache->depot_limit;

	if (n != 0 && (full || !depot_put(cache, out))) put_batch(cache, out, n);
	if (magazine_fill(cache, &handle, 1) == 0) put_batch(cache, &handle, 1);
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

/* Empties one CPU's magazine into the slabs; pages given back.  One that is in use right now is
 * left: its user may be what we interrupted, and waiting for it would be for ever. */
static size_t magazine_empty(struct slab_cache *cache, unsigned cpu)
{
	struct magazine *m = magazine_of(cache, cpu);
	uint32_t out[MAGAZINE_DEPTH_MAX];

	if (!latch_try(&m->latch)) return 0;
	const uint32_t n = m->count;
	for (uint32_t i = 0; i < n; i++) out[i] = m->slot[i];
	m->count = 0;
	latch_release(&m->latch);
	return n == 0 ? 0 : put_batch(cache, out, n);
}

size_t slab_drain(struct slab_cache *cache)
{
	uint32_t chain = FRAME_NONE;
	size_t pages = 0;

	for (unsigned c = 0; c < cache->pages->cpus; c++) pages += magazine_empty(cache, c);
	pages += depot_empty(cache);
	const mach_irq_t irq = lock_take(&cache->lock);
	slabs_detach_empty_locked(cache, &chain);
	lock_drop(&cache->lock, irq);
	return pages + slabs_return(cache, chain);
}
