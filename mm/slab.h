/*
 * slab.h -- caches of objects of one size, in slabs of 1 to 8 pages; each CPU has a slab to itself.
 *
 * Which objects of a page are free is a bitmap beside the page's frame, and nothing else: a free
 * clears one bit, atomically, on whatever CPU it happens; an allocation finds and sets one in the
 * slab that is this CPU's.  So a free needs no lock and moves nothing, every bad free gets an exact
 * verdict (double frees on two CPUs at once included), and a stray write to a free object cannot
 * mislead the allocator, which keeps no pointer there.  An object's slab is found from its address,
 * so freeing needs no size.
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

enum { SLAB_ORDER_MAX = 3 };

/*
 * The slab that one CPU allocates from, and the 64 bits of its bitmap that it looks at.  Frees on
 * other CPUs clear bits there; nobody but who has the latch sets any.
 */
struct slab_cpu {
	struct latch latch;                    /* tried, never waited for */
	uint64_t starts GUARDED_BY(&latch);    /* bits of *taken at which an object starts */
	uint64_t *taken GUARDED_BY(&latch);    /* in a frame of the slab */
	uint8_t *base GUARDED_BY(&latch);      /* what bit 0 of *taken stands for */
	struct frame *slab GUARDED_BY(&latch); /* its head; NULL: none, and `starts` is 0 */
	uint32_t word GUARDED_BY(&latch);      /* which of the slab's words *taken is */
	uint32_t given GUARDED_BY(&latch);     /* objects allocated since it is this CPU's */
	uint64_t pad[2];
};

_Static_assert(sizeof(struct slab_cpu) == 64, "one cache line, found by a shift");

struct slab_config {
	struct page_pool *pages;
	uint32_t size;         /* bytes a user gets; a multiple of 16 up to SLAB_SIZE_MAX */
	uint32_t number;       /* in the frames of its pages: unlike any other's in the pool */
	uint32_t keep;         /* empty slabs kept back from the pool, until slab_drain */
	uint32_t redzone;      /* bytes after each object that nobody may write; a multiple of 16 */
	bool poison;           /* fill free objects with a pattern and verify it when handed out */
	bool sites;            /* remember who asked for each object (needs CALL_SITES) */
	bool held;             /* a freed object may be kept from reuse for a while */
	struct slab_cpu *cpus; /* CPU c's is cpus[c * cpu_stride]; NULL: CPUs have no slabs */
	uint32_t cpu_stride;
};

struct slab_cache {
	struct page_pool *pages;
	struct frame *frames; /* the pool's, and its memory: offsets count from there */
	uint8_t *memory;
	struct slab_cpu *cpus;
	uint32_t cpu_stride;
	uint32_t size;   /* bytes a user gets */
	uint32_t stride; /* from object to object: size and redzone */
	uint16_t number;
	uint16_t per_slab; /* objects */
	uint8_t order;     /* of a slab, log2 pages */
	bool poison, sites;
	bool careful; /* more to an object than its bit: see object_note() */
	uint32_t keep;
	uint32_t word_step; /* of a slab's words, only each so many has objects' bits */
	uint64_t starts[4]; /* the bits at which objects start, in a slab's first page */

	struct lock lock;                   /* RANK_SLAB */
	uint32_t partial GUARDED_BY(&lock); /* first slab with used and free objects */
	uint32_t kept GUARDED_BY(&lock);    /* first slab that has none in use */
	uint32_t kept_count GUARDED_BY(&lock);
	uint32_t full GUARDED_BY(&lock); /* slabs that have nothing to give, and are no CPU's */
	uint32_t slabs GUARDED_BY(&lock);
	uint32_t slabs_peak GUARDED_BY(&lock);
	uint64_t slabs_made GUARDED_BY(&lock), slabs_returned GUARDED_BY(&lock);
};

void slab_cache_init(struct slab_cache *cache, const struct slab_config *config);

/*
 * An object, its first `bytes` (1 to size) accessible, or NULL when there is no page for a slab.
 * Contents arbitrary.  `how`: PAGE_NO_RECLAIM or 0.
 */
void *slab_alloc(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site);

/* The same from the slabs there are, without a new page. */
void *slab_alloc_held(struct slab_cache *cache, size_t bytes, site_t site);

enum slab_verdict slab_free(struct slab_cache *cache, void *p);

/* Takes the CPUs' slabs from them and gives back every empty slab, kept ones too; returns pages
 * given. */
size_t slab_drain(struct slab_cache *cache);

struct slab_counts {
	uint32_t size, slabs, slab_pages, per_slab;
	uint32_t peak_slabs;     /* most at one time */
	uint64_t live;           /* objects users have, or that are held */
	uint64_t cached;         /* free objects in slabs that are CPUs' */
	uint64_t made, returned; /* slabs, ever */
};
/* Exact at rest.  O(CPUs + partial slabs). */
void slab_count(struct slab_cache *cache, struct slab_counts *out);

/*
 * NULL when all slabs of the `n` caches, numbered 0 to n - 1 in `caches`, agree with their
 * counters, lists, CPUs and bits; else what is wrong.  aside[i] is how many objects of cache i are
 * held (kmalloc's quarantine); NULL: none.  One pass over the pool's frames.  Only at rest.
 */
const char *slab_check(struct slab_cache *caches, uint32_t n, const uint32_t *aside);

/* NULL when the counters of one cache are possible.  O(CPUs). */
const char *slab_check_counts(struct slab_cache *cache);

/* Adds live objects of the `n` caches, numbered as for slab_check, to a table of sites, as
 * page_sites(). */
bool slab_sites(struct slab_cache *caches, uint32_t n, struct site_row *table, size_t room,
		size_t *rows);

#endif
