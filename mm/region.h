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

enum region_flags {
	REGION_SHARED = 1 << 0,    /* MAP_SHARED: writes go to the backing */
	REGION_NORESERVE = 1 << 1, /* MAP_NORESERVE */
	REGION_GROWS = 1 << 2,     /* MAP_GROWSDOWN */
	REGION_NO_FORK = 1 << 3,   /* MADV_DONTFORK */
	REGION_WIPE = 1 << 4,      /* MADV_WIPEONFORK */
	REGION_HEAP = 1 << 5,      /* brk's */
	REGION_LOCKED = 1 << 6,    /* MAP_LOCKED */
};

struct region {
	uint64_t start, end;     /* pages; start < end */
	struct backing *backing; /* held; NULL: private zeroes */
	uint64_t offset;         /* pages into the backing, at `start` */
	uint8_t rights;          /* PROT_* */
	uint8_t rights_max;      /* what mprotect may make of it */
	uint8_t flags;           /* enum region_flags */
	site_t site;
	/* the tree's */
	struct region *left, *right, *parent;
	uint64_t gap; /* largest gap, in bytes, just below a region of this subtree */
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

/* After start or end of `r` changed, its neighbours as before in order. */
void region_moved(struct region_tree *tree, struct region *r);

/* The highest start of `bytes` free bytes in [bottom, top), or 0 when there are none. */
uint64_t region_find_gap(const struct region_tree *tree, uint64_t bytes);

/* Whether two neighbours are alike enough to be one (the second starts where the first ends). */
bool region_joins(const struct region *first, const struct region *second);

/* NULL, or what is wrong: order, balance, gaps, count. */
const char *region_check(const struct region_tree *tree);

#endif
