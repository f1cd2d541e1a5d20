/*
 * page_single.c -- one page straight from the free lists and back to them, past the caches.
 *
 * Where page.c goes when a CPU's stack is open and has no page, or no room for one, because the
 * pool keeps none in stacks (cache_pages of 0).  A stack that is open says a good deal: the pool
 * has neither poison nor quarantine, and this CPU is not inside a shrinker.  So nothing of that
 * is asked again, and what is left is the buddy allocator: a lock, a block and its halves.
 *
 * Whatever is not as expected goes the long way: a zone with no page, a frame that changed since
 * page_free looked at it (two frees at once: the second gets its verdict there), news to tell.
 *
 * Always true: what is done here is what page_block_alloc and page_block_free do for a page.
 *
 * Locks: pool->lock.  Cost: see page_lists.h, and some 40 instructions each way.
 */
#include "mm/page_lists.h"

/* Ends what began below, out of line and at its end, so that no register is saved for it: there is
 * no page, or there are many blocks of its order. */
static NOINLINE paddr_t page_single_found(struct page_pool *pool, uint32_t how, site_t site,
					  mach_irq_t was)
{
	const uint32_t n = page_block_take_locked(pool, page_how_zone(how), 0);
	if (n == FRAME_NONE) {
		lock_drop(&pool->lock, was);
		return page_alloc_slowly(pool, how, site, 0);
	}
	pool->out_pages++;
	frame_give(&pool->frames[n], 0, how, site);
	const paddr_t pa = page_address(pool, n);
	mach_unpoison(mach_phys(pa), PAGE_SIZE);
	page_tell(pool, page_unlock(pool, was));
	return pa;
}

paddr_t page_single_alloc(struct page_pool *pool, uint32_t how, site_t site, struct page_free *free)
{
	const mach_irq_t was = lock_take(&pool->lock);
	if (UNLIKELY(free->orders == 0)) return page_single_found(pool, how, site, was);
	const unsigned have = bit_lowest(free->orders);
	if (UNLIKELY(free->only[have] == FRAME_NOWHERE))
		return page_single_found(pool, how, site, was);

	struct frame *const frames = pool->frames;
	const uint64_t place = page_only_take(frames, free, have, 0);
	struct frame *f = frame_at_place(frames, place);
	f->word = how & ~(uint32_t)PAGE_NO_RECLAIM;
	if (CALL_SITES) f->site = site;
	pool->out_pages++;
	page_free_change_locked(pool, free, -1u);
	const paddr_t pa = page_place_address(pool, place);
	mach_unpoison(mach_phys(pa), PAGE_SIZE);
	if (UNLIKELY(pool->free_all < pool->note_below)) return page_taken_noted(pool, pa, was);
	lock_drop(&pool->lock, was);
	return pa;
}

static NOINLINE enum page_verdict page_single_changed(struct page_pool *pool, uint64_t place,
						      uint32_t how, mach_irq_t was)
{
	lock_drop(&pool->lock, was);
	return page_block_free(pool, page_place_address(pool, place), 0, how);
}

static NOINLINE enum page_verdict page_single_merge_on(struct page_pool *pool,
						       struct page_free *free,
						       struct page_rest rest, mach_irq_t was)
{
	page_merge_on(pool, free, rest.n, rest.order);
	return page_freed_noted(pool, was);
}

enum page_verdict page_single_free(struct page_pool *pool, uint64_t place, uint32_t how,
				   struct page_free *free)
{
	const mach_irq_t was = lock_take(&pool->lock);
	struct frame *const frames = pool->frames;
	struct frame *f = frame_at_place(frames, place);
	const uint32_t body = how & PAGE_ZONE_MASK;
	if (UNLIKELY(f->word != how)) return page_single_changed(pool, place, how, was);

	f->word = body; /* the merged block may begin elsewhere */
	mach_poison(mach_phys(page_place_address(pool, place)), PAGE_SIZE);
	pool->out_pages--;
	page_free_change_locked(pool, free, 1);
	const struct page_rest rest = page_only_put(frames, free, place, body);
	if (UNLIKELY(rest.order != PAGE_ORDERS)) return page_single_merge_on(pool, free, rest, was);
	if (UNLIKELY(pool->free_all >= pool->note_from)) return page_freed_noted(pool, was);
	lock_drop(&pool->lock, was);
	return PAGE_FREED;
}
