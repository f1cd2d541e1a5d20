/*
 * kmalloc.c -- which allocator serves a request, and which one a pointer came from.
 *
 * Up to 2,048 bytes the request goes to one of 24 slab caches, four to a doubling, so at most a
 * fifth of an object is wasted; the class is one load from a table by the size in 16-byte units.
 * Above that it goes to the heap.  A pointer's way back is told by the frame of its page: owner
 * SLAB names the cache, owner HEAP the heap; what lies in the boot allocator is told by address;
 * anything else is wild.
 *
 * When a class has no object and there are no pages for another slab, memory is not at its end yet:
 * first a larger class may have an object to spare or do with fewer pages in a row, then the heap a
 * hole, or do with one page.  Only when these are gone too is the request refused.
 *
 * Always true: what kmalloc_usable says of a block is at least what was asked for; a request that
 * fails changed nothing; nothing is ever moved but by kmalloc_realloc.
 *
 * Locks: none of its own but the quarantine's (kmalloc_quarantine.c).
 */
#include "mm/kmalloc_inside.h"

static const uint16_t class_bytes[KMALLOC_CLASSES] = {
	16,  32,  48,  64,  80,  96,  112, 128,  160,  192,  224,  256,
	320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048,
};

static const char *const verdict_names[KMALLOC_VERDICTS] = {
	[KMALLOC_FREED] = "freed",     [KMALLOC_NOTHING] = "nothing",
	[KMALLOC_EARLY] = "early",     [KMALLOC_DOUBLE_FREE] = "double-free",
	[KMALLOC_WILD] = "wild-free",  [KMALLOC_REDZONE] = "redzone",
	[KMALLOC_CORRUPT] = "corrupt",
};

const char *kmalloc_verdict_name(enum kmalloc_verdict v)
{
	return (unsigned)v < KMALLOC_VERDICTS ? verdict_names[v] : "?";
}

static enum kmalloc_verdict of_slab(enum slab_verdict v)
{
	switch (v) {
	case SLAB_FREED: return KMALLOC_FREED;
	case SLAB_DOUBLE_FREE: return KMALLOC_DOUBLE_FREE;
	case SLAB_REDZONE: return KMALLOC_REDZONE;
	default: return KMALLOC_WILD;
	}
}

static enum kmalloc_verdict of_heap(enum heap_verdict v)
{
	switch (v) {
	case HEAP_FREED: return KMALLOC_FREED;
	case HEAP_DOUBLE_FREE: return KMALLOC_DOUBLE_FREE;
	case HEAP_CORRUPT: return KMALLOC_CORRUPT;
	default: return KMALLOC_WILD;
	}
}

/* --- making one ------------------------------------------------------------------------------- */

/* What one CPU's magazine, or a class's depot, may keep from the slabs. */
enum { MAGAZINE_BYTES_MAX = 16 << 10, DEPOT_BYTES_MAX = 32 << 10 };

static void caches_init(struct kmalloc *km, const struct kmalloc_config *config)
{
	for (uint32_t c = 0; c < KMALLOC_CLASSES; c++) {
		const uint64_t depth =
			min_u64(config->magazine_depth, MAGAZINE_BYTES_MAX / class_bytes[c]);
		const uint64_t batch_bytes = (depth + 1) / 2 * class_bytes[c];
		const uint64_t depot = batch_bytes == 0 ? 0 : DEPOT_BYTES_MAX / batch_bytes;
		const struct slab_config slab = {
			.pages = config->pages,
			.size = class_bytes[c],
			.number = c,
			.depth = (uint32_t)depth,
			.depot = (uint32_t)min_u64(config->depot, depot),
			.keep = config->keep_slabs,
			.redzone = config->redzone,
			.poison = config->poison,
			.sites = config->sites,
			.magazines = config->magazines + c,
			.magazine_stride = KMALLOC_CLASSES,
		};
		slab_cache_init(&km->caches[c], &slab);
	}
	for (uint32_t units = 0, c = 0; units < COUNT_OF(km->class_of); units++) {
		if (units * KMALLOC_ALIGN > class_bytes[c]) c++;
		km->class_of[units] = (uint8_t)c;
	}
}

