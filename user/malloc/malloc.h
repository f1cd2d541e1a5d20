/*
 * malloc.h -- the user-space allocator, as an instance: what <stdlib.h>'s names are made of.
 *
 * Whoever owns an instance hands in its memory calls (struct umalloc_calls): libc.c those of Linux
 * and one lock, a fuzz target those of a model.  An instance is ready as UMALLOC_INITIAL() makes
 * it, before any code has run, so there is no first use to race for.
 *
 * Every function may be called from any thread; each takes the lock once, and holds it while it
 * makes memory calls.  Where there are several threads, each may have a cache of small blocks,
 * which it takes from and frees to without the lock (cache.c).  None may be called from a memory
 * call, nor from a signal handler.  Sizes are bytes.  A block is aligned to 16, and its granted
 * size, of which statistics are made, is at least what was asked for.  Asking for 0 bytes gives
 * the smallest block.
 */
#ifndef USER_MALLOC_MALLOC_H
#define USER_MALLOC_MALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UMALLOC_PAGE = 4096,
	UMALLOC_ALIGN = 16,

	DEFERRED_FREE_SLOTS =
		16, /* the documents' queue; 128 is the variant that they went on to */
	DEFERRED_FREE_SLOTS_MAX = 128,

	UMALLOC_MAP_BYTES = 128 << 10,

	UMALLOC_BINS = 128,
	UMALLOC_QUICK_BYTES = 8192,
	UMALLOC_QUICK = 576, /* lists, by size in 16 bytes with what stands before a block */
	UMALLOC_BUCKETS = 256,
	UMALLOC_CACHED = 65, /* a thread's lists, by size in 16 bytes: blocks of up to 1,024 */
};

/* What sbrk() and map() answer when there is no memory. */
#define UMALLOC_NO_MEMORY ((void *)-1)

struct umalloc_cache;

/* What an allocator asks of its surroundings.  None may call back. */
struct umalloc_calls {
	/* Moves the break, the end of the program's data, by `bytes`: a multiple of 4,096, below 0
	 * to give memory back, 0 to ask.  Returns the break as it was.  New memory is zero. */
	void *(*sbrk)(void *context, ptrdiff_t bytes);
	/* A new mapping of `bytes`, a multiple of 4,096, aligned to that, all zero. */
	void *(*map)(void *context, size_t bytes);
	/* Takes pages of mappings away; false, with nothing changed, where that fails. */
	bool (*unmap)(void *context, void *at, size_t bytes);
	/* Makes a mapping larger, here or elsewhere, its pages with it; UMALLOC_NO_MEMORY, with
	 * nothing changed, where that fails. */
	void *(*remap)(void *context, void *at, size_t bytes, size_t larger);
	/* The lock, whose word is the instance's, where port.h does not do without them: it is
	 * taken, and to be waited for; it was dropped, and somebody may wait. */
	void (*lock)(void *context, uint32_t *word);
	void (*unlock)(void *context, uint32_t *word);
	/* Somebody is at his cache, for a few instructions: he may go on.  The lock is held. */
	void (*relax)(void *context);
	/* A thread has begun to use its cache: as it ends it has to call umalloc_cache_close(). */
	void (*cached)(void *context, struct umalloc_cache *c);
	/* A request is refused for want of memory, or as too large; told once, without the lock. */
	void (*refused)(void *context);
	/* A free, or realloc, of what is no live block (enum umalloc_verdict); no lock held.  Where
	 * it returns, nothing has changed. */
	void (*misused)(void *context, const void *p, uint32_t verdict);
	/* The structures are damaged: says so and does not return. */
	__attribute__((noreturn)) void (*broken)(void *context, const char *what, const void *at);
	void *context;
};

enum umalloc_fit {
	UMALLOC_SEGREGATED, /* free blocks in lists by size */
	UMALLOC_FIRST_FIT,  /* in one list, of which the first that fits is taken */
};

struct umalloc_config {
	size_t map_bytes;        /* requests of so many or more get a mapping each; at most 2^38 */
	size_t quick_bytes;      /* blocks of fewer are not merged when freed; at most 8,192, and
				  * map_bytes: they are of the heap */
	uint32_t deferred_slots; /* 0: realloc frees at once; at most DEFERRED_FREE_SLOTS_MAX */
	uint32_t fit;            /* enum umalloc_fit */
	bool remaps;             /* large blocks grow by remap(), and leave nothing behind */
};

