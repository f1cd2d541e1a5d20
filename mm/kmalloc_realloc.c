/*
 * kmalloc_realloc.c -- a block gets another size: where it is, or somewhere else.
 *
 * A slab object stays where it is while the new size fits and wastes at most half of it; a block
 * of the heap is shrunk or grown in its place if that can be.  Everything else is a new block, a
 * copy of what both have room for, and a free.  When there is no new block, one that is to become
 * smaller stays as it is: so making a block smaller never fails.
 *
 * Always true: until the new block is there the old one is untouched; afterwards exactly one of
 * them is its owner's.
 *
 * Locks: none of its own.  Cost: what it calls, and the copy.
 */
#include "mm/kmalloc_inside.h"

/* The cache whose live object `p` is, or NULL. */
static struct slab_cache *cache_of(struct kmalloc *km, const void *p)
{
	uint64_t offset;
	struct frame *frame = kmalloc_locate(km, p, &offset);

	if (frame == NULL || frame->owner != PAGE_OWNER_SLAB) return NULL;
	struct slab_cache *cache = kmalloc_cache_of(km, frame);
	return object_is_live(cache, offset) ? cache : NULL;
}

size_t kmalloc_usable(struct kmalloc *km, const void *p)
{
	const struct slab_cache *cache = cache_of(km, p);
	uint64_t offset;
	const struct frame *frame = kmalloc_locate(km, p, &offset);

	if (cache != NULL) return cache->size;
	if (frame == NULL || frame->owner != PAGE_OWNER_HEAP) return 0;
	return heap_usable(&km->heap, p);
}

/* Users of a slab object may touch `bytes` of it from now on. */
static void *resized(const struct slab_cache *cache, void *p, size_t bytes)
{
	ASSERT_SLOW(bytes != 0 && bytes <= cache->size);
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
	const struct frame *frame = kmalloc_locate(km, p, &offset);

	if (km->early != NULL && early_owns(km->early, p)) return KMALLOC_EARLY;
	if (frame == NULL) return KMALLOC_WILD;
	if (frame->owner == PAGE_OWNER_HEAP)
		return kmalloc_verdict_of_heap(heap_look(&km->heap, p, usable));
	if (frame->owner != PAGE_OWNER_SLAB) return KMALLOC_WILD;
	return kmalloc_verdict_of_slab(object_verdict(kmalloc_cache_of(km, frame), offset));
}

/* To a block of another size; the old one stays where there is none. */
static void *move(struct kmalloc *km, struct slab_cache *cache, void *p, size_t usable,
		  size_t bytes, uint32_t how, site_t site, enum kmalloc_verdict *verdict)
{
	void *q = kmalloc_alloc(km, bytes, how & ~(uint32_t)(KM_ZERO | KM_PANIC), site);

	ASSERT(q != p && *verdict == KMALLOC_FREED);
	if (q == NULL)
		return kmalloc_finish(km, keep(km, cache, p, bytes), bytes, KMALLOC_ALIGN,
				      how & ~(uint32_t)KM_ZERO, site);
	mach_unpoison(p, usable); /* the old size is not known: what is copied may be slack */
	memcpy(q, p, min_u64(usable, bytes));
	*verdict = kmalloc_free(km, p);
	return q;
}

/* Whether an object of `cache` that becomes `bytes` long wastes so little that it can stay. */
static bool fits(const struct slab_cache *cache, size_t bytes)
{
	return bytes - 1 < cache->size && align_up(bytes, KMALLOC_ALIGN) >= cache->size / 2;
}

/* Every case but the one where nothing has to be done. */
static NOINLINE void *realloc_slow(struct kmalloc *km, void *p, size_t bytes, uint32_t how,
				   site_t site, enum kmalloc_verdict *verdict)
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
		if (fits(cache, bytes)) return resized(cache, p, bytes);
		return move(km, cache, p, cache->size, bytes, how, site, verdict);
	}
	size_t usable;
	*verdict = judge_elsewhere(km, p, &usable);
	if (*verdict != KMALLOC_FREED) return NULL;
	ASSERT(usable != 0);
	if (bytes > SLAB_SIZE_MAX && heap_resize(&km->heap, p, bytes)) return p;
	return move(km, NULL, p, usable, bytes, how, site, verdict);
}

/* Leaf code for a plain cache's object that stays where it is, as kmalloc_free in all else. */
void *kmalloc_realloc(struct kmalloc *km, void *p, size_t bytes, uint32_t how, site_t site,
		      enum kmalloc_verdict *verdict)
{
	const uint64_t handle = kmalloc_handle(km, p);
	const uint64_t n = kmalloc_page(handle);

	if (UNLIKELY(n >= km->quick_pages || !bit_is_set(km->frames, (uint32_t)handle)))
		return realloc_slow(km, p, bytes, how, site, verdict);
	const struct slab_cache *cache = kmalloc_cache_of(km, &km->frames[n]);
	ASSERT_SLOW(!cache->careful); /* or the bit would not say whose it is */
	if (UNLIKELY(!fits(cache, bytes))) return realloc_slow(km, p, bytes, how, site, verdict);
	if (verdict != NULL) *verdict = KMALLOC_FREED;
	return resized(cache, p, bytes);
}