void kmalloc_init(struct kmalloc *km, const struct kmalloc_config *config)
{
	const struct heap_config heap = {
		.pages = config->pages,
		.base = (uintptr_t)mach_phys(config->pages->base),
		.window_bytes = config->window_bytes,
		.grow_bytes = config->grow_bytes,
		.keep_bytes = config->keep_bytes,
		.listener = config->listener,
	};

	ASSERT(config->quarantine <= KMALLOC_QUARANTINE_MAX);
	km->pages = config->pages;
	km->frames = config->pages->frames;
	km->memory = mach_phys(config->pages->base);
	km->memory_pages = config->pages->pages;
	km->magazines = config->magazines;
	km->early = config->early;
	km->listener = config->listener;
	caches_init(km, config);
	heap_init(&km->heap, &heap);
	quarantine_init(km, config->quarantine);
	km->careful = config->quarantine != 0 || km->caches[0].careful;
	km->shrinker =
		(struct shrinker){ .name = "kmalloc", .shrink = kmalloc_shrink, .context = km };
	page_shrinker_add(km->pages, &km->shrinker);
}

/* --- allocation ------------------------------------------------------------------------------- */

static unsigned class_for(const struct kmalloc *km, size_t bytes)
{
	return km->class_of[(bytes + KMALLOC_ALIGN - 1) / KMALLOC_ALIGN];
}

/* Where `p` lies in the pool's memory, and the frame of its page; NULL when it lies elsewhere. */
static struct frame *locate(const struct kmalloc *km, const void *p, uint64_t *offset)
{
	*offset = (uintptr_t)p - (uintptr_t)km->memory;
	return *offset >> PAGE_SHIFT < km->memory_pages ? &km->frames[*offset >> PAGE_SHIFT] : NULL;
}

static void tell(struct kmalloc *km, enum mm_event event, size_t bytes, size_t align, site_t site)
{
	struct page_counts counts;

	page_count(km->pages, &counts);
	const struct mm_report report = {
		.bytes = bytes,
		.align = align,
		.pages = counts.free,
		.level = counts.level,
		.site = site,
	};
	mm_tell(km->listener, event, &report);
}

/* No pages for a slab of `cache`: what else could hold the object?  Fewer pages may do. */
static void *alloc_anywhere(struct kmalloc *km, struct slab_cache *cache, size_t bytes, site_t site)
{
	tell(km, MM_EVENT_PAGES_AT_GROWTH, bytes, KMALLOC_ALIGN, site);
	for (struct slab_cache *c = cache + 1; c < km->caches + KMALLOC_CLASSES; c++) {
		void *p = c->order < cache->order ? slab_alloc(c, bytes, KM_NO_RECLAIM, site)
						  : slab_alloc_held(c, bytes, site);
		if (p != NULL) return p;
	}
	if (cache->order == 0) return heap_alloc_held(&km->heap, bytes, KMALLOC_ALIGN, site);
	return heap_alloc(&km->heap, bytes, KMALLOC_ALIGN, KM_NO_RECLAIM, site);
}

static void *alloc_small_slow(struct kmalloc *km, struct slab_cache *cache, size_t bytes,
			      uint32_t how, site_t site)
{
	void *p = slab_alloc_slow(cache, bytes, how, site);

	return p != NULL ? p : alloc_anywhere(km, cache, bytes, site);
}

/* The last steps of every request: zeroes, or what a refusal means to this caller. */
static void *finish(struct kmalloc *km, void *p, size_t bytes, size_t align, uint32_t how,
		    site_t site)
{
	if (p == NULL) {
		if ((how & KM_PANIC) == 0) return NULL;
		tell(km, MM_EVENT_CANNOT_GO_ON, bytes, align, site);
		kpanic("out-of-memory", "%zu bytes aligned %zu for a caller that must not fail",
		       bytes, align);
	}
	if (how & KM_ZERO) memset(p, 0, bytes);
	return p;
}

static NOINLINE void *alloc_slow(struct kmalloc *km, size_t bytes, uint32_t how, site_t site)
{
	void *p;

	if (bytes == 0) return NULL;
	if (bytes <= SLAB_SIZE_MAX)
		p = alloc_small_slow(km, &km->caches[class_for(km, bytes)], bytes, how, site);
	else
		p = heap_alloc(&km->heap, bytes, KMALLOC_ALIGN, how & KM_NO_RECLAIM, site);
	return finish(km, p, bytes, KMALLOC_ALIGN, how, site);
}

/* An object off a magazine that needs more than to be handed over. */
static NOINLINE void *give_carefully(struct kmalloc *km, void *p, size_t bytes, uint32_t how,
				     site_t site)
{
	struct slab_cache *cache = &km->caches[class_for(km, bytes)];

	if (cache->careful) object_prepare(cache, p, site);
	mach_unpoison(p, bytes);
	if (how & KM_ZERO) memset(p, 0, bytes);
	return p;
}

