/*
 * kmalloc.c -- which allocator serves a request, and which one a pointer came from.
 *
 * Up to 2,048 bytes the request goes to one of 24 slab caches, four to a doubling, so at most a
 * fifth of an object is wasted; the class is one load from a table by the size in 16-byte units.
 * Plain instances (no poison, redzones, sites, quarantine) do the common allocation and the common
 * free right here, as leaf code over slab_inside.h: 34 and 20 instructions on x86-64, with no lock
 * and no interrupt masked.  Two limits, quick_bytes and quick_pages, are 0 in careful ones, so that
 * everything of theirs takes the longer way without a question of its own.
 *
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

enum kmalloc_verdict kmalloc_verdict_of_slab(enum slab_verdict v)
{
	switch (v) {
	case SLAB_FREED: return KMALLOC_FREED;
	case SLAB_DOUBLE_FREE: return KMALLOC_DOUBLE_FREE;
	case SLAB_REDZONE: return KMALLOC_REDZONE;
	default: return KMALLOC_WILD;
	}
}

enum kmalloc_verdict kmalloc_verdict_of_heap(enum heap_verdict v)
{
	switch (v) {
	case HEAP_FREED: return KMALLOC_FREED;
	case HEAP_DOUBLE_FREE: return KMALLOC_DOUBLE_FREE;
	case HEAP_CORRUPT: return KMALLOC_CORRUPT;
	default: return KMALLOC_WILD;
	}
}

/* --- making one ------------------------------------------------------------------------------- */