/* Why the queue of deferred frees was emptied. */
enum umalloc_flush_cause {
	UMALLOC_FLUSH_FULL,     /* one more was to enter */
	UMALLOC_FLUSH_FREE,     /* a free came */
	UMALLOC_FLUSH_ALLOC,    /* an allocation came */
	UMALLOC_FLUSH_PRESSURE, /* a request would be refused otherwise */
	UMALLOC_FLUSH_DEMAND,   /* umalloc_flush(), umalloc_drain() */
	UMALLOC_FLUSH_EXIT,     /* umalloc_at_exit() */
	UMALLOC_FLUSH_CAUSES
};

/* Memory that blocks take, with what stands before them, in units of 16 bytes; and blocks. */
struct umalloc_count {
	uint64_t units, blocks;
};

/* A block is live, then perhaps queued, then released; what the allocator keeps for itself is none
 * of these. */
struct umalloc_counts {
	struct umalloc_count live;     /* and what is in caches */
	struct umalloc_count released; /* freed since the start: its memory went back, or is free */
	struct umalloc_count queued;   /* freed, and waiting for that */
	uint64_t peak_units;           /* most that was live, or in caches, at one time */
};

/* allocated = live + queued + released, in bytes and in blocks. */
struct umalloc_stats {
	uint64_t allocated_bytes, allocated;
	uint64_t live_bytes, live, peak_bytes; /* what is in caches counts for the peak alone */
	uint64_t cached_bytes, cached;         /* of what was released, or never given out */
	uint64_t queued_bytes, queued;
	uint64_t released_bytes, released;
	uint64_t heap_bytes, mapped_bytes;      /* got by sbrk() and by map(), and not given back */
	uint64_t peak_held_bytes;               /* most of both at one time */
	uint64_t free_bytes, largest_free;      /* of the heap's; the largest single block of it */
	uint64_t fragmentation;                 /* free bytes outside that block, in thousandths */
	uint64_t flushes[UMALLOC_FLUSH_CAUSES]; /* by cause, of a queue that was not empty */
};

struct umalloc;
struct umalloc_block;
struct umalloc_mapping;
struct umalloc_region;

/* Free blocks of one size. */
struct umalloc_cached {
	struct umalloc_block *first;
	uint64_t account; /* for how many more there is room, and how many were freed to it, ever
			       * (cache.h) */
	uint16_t most, batch; /* for how many there is room; fetched next time */
};

/* A thread's, all zero as it begins. */
struct umalloc_cache {
	uint32_t latch;    /* atomic: who is at it; guards the lists.  Closed: for ever */
	struct umalloc *m; /* NULL: not in use yet.  This, and the list, are under the lock */
	struct umalloc_cache *next, **link;
	uint64_t units; /* in all lists */
	struct umalloc_cached list[UMALLOC_CACHED];
};

struct deferred_entry {
	void *at; /* NULL: none */
	size_t bytes;
};

struct deferred_queue {
	uint32_t first, count;
	struct deferred_entry entry[DEFERRED_FREE_SLOTS_MAX];
};

/* Everything below `config` is guarded by the lock; what most calls touch comes first.  Three words
 * (cached_bytes, low, span) are looked at without it: there, and in the heads of blocks, stores are
 * atomic. */
struct umalloc {
	const struct umalloc_calls *calls;
	const char *alone; /* not 0 while there is one thread: then nobody locks */
	struct umalloc_config config;

	uint32_t lock_word;
	uint64_t short_bytes;  /* the short ways are for less: quick_bytes; and through a cache */
	uint64_t cached_bytes; /* for less than this.  Both are 0 while something waits */
	uint64_t low;  /* where there is one region alone, and nothing waits, payloads lie */
	uint64_t span; /* in [low, low + span); otherwise this is 0 */
	struct umalloc_counts counts;
	struct umalloc_block *top; /* free memory at the break, or NULL */
	uint64_t bin_map[UMALLOC_BINS / 64];
	uint64_t quick_map[UMALLOC_QUICK / 64];
	struct umalloc_block *quick[UMALLOC_QUICK]; /* freed and not merged yet */
	struct umalloc_block *bins[UMALLOC_BINS];
	struct umalloc_region *regions; /* the newest first */
	uint64_t heap_bytes, mapped_bytes, peak_held_bytes;
	uint64_t flushes[UMALLOC_FLUSH_CAUSES];

