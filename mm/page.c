/*
 * page.c -- the page allocator's front: requests, frees, and the verdict on a bad free.
 *
 * Who asks for one page gets it from the cache of the CPU it is on (struct page_cpu) and who frees
 * one puts it there: interrupts masked, that CPU's latch, one entry popped or pushed, no lock that
 * CPUs share.  That is all page_alloc and page_free do by themselves.  Everything else (larger
 * blocks, an empty or full cache, a zeroed page, a pool that poisons or keeps a quarantine, a zone
 * that is used up) goes the long way: page_try_hard and page_free_slowly.
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
 * Locks: a CPU's latch (RANK_PAGE_CPU), then pool->lock (RANK_PAGE); either alone is as usual.
 * Shrinkers and the listener run with neither.
 *
 * Cost: on AArch64, release build, 34 instructions for a cached page and 42 to give it back; else
 * O(orders).
 */
#include "mm/page_inside.h"

const char *page_verdict_name(enum page_verdict v)
{
	static const char *const names[PAGE_VERDICTS] = {
		"freed",       "double-free", "out-of-range", "misaligned",
		"wrong-order", "not-head",    "never-given",  "wrong-owner",
	};
	ASSERT(v < PAGE_VERDICTS);
	return names[v];
}

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

static void page_cpus_init(struct page_pool *pool)
{
	const bool plain = !pool->poison && pool->quarantine_limit == 0;

	pool->quick = plain ? pool->cache_pages : 0;
	for (unsigned i = 0; i < CPUS_MAX; i++) {
		struct page_cpu *c = &pool->cpu[i];

		*c = (struct page_cpu){ 0 };
		latch_init(&c->latch, RANK_PAGE_CPU);
		c->quick = pool->quick;
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
		.level_from = UINT32_MAX, /* the first to look will work it out */
	};
	lock_init(&pool->lock, RANK_PAGE);
	page_cpus_init(pool);
	for (unsigned z = 0; z < ZONES; z++) {
		pool->zone_end[z] = config->zone_end[z];
		for (unsigned o = 0; o < PAGE_ORDERS; o++) pool->free[z][o].first = FRAME_NONE;
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
	return pool->free_pages[ZONE_DMA] + pool->free_pages[ZONE_KERNEL] >= kept;
}

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

/* The attempt that most often succeeds: a block from the zone wished for. */
static uint32_t page_take_block(struct page_pool *pool, unsigned order, uint32_t how, site_t site)
{
	const mach_irq_t was = lock_take(&pool->lock);
	const uint32_t n = page_block_take_locked(pool, page_how_zone(how), order);

	if (LIKELY(n != FRAME_NONE)) {
		pool->out_pages += 1u << order;
		frame_give(&pool->frames[n], order, how, site);
	}
	page_tell(pool, page_unlock(pool, was));
	return n;
}

static NOINLINE paddr_t page_alloc_slowly(struct page_pool *pool, unsigned order, uint32_t how,
					  site_t site)
{
	uint32_t n = FRAME_NONE;

	if (order > PAGE_ORDER_MAX) return PADDR_NONE;
	if (order != 0 || pool->cache_pages == 0) {
		if (page_cpu_shrinking(pool)) return PADDR_NONE;
		n = page_take_block(pool, order, how, site);
	}
	if (UNLIKELY(n == FRAME_NONE)) {
		const struct page_want want = { 1u << order, order, false, how, site };

		n = page_try_hard(pool, &want);
		if (n == FRAME_NONE) return PADDR_NONE;
	}
	page_hand_out(pool, n, 1u << order, how);
	return page_address(pool, n);
}

/* A page from this CPU's cache, if there is one to be had without a further look. */
static inline bool page_quick_take(struct page_pool *pool, unsigned zone, uint32_t word,
				   site_t site, uint32_t *n)
{
	bool took = false;
	const mach_irq_t was = mach_irq_save();
	const unsigned cpu = mach_cpu();
	struct page_cpu *c = &pool->cpu[cpu];

	if (LIKELY(latch_take_now(&c->latch, cpu))) {
		struct page_stack *s = &c->stack[zone];
		const uint32_t left = s->count - 1;

		took = left < c->quick; /* not when count is 0 */
		if (LIKELY(took)) {
			struct frame *f = &pool->frames[s->slot[left]];

			ASSERT_SLOW(f->word == FRAME_WORD(FRAME_CACHED, 0, 0, zone));
			*n = s->slot[left];
			s->count = left;
			f->word = word;
			if (CALL_SITES) f->site = site;
		}
		latch_drop(&c->latch);
	}
	mach_irq_restore(was);
	return took;
}

paddr_t page_alloc(struct page_pool *pool, unsigned order, uint32_t how, site_t site)
{
	const unsigned zone = how >> 24; /* or more, with PAGE_ZERO */

	if ((how & PAGE_NO_RECLAIM) == 0) mach_lock_none_held(RANK_QUARANTINE);
	if (UNLIKELY(order != 0 || zone >= ZONES)) return page_alloc_slowly(pool, order, how, site);

	uint32_t n;
	if (UNLIKELY(!page_quick_take(pool, zone, how & ~(uint32_t)PAGE_NO_RECLAIM, site, &n)))
		return page_alloc_slowly(pool, 0, how, site);
	const paddr_t pa = page_address(pool, n);
	mach_unpoison(mach_phys(pa), PAGE_SIZE);
	return pa;
}

/* The verdict on a free that is not as it should be. */
static enum page_verdict page_judge_bad(const struct page_pool *pool, uint32_t n, uint32_t how)
{
	const struct frame *f = &pool->frames[n];

	switch ((enum frame_state)f->state) {
	case FRAME_RESERVED: return PAGE_NEVER_GIVEN;
	case FRAME_FREE:
	case FRAME_CACHED:
	case FRAME_QUARANTINED: return PAGE_DOUBLE_FREE;
	case FRAME_BODY:
		return pool->frames[page_head(pool, n)].state == FRAME_USED ? PAGE_NOT_HEAD
									    : PAGE_DOUBLE_FREE;
	case FRAME_USED: break;
	}
	ASSERT(f->state == FRAME_USED);
	return f->owner == page_how_owner(how) ? PAGE_WRONG_ORDER : PAGE_WRONG_OWNER;
}

enum page_verdict page_judge(const struct page_pool *pool, paddr_t pa, unsigned order, uint32_t how)
{
	const uint64_t offset = pa - pool->base; /* wraps to something huge below the pool */
	const uint64_t n = offset >> PAGE_SHIFT;

	if (n >= pool->pages) return PAGE_OUT_OF_RANGE;
	if (!is_aligned(offset, PAGE_SIZE)) return PAGE_MISALIGNED;

	const struct frame *f = &pool->frames[n];
	const uint32_t given = FRAME_WORD(FRAME_USED, order, page_how_owner(how), f->zone);
	if (LIKELY(order <= PAGE_ORDER_MAX && f->word == given)) return PAGE_FREED;
	return page_judge_bad(pool, (uint32_t)n, how);
}

/* Into the free lists, by way of the quarantine. */
static enum page_verdict page_free_block(struct page_pool *pool, paddr_t pa, unsigned order,
					 uint32_t how)
{
	const mach_irq_t was = lock_take(&pool->lock);
	const enum page_verdict v = page_judge(pool, pa, order, how);

	if (LIKELY(v == PAGE_FREED)) {
		const uint32_t n = (uint32_t)((pa - pool->base) >> PAGE_SHIFT);

		page_withdraw(pool, n, 1u << order);
		pool->out_pages -= 1u << order;
		if (pool->quarantine_limit == 0)
			page_block_put_locked(pool, n, order);
		else
			page_quarantine_locked(pool, n, order);
	}
	page_tell(pool, page_unlock(pool, was));
	return v;
}

static NOINLINE enum page_verdict page_free_slowly(struct page_pool *pool, paddr_t pa,
						   unsigned order, uint32_t how)
{
	if (order != 0 || pool->cache_pages == 0 || pool->quarantine_limit != 0)
		return page_free_block(pool, pa, order, how);

	const enum page_verdict v = page_judge(pool, pa, 0, how);
	if (v != PAGE_FREED) return v;
	const uint32_t n = (uint32_t)((pa - pool->base) >> PAGE_SHIFT);
	page_withdraw(pool, n, 1);
	page_cpu_put(pool, n);
	return PAGE_FREED;
}

/* Page `n`, given back as it should be, into this CPU's cache; false: it has to go elsewhere. */
static inline bool page_quick_put(struct page_pool *pool, uint32_t n, struct frame *f)
{
	bool put = false;
	const mach_irq_t was = mach_irq_save();
	const unsigned cpu = mach_cpu();
	struct page_cpu *c = &pool->cpu[cpu];

	if (LIKELY(latch_take_now(&c->latch, cpu))) {
		const unsigned zone = f->zone;
		struct page_stack *s = &c->stack[zone];
		const uint32_t count = s->count;

		put = count < c->quick;
		if (LIKELY(put)) {
			mach_poison(mach_phys(page_address(pool, n)), PAGE_SIZE);
			s->slot[count] = n;
			s->count = count + 1;
			f->word = FRAME_WORD(FRAME_CACHED, 0, 0, zone);
		}
		latch_drop(&c->latch);
	}
	mach_irq_restore(was);
	return put;
}

enum page_verdict page_free(struct page_pool *pool, paddr_t pa, unsigned order, uint32_t how)
{
	const uint64_t offset = pa - pool->base;
	/* Rotated, not shifted: an address inside a page gives a number beyond the last one. */
	const uint64_t n = offset >> PAGE_SHIFT | offset << (64 - PAGE_SHIFT);
	if (UNLIKELY(order != 0 || n >= pool->pages)) return page_free_slowly(pool, pa, order, how);

	struct frame *f = &pool->frames[n];
	if (UNLIKELY(((f->word ^ how) & ~PAGE_ZONE_MASK) != 0))
		return page_free_slowly(pool, pa, 0, how);
	if (LIKELY(page_quick_put(pool, (uint32_t)n, f))) return PAGE_FREED;
	return page_free_slowly(pool, pa, 0, how);
}
