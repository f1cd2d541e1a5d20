/*
 * backing.h -- pages that belong to no one mapping: a file's contents, or shared anonymous memory.
 *
 * A backing is a row of pages by index, each there or not yet.  A source fills pages when they are
 * first asked for; without one they come as zeroes.  mm/ knows no files: the source is handed in by
 * whoever does.  A backing keeps one reference of each page it has (user_page.h) and gives all
 * back when its last holder drops it.  Pages of a source that nobody maps can be made again and are
 * given back under pressure; those of zeroes are all there is, and stay.
 *
 * Locks: each backing's own (RANK_BACKING), inside a space's.  fill() is called without it, and may
 * not sleep; when two CPUs fill one page at once, one page is used and the other given back.
 */
#ifndef MM_BACKING_H
#define MM_BACKING_H

#include "mm/kmalloc.h"
#include "mm/user_page.h"

struct backing_source {
	/* Writes PAGE_SIZE bytes, zeroes behind the end of what there is; false: cannot be read. */
	bool (*fill)(void *context, uint64_t index, void *page);
	/* The backing is gone; may be NULL.  Called by whoever drops it last, under the locks it
	 * has (a space's, or that of the retired list): allocates nothing and does not sleep. */
	void (*release)(void *context);
	void *context;
};

struct backing;
struct backing_list; /* all those of a vm; vm.h */

/* For backing_page: the page is about to be mapped so that it can be written to, and is from now on
 * no longer what the source would fill it with.  A bit that no flag of page.h has. */
enum { BACKING_WRITE = 1 << 29 };

enum backing_answer { BACKING_DONE, BACKING_NO_MEMORY, BACKING_BEYOND, BACKING_UNREADABLE };

/* One with `pages` pages, held once; NULL without memory.  `source` is copied; NULL: zeroes. */
struct backing *backing_create(struct backing_list *list, const struct backing_source *source,
			       uint64_t pages, site_t site);
void backing_hold(struct backing *b);
void backing_drop(struct backing *b);

/*
 * It has `pages` pages from now on, at most 2^36: those behind that are gone, but for who has one
 * mapped, until vm_unmap(); new ones are filled as ever.  False: no memory, and nothing changed;
 * never when it gets smaller.  No lock of rank RANK_BACKING or above is held.
 */
bool backing_resize(struct backing *b, uint64_t pages, site_t site);

/* The page at `index`, with one more reference, the caller's.  `flags`: PAGE_NO_RECLAIM and
 * BACKING_WRITE, or 0.  No lock of rank RANK_BACKING or above is held. */
enum backing_answer backing_page(struct backing *b, uint64_t index, uint32_t flags, site_t site,
				 paddr_t *out);

/* The page at `index` is no longer the backing's; its reference is the caller's now.  PADDR_NONE:
 * there is none.  No lock of rank RANK_BACKING or above is held. */
paddr_t backing_punch(struct backing *b, uint64_t index);

/* Whether anybody but its maker holds it: a region, say. */
bool backing_is_shared(struct backing *b);

/* Whether it was longer at some time; *pages: how long it is. */
bool backing_was_cut(struct backing *b, uint64_t *pages);

/* Whether a page is there already: for mincore. */
bool backing_has(struct backing *b, uint64_t index);

/* The first index from `index` on that has a page; UINT64_MAX: there are no more. */
uint64_t backing_next(struct backing *b, uint64_t index);

/* How many of its pages are there now. */
uint64_t backing_resident(struct backing *b);

/* Whether somebody fills its pages: those mapped shared are then written to only after
 * BACKING_WRITE. */
bool backing_has_source(const struct backing *b);

#endif
