/*
 * inside.h -- what the allocator's files tell each other.  All of it is called with the lock held.
 *
 *	short.h     what most calls get by with; the rest goes the long ways of malloc.c and cache.c
 *	malloc.c    the public calls: lock, flush, choose heap or mapping
 *	realloc.c   resizing
 *	cache.c     what each thread keeps for itself; caches.c: what is done to all of them
 *	deferred.c  the queue of deferred frees
 *	heap.c      blocks: allocated, freed, split, merged
 *	bins.c      which free blocks there are
 *	grow.c      the break: regions
 *	mapping.c   blocks that have a mapping each
 *	check.c     walks, and what a bad pointer points to; stats.c: figures
 */
#ifndef USER_MALLOC_INSIDE_H
#define USER_MALLOC_INSIDE_H

#include "user/malloc/block.h"

#define UMALLOC_LIKELY(c) __builtin_expect(!!(c), 1)
#define UMALLOC_UNLIKELY(c) __builtin_expect(!!(c), 0)
#define UMALLOC_RARE __attribute__((noinline, cold))
#define UMALLOC_INLINE static inline __attribute__((always_inline))

/* Our own claim about the structures does not hold: somebody wrote where he should not. */
#define SOUND(m, claim, at) \
	(UMALLOC_LIKELY(claim) ? (void)0 : (m)->calls->broken((m)->calls->context, #claim, at))

void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

static inline bool umalloc_alone(const struct umalloc *m)
{
	return *m->alone != 0;
}

static inline void um_lock_always(struct umalloc *m)
{
	if (UMALLOC_UNLIKELY(!port_lock(&m->lock_word)))
		m->calls->lock(m->calls->context, &m->lock_word);
}

static inline void um_unlock_always(struct umalloc *m)
{
	if (UMALLOC_UNLIKELY(!port_unlock(&m->lock_word)))
		m->calls->unlock(m->calls->context, &m->lock_word);
}

static inline void umalloc_lock(struct umalloc *m)
{
	if (!umalloc_alone(m)) um_lock_always(m);
}

static inline void umalloc_unlock(struct umalloc *m)
{
	if (!umalloc_alone(m)) um_unlock_always(m);
}

static inline uint64_t page_up(uint64_t bytes)
{
	return (bytes + UMALLOC_PAGE - 1) & ~(uint64_t)(UMALLOC_PAGE - 1);
}

/* --- figures ---------------------------------------------------------------------------------- */

/* Opens the short ways, or closes them, as it is to be now (grow.c). */
void um_short_ways(struct umalloc *m);

static inline void count_live(struct umalloc *m, uint64_t blocks, uint64_t units)
{
	m->counts.live.blocks += blocks;
	m->counts.live.units += units;
	if (m->counts.live.units > m->counts.peak_units)
		m->counts.peak_units = m->counts.live.units;
}

static inline void count_allocated(struct umalloc *m, uint64_t units)
{
	count_live(m, 1, units);
}

/* From one account to another: blocks and units. */
static inline void count_move(struct umalloc_count *from, struct umalloc_count *to, uint64_t units)
{
	from->blocks--;
	from->units -= units;
	to->blocks++;
	to->units += units;
}

/* A live block now waits, or one that waited does not: the first and the last have to be told to
 * um_short_ways(). */
static inline void count_queued(struct umalloc *m, uint64_t units)
{
	count_move(&m->counts.live, &m->counts.queued, units);
	if (m->counts.queued.blocks == 1) um_short_ways(m);
}

static inline void count_unqueued(struct umalloc *m, uint64_t units)
{
	count_move(&m->counts.queued, &m->counts.live, units);
	if (m->counts.queued.blocks == 0) um_short_ways(m);
}

static inline void count_released(struct umalloc *m, uint64_t units)
{
	count_move(&m->counts.live, &m->counts.released, units);
}

static inline bool short_ways_are_open(const struct umalloc *m)
{
	return m->regions != NULL && m->counts.queued.blocks == 0;
}

/* Memory was got. */
void um_count_held(struct umalloc *m);

/* --- heap.c ----------------------------------------------------------------------------------- */

/* A live block of at least `size` bytes of what is in bins, or the top; or NULL.  Nothing is
 * counted here. */
struct umalloc_block *um_heap_take_free(struct umalloc *m, uint64_t size);
struct umalloc_block *um_heap_take_large(struct umalloc *m, uint64_t size);
/* The same when there was none: what waits to be merged is, and the heap may grow. */
struct umalloc_block *um_heap_take_grown(struct umalloc *m, uint64_t size);
/* One whose payload is a multiple of `align`. */
struct umalloc_block *um_heap_take_aligned(struct umalloc *m, uint64_t size, size_t align);
/* A block of any state but FREE becomes free, merged with its neighbours. */
void um_heap_put(struct umalloc *m, struct umalloc_block *b);
/* The same for a live one; memory that need not be kept goes. */
void um_heap_put_trimming(struct umalloc *m, struct umalloc_block *b);
/* A live block becomes `size` bytes, in place; false: there is no room.  Shrinking never fails. */
bool um_heap_resize(struct umalloc *m, struct umalloc_block *b, uint64_t size);
/* Merges what is in the quick lists; false: nothing was. */
bool um_heap_merge_quick(struct umalloc *m);

/* --- grow.c ----------------------------------------------------------------------------------- */

/* A row of blocks: this record, blocks, and a head of size 0 at end - 8. */
struct umalloc_region {
	struct umalloc_region *older;
	uintptr_t end;
	uintptr_t break_at; /* the break, as far as it is this region's: end or a little above */
};

static inline struct umalloc_block *region_first(const struct umalloc_region *r)
{
	return block_at(r + 1);
}

/* Moves the break so that the top has at least `size` bytes; false: it cannot be. */
bool um_heap_grow(struct umalloc *m, uint64_t size);
/* The top has grown by frees: gives back what is beyond `keep` bytes of it, in whole pages. */
void um_heap_trim(struct umalloc *m, uint64_t keep);
/* How much of the top frees leave where it is. */
uint64_t um_heap_keep(const struct umalloc *m);
/* The region in which a payload at `p` could be, or NULL. */
struct umalloc_region *um_heap_region(const struct umalloc *m, const void *p);

/* --- mapping.c -------------------------------------------------------------------------------- */

struct umalloc_mapping {
	struct umalloc_mapping *next;
	void *at;       /* the block */
	char *base;     /* the mapping, with what could not be cut off before the block */
	size_t bytes;   /* of it */
	uint64_t state; /* enum mapping_state */
};

enum mapping_state {
	MAPPING_LIVE,
	MAPPING_QUEUED, /* in the queue of deferred frees */
	MAPPING_STUCK,  /* freed; unmapping it failed */
};

struct umalloc_mapping *um_mapping_take(struct umalloc *m, size_t bytes, size_t align);
struct umalloc_mapping *um_mapping_find(const struct umalloc *m, const void *at);
/* Unmaps it, now or as soon as that succeeds; counts it released, or queued. */
void um_mapping_release(struct umalloc *m, struct umalloc_mapping *map);
/* Tries again what could not be unmapped before. */
void um_mapping_retry(struct umalloc *m);
/* Makes it hold `bytes`, more than it does, perhaps elsewhere; false: it stays as it is. */
bool um_mapping_grow(struct umalloc *m, struct umalloc_mapping *map, size_t bytes);
/* Makes it hold `bytes`, fewer than it does, in whole pages; where they cannot go they stay. */
void um_mapping_shrink(struct umalloc *m, struct umalloc_mapping *map, size_t bytes);

static inline size_t mapping_granted(const struct umalloc_mapping *map)
{
	return map->bytes - (size_t)((char *)map->at - map->base);
}

static inline uint64_t mapping_units(const struct umalloc_mapping *map)
{
	return mapping_granted(map) >> UNIT_SHIFT;
}

static inline uint32_t mapping_bucket(const void *at)
{
	return (uint32_t)(((uintptr_t)at >> 12) * 0x9e3779b97f4a7c15ull >> 56) % UMALLOC_BUCKETS;
}

/* --- malloc.c ------------------------------------------------------------------------------- */

/* What a user has: a block of the heap or a mapping, the other being NULL; or neither. */
struct user_block {
	struct umalloc_block *block;
	struct umalloc_mapping *map;
};

static inline bool in_heap(const struct umalloc *m, const void *p)
{
	if (UMALLOC_LIKELY((uintptr_t)p - m->low < m->span)) return true;
	return m->span == 0 && um_heap_region(m, p) != NULL;
}

static inline uint64_t user_granted(struct user_block u)
{
	return u.block != NULL ? block_granted(u.block) : mapping_granted(u.map);
}

static inline uint64_t user_units(struct user_block u)
{
	return u.block != NULL ? block_units(u.block) : mapping_units(u.map);
}

/* The live block at `p`, if there is one. */
struct user_block um_user_find(struct umalloc *m, const void *p);
/* It is released, and counted so: a block of the heap whatever its state, or a mapping. */
void um_user_release(struct umalloc *m, struct user_block u);
/* A new one, counted; NULL: there is none even with everything flushed. */
void *um_user_take(struct umalloc *m, size_t bytes);

/* Without the lock: umalloc_alloc() and umalloc_free() the long way, which is always right. */
void *um_alloc_any(struct umalloc *m, size_t bytes);
/* Nothing waits, there is one thread, and no block of just the size. */
void *um_alloc_free(struct umalloc *m, size_t bytes);
void um_free_any(struct umalloc *m, void *p);

/* --- deferred.c ------------------------------------------------------------------------------- */

/* A live block, of the heap or a mapping, waits in the queue; where that is off it is released at
 * once.  A full queue is flushed first. */
void um_deferred_push(struct umalloc *m, struct user_block u);
void um_deferred_flush(struct umalloc *m, enum umalloc_flush_cause cause);

static inline bool deferred_waits(const struct umalloc *m)
{
	return m->counts.queued.blocks != 0;
}

/* --- caches.c --------------------------------------------------------------------------------- */

/* All caches' blocks go back to the heap.  Waits for who is at his. */
void um_caches_empty(struct umalloc *m);
/* The heap is about to grow: the same, if they have much of it. */
void um_caches_thin(struct umalloc *m);
/* Nobody is at a cache until go(). */
void um_caches_stop(struct umalloc *m);
void um_caches_go(struct umalloc *m);
/* What is in them, once stopped; adds what was freed to them to *released. */
struct umalloc_count um_caches_count(const struct umalloc *m, struct umalloc_count *released);
/* In a child: they are emptied, and are no one's. */
void um_caches_forget(struct umalloc *m);
/* Whether a live block of the heap is in a cache. */
bool um_caches_have(struct umalloc *m, const struct umalloc_block *b);

/* Once stopped: the state of each block in a cache, from `was` to `is`; what is wrong, or NULL. */
const char *um_caches_mark(struct umalloc *m, uint64_t was, uint64_t is);

/* What stands in a cached block's payload, in `prev`. */
#define CACHED_KEY ((struct umalloc_block *)0xcac4edcac4ed5a00)

/* The same; one that does not say so, as hardly any does, is not looked for. */
static inline bool um_is_cached(struct umalloc *m, const struct umalloc_block *b)
{
	return UMALLOC_UNLIKELY(b->prev == CACHED_KEY) && um_caches_have(m, b);
}

/* --- check.c ---------------------------------------------------------------------------------- */

/* What is wrong with a free of `p`. */
enum umalloc_verdict um_bad_free(struct umalloc *m, const void *p);

#endif
