/*
 * page.h -- physical pages: a buddy allocator with per-CPU caches, zones and exact verdicts.
 *
 * Safe from any context; never sleeps.  Masks interrupts while it holds a lock.  A caller that
 * may have to wait for reclaim (no PAGE_NO_RECLAIM) holds no lock of rank RANK_QUARANTINE or
 * above: shrinkers take those.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "machine/lock.h"
#include "mm/event.h"
#include "mm/frame.h"
#include "mm/site.h"

/* Zones are ranges of frames, handed in.  A request names the zone it would like best. */
enum page_zone {
	ZONE_DMA,    /* never falls back */
	ZONE_KERNEL, /* falls back to user, then DMA */
	ZONE_USER,   /* falls back to kernel, then DMA, but leaves `reserve` pages in these two */
	ZONES
};

/*
 * How a request is to be met: PAGE_HOW(zone, owner), or'ed with flags.  It reads like the first
 * word of a frame (frame.h) with flags in bits that are 0 there, so that handing out a page is one
 * store of it and knowing a page again is one comparison with it.
 */
#define PAGE_HOW(zone, owner) FRAME_WORD(FRAME_USED, 0, owner, zone)
#define PAGE_OWNER_MASK 0x00ff0000u
#define PAGE_ZONE_MASK 0x03000000u
enum {
	PAGE_NO_RECLAIM = 1 << 8, /* fail rather than call shrinkers */
	PAGE_NO_DRAIN = 1 << 9,   /* runs only: nor empty caches and quarantine, nor shrinkers */
	PAGE_ZERO = 1 << 30,      /* the pages come zeroed */
};

/* What became of a free.  Anything but PAGE_FREED changed nothing. */
enum page_verdict {
	PAGE_FREED = 0,
	PAGE_DOUBLE_FREE,  /* already free, cached or quarantined */
	PAGE_OUT_OF_RANGE, /* not a page of this pool */
	PAGE_MISALIGNED,   /* not the address of a page */
	PAGE_WRONG_ORDER,  /* the block has another size */
	PAGE_NOT_HEAD,     /* inside a block that is in use */
	PAGE_NEVER_GIVEN,  /* reserved: the kernel image and the like */
	PAGE_WRONG_OWNER,  /* somebody else's: a slab's or the heap's page, say */
	PAGE_VERDICTS
};
const char *page_verdict_name(enum page_verdict v);

enum page_pressure { PRESSURE_NONE, PRESSURE_LOW, PRESSURE_CRITICAL };

struct page_config {
	paddr_t base;         /* of frame 0; a multiple of the largest block */
	uint32_t pages;       /* frames, reserved ones included; up to 2^31 */
	struct frame *frames; /* `pages` of them, zeroed, not inside the pool's own free pages */
	unsigned cpus;
	/* Frame number after each zone's last; rising; the last is `pages`. */
	uint32_t zone_end[ZONES];
	uint32_t reserve; /* pages in DMA and kernel that ZONE_USER cannot take */
	/* Watermarks, in free pages: a level of pressure starts below its mark, and ends an eighth
	 * and one page above it. */
	uint32_t low, critical;
	uint32_t cache_pages;      /* a CPU keeps at most this many of each zone; 0: none */
	uint32_t cache_batch;      /* moved at once to or from a cache; 1 to cache_pages */
	uint32_t quarantine_pages; /* freed pages kept from reuse; 0: none */
	bool poison; /* fill freed pages with a pattern and verify it when handed out */
	const struct mm_listener *listener; /* may be NULL */
};

enum { PAGE_CACHE_MAX = 63 };

/* Pages of one zone that a CPU has ready to hand out; the last in is the first out. */
struct page_stack {
	struct meter count; /* RANK_PAGE_CPU; guards the slots.  May carry PAGE_STACK_SHUT */
	uint32_t slot[PAGE_CACHE_MAX]; /* frame numbers */
};

/* In a count: every page that comes or goes takes a further look, because the pool poisons or keeps
 * a quarantine, or the CPU is inside a shrinker. */