/* Leaf code on purpose: whatever is rare is a tail call, so nothing is saved for it. */
void *kmalloc_alloc(struct kmalloc *km, size_t bytes, uint32_t how, site_t site)
{
	if (UNLIKELY(bytes - 1 >= SLAB_SIZE_MAX)) return alloc_slow(km, bytes, how, site);
	const unsigned place = mach_cpu() * KMALLOC_CLASSES + class_for(km, bytes);
	const uint32_t handle = magazine_pop(&km->magazines[place]);

	if (UNLIKELY(handle == OBJECT_NONE)) return alloc_slow(km, bytes, how, site);
	void *p = km->memory + ((size_t)handle << SLAB_GRANULE_SHIFT);
	object_mark_live(km->frames, handle);
	if (UNLIKELY(km->careful || (how & KM_ZERO) != 0))
		return give_carefully(km, p, bytes, how, site);
	mach_unpoison(p, bytes);
	return p;
}

/* The smallest class that is large enough and whose objects all start at multiples of `align`. */
static struct slab_cache *class_aligned(struct kmalloc *km, size_t bytes, size_t align)
{
	if (bytes > SLAB_SIZE_MAX || align > PAGE_SIZE) return NULL;
	for (struct slab_cache *c = &km->caches[class_for(km, bytes)];
	     c < km->caches + KMALLOC_CLASSES; c++)
		if (c->stride % align == 0) return c;
	return NULL;
}

void *kmalloc_alloc_aligned(struct kmalloc *km, size_t bytes, size_t align, uint32_t how,
			    site_t site)
{
	struct slab_cache *cache;
	void *p = NULL;

	if (align <= KMALLOC_ALIGN && is_power_of_two(align))
		return kmalloc_alloc(km, bytes, how, site);
	if (bytes == 0 || !is_power_of_two(align) || align > (size_t)PAGE_SIZE << PAGE_ORDER_MAX)
		return NULL;
	cache = class_aligned(km, bytes, align);
	if (cache != NULL) p = slab_alloc(cache, bytes, how & KM_NO_RECLAIM, site);
	if (p == NULL) p = heap_alloc(&km->heap, bytes, align, how & KM_NO_RECLAIM, site);
	return finish(km, p, bytes, align, how, site);
}

/* --- free ------------------------------------------------------------------------------------- */

static NOINLINE enum kmalloc_verdict free_elsewhere(struct kmalloc *km, void *p)
{
	uint64_t offset;
	const struct frame *frame = locate(km, p, &offset);

	if (p == NULL) return KMALLOC_NOTHING;
	if (km->early != NULL && early_owns(km->early, p))
		return early_release(km->early, p) ? KMALLOC_EARLY : KMALLOC_DOUBLE_FREE;
	if (frame != NULL && frame->owner == PAGE_OWNER_HEAP)
		return of_heap(heap_free(&km->heap, p));
	return KMALLOC_WILD;
}

/* The magazine is full: trade half of it with the slabs. */
static NOINLINE enum kmalloc_verdict free_spill(struct kmalloc *km, unsigned class, uint32_t handle)
{
	magazine_spill(&km->caches[class], handle);
	return KMALLOC_FREED;
}

static NOINLINE enum kmalloc_verdict free_carefully(struct kmalloc *km, struct frame *frame,
						    void *p)
{
	struct slab_cache *cache = &km->caches[frame->slab.cache];
	const enum slab_verdict v = object_take_back(cache, frame, object_offset(cache, p), p);

	if (v != SLAB_FREED) return of_slab(v);
	if (km->quarantine_limit != 0) p = quarantine_swap(km, p, &cache);
	if (p != NULL) object_put(cache, p);
	return KMALLOC_FREED;
}

static NOINLINE enum kmalloc_verdict free_refused(struct kmalloc *km, struct frame *frame, void *p)
{
	const struct slab_cache *cache = &km->caches[frame->slab.cache];

	return of_slab(object_verdict(cache, object_offset(cache, p)));
}

/* Leaf code, as kmalloc_alloc. */
enum kmalloc_verdict kmalloc_free(struct kmalloc *km, void *p)
{
	const uint64_t offset = (uintptr_t)p - (uintptr_t)km->memory;
	struct frame *frame;

	if (UNLIKELY(offset >> PAGE_SHIFT >= km->memory_pages)) return free_elsewhere(km, p);
	frame = &km->frames[offset >> PAGE_SHIFT];
	if (UNLIKELY(frame->owner != PAGE_OWNER_SLAB)) return free_elsewhere(km, p);
	const unsigned class = frame->slab.cache;
	ASSERT_SLOW(class < KMALLOC_CLASSES);
	if (UNLIKELY(km->careful)) return free_carefully(km, frame, p);
	if (UNLIKELY(!object_mark_free(frame, offset))) return free_refused(km, frame, p);
	mach_poison(p, km->caches[class].size);
	const uint32_t handle = (uint32_t)(offset >> SLAB_GRANULE_SHIFT);
	if (UNLIKELY(!magazine_push(&km->magazines[mach_cpu() * KMALLOC_CLASSES + class], handle)))
		return free_spill(km, class, handle);
	return KMALLOC_FREED;
}