	struct umalloc_cache *caches; /* in use */
	struct deferred_queue deferred;
	struct umalloc_mapping *mappings[UMALLOC_BUCKETS]; /* by address */
	uint32_t stuck; /* mappings that were freed and could not be unmapped yet */
};

/* An instance at rest.  `its_calls`, `is_alone`: addresses of what outlives it; whether there is
 * one thread must not change during a call, and once there were more there is one only in a child.
 * The rest is struct umalloc_config's.
 */
#define UMALLOC_INITIAL(its_calls, is_alone, ...)                                     \
	{                                                                             \
		.calls = (its_calls), .alone = (is_alone), .config = { __VA_ARGS__ }, \
	}

enum umalloc_verdict {
	UMALLOC_DOUBLE_FREE, /* the memory is free, or queued, already */
	UMALLOC_WILD,        /* no block begins there */
};
const char *umalloc_verdict_name(enum umalloc_verdict v);

/* `bytes` bytes, or NULL when there is no memory or too much was asked for.  Flushes the queue. */
void *umalloc_alloc(struct umalloc *m, size_t bytes);
void *umalloc_alloc_zeroed(struct umalloc *m, size_t bytes);

/* The same at a multiple of `align`, a power of two. */
void *umalloc_alloc_aligned(struct umalloc *m, size_t align, size_t bytes);

/*
 * Makes a block at least `bytes` large, here or elsewhere; its contents, as far as both sizes go,
 * stay.  NULL: there is no memory, and the block is as it was.  p NULL: umalloc_alloc().  bytes 0:
 * umalloc_free(), returns NULL.  A block that is left behind goes to the queue of deferred frees
 * and can be read until something flushes that; only a full one is flushed here.  With `remaps` no
 * large block is left behind, but what it has grown from is gone at once.
 */
void *umalloc_realloc(struct umalloc *m, void *p, size_t bytes);

/* Flushes the queue, then frees `p`.  NULL is freed always.  A bad free is told, and no more. */
void umalloc_free(struct umalloc *m, void *p);

/* The same by a thread that has a cache; for when there are several. */
void *umalloc_alloc_by(struct umalloc *m, struct umalloc_cache *c, size_t bytes);
void *umalloc_alloc_zeroed_by(struct umalloc *m, struct umalloc_cache *c, size_t bytes);
void umalloc_free_by(struct umalloc *m, struct umalloc_cache *c, void *p);

/* The thread ends: its cache is given back.  Calls that it makes yet do without. */
void umalloc_cache_close(struct umalloc_cache *c);

/* How many bytes of a live block may be used; 0 for NULL and for what is no live block. */
size_t umalloc_usable(struct umalloc *m, const void *p);

/*
 * Whether what stands before `p` would make it a live block of the heap, did it lie there: 27 bits
 * of the word before a block tell it from what is none.  For who frees wrong pointers on purpose.
 */
bool umalloc_resembles_block(const void *p);

/* Frees what is in the queue. */
void umalloc_flush(struct umalloc *m);

/* The same, as the program ends.  From then on nothing waits: what realloc leaves behind is freed
 * at once, as nobody comes any more who would flush it. */
void umalloc_at_exit(struct umalloc *m);

/* The same, empties the caches, merges all that can be, and gives back all memory that can go. */
void umalloc_drain(struct umalloc *m);

void umalloc_stats(struct umalloc *m, struct umalloc_stats *stats);

/* Walks everything; NULL when sound, else what is wrong. */
const char *umalloc_check(struct umalloc *m);

/* Around a fork: nobody else is inside, and so the child's copy is sound, as check_held() can say
 * in between.  before() in the parent, then the one in the parent and the other in the child, in
 * which no cache is in use any more: all threads but one are gone, and what caches lay in is not
 * theirs for long. */
void umalloc_before_fork(struct umalloc *m);
void umalloc_after_fork(struct umalloc *m);
void umalloc_after_fork_in_child(struct umalloc *m);
const char *umalloc_check_held(struct umalloc *m);

#endif
