/*
 * heap.h -- a first-fit heap of blocks in spans of pages, for what is too large for a slab.
 *
 * Every block, free or granted, starts with a node of 24 bytes (size, link, check word) that knows
 * its neighbours' sizes; free blocks are linked in lists by size class.  Both-sided merge; spans
 * that touch become one; growth asks for more than the need and halves toward it; whole pages that
 * are free go back.
 *
 * With `pages`, the heap grows and shrinks by itself inside a quota, the window.  Without, it has
 * what heap_add gave it.  Safe from any context; takes heap->lock (RANK_HEAP), never while it
 * asks for pages or gives them back.
 */
#ifndef MM_HEAP_H
#define MM_HEAP_H

#include "mm/page.h"

/* What became of a free or resize.  Anything but HEAP_FREED changed nothing. */
enum heap_verdict {
	HEAP_FREED = 0,
	HEAP_DOUBLE_FREE, /* the node says free */
	HEAP_WILD,        /* no node of this heap there */
	HEAP_CORRUPT,     /* there is a node, and its check word or a neighbour's is wrong */
	HEAP_VERDICTS
};
const char *heap_verdict_name(enum heap_verdict v);

struct heap_config {
	struct page_pool *pages; /* NULL: only what heap_add gives */
	uintptr_t base;          /* lowest address that spans can have; offsets count from here */
	size_t window_bytes;     /* quota for pages; a multiple of PAGE_SIZE */
	size_t grow_bytes;       /* ask for this much at once where possible */
	size_t keep_bytes;       /* wholly free pages kept back from the pool, until heap_trim */
	const struct mm_listener *listener;
};

struct heap_node;

enum { HEAP_BINS = 64 };

struct heap {
	struct page_pool *pages;
	uintptr_t base;
	size_t window_pages, grow_pages;
	size_t keep_bytes, give_bytes; /* large_bytes to keep; from which on a page is too much */
	const struct mm_listener *listener;

	struct lock lock;                            /* RANK_HEAP; guards all below */
	uint32_t reach GUARDED_BY(&lock);            /* nodes have offsets in a range so long */
	uint32_t spans GUARDED_BY(&lock);            /* offset of the first span's prologue, or 0 */
	uint64_t bins GUARDED_BY(&lock);             /* bit b: list b is not empty */
	uint32_t first[HEAP_BINS] GUARDED_BY(&lock); /* heads of the lists, or 0 */
	size_t span_count GUARDED_BY(&lock);
	size_t span_pages GUARDED_BY(&lock);    /* pages held from the pool */
	size_t asked_pages GUARDED_BY(&lock);   /* being asked for by some CPU now */
	size_t block_bytes GUARDED_BY(&lock);   /* in all blocks, nodes included */
	size_t large_bytes GUARDED_BY(&lock);   /* of these, in free ones that could hold a page */
	size_t granted_bytes GUARDED_BY(&lock); /* in granted blocks, nodes included */
	size_t granted_blocks GUARDED_BY(&lock);
	size_t free_blocks GUARDED_BY(&lock);
	size_t peak_bytes GUARDED_BY(&lock); /* most that was granted at one time */
	size_t growths GUARDED_BY(&lock);    /* how often pages came */
	size_t cut_chains GUARDED_BY(&lock); /* lists cut short at a link that was not sound */
};

void heap_init(struct heap *heap, const struct heap_config *config);

/* Gives the heap memory for good, aligned inward as needed.  False when nothing usable is left, or
 * when it is below `base` or too much for 31 bits.  All between `base` and the highest span can be
 * read without harm, as in a direct map: who checks a link may look there. */
bool heap_add(struct heap *heap, void *memory, size_t bytes);

/* `bytes` at a multiple of `align` (a power of two; at least 8 is given), or NULL.  0 bytes is
 * given as 1.  `how` is PAGE_NO_RECLAIM or 0.  No sum here can wrap. */
void *heap_alloc(struct heap *heap, size_t bytes, size_t align, uint32_t how, site_t site);

/* The same from what the heap has now, without growing. */
void *heap_alloc_held(struct heap *heap, size_t bytes, size_t align, site_t site);

enum heap_verdict heap_free(struct heap *heap, void *p);

/* Makes the block at `p` hold `bytes` where it is, growing into a free right neighbour or giving
 * its tail back; false, with nothing changed, when it cannot.  `p` is a granted block. */
bool heap_resize(struct heap *heap, void *p, size_t bytes);

/* Bytes at `p` that may be used: what was asked for, up to the next multiple of 8.  What more the
 * block has takes a heap_resize to get.  0 when no granted block of this heap starts there. */
size_t heap_usable(struct heap *heap, const void *p);

/* What heap_free would answer by the block's own node, with nothing changed; and the same bytes. */
enum heap_verdict heap_look(struct heap *heap, const void *p, size_t *usable);

/* Gives back wholly free pages, up to `pages` of them; returns how many.  A shrinker. */
size_t heap_trim(struct heap *heap, size_t pages);

struct heap_counts {
	size_t span_count, span_pages, free_bytes, free_blocks, granted_bytes, granted_blocks;
	size_t peak_bytes, growths, cut_chains;
	size_t largest_free; /* bytes a caller could get without growth, 0 if none */
};
void heap_count(struct heap *heap, struct heap_counts *out);

/* How broken up the free memory is, by class of size.  By walking: O(blocks). */
struct heap_fragmentation {
	uint32_t blocks[HEAP_BINS];
	uint64_t bytes[HEAP_BINS];
	uint64_t free_bytes, largest_bytes; /* nodes included */
};
void heap_fragmentation(struct heap *heap, struct heap_fragmentation *out);

/* NULL when every node, list and counter agrees; else what is wrong. */
const char *heap_check(struct heap *heap);

/* Granted bytes by site, by walking; as page_sites. */
bool heap_sites(struct heap *heap, struct site_row *table, size_t room, size_t *rows);

#endif