#define PAGE_STACK_SHUT (1u << 30)

/* One CPU's cache.  Its size and a stack's are powers of two, so that finding the one that is
 * wanted takes a shift, and no two CPUs share a cache line. */
struct page_cpu {
	struct page_stack stack[ZONES];
	uint32_t shrinking; /* this CPU is inside a shrinker; changed with interrupts masked */
	uint32_t pad[63];
};

_Static_assert(sizeof(struct page_stack) == 256 && sizeof(struct page_cpu) == 1024,
	       "powers of two");

/*
 * Called when a request would fail, in the order of registration, each at most once for a request.
 * Gives back what it can of about `pages` pages, in bounded time, and returns how many it gave.
 * For a request of ZONE_DMA that is all there are: the first to come back may be of other zones.
 * Holds no lock of mm/ when it is called.  May not allocate: page_alloc and page_run_alloc refuse
 * whatever is asked for on this CPU until it returns.
 */
struct shrinker {
	const char *name;
	size_t (*shrink)(void *context, size_t pages);
	void *context;
	struct shrinker *next; /* the pool's */
};

/*
 * The free blocks of one zone, by order.  Of most orders there is no block or one at most times:
 * a split leaves one of each order below, and merges find them so again.  Where there is one it
 * stands here by itself, and taking it or merging with it touches nothing that is linked.  It is
 * named by where its frame lies, so that no step of a merge has to work that out.
 */
struct page_free {
	uint32_t orders; /* bit o: there are blocks of order o */
	uint32_t pages;  /* in all of them */
	uint32_t pad[2];
	/* The only block's frame, in bytes from pool->frames; FRAME_NOWHERE where there is no block
	 * or more than one. */
	uint64_t only[PAGE_ORDERS];
	uint64_t pad_end[3];
};

#define FRAME_NOWHERE UINT64_MAX

_Static_assert(sizeof(struct page_free) == 128, "a zone is found by a shift");

/* Two blocks of one order and more. */
struct page_list {
	uint32_t first;
	uint32_t count; /* 0 where there are fewer than two */
};

struct page_pool {
	struct page_cpu cpu[CPUS_MAX];

	paddr_t base;
	struct frame *frames;
	uint32_t pages;
	uint32_t cpus;
	uint32_t zone_end[ZONES];
	uint32_t reserve, low, critical;
	uint32_t cache_pages, cache_batch, quarantine_limit;
	uint32_t stacks_shut; /* PAGE_STACK_SHUT where every CPU's always are, else 0 */
	bool poison;
	const struct mm_listener *listener;

	struct lock lock; /* RANK_PAGE; guards all below and the frames of uncached blocks */
	struct shrinker *shrinkers GUARDED_BY(&lock);
	struct page_free free[ZONES] GUARDED_BY(&lock);
	struct page_list many[ZONES][PAGE_ORDERS] GUARDED_BY(&lock);
	uint32_t free_all GUARDED_BY(&lock); /* their sum */
	uint32_t reserved_pages GUARDED_BY(&lock);
	uint32_t out_pages GUARDED_BY(&lock); /* in use or in a CPU's cache */
	uint32_t quarantined_pages GUARDED_BY(&lock);
	uint32_t quarantine_first GUARDED_BY(&lock); /* oldest */
	uint32_t quarantine_last GUARDED_BY(&lock);
	uint32_t lowest_free GUARDED_BY(&lock); /* fewest there ever were: the peak of use */
	uint32_t level GUARDED_BY(&lock);       /* enum page_pressure, as last told */
	/* Free pages below which, and from which on, there is something to note: fewer than ever,
	 * or another level. */
	uint32_t note_below GUARDED_BY(&lock);
	uint32_t note_from GUARDED_BY(&lock);
};

/* Makes a pool in which every page is reserved.  `config` is checked: ASSERT. */
void page_pool_init(struct page_pool *pool, const struct page_config *config);

