/*
 * kmalloc_quarantine.c -- what is put off: freed objects kept from reuse, and giving all back.
 *
 * A use of freed memory is seen only while the memory is nobody's; the quarantine keeps the last
 * few freed slab objects in that state.  It is a ring, oldest first out.  Objects in it are neither
 * free nor anybody's by their bits, so a second free finds them out and nobody gets them.
 *
 * Nothing that is put off may turn into a false "no memory": the pool's shrinker empties the ring
 * first, then CPUs' slabs and empty ones, then the heap's free pages.
 *
 * Locks: the ring's own, outermost of mm/; dropped before an object goes on its way.
 */
#include "mm/kmalloc_inside.h"

void quarantine_init(struct kmalloc *km, uint32_t limit)
{
	lock_init(&km->quarantine_lock, RANK_QUARANTINE);
	ASSERT(limit <= KMALLOC_QUARANTINE_MAX);
	km->quarantine_limit = limit;
	km->quarantine_count = 0;
	km->quarantine_next = 0;
}

static struct slab_cache *cache_of_free(struct kmalloc *km, const void *p)
{
	const uint64_t offset = (uintptr_t)p - (uintptr_t)km->memory;
	const struct frame *frame = &km->frames[offset >> PAGE_SHIFT];

	ASSERT(offset >> PAGE_SHIFT < km->pages->pages && frame->owner == PAGE_OWNER_SLAB);
	ASSERT(frame->slab.cache < KMALLOC_CLASSES);
	return &km->caches[frame->slab.cache];
}

/* The oldest object, or NULL.  The ring has KMALLOC_QUARANTINE_MAX places whatever the limit is. */
static void *take_oldest_locked(struct kmalloc *km)
{
	void *p;

	if (km->quarantine_count == 0) return NULL;
	p = km->quarantine[km->quarantine_next];
	km->quarantine_next = (km->quarantine_next + 1) % KMALLOC_QUARANTINE_MAX;
	km->quarantine_count--;
	return p;
}

void *quarantine_swap(struct kmalloc *km, void *p, struct slab_cache **cache)
{
	const mach_irq_t irq = lock_take(&km->quarantine_lock);
	void *oldest = NULL;

	if (km->quarantine_count == km->quarantine_limit) oldest = take_oldest_locked(km);
	const uint32_t at = (km->quarantine_next + km->quarantine_count) % KMALLOC_QUARANTINE_MAX;
	km->quarantine[at] = p;
	km->quarantine_count++;
	ASSERT(km->quarantine_count <= km->quarantine_limit);
	lock_drop(&km->quarantine_lock, irq);
	if (oldest != NULL) *cache = cache_of_free(km, oldest);
	return oldest;
}

void quarantine_census(struct kmalloc *km, uint32_t by_class[KMALLOC_CLASSES])
{
	const mach_irq_t irq = lock_take(&km->quarantine_lock);

	for (uint32_t c = 0; c < KMALLOC_CLASSES; c++) by_class[c] = 0;
	/* The class is told by the page, whose slab cannot go while an object of it is here. */
	for (uint32_t i = 0; i < km->quarantine_count; i++) {
		const uint32_t at = (km->quarantine_next + i) % KMALLOC_QUARANTINE_MAX;
		by_class[cache_of_free(km, km->quarantine[at]) - km->caches]++;
	}
	lock_drop(&km->quarantine_lock, irq);
}

void quarantine_drain(struct kmalloc *km)
{
	for (;;) {
		const mach_irq_t irq = lock_take(&km->quarantine_lock);
		void *p = take_oldest_locked(km);
		/* A slab may become empty by what follows: its page goes back under no lock. */
		lock_drop(&km->quarantine_lock, irq);
		if (p == NULL) return;
		kmalloc_put(km, cache_of_free(km, p), p);
	}
}

size_t kmalloc_drain(struct kmalloc *km)
{
	size_t pages = 0;

	quarantine_drain(km);
	for (uint32_t c = 0; c < KMALLOC_CLASSES; c++) pages += slab_drain(&km->caches[c]);
	return pages + heap_trim(&km->heap, SIZE_MAX);
}

size_t kmalloc_shrink(void *context, size_t pages)
{
	(void)pages; /* a refusal is near: all of it, in one bounded pass */
	return kmalloc_drain(context);
}
