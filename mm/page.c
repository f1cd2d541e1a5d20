/*
 * page.c -- the page allocator's front: requests, frees, and the verdict on a bad free.
 *
 * Who asks for one page gets it from the cache of the CPU it is on (struct page_cpu) and who frees
 * one puts it there: interrupts masked, that CPU's stack taken by its count, one entry popped or
 * pushed, no lock that CPUs share.  That is the quick way, in page_inline.h.  Here is the rest: a
 * larger block, an empty or full cache, a zeroed page, a pool that poisons or keeps a quarantine,
 * a zone that is used up, a free that is not as it should be (page_try_hard, page_free_slowly).  A
 * pool without caches has page_single.c.
 *
 * A page changes hands at two points only.  page_hand_out: its frame says USED already, so nobody
 * else can get at it; it is made accessible, its poison is verified, it is zeroed on request, all
 * without a lock.  page_withdraw: it is filled with the pattern and poisoned before it is on any
 * list; where a free goes straight to the lists that is under the lock, for one block at a time.
 *
 * A free is judged by the frame before anything is touched.  What goes to the free lists is judged
 * under the lock.  What goes to a cache is judged without it, which is sound: where the free is
 * right, the page is the caller's and its frame does not change; where it is wrong, nothing is
 * done.
 *
 * Always true (page_check looks at all of it, page_check_counts at P1):
 *   P1  free + quarantined + reserved + out = total pages, under the lock, at any moment;
 *       out is what is in use or in a CPU's cache;
 *   P2  blocks tile the frames: every frame is a head or inside exactly one head's block;
 *   P3  a block of 2^k pages starts at a multiple of 2^k and crosses no zone's end;
 *   P4  a free block's buddy is never a free block of the same order in the same zone;
 *   P5  a page in a CPU's stack is FRAME_CACHED, of the stack's zone, and in no other stack.
 *
 * Locks: a stack's meter (RANK_PAGE_CPU), then pool->lock (RANK_PAGE); either alone is as usual.
 * Shrinkers and the listener run with neither.
 *
 * Cost: O(orders), and what page_inline.h and page_lists.h say.
 */
#include "mm/page_lists.h"

/* What a caller can get wrong once and for all: a pool on such ground would fail much later. */
static void page_config_check(const struct page_config *c)
{
	ASSERT(c->pages != 0 && c->pages <= 1u << 31 && c->frames != NULL);
	ASSERT(is_aligned(c->base, (uint64_t)PAGE_SIZE << PAGE_ORDER_MAX));
	ASSERT(c->cpus != 0 && c->cpus <= CPUS_MAX);
	ASSERT(c->zone_end[ZONE_DMA] <= c->zone_end[ZONE_KERNEL]);
	ASSERT(c->zone_end[ZONE_KERNEL] <= c->zone_end[ZONE_USER]);
	ASSERT(c->zone_end[ZONE_USER] == c->pages);
	ASSERT(c->critical <= c->low);
	ASSERT(c->cache_pages <= PAGE_CACHE_MAX);
	ASSERT(c->cache_batch <= c->cache_pages);
	ASSERT(c->cache_pages == 0 || c->cache_batch != 0);
}

/* All CPUS_MAX of them: a stack that nobody uses is empty, not whatever lay there. */
static void page_cpus_init(struct page_pool *pool)
{
	const bool plain = !pool->poison && pool->quarantine_limit == 0;

	pool->stacks_shut = plain ? 0 : PAGE_STACK_SHUT;
	for (unsigned i = 0; i < CPUS_MAX; i++) {
		pool->cpu[i] = (struct page_cpu){ 0 };
		for (unsigned z = 0; z < ZONES; z++)
			pool->cpu[i].stack[z].count.word = pool->stacks_shut;
	}
}

void page_pool_init(struct page_pool *pool, const struct page_config *config)
{
	page_config_check(config);
	*pool = (struct page_pool){
		.base = config->base,
		.frames = config->frames,
		.pages = config->pages,
		.cpus = config->cpus,
		.reserve = config->reserve,
		.low = config->low,
		.critical = config->critical,
		.cache_pages = config->cache_pages,
		.cache_batch = config->cache_batch,
		.quarantine_limit = config->quarantine_pages,
		.poison = config->poison,
		.listener = config->listener,
		.reserved_pages = config->pages,
		.quarantine_first = FRAME_NONE,
		.quarantine_last = FRAME_NONE,
		.note_below = UINT32_MAX, /* the first to look will work it out */
	};
	lock_init(&pool->lock, RANK_PAGE);
	page_cpus_init(pool);
	for (unsigned z = 0; z < ZONES; z++) {
		pool->zone_end[z] = config->zone_end[z];
		for (unsigned o = 0; o < PAGE_ORDERS; o++) pool->free[z].only[o] = FRAME_NOWHERE;
		struct frame *const end = pool->frames + pool->zone_end[z];
		for (struct frame *f = pool->frames + page_zone_first(pool, z); f < end; f++)
			f->word = FRAME_WORD(FRAME_RESERVED, 0, 0, z);
	}
}