/* --- realloc ---------------------------------------------------------------------------------- */

/* The cache whose live object `p` is, or NULL. */
static struct slab_cache *cache_of(struct kmalloc *km, const void *p)
{
	uint64_t offset;
	struct frame *frame = locate(km, p, &offset);

	if (frame == NULL || frame->owner != PAGE_OWNER_SLAB || !object_is_live(frame, offset))
		return NULL;
	return &km->caches[frame->slab.cache];
}

size_t kmalloc_usable(struct kmalloc *km, const void *p)
{
	const struct slab_cache *cache = cache_of(km, p);
	uint64_t offset;
	const struct frame *frame = locate(km, p, &offset);

	if (cache != NULL) return cache->size;
	if (frame == NULL || frame->owner != PAGE_OWNER_HEAP) return 0;
	return heap_usable(&km->heap, p);
}

/* Users of a slab object may touch `bytes` of it from now on. */
static void *resized(const struct slab_cache *cache, void *p, size_t bytes)
{
	mach_poison(p, cache->size);
	mach_unpoison(p, bytes);
	return p;
}

/* Where no other block could be had: the same one, or NULL when that has no room. */
static void *keep(struct kmalloc *km, struct slab_cache *cache, void *p, size_t bytes)
{
	if (cache != NULL) return bytes <= cache->size ? resized(cache, p, bytes) : NULL;
	return heap_resize(&km->heap, p, bytes) ? p : NULL;
}

/* What is wrong with `p`, which is no live slab object.  Nothing (KMALLOC_FREED) when it is a block
 * of the heap, of *usable bytes. */
static enum kmalloc_verdict judge_elsewhere(struct kmalloc *km, const void *p, size_t *usable)
{
	uint64_t offset;
	const struct frame *frame = locate(km, p, &offset);

	if (km->early != NULL && early_owns(km->early, p)) return KMALLOC_EARLY;
	if (frame == NULL) return KMALLOC_WILD;
	if (frame->owner == PAGE_OWNER_HEAP) return of_heap(heap_look(&km->heap, p, usable));
	if (frame->owner != PAGE_OWNER_SLAB) return KMALLOC_WILD;
	return of_slab(object_verdict(&km->caches[frame->slab.cache], offset));
}

/* To a block of another size; the old one stays where there is none. */
static void *move(struct kmalloc *km, struct slab_cache *cache, void *p, size_t usable,
		  size_t bytes, uint32_t how, site_t site, enum kmalloc_verdict *verdict)
{
	void *q = kmalloc_alloc(km, bytes, how & ~(uint32_t)(KM_ZERO | KM_PANIC), site);

	if (q == NULL)
		return finish(km, keep(km, cache, p, bytes), bytes, KMALLOC_ALIGN,
			      how & ~(uint32_t)KM_ZERO, site);
	mach_unpoison(p, usable); /* the old size is not known: what is copied may be slack */
	memcpy(q, p, min_u64(usable, bytes));
	*verdict = kmalloc_free(km, p);
	return q;
}

void *kmalloc_realloc(struct kmalloc *km, void *p, size_t bytes, uint32_t how, site_t site,
		      enum kmalloc_verdict *verdict)
{
	enum kmalloc_verdict ignored;

	if (verdict == NULL) verdict = &ignored;
	*verdict = KMALLOC_FREED;
	if (p == NULL) return kmalloc_alloc(km, bytes, how, site);
	if (bytes == 0) {
		*verdict = kmalloc_free(km, p);
		return NULL;
	}
	struct slab_cache *cache = cache_of(km, p);
	if (cache != NULL) {
		/* Where it is, unless that wastes more than half of it. */
		if (bytes <= cache->size && align_up(bytes, KMALLOC_ALIGN) >= cache->size / 2)
			return resized(cache, p, bytes);
		return move(km, cache, p, cache->size, bytes, how, site, verdict);
	}
	size_t usable;
	*verdict = judge_elsewhere(km, p, &usable);
	if (*verdict != KMALLOC_FREED) return NULL;
	if (bytes > SLAB_SIZE_MAX && heap_resize(&km->heap, p, bytes)) return p;
	return move(km, NULL, p, usable, bytes, how, site, verdict);
}
