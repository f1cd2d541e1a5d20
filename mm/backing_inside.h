/*
 * backing_inside.h -- what the files of the backings share, and what a vm asks of all of them.
 *
 * A row of pages: a radix tree of kmalloc'd nodes of 64 slots, as deep as the longest index needs.
 * A slot of the last level is a page's address, with ROW_WRITTEN in its lowest bit, or 0.  Nodes
 * without anything in them are given back, so an empty row is no memory at all.
 */
#ifndef MM_BACKING_INSIDE_H
#define MM_BACKING_INSIDE_H

#include "mm/backing.h"

enum { ROW_SHIFT = 6, ROW_SLOTS = 1 << ROW_SHIFT, ROW_LEVELS_MAX = 6 };

#define ROW_WRITTEN 1ull /* somebody could write to the page: it cannot be made again */
#define ROW_END UINT64_MAX

struct row_node {
	uint32_t used; /* slots that are not 0 */
	uint32_t pad;
	uint64_t slot[ROW_SLOTS]; /* nodes, as addresses; at the last level pages */
};

struct page_row {
	uint64_t root; /* a node's address, or 0 */
	uint64_t count;
	uint32_t levels;
};

/* Nodes got before a lock is taken under which there is no getting any. */
struct row_spares {
	uint32_t count;
	struct row_node *node[ROW_LEVELS_MAX];
};

/* A row for indices below `length`, at most 2^36. */
void row_init(struct page_row *row, uint64_t length);

/* How many nodes more levels take, for indices below `length`; and adds them, from the spares. */
uint32_t row_growth(const struct page_row *row, uint64_t length);
void row_grow(struct page_row *row, uint64_t length, struct row_spares *spares);

/* Where the page of `index` stands; NULL or a slot of 0 when there is none. */
uint64_t *row_slot(const struct page_row *row, uint64_t index);

/* How many nodes are missing on the way to `index`. */
uint32_t row_missing(const struct page_row *row, uint64_t index);

/* Puts `value` where nothing is; takes the missing nodes from the spares, which are enough. */
void row_put(struct page_row *row, uint64_t index, uint64_t value, struct row_spares *spares);

/* Takes out what is there, and gives back the nodes that are empty then. */
uint64_t row_take(struct page_row *row, uint64_t index, struct kmalloc *km);

/* The first index from `from` on that has a page, or ROW_END. */
uint64_t row_next(const struct page_row *row, uint64_t from);

/* One more spare; false without memory.  `flags`: PAGE_NO_RECLAIM or 0. */
bool row_spare_add(struct row_spares *spares, struct kmalloc *km, uint32_t flags, site_t site);
void row_spares_free(struct row_spares *spares, struct kmalloc *km);

/* NULL, or what is wrong. */
const char *row_check(const struct page_row *row);

/* --- all the backings of a vm ------------------------------------------------------------- */

struct backing_list {
	struct page_pool *pages;
	struct kmalloc *kmalloc;
	struct lock lock; /* RANK_BACKINGS; guards every backing's holders and neighbours too */
	struct backing *first GUARDED_BY(&lock);
	struct backing *last GUARDED_BY(&lock);
	uint32_t count GUARDED_BY(&lock);
	uint32_t resident; /* atomic: pages that all of them have */
};

struct backing {
	struct backing_list *list;
	struct backing_source source; /* fill NULL: zeroes */
	uint64_t pages;
	struct lock lock; /* RANK_BACKING */
	struct page_row row GUARDED_BY(&lock);
	uint64_t hand GUARDED_BY(&lock); /* where pressure looks next */
	bool cut GUARDED_BY(&lock);      /* it was longer at some time */
	/* The list's lock guards these. */
	uint32_t holders;
	struct backing *next, *previous;
};

/* NULL without memory. */
struct backing_list *backing_list_open(struct page_pool *pages, struct kmalloc *km);

/* Every backing is gone. */
void backing_list_close(struct backing_list *list);

void backing_list_count(struct backing_list *list, uint32_t *backings, uint64_t *pages);

/* Gives back about `pages` pages that nobody maps and that their source can make again; how many it
 * gave.  Allocates nothing.  No lock of rank RANK_BACKING or above is held. */
size_t backing_list_reclaim(struct backing_list *list, size_t pages);

/* Gives back up to `pages` pages of a backing that nobody but the caller holds, whatever is in them
 * and mapped nowhere: a part of what the last drop would do at once.  How many; 0 when none is left
 * or somebody else holds it.  No lock of rank RANK_BACKING or above is held. */
size_t backing_empty(struct backing *b, size_t pages);

/* Calls visit for each page that a backing has.  At rest only. */
void backing_list_visit(struct backing_list *list, void (*visit)(void *context, paddr_t pa),
			void *context);

/* NULL, or what is wrong with any of them.  At rest only. */
const char *backing_list_check(struct backing_list *list);

#endif
