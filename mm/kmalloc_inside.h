/*
 * kmalloc_inside.h -- shared by kmalloc's own files; nobody else's.
 */
#ifndef MM_KMALLOC_INSIDE_H
#define MM_KMALLOC_INSIDE_H

#include "mm/kmalloc.h"
#include "mm/slab_inside.h"

/* Where `p` lies in the pool's memory, and the frame of its page; NULL when it lies elsewhere. */
static inline struct frame *kmalloc_locate(const struct kmalloc *km, const void *p,
					   uint64_t *offset)
{
	*offset = (uintptr_t)p - (uintptr_t)km->memory;
	return *offset >> PAGE_SHIFT < km->pages->pages ? &km->frames[*offset >> PAGE_SHIFT] : NULL;
}

/*
 * Where `p` lies in the pool's memory, in units of 16 bytes.  The offset is rotated, not shifted,
 * so that an address that is no multiple of 16 lies on a page beyond the last one.
 */
static inline uint64_t kmalloc_handle(const struct kmalloc *km, const void *p)
{
	const uint64_t offset = (uintptr_t)p - (uintptr_t)km->memory;

	return offset >> SLAB_GRANULE_SHIFT | offset << (64 - SLAB_GRANULE_SHIFT);
}

static inline uint64_t kmalloc_page(uint64_t handle)
{
	return handle >> (PAGE_SHIFT - SLAB_GRANULE_SHIFT);
}

/* The cache of a slab's page. */
static inline struct slab_cache *kmalloc_cache_of(struct kmalloc *km, const struct frame *frame)
{
	ASSERT_SLOW(frame->owner == PAGE_OWNER_SLAB && frame->slab.cache < KMALLOC_CLASSES);
	return &km->caches[frame->slab.cache];
}

/* An object that is nobody's becomes free for everybody. */
static inline void kmalloc_put(struct kmalloc *km, struct slab_cache *cache, const void *p)
{
	const uint32_t handle = object_handle(cache, p);
	const bool put = object_put(cache, frame_of(km->frames, handle), handle);

	ASSERT(put);
}

/* --- kmalloc.c -------------------------------------------------------------------------------- */

/* What another allocator's verdict on a free means here. */
enum kmalloc_verdict kmalloc_verdict_of_slab(enum slab_verdict v);
enum kmalloc_verdict kmalloc_verdict_of_heap(enum heap_verdict v);

/* The last steps of every request: zeroes, or what a refusal means to this caller. */
void *kmalloc_finish(struct kmalloc *km, void *p, size_t bytes, size_t align, uint32_t how,
		     site_t site);

/* --- kmalloc_quarantine.c --------------------------------------------------------------------- */

void quarantine_init(struct kmalloc *km, uint32_t limit);

/* Keeps the object `p` of *cache from reuse, and returns what leaves instead, with its cache in
 * *cache; NULL when nothing has to. */
void *quarantine_swap(struct kmalloc *km, void *p, struct slab_cache **cache);

/* How many objects of each class are kept. */
void quarantine_census(struct kmalloc *km, uint32_t by_class[KMALLOC_CLASSES]);

/* Frees everything that is kept. */
void quarantine_drain(struct kmalloc *km);

/* The pool's shrinker: a bounded pass over quarantine, caches and heap. */
size_t kmalloc_shrink(void *context, size_t pages);

#endif
