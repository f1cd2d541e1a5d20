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
	return &cache->magazines[cpu * cache->magazine_stride];
}

/* Where an object lies in the pool's memory, in bytes. */
static inline uint64_t object_offset(const struct slab_cache *cache, const void *p)
{
	return (uintptr_t)p - (uintptr_t)cache->memory;
}

/* Which bit of its page's frame says whether an object that starts at `offset` is live. */
static inline uint32_t live_bit(uint64_t offset)
{
	return (uint32_t)(offset >> SLAB_GRANULE_SHIFT) % (PAGE_SIZE >> SLAB_GRANULE_SHIFT);
}

/* An object off a magazine, or NULL when that is empty or in use. */
static inline void *magazine_pop(struct magazine *m)
{
	if (UNLIKELY(!latch_try(&m->latch))) return NULL;
	const uint32_t n = m->count;
	void *p = NULL;
	if (LIKELY(n != 0)) {
		p = m->slot[n - 1];
		m->count = n - 1;
	}
	latch_release(&m->latch);
	return p;
}

/* Puts an object on a magazine; false when that is full or in use. */
static inline bool magazine_push(struct magazine *m, void *p)
{
	if (UNLIKELY(!latch_try(&m->latch))) return false;
	const uint32_t n = m->count;
	const bool room = n < m->depth;
	if (LIKELY(room)) {
		m->slot[n] = p;
		m->count = n + 1;
	}
	latch_release(&m->latch);
	return room;
}

/* Notes that a user has the object that starts at `offset`. */
static inline void object_mark_live(struct frame *frames, uint64_t offset)
{
	struct frame *frame = &frames[offset >> PAGE_SHIFT];
	const bool was = atomic_bit_set(frame->slab.live, live_bit(offset));

	ASSERT_SLOW(!was);
	(void)was;
}

/* From "out of the slabs" to "a user has it": the last step of every allocation. */
void object_prepare(struct slab_cache *cache, void *p, site_t site);

static inline void *object_give(struct slab_cache *cache, void *p, size_t bytes, site_t site)
{
	object_mark_live(cache->frames, object_offset(cache, p));
	if (UNLIKELY(cache->careful)) object_prepare(cache, p, site);
	mach_unpoison(p, bytes);
	return p;
}

/* The verdict on a free that found no live object: which of the bad ones it is. */
enum slab_verdict object_verdict(const struct slab_cache *cache, uint64_t offset);

/* Checks the redzone and fills with poison; SLAB_REDZONE changes nothing. */
enum slab_verdict object_retire(struct slab_cache *cache, void *p);

/* Takes the note back; false when there was none: nobody has an object that starts there. */
static inline bool object_mark_free(struct frame *frame, uint64_t offset)
{
	if (UNLIKELY((offset & (KMALLOC_ALIGN - 1)) != 0)) return false;
	return LIKELY(atomic_bit_clear(frame->slab.live, live_bit(offset)));
}

static inline bool object_is_live(const struct frame *frame, uint64_t offset)
{
	const uint32_t n = live_bit(offset);

	return is_aligned(offset, KMALLOC_ALIGN) &&
	       (atomic_load_u64(&frame->slab.live[n / 64]) >> n % 64 & 1) != 0;
}

/* From "a user has it" to "nobody's": all but the place it goes to. */
static inline enum slab_verdict object_take_back(struct slab_cache *cache, struct frame *frame,
						 uint64_t offset, void *p)
{
	if (UNLIKELY(cache->careful) && object_is_live(frame, offset)) {
		const enum slab_verdict v = object_retire(cache, p);
		if (v != SLAB_FREED) return v;
	}
	if (UNLIKELY(!object_mark_free(frame, offset))) return object_verdict(cache, offset);
	mach_poison(p, cache->size);
	return SLAB_FREED;
}

/* The slow halves of allocation and free: trade with the slabs, make a slab. */
void *slab_alloc_slow(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site);
void magazine_spill(struct slab_cache *cache, void *p);

/* Puts a freed object on this CPU's magazine, spilling when that is full. */
static inline void object_put(struct slab_cache *cache, void *p)
{
	if (UNLIKELY(!magazine_push(magazine_of(cache, mach_cpu()), p))) magazine_spill(cache, p);
}

/* --- slab_page.c: one slab, and the list of those with free objects ---------------------------- */

/* Takes up to `want` objects out of slabs; how many were there. */
uint32_t slabs_take_locked(struct slab_cache *cache, void **out, uint32_t want)
	REQUIRES(&cache->lock);

/* Puts `n` objects back; a slab that is empty then goes on *chain when enough are kept. */
void slabs_put_locked(struct slab_cache *cache, void *const *objects, uint32_t n, uint32_t *chain)
	REQUIRES(&cache->lock);

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

/* The link in a free object to the next one, its complement beside it. */
METADATA_ACCESS static inline uint32_t object_link(const void *p)
{
	const uint64_t both = *(const uint64_t *)p;
	const uint32_t next = (uint32_t)both;

	if (UNLIKELY((uint32_t)(both >> 32) != ~next))
		kpanic("use-after-free", "a free object's link was overwritten");
	return next;
}

METADATA_ACCESS static inline void object_link_set(void *p, uint32_t next)
{
	*(uint64_t *)p = (uint64_t)~next << 32 | next;
}

/* Where the site of an object in use is kept. */
site_t *object_site(const struct slab_cache *cache, const void *p);

#endif
