/*
 * slab.h -- caches of objects of one size, in slabs of 1 to 8 pages, behind per-CPU magazines.
 *
 * Jeff Bonwick and Jonathan Adams, "Magazines and Vmem", USENIX 2001: an object that is freed goes
 * on the freeing CPU's magazine and comes off it again without a shared lock; a magazine that runs
 * empty or full trades half of itself with the depot, which keeps a few such batches as they are,
 * and only then with the slabs.  An object's slab is found from its address, so freeing needs no
 * size, and whether an object is in use is one bit beside the page's frame, so every bad free gets
 * an exact verdict, double frees on two CPUs at once included.
 *
 * Safe from any context.  slab_alloc may grow the cache: then no lock of rank RANK_QUARANTINE or
 * above may be held, unless `how` has PAGE_NO_RECLAIM.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "mm/page.h"

/* What became of a free.  Anything but SLAB_FREED changed nothing. */
enum slab_verdict {
	SLAB_FREED = 0,
	SLAB_DOUBLE_FREE, /* an object of this cache, and nobody has it */
	SLAB_WILD,        /* no object of this cache starts there */
	SLAB_REDZONE,     /* the bytes behind the object were written to */
	SLAB_VERDICTS
};
const char *slab_verdict_name(enum slab_verdict v);

enum { MAGAZINE_DEPTH_MAX = 60, DEPOT_MAX = 64, SLAB_ORDER_MAX = 3 };

/*
 * One CPU's objects, ready to hand out; nobody has them, and no slab counts them as free.  An
 * object is named by its handle: where it lies in the pool's memory, in units of 16 bytes.
 */
struct magazine {
	struct latch latch; /* tried, never waited for */
	uint32_t count GUARDED_BY(&latch);
	uint32_t depth; /* at most so many */
	uint32_t slot[MAGAZINE_DEPTH_MAX] GUARDED_BY(&latch);
};

_Static_assert(sizeof(struct magazine) == 256, "four cache lines, found by a shift");

struct slab_config {
	struct page_pool *pages;
	uint32_t size;    /* bytes a user gets; a multiple of 16 up to SLAB_SIZE_MAX */
	uint32_t number;  /* in the frames of its pages: unlike any other's in the pool */
	uint32_t depth;   /* of a magazine, up to MAGAZINE_DEPTH_MAX; 0: none */
	uint32_t depot;   /* batches of half a magazine kept from the slabs, up to DEPOT_MAX */
	uint32_t keep;    /* empty slabs kept back from the pool, until slab_drain */
	uint32_t redzone; /* bytes after each object that nobody may write; a multiple of 16 */
	bool poison;      /* fill free objects with a pattern and verify it when handed out */
	bool sites;       /* remember who asked for each object (needs CALL_SITES) */
	struct magazine *magazines; /* CPU c's is magazines[c * magazine_stride] */
	uint32_t magazine_stride;
};

struct slab_cache {
	struct page_pool *pages;
	struct frame *frames; /* the pool's, and its memory: offsets count from there */
	uint8_t *memory;
	struct magazine *magazines;
	uint32_t magazine_stride;
	uint32_t depth;
	uint32_t size;   /* bytes a user gets */
	uint32_t stride; /* from object to object: size and redzone */
	uint16_t number;
	uint16_t per_slab; /* objects */
	uint8_t order;     /* of a slab, log2 pages */
	bool poison, sites;
	bool careful; /* any of poison, sites, redzone */
	uint32_t keep;

	uint32_t batch; /* objects traded at once: half a magazine */
	uint32_t depot_limit;

	struct lock lock; /* RANK_SLAB */
	uint32_t depot_count GUARDED_BY(&lock);
	uint32_t depot GUARDED_BY(&lock);   /* first object of the newest batch; chained */
	uint32_t partial GUARDED_BY(&lock); /* first slab with free objects, empty or not */
	uint32_t slabs GUARDED_BY(&lock);
	uint32_t empty GUARDED_BY(&lock); /* slabs of which no object is out */
	uint64_t taken GUARDED_BY(&lock); /* objects out of the slabs: magazines, users */
	uint64_t peak_taken GUARDED_BY(&lock);
	uint64_t slabs_made GUARDED_BY(&lock), slabs_returned GUARDED_BY(&lock);
};

void slab_cache_init(struct slab_cache *cache, const struct slab_config *config);

/*
 * An object, its first `bytes` (1 to size) accessible, or NULL when there is no page for a slab.
 * Contents arbitrary.  `how`: PAGE_NO_RECLAIM or 0.
 */
void *slab_alloc(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site);

/* The same from magazine and slabs as they are, without a new page. */
void *slab_alloc_held(struct slab_cache *cache, size_t bytes, site_t site);

enum slab_verdict slab_free(struct slab_cache *cache, void *p);

/* Empties all magazines and gives back every empty slab, kept ones too; returns pages given. */
size_t slab_drain(struct slab_cache *cache);

struct slab_counts {
	uint32_t size, slabs, slab_pages, per_slab;
	uint64_t live;           /* objects users have */
	uint64_t cached;         /* objects in magazines and in the depot */
	uint64_t peak;           /* most objects out of slabs at one time */
	uint64_t made, returned; /* slabs, ever */
};
void slab_count(struct slab_cache *cache, struct slab_counts *out);

/*
 * NULL when all slabs of the `n` caches, numbered 0 to n - 1 in `caches`, agree with their
 * counters, lists, magazines and bits; else what is wrong.  aside[i] is how many objects of cache i
 * are neither with users nor in magazines (kmalloc's quarantine); NULL: none.  One pass over the
 * pool's frames.  Only at rest.
 */
const char *slab_check(struct slab_cache *caches, uint32_t n, const uint32_t *aside);

/* NULL when the counters of one cache are possible.  O(CPUs). */
const char *slab_check_counts(struct slab_cache *cache);

/* Adds live objects of the `n` caches, numbered as for slab_check, to a table of sites, as
 * page_sites(). */
bool slab_sites(struct slab_cache *caches, uint32_t n, struct site_row *table, size_t room,
		size_t *rows);

#endif
