/*
 * backing_reclaim.c -- pages of sources that nobody maps go back under pressure; and the check.
 *
 * A page can go when it came from a source, when nobody could write to it since, and when the row
 * has its only reference: then no entry leads to it and nobody is about to make one, for whoever
 * wants it asks under the backing's lock.  Backings take turns at the head of the list, held while
 * they are looked through, and each remembers where the last look ended, so that one pressure does
 * not always meet the same pages.  One call looks at each page at most once.
 *
 * Locks: called with none of rank RANK_BACKING or above; takes each backing's in turn, for
 * LOOK_PAGES pages at a time, and the list's between.  Allocates nothing.
 * Cost: O(pages looked at).
 */
#include "mm/backing_inside.h"

enum { LOOK_PAGES = 64 };

/* The page at `index` goes if it can. */
static bool backing_give_locked(struct backing *b, uint64_t index) REQUIRES(&b->lock)
{
	struct backing_list *list = b->list;
	const uint64_t page = *row_slot(&b->row, index);

	ASSERT(page != 0);
	if ((page & ROW_WRITTEN) != 0) return false;
	if (user_page_references(list->pages, page) != 1) return false;
	row_take(&b->row, index, list->kmalloc);
	atomic_fetch_add_u32(&list->resident, UINT32_MAX);
	const bool last = user_page_drop(list->pages, page);
	ASSERT(last);
	return last;
}

/* Looks at `look` pages from the hand on, which moves on, until `pages` have gone; how many did. */
static size_t backing_look_locked(struct backing *b, uint64_t look, size_t pages) REQUIRES(&b->lock)
{
	uint64_t at = b->hand;
	size_t given = 0;

	for (; look != 0 && given < pages; look--, at++) {
		at = row_next(&b->row, at);
		if (at == ROW_END) at = row_next(&b->row, 0);
		/* What went was behind the hand: those that are left are still to come. */
		if (at == ROW_END) break;
		given += backing_give_locked(b, at);
	}
	b->hand = b->row.root == 0 ? 0 : at;
	return given;
}

/* Once around, with the lock dropped now and then: whoever wants it, or an interrupt, waits for
 * LOOK_PAGES pages at most. */
static size_t backing_shrink(struct backing *b, size_t pages)
{
	uint64_t left = UINT64_MAX;
	size_t given = 0;

	do {
		const mach_irq_t was = lock_take(&b->lock);
		left = min_u64(left, b->row.count);
		const uint64_t look = min_u64(left, LOOK_PAGES);
		given += backing_look_locked(b, look, pages - given);
		left -= look;
		lock_drop(&b->lock, was);
	} while (left != 0 && given < pages);
	return given;
}

/* The backing at the head, held, which is now the last. */
static struct backing *backing_turn(struct backing_list *list)
{
	const mach_irq_t was = lock_take(&list->lock);
	struct backing *b = list->first;

	if (b != NULL) {
		ASSERT(b->holders != 0 && b->previous == NULL);
		b->holders++;
		if (b->next != NULL) {
			list->first = b->next;
			b->next->previous = NULL;
			b->previous = list->last;
			list->last->next = b;
			list->last = b;
			b->next = NULL;
		}
	}
	lock_drop(&list->lock, was);
	return b;
}

size_t backing_list_reclaim(struct backing_list *list, size_t pages)
{
	uint32_t turns;
	uint64_t resident;
	size_t given = 0;

	backing_list_count(list, &turns, &resident);
	for (; turns != 0 && given < pages; turns--) {
		struct backing *b = backing_turn(list);
		if (b == NULL) break;
		if (backing_has_source(b)) given += backing_shrink(b, pages - given);
		backing_drop(b);
	}
	return given;
}

/* --- looking, at rest --------------------------------------------------------------------- */

void backing_list_visit(struct backing_list *list, void (*visit)(void *context, paddr_t pa),
			void *context)
{
	for (struct backing *b = list->first; b != NULL; b = b->next) {
		uint64_t i = row_next(&b->row, 0);
		for (; i != ROW_END; i = row_next(&b->row, i + 1))
			visit(context, *row_slot(&b->row, i) & ~ROW_WRITTEN);
	}
}

static const char *backing_check_pages(struct backing *b)
{
	struct page_pool *pool = b->list->pages;

	for (uint64_t i = row_next(&b->row, 0); i != ROW_END; i = row_next(&b->row, i + 1)) {
		const paddr_t pa = *row_slot(&b->row, i) & ~ROW_WRITTEN;
		const struct frame *f = page_frame(pool, pa);
		if (i >= b->pages) return "backing B1: a page behind the end";
		if (f == NULL || f->state != FRAME_USED || f->owner != PAGE_OWNER_USER)
			return "backing B1: a page that is no user's";
		if (user_page_references(pool, pa) == 0)
			return "backing B1: a page without a reference";
	}
	return NULL;
}

const char *backing_list_check(struct backing_list *list)
{
	const struct backing *before = NULL;
	uint64_t resident = 0;
	uint32_t count = 0;
	const char *why = NULL;

	for (struct backing *b = list->first; b != NULL && why == NULL; b = b->next) {
		if (b->holders == 0 || b->previous != before || count++ == list->count)
			return "backing B2: holders, neighbours or count";
		why = row_check(&b->row);
		if (why == NULL) why = backing_check_pages(b);
		resident += b->row.count;
		before = b;
	}
	if (why != NULL) return why;
	if (list->last != before || count != list->count) return "backing B2: the list's end";
	return resident == list->resident ? NULL : "backing B3: the sum of all pages";
}