/* The level of pressure is noted but not told: a pool that is being filled is not under any. */
void page_pool_give(struct page_pool *pool, uint32_t first, uint32_t end)
{
	ASSERT(first <= end && end <= pool->pages);
	struct frame *const last = pool->frames + end;
	for (struct frame *f = pool->frames + first; f < last; f++) {
		ASSERT(f->state == FRAME_RESERVED);
		frame_forget(f);
		f->filled = 0; /* whatever is in it: nobody could write to it after a free */
	}
	mach_poison(mach_phys(page_address(pool, first)), (size_t)(end - first) << PAGE_SHIFT);
	const mach_irq_t was = lock_take(&pool->lock);
	page_range_put_locked(pool, first, end);
	pool->reserved_pages -= end - first;
	pool->lowest_free += end - first;
	pool->note_below = UINT32_MAX; /* it was made for another lowest_free */
	page_unlock(pool, was);
}

/* Ends in kpanic when somebody wrote to a page that was nobody's. */
static void page_verify(const struct page_pool *pool, uint32_t n, const uint8_t *page)
{
	if (page[0] == PAGE_POISON_BYTE && memcmp(page, page + 1, PAGE_SIZE - 1) == 0) return;

	unsigned at = 0;
	while (page[at] == PAGE_POISON_BYTE) at++;
	kpanic("use-after-free", "page %u of %u was written to at byte %u after it was freed", n,
	       pool->pages, at);
}

void page_hand_out(struct page_pool *pool, uint32_t n, uint32_t pages, uint32_t how)
{
	uint8_t *memory = mach_phys(page_address(pool, n));
	const size_t bytes = (size_t)pages << PAGE_SHIFT;

	ASSERT(n < pool->pages && pages <= pool->pages - n);
	mach_unpoison(memory, bytes);
	/* Pages that were given to the pool and never freed since have no pattern in them. */
	for (uint32_t i = 0; pool->poison && i < pages; i++)
		if (pool->frames[n + i].filled == FRAME_FILLED)
			page_verify(pool, n + i, memory + ((size_t)i << PAGE_SHIFT));
	if ((how & PAGE_ZERO) != 0) memset(memory, 0, bytes);
}

void page_withdraw(struct page_pool *pool, uint32_t n, uint32_t pages)
{
	uint8_t *memory = mach_phys(page_address(pool, n));
	const size_t bytes = (size_t)pages << PAGE_SHIFT;

	ASSERT(n < pool->pages && pages <= pool->pages - n);
	if (pool->poison) {
		mach_unpoison(memory, bytes); /* its owner may have poisoned parts of it */
		memset(memory, PAGE_POISON_BYTE, bytes);
		for (uint32_t i = 0; i < pages; i++) pool->frames[n + i].filled = FRAME_FILLED;
	}
	mach_poison(memory, bytes);
}

/* May a request for `wish` be met with `pages` pages of another zone?  The reserve decides. */
static bool page_may_take_locked(const struct page_pool *pool, unsigned wish, uint32_t pages)
{
	const uint64_t kept = (uint64_t)pool->reserve + pages;

	if (wish != ZONE_USER) return true;
	return pool->free[ZONE_DMA].pages + pool->free[ZONE_KERNEL].pages >= kept;
}

/* One zone: a row or a block, whichever is wanted. */
static uint32_t page_try_zone_locked(struct page_pool *pool, unsigned zone,
				     const struct page_want *want)
{
	const unsigned wish = page_how_zone(want->how);

	if (wish != zone && !page_may_take_locked(pool, wish, want->pages)) return FRAME_NONE;
	if (want->row) return page_row_take_locked(pool, zone, want);
	return page_block_take_locked(pool, zone, want->order);
}

/* The zone wished for, then those that a request for it falls back to. */
static uint32_t page_try_zones_locked(struct page_pool *pool, const struct page_want *want)
{
	static const uint8_t others[ZONES][ZONES] = {
		[ZONE_DMA] = { ZONES },
		[ZONE_KERNEL] = { ZONE_USER, ZONE_DMA, ZONES },
		[ZONE_USER] = { ZONE_KERNEL, ZONE_DMA, ZONES },
	};
	const unsigned wish = page_how_zone(want->how);
	uint32_t n = page_try_zone_locked(pool, wish, want);

	for (const uint8_t *zone = others[wish]; n == FRAME_NONE && *zone != ZONES; zone++)
		n = page_try_zone_locked(pool, *zone, want);
	return n;
}

/* Under the lock, before anybody else can see the pages: a row's are heads, one each. */
static void page_mark_used(struct page_pool *pool, uint32_t n, const struct page_want *want)
{
	pool->out_pages += want->pages;
	if (!want->row) {
		frame_give(&pool->frames[n], want->order, want->how, want->site);
		return;
	}
	for (uint32_t i = 0; i < want->pages; i++)
		frame_give(&pool->frames[n + i], 0, want->how, want->site);
}

uint32_t page_try(struct page_pool *pool, const struct page_want *want)
{
	if (!want->row && want->order == 0 && pool->cache_pages != 0) {
		const uint32_t cached = page_cpu_take(pool, want->how, want->site);
		if (cached != FRAME_NONE) return cached;
	}
	const mach_irq_t was = lock_take(&pool->lock);
	const uint32_t n = page_try_zones_locked(pool, want);
	if (n != FRAME_NONE) page_mark_used(pool, n, want);
	page_tell(pool, page_unlock(pool, was));
	return n;
}

