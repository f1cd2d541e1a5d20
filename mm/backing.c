/*
 * backing.c -- pages that belong to no one mapping, brought when they are first asked for.
 *
 * A page is asked for by index.  When the row (backing_row.c) has it, the answer is one more
 * reference to it.  When not, a page is got and filled with no lock held but the caller's, and
 * then published under the backing's lock, unless somebody else was faster: then theirs is the
 * answer and ours goes back.  The row's own reference is taken where the page is published and
 * nowhere else, so that whoever lost the race has taken none.
 *
 * Pages of a source can be made again while nobody wrote to them: those that the row alone has a
 * reference of go back under pressure.  A reference of a page that the row has is only ever taken
 * under the backing's lock, or by somebody who has one; so one that is the last under this lock
 * stays the last.  Backings take turns, and each goes on where it left off.
 *
 * Always true (see backing_list_check):
 *   B1  every page in a row is a user's page with at least one reference, the row's;
 *   B2  a backing is on the list exactly while it has holders; both change under the list's lock;
 *   B3  the list's `resident` is the sum of all rows, whenever nobody is inside.
 *
 * Locks: a backing's for its row, the list's for holders and neighbours; the latter is the inner
 * one.  The last drop needs neither for the row: nobody can reach it any more.
 * Cost: a page that is there O(levels of the row); the last drop O(pages it has).
 */
#include "mm/backing_inside.h"

enum { CUT_PAGES = 64 }; /* under one hold of the lock */

_Static_assert((int)KM_NO_RECLAIM == (int)PAGE_NO_RECLAIM, "one flag serves pages and nodes");

/* --- all of them -------------------------------------------------------------------------- */

struct backing_list *backing_list_open(struct page_pool *pages, struct kmalloc *km)
{
	struct backing_list *list = kmalloc_alloc(km, sizeof *list, KM_ZERO, SITE_NONE);

	if (list == NULL) return NULL;
	list->pages = pages;
	list->kmalloc = km;
	lock_init(&list->lock, RANK_BACKINGS);
	return list;
}

static void backing_memory_free(struct kmalloc *km, void *p)
{
	const enum kmalloc_verdict v = kmalloc_free(km, p);

	ASSERT(v == KMALLOC_FREED);
}

void backing_list_close(struct backing_list *list)
{
	ASSERT(list->first == NULL && list->count == 0);
	ASSERT(atomic_load_u32(&list->resident) == 0);
	backing_memory_free(list->kmalloc, list);
}

static void backing_link_locked(struct backing_list *list, struct backing *b) REQUIRES(&list->lock)
{
	b->next = NULL;
	b->previous = list->last;
	*(list->last == NULL ? &list->first : &list->last->next) = b;
	list->last = b;
	list->count++;
}

static void backing_unlink_locked(struct backing_list *list, struct backing *b)
	REQUIRES(&list->lock)
{
	ASSERT(list->count != 0);
	*(b->previous == NULL ? &list->first : &b->previous->next) = b->next;
	*(b->next == NULL ? &list->last : &b->next->previous) = b->previous;
	list->count--;
}

void backing_list_count(struct backing_list *list, uint32_t *backings, uint64_t *pages)
{
	const mach_irq_t was = lock_take(&list->lock);

	*backings = list->count;
	*pages = atomic_load_u32(&list->resident);
	lock_drop(&list->lock, was);
}

/* --- one ---------------------------------------------------------------------------------- */

struct backing *backing_create(struct backing_list *list, const struct backing_source *source,
			       uint64_t pages, site_t site)
{
	struct backing *b = kmalloc_alloc(list->kmalloc, sizeof *b, KM_ZERO, site);

	if (b == NULL) return NULL;
	ASSERT(source == NULL || source->fill != NULL);
	b->list = list;
	if (source != NULL) b->source = *source;
	b->pages = pages;
	b->holders = 1;
	row_init(&b->row, pages);
	lock_init(&b->lock, RANK_BACKING);
	const mach_irq_t was = lock_take(&list->lock);
	backing_link_locked(list, b);
	lock_drop(&list->lock, was);
	return b;
}

void backing_hold(struct backing *b)
{
	const mach_irq_t was = lock_take(&b->list->lock);

	ASSERT(b->holders != 0 && b->holders != UINT32_MAX);
	b->holders++;
	lock_drop(&b->list->lock, was);
}

