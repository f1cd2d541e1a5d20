/*
 * slab_inside.h -- shared by the slab's own files and by kmalloc's fast path; nobody else's.
 *
 * An object is named by its handle: where it lies in the pool's memory, in units of 16 bytes.
 */
#ifndef MM_SLAB_INSIDE_H
#define MM_SLAB_INSIDE_H

#include "mm/slab.h"

enum {
	SLAB_POISON_BYTE = 0x6b,  /* in free objects */
	SLAB_REDZONE_BYTE = 0xbb, /* behind objects */
	SLAB_GRANULE_SHIFT = 4,   /* objects start at multiples of 16: one bit for each */
	SLAB_PAGE_WORDS = PAGE_SIZE >> SLAB_GRANULE_SHIFT >> 6,
	SLAB_PAGES_HOW = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_SLAB),
};

/* Where a slab stands.  It changes under the cache's lock. */
enum slab_state {
	SLAB_NONE = 0, /* the frame is no head of a slab */
	SLAB_CPUS,     /* a CPU allocates from it */
	SLAB_PARTIAL,  /* on the cache's list: has objects to give */
	SLAB_FULL,     /* on no list: has none */
	SLAB_KEPT,     /* on the list of empty ones */
};

/* In `due` of a slab that a CPU has: so many frees that nobody has to look. */
#define DUE_NEVER (1u << 30)

static inline struct slab_cpu *slab_cpu_of(const struct slab_cache *cache, unsigned cpu)
{
	ASSERT_SLOW(cpu < cache->pages->cpus);
	return &cache->cpus[cpu * cache->cpu_stride];
}

/* Where an object lies in the pool's memory, in bytes. */
static inline uint64_t object_offset(const struct slab_cache *cache, const void *p)
{
	return (uintptr_t)p - (uintptr_t)cache->memory;
}

static inline uint32_t object_handle(const struct slab_cache *cache, const void *p)
{
	return (uint32_t)(object_offset(cache, p) >> SLAB_GRANULE_SHIFT);
}

/*
 * Which bit of its page's frame is an object's.  The page's 256 places are dealt out to four words
 * in turn, so that objects of a size that is a multiple of 64 have all their bits in the first, and
 * one look at that word finds any free one of the page.
 */
static inline uint32_t taken_bit(uint64_t handle)
{
	return __builtin_rotateleft8((uint8_t)handle, 6);
}

/* The same the other way: from bit to bit of a word it is so many bytes. */
#define BIT_STRIDE_SHIFT (SLAB_GRANULE_SHIFT + 2)

/* The frame of an object's page. */
static inline struct frame *frame_of(struct frame *frames, uint32_t handle)
{
	return &frames[handle >> (PAGE_SHIFT - SLAB_GRANULE_SHIFT)];
}

/* The frame of a slab's first page. */
static inline struct frame *slab_head(struct frame *frame)
{
	return frame - frame->slab.head_back;
}

static inline bool bit_is_set(struct frame *frames, uint32_t handle)
{
	const uint32_t n = taken_bit(handle);

	return (atomic_load_u64(&frame_of(frames, handle)->slab.taken[n / 64]) >> n % 64 & 1) != 0;
}

/*
 * In a plain cache an object that is not free is a user's, and one bit says all.  A careful one
 * (poison, redzones, sites, quarantine) has more to do between the two than one step: there
 * objects are at least 32 bytes apart, and the bit after the one that says "not free" says "a user
 * has it".  Its handle:
 */
static inline uint32_t object_note(const struct slab_cache *cache, uint32_t handle)
{
	ASSERT_SLOW(!cache->careful || cache->stride >= 2 << SLAB_GRANULE_SHIFT);
	return handle + cache->careful;
}

/* Takes a free object of the CPU's word of bits, which is latched; false when there is none. */
static inline bool slab_cpu_pop_latched(struct slab_cpu *m, void **p)
{
	uint64_t *taken = m->taken;
	const uint64_t some = m->starts & ~atomic_load_u64(taken);

	if (UNLIKELY(some == 0)) return false;
	const uint32_t n = bit_lowest(some);
	const bool was = atomic_bit_set(taken, n);
	ASSERT_SLOW(!was); /* frees come from anywhere, but only we allocate from here */
	(void)was;
	m->given++;
	*p = m->base + ((size_t)n << BIT_STRIDE_SHIFT);
	return true;
}

/* The same for a CPU's slab as one finds it; false also when it is in use. */
static inline bool slab_cpu_pop(struct slab_cpu *m, void **p)
{
	if (UNLIKELY(!latch_try(&m->latch))) return false;
	const bool popped = slab_cpu_pop_latched(m, p);
	latch_release(&m->latch);
	return popped;
}

/* --- slab.c ----------------------------------------------------------------------------------- */

/* slab_alloc() for who has looked at this CPU's slab. */
void *slab_alloc_slow(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site);

/* The free that a slab waited for: it has objects to give now, or is empty. */
void slab_look(struct slab_cache *cache, struct frame *head);

/* An object becomes free for everybody: the last step of every free.  False: it was. */
static inline bool object_put(struct slab_cache *cache, struct frame *frame, uint32_t handle)
{
	if (UNLIKELY(!atomic_bit_clear(frame->slab.taken, taken_bit(handle)))) return false;
	struct frame *head = slab_head(frame);
	ASSERT_SLOW(head->slab.cache == cache->number && head->slab.head_back == 0);
	if (UNLIKELY(atomic_fetch_add_u32(&head->slab.due, UINT32_MAX) == 1))
		slab_look(cache, head);
	return true;
}