/* One page is got like any other, and then filled: it may well come from a stack. */
static paddr_t page_alloc_zeroed(struct page_pool *pool, uint32_t how, site_t site)
{
	const paddr_t pa = page_alloc(pool, 0, how & ~(uint32_t)PAGE_ZERO, site);

	if (pa != PADDR_NONE) memset(mach_phys(pa), 0, PAGE_SIZE);
	return pa;
}

/* All that page_alloc does not do itself.  A larger block is tried for once where it is most
 * likely, with no detour over caches; all else is page_try_hard's. */
paddr_t page_alloc_slowly(struct page_pool *pool, uint32_t how, site_t site, unsigned order)
{
	uint32_t n = FRAME_NONE;

	if (order > PAGE_ORDER_MAX) return PADDR_NONE;
	if (order == 0 && (how & PAGE_ZERO) != 0) return page_alloc_zeroed(pool, how, site);
	if (order != 0 || pool->cache_pages == 0) n = page_block_alloc(pool, order, how, site);
	if (UNLIKELY(n == FRAME_NONE)) {
		const struct page_want want = { 1u << order, order, false, how, site };

		n = page_try_hard(pool, &want);
		if (n == FRAME_NONE) return PADDR_NONE;
	}
	const paddr_t pa = page_address(pool, n);
	if (UNLIKELY(pool->poison || (how & PAGE_ZERO) != 0))
		page_hand_out(pool, n, 1u << order, how);
	else
		mach_unpoison(mach_phys(pa), (size_t)PAGE_SIZE << order);
	return pa;
}

/* Leaves a stack that the quick way could not use as it was, where it was to be had at all. */
static inline void page_stack_leave(struct page_stack *s, uint32_t count, mach_irq_t was)
{
	if (count != METER_TAKEN) meter_drop(&s->count, RANK_PAGE_CPU, count);
	mach_irq_restore(was);
}

/* An open stack without a page may be one of a pool that keeps none in stacks. */
paddr_t page_alloc_missed(struct page_pool *pool, uint32_t how, site_t site, struct page_stack *s,
			  uint32_t count, mach_irq_t was)
{
	ASSERT_SLOW(how >> 24 < ZONES);
	if (LIKELY(count == 0)) {
		page_stack_leave(s, 0, was);
		if (pool->cache_pages == 0)
			return page_single_alloc(pool, how, site, &pool->free[how >> 24]);
	} else {
		page_stack_leave(s, count, was);
	}
	return page_alloc_slowly(pool, how, site, 0);
}

paddr_t page_alloc_called(struct page_pool *pool, unsigned order, uint32_t how, site_t site)
{
	return page_alloc_quick(pool, order, how, site);
}

/* A page of another zone than its owner had asked for: the same again, by its own zone's name. */
static bool page_is_of_other_zone(const struct page_pool *pool, uint64_t n, uint32_t how)
{
	if (n >= pool->pages) return false;
	const uint32_t other = pool->frames[n].word ^ how;
	return other != 0 && (other & ~PAGE_ZONE_MASK) == 0;
}

/* A page goes by way of the caches where there are any, even shut ones: inside a shrinker it is
 * there that it is sent on.  With a quarantine it has to wait in that instead. */
enum page_verdict page_free_slowly(struct page_pool *pool, paddr_t pa, uint32_t how, unsigned order)
{
	const uint64_t n = page_number(pool, pa);

	if (order == 0 && page_is_of_other_zone(pool, n, how))
		return page_free_called(pool, pa, 0, pool->frames[n].word);
	if (order != 0 || pool->cache_pages == 0 || pool->quarantine_limit != 0)
		return page_block_free(pool, pa, order, how);

	const enum page_verdict v = page_judge(pool, pa, 0, how);
	if (v != PAGE_FREED) return v;
	page_withdraw(pool, (uint32_t)n, 1);
	page_cpu_put(pool, (uint32_t)n);
	return PAGE_FREED;
}

/* The way on from a stack that was left. */
static NOINLINE enum page_verdict page_free_onwards(struct page_pool *pool, uint64_t place,
						    uint32_t how)
{
	return page_free_slowly(pool, page_place_address(pool, place), how, 0);
}

enum page_verdict page_free_missed(struct page_pool *pool, uint64_t place, uint32_t how,
				   struct page_stack *s, uint32_t count, mach_irq_t was)
{
	ASSERT_SLOW(how >> 24 < ZONES);
	if (LIKELY(count == 0)) {
		page_stack_leave(s, 0, was);
		if (pool->cache_pages == 0)
			return page_single_free(pool, place, how, &pool->free[how >> 24]);
	} else {
		page_stack_leave(s, count, was);
	}
	return page_free_onwards(pool, place, how);
}

enum page_verdict page_free_called(struct page_pool *pool, paddr_t pa, unsigned order, uint32_t how)
{
	return page_free_quick(pool, pa, order, how);
}