/* Takes the first pages out of the row, up to `most` of them; how many. */
static size_t backing_take(struct backing *b, size_t most)
{
	struct backing_list *list = b->list;
	uint64_t i = 0;
	size_t taken = 0;

	for (; taken < most && (i = row_next(&b->row, i)) != ROW_END; taken++) {
		const uint64_t page = row_take(&b->row, i, list->kmalloc);
		atomic_fetch_add_u32(&list->resident, UINT32_MAX);
		user_page_drop(list->pages, page & ~ROW_WRITTEN);
	}
	return taken;
}

size_t backing_empty(struct backing *b, size_t pages)
{
	mach_irq_t was = lock_take(&b->list->lock);
	const bool alone = b->holders == 1;

	ASSERT(b->holders != 0);
	lock_drop(&b->list->lock, was);
	if (!alone) return 0;
	was = lock_take(&b->lock); /* reclaim may be looking through it */
	const size_t taken = backing_take(b, pages);
	lock_drop(&b->lock, was);
	return taken;
}

/* Nobody can reach it any more. */
static void backing_end(struct backing *b)
{
	struct backing_list *list = b->list;

	backing_take(b, SIZE_MAX);
	ASSERT(b->row.count == 0 && b->row.root == 0);
	if (b->source.release != NULL) b->source.release(b->source.context);
	backing_memory_free(list->kmalloc, b);
}

void backing_drop(struct backing *b)
{
	struct backing_list *list = b->list;
	const mach_irq_t was = lock_take(&list->lock);

	ASSERT(b->holders != 0);
	const bool last = --b->holders == 0;
	if (last) backing_unlink_locked(list, b);
	lock_drop(&list->lock, was);
	if (last) backing_end(b);
}

bool backing_has_source(const struct backing *b)
{
	return b->source.fill != NULL;
}

/* --- a page of it ------------------------------------------------------------------------- */

/* The page of `index` with one more reference, if the row has it. */
static bool backing_find_locked(struct backing *b, uint64_t index, uint32_t flags, paddr_t *out)
	REQUIRES(&b->lock)
{
	uint64_t *at = row_slot(&b->row, index);

	if (at == NULL || *at == 0) return false;
	if (flags & BACKING_WRITE) *at |= ROW_WRITTEN;
	*out = *at & ~ROW_WRITTEN;
	user_page_hold(b->list->pages, *out);
	return true;
}

/* The row takes over the page with a reference of its own; needs no memory but the spares. */
static void backing_put_locked(struct backing *b, uint64_t index, paddr_t pa, uint32_t flags,
			       struct row_spares *spares) REQUIRES(&b->lock)
{
	user_page_hold(b->list->pages, pa);
	row_put(&b->row, index, pa | (flags & BACKING_WRITE ? ROW_WRITTEN : 0), spares);
	atomic_fetch_add_u32(&b->list->resident, 1);
}

/* Makes `pa` the page of `index` unless there is one by now; *out is the one that is. */
static enum backing_answer backing_publish(struct backing *b, uint64_t index, paddr_t pa,
					   uint32_t flags, site_t site, paddr_t *out)
{
	struct kmalloc *km = b->list->kmalloc;
	struct row_spares spares = { .count = 0 };
	bool there, done, beyond;

	do {
		const mach_irq_t was = lock_take(&b->lock);
		beyond = index >= b->pages; /* it may have become smaller */
		there = !beyond && backing_find_locked(b, index, flags, out);
		done = beyond || there || row_missing(&b->row, index) <= spares.count;
		if (done && !there && !beyond) {
			backing_put_locked(b, index, pa, flags, &spares);
			*out = pa;
		}
		lock_drop(&b->lock, was);
	} while (!done && row_spare_add(&spares, km, flags & PAGE_NO_RECLAIM, site));
	row_spares_free(&spares, km);
	if (there || beyond || !done) user_page_drop(b->list->pages, pa);
	if (beyond) return BACKING_BEYOND;
	return done ? BACKING_DONE : BACKING_NO_MEMORY;
}

/* A page as the source fills it, or of zeroes, made with no lock of ours held. */
static enum backing_answer backing_bring(struct backing *b, uint64_t index, uint32_t flags,
					 site_t site, paddr_t *out)
{
	struct page_pool *pool = b->list->pages;
	const uint32_t how = (flags & PAGE_NO_RECLAIM) | (backing_has_source(b) ? 0 : PAGE_ZERO);
	const paddr_t pa = user_page_alloc(pool, how, site);

	if (pa == PADDR_NONE) return BACKING_NO_MEMORY;
	if (backing_has_source(b) && !b->source.fill(b->source.context, index, mach_phys(pa))) {
		user_page_drop(pool, pa);
		return BACKING_UNREADABLE;
	}
	return backing_publish(b, index, pa, flags, site, out);
}