/* --- slab_object.c: what stands inside objects, and what is known of them --------------------- */

/* Makes sure that an object that was free is as it was left, and makes it a user's. */
void object_prepare(struct slab_cache *cache, void *p, site_t site);

/*
 * From a user's to nobody's, in a careful cache; all but object_put().  Nothing is written to
 * before the note is taken back: of two frees at once, the second may find its next user there.
 */
enum slab_verdict object_take_back(struct slab_cache *cache, uint64_t offset, void *p);

/* The verdict on a free that found no live object: which of the bad ones it is. */
enum slab_verdict object_verdict(const struct slab_cache *cache, uint64_t offset);

/* Whether a user has an object of the cache that starts there. */
bool object_is_live(const struct slab_cache *cache, uint64_t offset);

/* Fills a new slab's objects as if they had been freed. */
void object_fill_all(const struct slab_cache *cache, uint8_t *base);

/* Where the site of an object in use is kept. */
site_t *object_site(const struct slab_cache *cache, const void *p);

/* From "not free" to "a user has it": the last step of every allocation. */
static inline void *object_give(struct slab_cache *cache, void *p, size_t bytes, site_t site)
{
	if (UNLIKELY(cache->careful)) object_prepare(cache, p, site);
	mach_unpoison(p, bytes);
	return p;
}

/*
 * In a plain cache the next user may have an object as soon as its bit is clear, so what only the
 * host's poison asks for comes before that, if the free looks right.  No other CPU gets its turn
 * between the look and the poison.
 */
static inline void object_poison_ahead(const struct slab_cache *cache, const struct frame *frame,
				       uint32_t handle, const void *p)
{
	const uint32_t n = taken_bit(handle);

	if (CHECK_LEVEL >= 2 && (atomic_load_u64(&frame->slab.taken[n / 64]) >> n % 64 & 1) != 0)
		mach_poison(p, cache->size);
}

/* --- slab_page.c: one slab, and where it stands ----------------------------------------------- */

static inline struct frame *frame_at(const struct slab_cache *cache, uint32_t n)
{
	ASSERT(n < cache->pages->pages);
	return &cache->frames[n];
}

static inline uint32_t frame_number(const struct slab_cache *cache, const struct frame *head)
{
	return (uint32_t)(head - cache->frames);
}

static inline uint8_t *slab_base(const struct slab_cache *cache, const struct frame *head)
{
	return cache->memory + ((size_t)frame_number(cache, head) << PAGE_SHIFT);
}

/* Word `w` of the bits of a slab. */
static inline uint64_t *slab_word(struct frame *head, uint32_t w)
{
	ASSERT_SLOW(w < SLAB_PAGE_WORDS << SLAB_ORDER_MAX);
	return &head[w / SLAB_PAGE_WORDS].slab.taken[w % SLAB_PAGE_WORDS];
}

static inline uint32_t slab_words(const struct slab_cache *cache)
{
	return (uint32_t)SLAB_PAGE_WORDS << cache->order;
}

/* The bits of page `page` of any slab at which objects start, worked out. */
struct slab_page_starts {
	uint64_t word[SLAB_PAGE_WORDS];
};
struct slab_page_starts slab_starts_in(const struct slab_cache *cache, uint32_t page);

/* The same for a slab's word `w`; those of its first page are at hand. */
static inline uint64_t slab_starts(const struct slab_cache *cache, uint32_t w)
{
	ASSERT_SLOW(w < slab_words(cache));
	if (LIKELY(w < SLAB_PAGE_WORDS)) return cache->starts[w];
	return slab_starts_in(cache, w / SLAB_PAGE_WORDS).word[w % SLAB_PAGE_WORDS];
}

/* What bit 0 of word `w` of a slab stands for. */
static inline uint8_t *slab_word_base(const struct slab_cache *cache, const struct frame *head,
				      uint32_t w)
{
	return slab_base(cache, head) + ((size_t)(w / SLAB_PAGE_WORDS) << PAGE_SHIFT) +
	       ((size_t)(w % SLAB_PAGE_WORDS) << SLAB_GRANULE_SHIFT);
}

/* Fresh pages at `pa` become a slab that is nobody's yet. */
struct frame *slab_make(struct slab_cache *cache, paddr_t pa);

/* A slab with objects to give becomes a CPU's: the fresh one, or, NULL, one off the lists; NULL
 * when they are empty. */
struct frame *slab_adopt_locked(struct slab_cache *cache, struct frame *fresh)
	REQUIRES(&cache->lock);

/* A slab that is on no list finds its place, its `due` changed by `change` first.  One that is
 * empty goes on *chain when enough are kept. */
void slab_settle_locked(struct slab_cache *cache, struct frame *head, uint32_t change,
			uint32_t *chain) REQUIRES(&cache->lock);

/* What slab_look() does. */
void slab_look_locked(struct slab_cache *cache, struct frame *head, uint32_t *chain)
	REQUIRES(&cache->lock);

/* Takes all empty slabs off the cache, onto *chain. */
void slab_detach_kept_locked(struct slab_cache *cache, uint32_t *chain) REQUIRES(&cache->lock);

/* Gives the pages of a chain of slabs back to the pool; no lock held.  Returns pages given. */
size_t slabs_return(struct slab_cache *cache, uint32_t chain);

#endif