/* Gives the pool the pages [first, end) by frame number; all must be reserved now. */
void page_pool_give(struct page_pool *pool, uint32_t first, uint32_t end);

/* A block of 2^order pages, aligned to its size, or PADDR_NONE.  Its contents are arbitrary
 * unless PAGE_ZERO.  Tries the caches and free lists, then reclaim, then fails. */
static inline paddr_t page_alloc(struct page_pool *pool, unsigned order, uint32_t how, site_t site);

/* Gives it back.  `how` names the owner it was taken for.  Two CPUs that give back one page at the
 * same instant are a race of theirs; one after the other, the second gets its verdict. */
static inline enum page_verdict page_free(struct page_pool *pool, paddr_t pa, unsigned order,
					  uint32_t how);

/* `pages` pages in a row, each of them its own block of order 0 afterwards; PADDR_NONE.  Falls
 * back to a search of the frames when no buddy block is large enough. */
paddr_t page_run_alloc(struct page_pool *pool, uint32_t pages, uint32_t how, site_t site);

/* The same at one given place: all of [pa, pa + pages) or false.  The zone of `how` decides what
 * may be touched (ZONE_DMA: that zone only; ZONE_USER: with the reserve left over).  Shrinkers
 * are not asked: nobody can tell whether they would free just these pages. */
bool page_run_claim(struct page_pool *pool, paddr_t pa, uint32_t pages, uint32_t how, site_t site);

/* Gives back any part of a run.  The verdict is the first bad page's; then nothing is freed.
 * 0 pages are freed without a look. */
enum page_verdict page_run_free(struct page_pool *pool, paddr_t pa, uint32_t pages, uint32_t how);

/* Empties every CPU's cache and the quarantine into the free lists. */
void page_drain(struct page_pool *pool);

/* drain, then the shrinkers in order until `pages` pages are free or all were asked. */
void page_reclaim(struct page_pool *pool, uint32_t pages);

void page_shrinker_add(struct page_pool *pool, struct shrinker *shrinker);

/* --- looking --------------------------------------------------------------------------------- */

/* The frame of an address, or NULL when it is not in the pool. */
static inline struct frame *page_frame(const struct page_pool *pool, paddr_t pa)
{
	const uint64_t n = (pa - pool->base) >> PAGE_SHIFT;
	return n < pool->pages ? &pool->frames[n] : NULL;
}

static inline paddr_t page_address(const struct page_pool *pool, uint32_t frame)
{
	return pool->base + ((paddr_t)frame << PAGE_SHIFT);
}

/* free + used + reserved + cached + quarantined = total, always.  Which pages out of the free lists
 * are used and which are cached is exact when no other CPU is inside the pool. */
struct page_counts {
	uint32_t total, reserved, free, cached, quarantined, used;
	uint32_t zone_free[ZONES];
	uint32_t peak_used; /* most pages that were not free at one time, reserved ones left out */
	uint32_t level;     /* enum page_pressure */
};
void page_count(struct page_pool *pool, struct page_counts *out);

/* How broken up the free pages are. */
struct page_fragmentation {
	uint32_t blocks[PAGE_ORDERS]; /* free blocks of each order */
	uint32_t largest_pages;       /* of the largest free block */
	uint32_t free_pages;
};
void page_fragmentation(struct page_pool *pool, struct page_fragmentation *out);

/* NULL when counters add up; else what is wrong.  O(CPUs). */
const char *page_check_counts(struct page_pool *pool);

/* NULL when every frame, list and counter agrees; else what is wrong.  O(pages).  Only at rest:
 * no other CPU is inside the pool. */
const char *page_check(struct page_pool *pool);

/* A number that depends on which pages are free, cached, quarantined, reserved or used and by
 * whom, as sets, and on no order of lists: equal for two equal states of the world. */
uint64_t page_hash(struct page_pool *pool);

/* Pages in use by site (mm/site.h), by walking.  Returns false when the table was full. */
bool page_sites(struct page_pool *pool, struct site_row *table, size_t room, size_t *rows);

#include "mm/page_inline.h"

#endif
