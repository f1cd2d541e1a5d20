/*
 * slab_inside.h -- shared by the slab's own files and by kmalloc's fast path; nobody else's.
 */
#ifndef MM_SLAB_INSIDE_H
#define MM_SLAB_INSIDE_H

#include "mm/slab.h"

enum {
	SLAB_POISON_BYTE = 0x6b,  /* in free objects */
	SLAB_REDZONE_BYTE = 0xbb, /* behind objects */
	SLAB_GRANULE_SHIFT = 4,   /* objects start at multiples of 16: one live bit for each */
};

static inline struct magazine *magazine_of(const struct slab_cache *cache, unsigned cpu)
{
	return (struct magazine *)(void *)(cache->magazines +
					   (size_t)cpu * cache->magazine_stride);
}

/* Which word and bit of its page's frame say whether an object starting at `offset` is live. */
static inline uint64_t *live_word(struct frame *frame, uint64_t offset)
{
	return &frame->slab.live[(offset >> (SLAB_GRANULE_SHIFT + 6)) & 3];
}

static inline uint64_t live_bit(uint64_t offset)
{
	return 1ull << ((offset >> SLAB_GRANULE_SHIFT) & 63);
}

/* An object off this CPU's magazine, or NULL when that is empty. */
static inline void *magazine_pop(struct slab_cache *cache)
{
	const mach_irq_t irq = mach_irq_save();
	struct magazine *m = magazine_of(cache, mach_cpu());
	void *p = NULL;

	latch_take(&m->latch);
	if (LIKELY(m->count != 0)) p = m->slot[--m->count];
	latch_drop(&m->latch);
	mach_irq_restore(irq);
	return p;
}

/* Puts an object on this CPU's magazine; false when that is full. */
static inline bool magazine_push(struct slab_cache *cache, void *p)
{
	const mach_irq_t irq = mach_irq_save();
	struct magazine *m = magazine_of(cache, mach_cpu());
	bool room;

	latch_take(&m->latch);
	room = m->count < cache->depth;
	if (LIKELY(room)) m->slot[m->count++] = p;
	latch_drop(&m->latch);
	mach_irq_restore(irq);
	return room;
}

/* From "out of the slabs" to "a user has it": the last step of every allocation. */
void object_prepare(struct slab_cache *cache, void *p, site_t site);

static inline void *object_give(struct slab_cache *cache, void *p, size_t bytes, site_t site)
{
	const uint64_t offset = mach_pa(p) - cache->pages->base;
	struct frame *frame = &cache->pages->frames[offset >> PAGE_SHIFT];
	const uint64_t before = atomic_fetch_or_u64(live_word(frame, offset), live_bit(offset));

	ASSERT_SLOW((before & live_bit(offset)) == 0);
	(void)before;
	if (UNLIKELY(cache->careful)) object_prepare(cache, p, site);
	mach_unpoison(p, bytes);
	return p;
}

/* The verdict on a free that found no live object: which of the bad ones it is. */
enum slab_verdict object_verdict(const struct slab_cache *cache, uint64_t offset);

/* Checks the redzone and fills with poison; SLAB_REDZONE changes nothing. */
enum slab_verdict object_retire(struct slab_cache *cache, void *p);

/* From "a user has it" to "nobody's": all but the place it goes to. */
static inline enum slab_verdict object_take_back(struct slab_cache *cache, struct frame *frame,
						 uint64_t offset, void *p)
{
	const uint64_t bit = live_bit(offset);
	uint64_t *word = live_word(frame, offset);

	if (UNLIKELY((offset & (KMALLOC_ALIGN - 1)) != 0)) return SLAB_WILD;
	if (UNLIKELY(cache->careful) && (atomic_load_u64(word) & bit) != 0) {
		const enum slab_verdict v = object_retire(cache, p);
		if (v != SLAB_FREED) return v;
	}
	if (UNLIKELY((atomic_fetch_clear_u64(word, bit) & bit) == 0))
		return object_verdict(cache, offset);
	mach_poison(p, cache->size);
	return SLAB_FREED;
}

/* The slow halves of allocation and free: trade with the slabs, make a slab. */
void *slab_alloc_slow(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site);
void magazine_spill(struct slab_cache *cache, void *p);

/* --- slab_page.c: one slab, and the list of those with free objects ---------------------------- */

/* Takes up to `want` objects out of slabs; how many were there. */
uint32_t slabs_take_locked(struct slab_cache *cache, void **out, uint32_t want)
	REQUIRES(&cache->lock);

/* Puts an object back; when its slab is empty and too many are kept, the slab goes on *chain. */
void slabs_put_locked(struct slab_cache *cache, void *p, uint32_t *chain) REQUIRES(&cache->lock);

/* Takes all empty slabs off the cache, onto *chain. */
void slabs_detach_empty_locked(struct slab_cache *cache, uint32_t *chain) REQUIRES(&cache->lock);

/* Gives the pages of a chain of slabs back to the pool; no lock held.  Returns pages given. */
size_t slabs_return(struct slab_cache *cache, uint32_t chain);

/* Makes a slab of fresh pages at `pa` and adds it to the list. */
void slab_make(struct slab_cache *cache, paddr_t pa);

/* Index of the object that starts at `offset` bytes into the slab. */
static inline uint32_t object_index(const struct slab_cache *cache, uint32_t offset)
{
	return offset / cache->stride;
}

/* The frame of a slab's first page. */
static inline struct frame *slab_head(struct frame *frame)
{
	return frame - frame->slab.head_back;
}

/* The link in a free object to the next one, and the site of an object in use. */
uint32_t object_link(const void *p);
void object_link_set(void *p, uint32_t next);
site_t *object_site(const struct slab_cache *cache, const void *p);

#endif
