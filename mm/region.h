/*
 * region.h -- the regions of an address space: a balanced tree of ranges that do not overlap.
 *
 * Ordered by address; each node knows the largest gap below a region anywhere under it, so that the
 * highest place for a new range is found in O(log n).  The tree allocates nothing: its nodes are
 * handed in.
 */
#ifndef MM_REGION_H
#define MM_REGION_H

#include "machine/base.h"

struct backing;

/* What is kept free below a region that grows down: Linux's stack_guard_gap, 256 pages. */
#define REGION_GUARD_BYTES ((uint64_t)256 << PAGE_SHIFT)

enum region_flags {
	REGION_SHARED = 1 << 0,     /* MAP_SHARED: writes go to the backing */
	REGION_NORESERVE = 1 << 1,  /* MAP_NORESERVE */
	REGION_GROWS = 1 << 2,      /* MAP_GROWSDOWN */
	REGION_NO_FORK = 1 << 3,    /* MADV_DONTFORK */
	REGION_WIPE = 1 << 4,       /* MADV_WIPEONFORK */
	REGION_RANDOM = 1 << 5,     /* MADV_RANDOM */
	REGION_LOCKED = 1 << 6,     /* MAP_LOCKED */
	REGION_SEQUENTIAL = 1 << 7, /* MADV_SEQUENTIAL */
	REGION_ACCOUNTED = 1 << 8,  /* private, and could be written at some time (VM_ACCOUNT) */
	REGION_INHERITED = 1 << 9,  /* its family came with a fork; of no weight in joining */
	REGION_HEAP = 1 << 10,      /* brk's; Linux does not join it to what mmap made */
};

struct region {
	uint64_t start, end;     /* bytes, multiples of a page; start < end */
	struct backing *backing; /* held; NULL: private zeroes */
	uint64_t offset;    /* pages: into the backing at `start`; of private zeroes, like Linux's
			  * vm_pgoff, the page number of the address they first stood at */
	uint8_t rights;     /* PROT_* */
	uint8_t rights_max; /* what mprotect may make of it */
	uint16_t flags;     /* enum region_flags */
	site_t site;
	/* Who its own pages belong with (Linux's anon_vma), 0 until it has any: regions of
	 * different families are never joined.  space_region_own() gives it. */
	uint64_t family;
	/* the tree's */
	struct region *left, *right, *parent;
	uint64_t room; /* free bytes just below it, above the tree's bottom */
	uint64_t gap;  /* largest room of this subtree */
	uint8_t height;
};

struct region_tree {
	struct region *root;
	uint32_t count;
	uint64_t bottom, top; /* where places are looked for */
};

void region_tree_init(struct region_tree *tree, uint64_t bottom, uint64_t top);

/* The region that holds `va`, or the lowest above it, or NULL. */
struct region *region_at_or_above(const struct region_tree *tree, uint64_t va);
struct region *region_next(const struct region *r);
struct region *region_previous(const struct region *r);

void region_insert(struct region_tree *tree, struct region *r); /* overlaps nothing */
void region_remove(struct region_tree *tree, struct region *r);

/* Moves one end of `r`, not over its other end nor into a neighbour. */
void region_set_start(struct region_tree *tree, struct region *r, uint64_t start);
void region_set_end(struct region_tree *tree, struct region *r, uint64_t end);

/* The first byte that nothing but `r` itself may be given: its start, or for one that grows the
 * start of its guard gap. */
uint64_t region_guarded_start(const struct region *r);

/* The highest start of `bytes` free bytes in [bottom, top), outside guard gaps, or 0 when there are
 * none. */
uint64_t region_find_gap(const struct region_tree *tree, uint64_t bytes);

/* Whether two neighbours are alike enough to be one (the second starts where the first ends), their
 * families left aside. */
bool region_joins(const struct region *first, const struct region *second);

/* NULL, or what is wrong: order, balance, gaps, count. */
const char *region_check(const struct region_tree *tree);

#endif
