/*
 * page_run.c -- pages in a row: any number of them, each its own block afterwards.
 *
 * A run is for whoever wants adjacent pages but will give them back piecemeal (the heap's spans).
 * It is cut from the smallest buddy block that holds it, and the block's tail goes back at once.
 * Where there is no such block, the frames of the zone are searched for enough free pages in a
 * row, across blocks: buddies are aligned, so free memory often has longer rows than blocks.  The
 * search steps from head to head and counts; it stops at the zone's end (a row that would reach
 * over it is no row).
 *
 * page_run_claim takes pages at one given place, for a span that wants to grow where it stands.
 * page_run_free looks at every page of the range before it frees the first.  Nothing here needs
 * memory for its result: a run is an address and a length.
 *
 * Always true: the pages of a run are blocks of order 0, so page_free takes each of them as well.
 *
 * Locks: pool->lock, for one search or one block at a time.  A free holds it once for each aligned
 * block of the range, so that interrupts are masked for one block's time.
 * Cost: O(pages) for the run; a search is O(heads in the zone) and runs under the lock.
 */
#include "mm/page_inside.h"

/* The first of `pages` free pages in a row in this zone, or FRAME_NONE. */
static uint32_t page_row_find_locked(const struct page_pool *pool, unsigned zone, uint32_t pages)
{
	const uint32_t end = pool->zone_end[zone];
	uint32_t row = 0;

	if (pool->free[zone].pages < pages) return FRAME_NONE;
	for (uint32_t n = page_zone_first(pool, zone); n < end;) {
		const struct frame *f = &pool->frames[n];
		const uint32_t span = 1u << frame_order(f);

		/* P2: what starts where a block ended is the next block's head. */
		ASSERT(frame_state(f) != FRAME_BODY && span <= end - n);
		row = frame_state(f) == FRAME_FREE ? row + span : 0;
		n += span;
		if (row >= pages) return n - row;
	}
	return FRAME_NONE;
}

uint32_t page_row_take_locked(struct page_pool *pool, unsigned zone, const struct page_want *want)
{
	uint32_t n = FRAME_NONE;

	/* A block first: it costs no search, and leaves the frames' pieces for later. */
	if (want->order <= PAGE_ORDER_MAX) n = page_block_take_locked(pool, zone, want->order);
	if (n != FRAME_NONE) {
		page_range_put_locked(pool, n + want->pages, n + (1u << want->order));
		return n;
	}
	n = page_row_find_locked(pool, zone, want->pages);
	if (n != FRAME_NONE) page_range_take_locked(pool, n, n + want->pages);
	return n;
}

paddr_t page_run_alloc(struct page_pool *pool, uint32_t pages, uint32_t how, site_t site)
{
	if ((how & (PAGE_NO_RECLAIM | PAGE_NO_DRAIN)) == 0) mach_lock_none_held(RANK_QUARANTINE);
	if (pages == 0 || pages > pool->pages) return PADDR_NONE;

	const unsigned order = pages == 1 ? 0 : bit_highest(pages - 1) + 1;
	const struct page_want want = { pages, order, true, how, site };
	const uint32_t n = page_try_hard(pool, &want);
	if (n == FRAME_NONE) return PADDR_NONE;
	page_hand_out(pool, n, pages, how);
	return page_address(pool, n);
}

/* May this request have all of [first, end), by zone and reserve? */
static bool page_claim_may_locked(const struct page_pool *pool, uint32_t first, uint32_t end,
				  unsigned zone)
{
	const uint32_t user = page_zone_first(pool, ZONE_USER);
	const uint32_t kept = pool->free[ZONE_DMA].pages + pool->free[ZONE_KERNEL].pages;

	if (zone == ZONE_DMA) return end <= pool->zone_end[ZONE_DMA];
	if (zone == ZONE_KERNEL || first >= user) return true;
	return kept >= (uint64_t)pool->reserve + (min_u64(end, user) - first);
}

/* Heads alone say so; the first page may stand inside a block that begins before it. */
static bool page_range_is_free_locked(const struct page_pool *pool, uint32_t first, uint32_t end)
{
	for (uint32_t n = first; n < end;) {
		const uint32_t head = page_head(pool, n);

		if (frame_state(&pool->frames[head]) != FRAME_FREE) return false;
		n = head + (1u << pool->frames[head].order);
	}
	return true;
}

/* One look at the place, and if all of it is free, the taking of it, under one lock. */
static bool page_claim_try(struct page_pool *pool, uint32_t first, uint32_t end, uint32_t how,
			   site_t site)
{
	const mach_irq_t was = lock_take(&pool->lock);
	const bool had = page_range_is_free_locked(pool, first, end) &&
			 page_claim_may_locked(pool, first, end, page_how_zone(how));

	if (had) {
		page_range_take_locked(pool, first, end);
		pool->out_pages += end - first;
		for (uint32_t n = first; n < end; n++) frame_give(&pool->frames[n], 0, how, site);
	}
	page_tell(pool, page_unlock(pool, was));
	return had;
}

bool page_run_claim(struct page_pool *pool, paddr_t pa, uint32_t pages, uint32_t how, site_t site)
{
	const uint64_t first = (pa - pool->base) >> PAGE_SHIFT;

	ASSERT(page_how_zone(how) < ZONES);
	if (pages == 0 || first >= pool->pages || pages > pool->pages - first) return false;
	if (!is_aligned(pa, PAGE_SIZE) || page_cpu_shrinking(pool)) return false;

	const uint32_t n = (uint32_t)first;
	if (!page_claim_try(pool, n, n + pages, how, site)) {
		if ((how & PAGE_NO_DRAIN) != 0) return false;
		page_drain(pool);
		if (!page_claim_try(pool, n, n + pages, how, site)) return false;
	}
	page_hand_out(pool, n, pages, how);
	return true;
}

/* Pages [first, first + 2^order) of a run, judged and withdrawn, become one free block. */
static void page_run_free_block(struct page_pool *pool, uint32_t first, unsigned order)
{
	const mach_irq_t was = lock_take(&pool->lock);

	for (uint32_t n = first; n < first + (1u << order); n++) {
		ASSERT(pool->frames[n].state == FRAME_USED && pool->frames[n].order == 0);
		frame_forget(&pool->frames[n]);
	}
	pool->out_pages -= 1u << order;
	page_quarantine_locked(pool, first, order);
	page_tell(pool, page_unlock(pool, was));
}

enum page_verdict page_run_free(struct page_pool *pool, paddr_t pa, uint32_t pages, uint32_t how)
{
	const uint64_t number = page_number(pool, pa);

	for (uint32_t i = 0; i < pages; i++)
		if (number + i >= pool->pages || !frame_is_given(&pool->frames[number + i], 0, how))
			return page_judge(pool, pa + ((paddr_t)i << PAGE_SHIFT), 0, how);
	if (pages == 0) return PAGE_FREED;

	uint32_t n = (uint32_t)number;
	const uint32_t end = n + pages;
	ASSERT(end <= pool->pages);
	page_withdraw(pool, n, pages);
	while (n < end) {
		const unsigned order = page_order_at(pool, n, end);

		page_run_free_block(pool, n, order);
		n += 1u << order;
	}
	return PAGE_FREED;
}