enum backing_answer backing_page(struct backing *b, uint64_t index, uint32_t flags, site_t site,
				 paddr_t *out)
{
	ASSERT((flags & ~(uint32_t)(PAGE_NO_RECLAIM | BACKING_WRITE)) == 0);
	if (index >= atomic_load_u64(&b->pages)) return BACKING_BEYOND;
	const mach_irq_t was = lock_take(&b->lock);
	const bool there = backing_find_locked(b, index, flags, out);
	lock_drop(&b->lock, was);
	return there ? BACKING_DONE : backing_bring(b, index, flags, site, out);
}

/* --- another size ----------------------------------------------------------------------------- */

/* Takes out up to CUT_PAGES pages behind the end; whether there may be more. */
static bool backing_cut_locked(struct backing *b) REQUIRES(&b->lock)
{
	struct backing_list *list = b->list;
	uint32_t cut = 0;

	for (uint64_t i = b->pages; cut < CUT_PAGES; cut++) {
		i = row_next(&b->row, i);
		if (i == ROW_END) break;
		const uint64_t page = row_take(&b->row, i, list->kmalloc);
		atomic_fetch_add_u32(&list->resident, UINT32_MAX);
		user_page_drop(list->pages, page & ~ROW_WRITTEN);
	}
	return cut == CUT_PAGES;
}

static void backing_cut(struct backing *b)
{
	bool more;

	do {
		const mach_irq_t was = lock_take(&b->lock);
		more = backing_cut_locked(b);
		lock_drop(&b->lock, was);
	} while (more);
}

bool backing_resize(struct backing *b, uint64_t pages, site_t site)
{
	struct row_spares spares = { .count = 0 };
	bool done, smaller = false;

	do {
		const mach_irq_t was = lock_take(&b->lock);
		done = row_growth(&b->row, pages) <= spares.count;
		if (done) {
			smaller = pages < b->pages;
			b->cut = b->cut || smaller;
			row_grow(&b->row, pages, &spares);
			atomic_store_u64(&b->pages, pages);
		}
		lock_drop(&b->lock, was);
	} while (!done && row_spare_add(&spares, b->list->kmalloc, 0, site));
	row_spares_free(&spares, b->list->kmalloc);
	if (smaller) backing_cut(b);
	return done;
}

paddr_t backing_punch(struct backing *b, uint64_t index)
{
	paddr_t pa = PADDR_NONE;

	if (index >= atomic_load_u64(&b->pages)) return pa;
	const mach_irq_t was = lock_take(&b->lock);
	const uint64_t *at = row_slot(&b->row, index);
	if (at != NULL && *at != 0) {
		pa = row_take(&b->row, index, b->list->kmalloc) & ~ROW_WRITTEN;
		atomic_fetch_add_u32(&b->list->resident, UINT32_MAX);
	}
	lock_drop(&b->lock, was);
	return pa;
}

bool backing_is_shared(struct backing *b)
{
	const mach_irq_t was = lock_take(&b->list->lock);
	const uint32_t holders = b->holders;

	ASSERT(holders != 0);
	lock_drop(&b->list->lock, was);
	return holders != 1;
}

bool backing_was_cut(struct backing *b, uint64_t *pages)
{
	const mach_irq_t was = lock_take(&b->lock);
	const bool cut = b->cut;

	*pages = b->pages;
	lock_drop(&b->lock, was);
	return cut;
}

bool backing_has(struct backing *b, uint64_t index)
{
	if (index >= atomic_load_u64(&b->pages)) return false;
	const mach_irq_t was = lock_take(&b->lock);
	const uint64_t *at = row_slot(&b->row, index);
	const bool has = at != NULL && *at != 0;
	lock_drop(&b->lock, was);
	return has;
}

uint64_t backing_next(struct backing *b, uint64_t index)
{
	if (index >= atomic_load_u64(&b->pages)) return UINT64_MAX;
	const mach_irq_t was = lock_take(&b->lock);
	const uint64_t next = row_next(&b->row, index);

	_Static_assert(ROW_END == UINT64_MAX, "one word for the end");
	lock_drop(&b->lock, was);
	return next;
}

uint64_t backing_resident(struct backing *b)
{
	const mach_irq_t was = lock_take(&b->lock);
	const uint64_t pages = b->row.count;

	lock_drop(&b->lock, was);
	return pages;
}
