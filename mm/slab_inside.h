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
	SLAB_PAGES_HOW = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_SLAB),
};

static inline struct magazine *magazine_of(const struct slab_cache *cache, unsigned cpu)
{
	return &cache->magazines[cpu * cache->magazine_stride];
}

#define OBJECT_NONE UINT32_MAX

static inline void *object_at(const struct slab_cache *cache, uint32_t handle)
{
	return cache->memory + ((size_t)handle << SLAB_GRANULE_SHIFT);
}

/* Where an object lies in the pool's memory, in bytes. */
static inline uint64_t object_offset(const struct slab_cache *cache, const void *p)
{
	return (uintptr_t)p - (uintptr_t)cache->memory;
}

/* Which bit of its page's frame says whether an object is live. */
static inline uint32_t live_bit(uint32_t handle)
{
	return handle % (PAGE_SIZE >> SLAB_GRANULE_SHIFT);
}

/* The frame of an object's page. */
static inline struct frame *frame_of(struct frame *frames, uint32_t handle)
{
	return &frames[handle >> (PAGE_SHIFT - SLAB_GRANULE_SHIFT)];
}

/* An object off a magazine, or OBJECT_NONE when that is empty or in use. */
static inline uint32_t magazine_pop(struct magazine *m)
{
	uint32_t handle = OBJECT_NONE;

	if (UNLIKELY(!latch_try(&m->latch))) return OBJECT_NONE;
	const uint32_t n = m->count;
	if (LIKELY(n != 0)) {
		handle = m->slot[n - 1];
		m->count = n - 1;
	}
	latch_release(&m->latch);
	return handle;
}

/* Puts an object on a magazine; false when that is full or in use. */
static inline bool magazine_push(struct magazine *m, uint32_t handle)
{
	if (UNLIKELY(!latch_try(&m->latch))) return false;
	const uint32_t n = m->count;
	const bool room = n < m->depth;
	if (LIKELY(room)) {
		m->slot[n] = handle;
		m->count = n + 1;
	}
	latch_release(&m->latch);
	return room;
}

/* Notes that a user has the object. */
static inline void object_mark_live(struct frame *frames, uint32_t handle)
{
	const bool was = atomic_bit_set(frame_of(frames, handle)->slab.live, live_bit(handle));

	ASSERT_SLOW(!was);
	(void)was;
}

/* From "out of the slabs" to "a user has it": the last step of every allocation. */
void object_prepare(struct slab_cache *cache, void *p, site_t site);

static inline void *object_give(struct slab_cache *cache, uint32_t handle, size_t bytes,
				site_t site)
{
	void *p = object_at(cache, handle);

	object_mark_live(cache->frames, handle);
	if (UNLIKELY(cache->careful)) object_prepare(cache, p, site);
	mach_unpoison(p, bytes);
	return p;
}

/* The verdict on a free that found no live object: which of the bad ones it is. */
enum slab_verdict object_verdict(const struct slab_cache *cache, uint64_t offset);

/* Whether nobody wrote behind the object. */
bool object_redzone_whole(const struct slab_cache *cache, const void *p);

/* Fills an object that is nobody's by now with the pattern. */
void object_retire(const struct slab_cache *cache, void *p);

/* Takes the note back; false when there was none: nobody has an object that starts there. */
static inline bool object_mark_free(struct frame *frame, uint64_t offset)
{
	const uint32_t handle = (uint32_t)(offset >> SLAB_GRANULE_SHIFT);

	if (UNLIKELY((offset & (KMALLOC_ALIGN - 1)) != 0)) return false;
	return LIKELY(atomic_bit_clear(frame->slab.live, live_bit(handle)));
}

static inline bool object_is_live(const struct frame *frame, uint64_t offset)
{
	const uint32_t n = live_bit((uint32_t)(offset >> SLAB_GRANULE_SHIFT));

	return is_aligned(offset, KMALLOC_ALIGN) &&
	       (atomic_load_u64(&frame->slab.live[n / 64]) >> n % 64 & 1) != 0;
}

/* From "a user has it" to "nobody's": all but the place it goes to.  Nothing is written to before
 * the note is taken back: of two frees at once, the second may find its next user there. */
static inline enum slab_verdict object_take_back(struct slab_cache *cache, struct frame *frame,
						 uint64_t offset, void *p)
{
	if (UNLIKELY(cache->careful) && object_is_live(frame, offset) &&
	    !object_redzone_whole(cache, p))
		return SLAB_REDZONE;
	if (UNLIKELY(!object_mark_free(frame, offset))) return object_verdict(cache, offset);
	if (UNLIKELY(cache->poison)) object_retire(cache, p);
	mach_poison(p, cache->size);
	return SLAB_FREED;
}

/* The slow halves of allocation and free: trade with the slabs, make a slab. */
void *slab_alloc_slow(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site);
void magazine_spill(struct slab_cache *cache, uint32_t handle);

/* Puts a freed object on this CPU's magazine, spilling when that is full. */
static inline void object_put(struct slab_cache *cache, const void *p)
{
	const uint32_t handle = (uint32_t)(object_offset(cache, p) >> SLAB_GRANULE_SHIFT);

	if (UNLIKELY(!magazine_push(magazine_of(cache, mach_cpu()), handle)))
		magazine_spill(cache, handle);
}

/* Chains the batch of objects through their first bytes, and back. */
void batch_chain(struct slab_cache *cache, const uint32_t *objects);
void batch_unchain(struct slab_cache *cache, uint32_t first, uint32_t *objects);

/* A chained batch onto, or off, the depot, which is not full, or not empty. */
void depot_push_locked(struct slab_cache *cache, uint32_t first) REQUIRES(&cache->lock);
uint32_t depot_pop_locked(struct slab_cache *cache) REQUIRES(&cache->lock);

/* --- slab_page.c: one slab, and the list of those with free objects --------------------------- */

/* Takes up to `want` objects out of slabs; how many were there. */
uint32_t slabs_take_locked(struct slab_cache *cache, uint32_t *out, uint32_t want)
	REQUIRES(&cache->lock);

/* Puts `n` objects back; a slab that is empty then goes on *chain when enough are kept. */
void slabs_put_locked(struct slab_cache *cache, const uint32_t *objects, uint32_t n,
		      uint32_t *chain) REQUIRES(&cache->lock);

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

/*
 * A free object has two links, each with its complement beside it: to the next object of its free
 * list or batch, and, in the first object of a batch, to the next batch of the depot.
 */
enum object_link { LINK_NEXT, LINK_BATCH };

METADATA_ACCESS static inline uint32_t object_link(const void *p, enum object_link which)
{
	const uint64_t both = ((const uint64_t *)p)[which];
	const uint32_t next = (uint32_t)both;

	if (UNLIKELY((uint32_t)(both >> 32) != ~next))
		kpanic("use-after-free", "a free object's link was overwritten");
	return next;
}

METADATA_ACCESS static inline void object_link_set(void *p, enum object_link which, uint32_t next)
{
	((uint64_t *)p)[which] = (uint64_t)~next << 32 | next;
}

/* Where the site of an object in use is kept. */
site_t *object_site(const struct slab_cache *cache, const void *p);

#endif