/* A class is numbered as in class_bytes[], and so is its cache in the frames of its slabs. */
static void caches_init(struct kmalloc *km, const struct kmalloc_config *config)
{
	_Static_assert(COUNT_OF(class_bytes) == KMALLOC_CLASSES, "a size for each class");

	for (uint32_t c = 0; c < KMALLOC_CLASSES; c++) {
		const struct slab_config slab = {
			.pages = config->pages,
			.size = class_bytes[c],
			.number = c,
			.keep = config->keep_slabs,
			.redzone = config->redzone,
			.poison = config->poison,
			.sites = config->sites,
			.held = config->quarantine != 0,
			.cpus = config->cpus == NULL ? NULL : config->cpus + c,
			.cpu_stride = KMALLOC_CLASSES,
		};
		ASSERT(c == 0 || class_bytes[c] > class_bytes[c - 1]);
		slab_cache_init(&km->caches[c], &slab);
	}
	for (uint32_t units = 0, c = 0; units < COUNT_OF(km->class_of); units++) {
		if ((units + 1) * KMALLOC_ALIGN > class_bytes[c]) c++;
		ASSERT(c < KMALLOC_CLASSES);
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
	km->cpus = config->cpus;
	km->early = config->early;
	km->listener = config->listener;
	caches_init(km, config);
	const bool careful = km->caches[0].careful; /* all are alike */
	ASSERT(careful == km->caches[KMALLOC_CLASSES - 1].careful);
	km->quick_pages = careful ? 0 : config->pages->pages;
	km->quick_bytes = careful || config->cpus == NULL ? 0 : SLAB_SIZE_MAX;
	heap_init(&km->heap, &heap);
	quarantine_init(km, config->quarantine);
	km->shrinker =
		(struct shrinker){ .name = "kmalloc", .shrink = kmalloc_shrink, .context = km };
	page_shrinker_add(km->pages, &km->shrinker);
}

/* --- allocation ------------------------------------------------------------------------------- */

/* The class that serves `bytes`, 1 to SLAB_SIZE_MAX. */
static unsigned class_for(const struct kmalloc *km, size_t bytes)
{
	ASSERT_SLOW(bytes - 1 < SLAB_SIZE_MAX);
	return km->class_of[(bytes - 1) / KMALLOC_ALIGN];
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

NOINLINE void *kmalloc_finish(struct kmalloc *km, void *p, size_t bytes, size_t align, uint32_t how,
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

/* What the heap serves, and what nobody does: no bytes at all. */
static NOINLINE void *alloc_large(struct kmalloc *km, size_t bytes, uint32_t how, site_t site)
{
	if (bytes == 0) return NULL;
	ASSERT_SLOW(bytes > SLAB_SIZE_MAX);
	void *p = heap_alloc(&km->heap, bytes, KMALLOC_ALIGN, how & KM_NO_RECLAIM, site);
	return kmalloc_finish(km, p, bytes, KMALLOC_ALIGN, how, site);
}

/* Apart from alloc_slow, which it would make save more registers. */
static NOINLINE void *alloc_without_pages(struct kmalloc *km, struct slab_cache *cache,
					  size_t bytes, uint32_t how, site_t site)
{
	void *p = alloc_anywhere(km, cache, bytes, site);

	ASSERT(is_aligned((uintptr_t)p, KMALLOC_ALIGN));
	return kmalloc_finish(km, p, bytes, KMALLOC_ALIGN, how, site);
}

/* This CPU has no slab of the class, or that has nothing in the bits it looks at. */
static NOINLINE void *alloc_slow(struct kmalloc *km, size_t bytes, uint32_t how, site_t site)
{
	if (bytes - 1 >= SLAB_SIZE_MAX) return alloc_large(km, bytes, how, site);
	struct slab_cache *cache = &km->caches[class_for(km, bytes)];
	void *p = cache->careful ? slab_alloc(cache, bytes, how, site)
				 : slab_alloc_slow(cache, bytes, how, site);
	if (UNLIKELY(p == NULL)) return alloc_without_pages(km, cache, bytes, how, site);
	if (UNLIKELY((how & KM_ZERO) != 0))
		return kmalloc_finish(km, p, bytes, KMALLOC_ALIGN, how, site);
	return p;
}

/* Leaf code on purpose: whatever is rare is a tail call, so nothing is saved for it. */
void *kmalloc_alloc(struct kmalloc *km, size_t bytes, uint32_t how, site_t site)
{
	if (UNLIKELY(bytes - 1 >= km->quick_bytes)) return alloc_slow(km, bytes, how, site);
	const unsigned place = mach_cpu() * KMALLOC_CLASSES + class_for(km, bytes);
	void *p;
	if (UNLIKELY(!slab_cpu_pop(&km->cpus[place], &p))) return alloc_slow(km, bytes, how, site);
	mach_unpoison(p, bytes);
	if (UNLIKELY((how & KM_ZERO) != 0))
		return kmalloc_finish(km, p, bytes, KMALLOC_ALIGN, how, site);
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
	/* A class without a page for a slab: the heap may have a hole. */
	if (cache != NULL) p = slab_alloc(cache, bytes, how & KM_NO_RECLAIM, site);
	if (p == NULL) p = heap_alloc(&km->heap, bytes, align, how & KM_NO_RECLAIM, site);
	return kmalloc_finish(km, p, bytes, align, how, site);
}

/* --- free ------------------------------------------------------------------------------------- */

/* A careful cache's object: other steps before it is free for everybody. */
static enum kmalloc_verdict free_carefully(struct kmalloc *km, struct slab_cache *cache,
					   uint64_t offset, void *p)
{
	const enum slab_verdict v = object_take_back(cache, offset, p);

	if (v != SLAB_FREED) return kmalloc_verdict_of_slab(v);
	/* What goes in is not free yet; what comes out may be another cache's. */
	if (km->quarantine_limit != 0) p = quarantine_swap(km, p, &cache);
	if (p != NULL) kmalloc_put(km, cache, p);
	return KMALLOC_FREED;
}

/* All frees that are not the common one, bad ones among them. */
static NOINLINE enum kmalloc_verdict free_slow(struct kmalloc *km, void *p)
{
	uint64_t offset;
	const struct frame *frame = kmalloc_locate(km, p, &offset);

	if (p == NULL) return KMALLOC_NOTHING;
	if (km->early != NULL && early_owns(km->early, p))
		return early_release(km->early, p) ? KMALLOC_EARLY : KMALLOC_DOUBLE_FREE;
	if (frame != NULL && frame->owner == PAGE_OWNER_HEAP)
		return kmalloc_verdict_of_heap(heap_free(&km->heap, p));
	if (frame == NULL || frame->owner != PAGE_OWNER_SLAB) return KMALLOC_WILD;
	struct slab_cache *cache = kmalloc_cache_of(km, frame);
	if (cache->careful) return free_carefully(km, cache, offset, p);
	/* Its bit was clear: nobody has what starts there, if anything does. */
	return kmalloc_verdict_of_slab(object_verdict(cache, offset));
}

/* The free that a slab waited for.  The slab may be gone by now, and there is nothing to do; or it
 * is another cache's, whose look finds nothing to do that is not right. */
static NOINLINE enum kmalloc_verdict free_look(struct kmalloc *km, struct frame *head)
{
	const uint32_t whose = atomic_peek_u32(&head->slab.whose);

	if (whose < KMALLOC_CLASSES) slab_look(&km->caches[whose], head);
	return KMALLOC_FREED;
}

/* Leaf code, as kmalloc_alloc.  Whose page it is need not be asked: only slabs' have bits set. */
enum kmalloc_verdict kmalloc_free(struct kmalloc *km, void *p)
{
	const uint64_t handle = kmalloc_handle(km, p);
	const uint64_t n = kmalloc_page(handle);

	if (UNLIKELY(n >= km->quick_pages)) return free_slow(km, p);
	struct frame *frame = &km->frames[n];
	if (CHECK_LEVEL >= 2 && frame->owner == PAGE_OWNER_SLAB)
		object_poison_ahead(kmalloc_cache_of(km, frame), frame, (uint32_t)handle, p);
	if (UNLIKELY(!atomic_bit_clear(frame->slab.taken, taken_bit(handle))))
		return free_slow(km, p);
	struct frame *head = slab_head(frame);
	if (UNLIKELY(atomic_fetch_add_u32(&head->slab.due, UINT32_MAX) == 1))
		return free_look(km, head);
	return KMALLOC_FREED;
}
