/*
 * page_test.c -- the page allocator's edge cases by name: blocks, zones, bad frees, runs, figures.
 * What a million random operations do to it is fuzz/page_fuzz.c's business.
 */
#include "mm/page_test.h"

/* --- blocks ---------------------------------------------------------------------------------- */

static void every_order_splits_and_merges_back(void)
{
	make_plain(1024);
	const uint64_t pristine = page_hash(&pool);

	for (unsigned order = 0; order <= PAGE_ORDER_MAX; order++) {
		const paddr_t a = page_alloc(&pool, order, KERNEL, 1);

		EXPECT(a != PADDR_NONE && is_aligned(a, (uint64_t)PAGE_SIZE << order));
		EXPECT(counts().used == 1u << order);
		EXPECT(page_check(&pool) == NULL && page_hash(&pool) != pristine);
		EXPECT(page_free(&pool, a, order, KERNEL) == PAGE_FREED);
		EXPECT(page_hash(&pool) == pristine);
	}
	all_is_free(1024);
}

static void an_order_beyond_the_largest_is_refused(void)
{
	static const unsigned orders[] = {
		PAGE_ORDER_MAX + 1, 31, 32, 63, 64, 1u << 24, UINT32_MAX
	};

	make_plain(1024);
	const paddr_t a = page_alloc(&pool, 0, KERNEL, 1);
	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		EXPECT(page_alloc(&pool, orders[i], KERNEL, 1) == PADDR_NONE);
		EXPECT(page_free(&pool, a, orders[i], KERNEL) == PAGE_WRONG_ORDER);
	}
	EXPECT(page_free(&pool, a, 0, KERNEL) == PAGE_FREED);
	all_is_free(1024);
}

static void a_pool_that_is_no_power_of_two_gives_all_its_pages(void)
{
	make_plain(1000);
	for (uint32_t i = 0; i < 1000; i++) EXPECT(page_alloc(&pool, 0, KERNEL, 1) != PADDR_NONE);
	EXPECT(page_alloc(&pool, 0, KERNEL, 1) == PADDR_NONE);
	for (uint32_t i = 0; i < 1000; i++)
		EXPECT(page_free(&pool, at(i), 0, KERNEL) == PAGE_FREED);
	all_is_free(1000);
	EXPECT(page_alloc(&pool, 9, KERNEL, 1) == at(0));
	EXPECT(page_alloc(&pool, 9, KERNEL, 1) == PADDR_NONE);
	EXPECT(page_free(&pool, at(0), 9, KERNEL) == PAGE_FREED);
}

static void blocks_do_not_merge_over_a_zones_end(void)
{
	struct page_config config = plain(64);

	config.zone_end[ZONE_DMA] = 7;
	config.zone_end[ZONE_KERNEL] = 33;
	make(&config);
	all_is_free(64);
	EXPECT(page_alloc(&pool, 3, DMA, 1) == PADDR_NONE);
	EXPECT(page_alloc(&pool, 2, DMA, 1) == at(0));
	EXPECT(page_alloc(&pool, 5, USER, 1) == PADDR_NONE);
	EXPECT(page_free(&pool, at(0), 2, DMA) == PAGE_FREED);
	all_is_free(64);
}

static void a_zeroed_page_is_zero_and_poison_is_not(void)
{
	struct page_config config = plain(8);

	config.poison = true;
	make(&config);
	uint8_t *page = mach_phys(page_alloc(&pool, 1, KERNEL, 1));
	EXPECT(page[0] != 0 && page[2 * PAGE_SIZE - 1] != 0);
	EXPECT(page_free(&pool, mach_pa(page), 1, KERNEL) == PAGE_FREED);
	EXPECT(page_alloc(&pool, 1, KERNEL | PAGE_ZERO, 1) == mach_pa(page));
	for (size_t i = 0; i < 2 * PAGE_SIZE; i++) EXPECT(page[i] == 0);
	EXPECT(page_free(&pool, mach_pa(page), 1, KERNEL) == PAGE_FREED);
	all_is_free(8);
}

/* --- zones ----------------------------------------------------------------------------------- */

static void zoned(uint32_t reserve)
{
	struct page_config config = plain(64);

	config.zone_end[ZONE_DMA] = 16;
	config.zone_end[ZONE_KERNEL] = 32;
	config.reserve = reserve;
	make(&config);
}

static void zones_fall_back_in_order(void)
{
	zoned(0);
	EXPECT(take_all(DMA) == 16);
	zoned(0);
	EXPECT(page_alloc(&pool, 4, KERNEL, 1) == at(16));
	EXPECT(page_alloc(&pool, 5, KERNEL, 1) == at(32));
	EXPECT(page_alloc(&pool, 4, KERNEL, 1) == at(0));
	zoned(0);
	EXPECT(page_alloc(&pool, 5, USER, 1) == at(32));
	EXPECT(page_alloc(&pool, 4, USER, 1) == at(16));
	EXPECT(page_alloc(&pool, 4, USER, 1) == at(0));
}

static void the_reserve_is_for_the_kernel(void)
{
	zoned(20);
	EXPECT(take_all(USER) == 64 - 20);
	EXPECT(page_run_alloc(&pool, 1, USER, 1) == PADDR_NONE);
	EXPECT(!page_run_claim(&pool, at(0), 1, USER, 1));
	EXPECT(take_all(KERNEL) == 20);
}

static void the_reserve_can_be_larger_than_its_zones(void)
{
	zoned(UINT32_MAX);
	EXPECT(take_all(USER) == 32);
	EXPECT(!page_run_claim(&pool, at(0), 1, USER, 1));
}

/* --- bad frees ------------------------------------------------------------------------------- */

static void bad_frees(void)
{
	const paddr_t block = page_alloc(&pool, 2, HEAP, 1);
	const paddr_t page = page_alloc(&pool, 0, KERNEL, 1);

	REFUSED(PAGE_OUT_OF_RANGE, page_free(&pool, base - PAGE_SIZE, 0, KERNEL));
	REFUSED(PAGE_OUT_OF_RANGE, page_free(&pool, at(pool.pages), 0, KERNEL));
	REFUSED(PAGE_OUT_OF_RANGE, page_free(&pool, 0, 0, KERNEL));
	REFUSED(PAGE_OUT_OF_RANGE, page_free(&pool, ~(paddr_t)0, 0, KERNEL));
	REFUSED(PAGE_OUT_OF_RANGE, page_free(&pool, base + (1ull << 52), 0, KERNEL));
	REFUSED(PAGE_MISALIGNED, page_free(&pool, page + 1, 0, KERNEL));
	REFUSED(PAGE_MISALIGNED, page_free(&pool, page + PAGE_SIZE - 1, 0, KERNEL));
	REFUSED(PAGE_WRONG_ORDER, page_free(&pool, page, 1, KERNEL));
	REFUSED(PAGE_WRONG_ORDER, page_free(&pool, block, 0, HEAP));
	REFUSED(PAGE_WRONG_ORDER, page_free(&pool, block, 3, HEAP));
	REFUSED(PAGE_NOT_HEAD, page_free(&pool, block + PAGE_SIZE, 0, HEAP));
	REFUSED(PAGE_NOT_HEAD, page_free(&pool, block + 3 * PAGE_SIZE, 2, HEAP));
	REFUSED(PAGE_WRONG_OWNER, page_free(&pool, block, 2, KERNEL));
	REFUSED(PAGE_WRONG_OWNER, page_free(&pool, page, 0, HEAP));
	REFUSED(PAGE_NEVER_GIVEN, page_free(&pool, at(pool.pages - 1), 0, KERNEL));
	EXPECT(page_free(&pool, page, 0, KERNEL) == PAGE_FREED);
	EXPECT(page_free(&pool, block, 2, HEAP) == PAGE_FREED);
	REFUSED(PAGE_DOUBLE_FREE, page_free(&pool, page, 0, KERNEL));
	REFUSED(PAGE_DOUBLE_FREE, page_free(&pool, block, 2, HEAP));
	REFUSED(PAGE_DOUBLE_FREE, page_free(&pool, block + PAGE_SIZE, 0, HEAP));
	page_drain(&pool);
	REFUSED(PAGE_DOUBLE_FREE, page_free(&pool, page, 0, KERNEL));
	REFUSED(PAGE_DOUBLE_FREE, page_free(&pool, block + PAGE_SIZE, 0, HEAP));
	all_is_free(pool.pages - 2);
}

/* The verdict is the same wherever a freed page goes next. */
static void every_bad_free_has_its_verdict(void)
{
	static const struct {
		uint32_t cache, quarantine;
		bool poison;
	} ways[] = {
		{ 0, 0, false }, { 8, 0, false }, { 0, 16, false }, { 8, 16, true }, { 8, 0, true }
	};

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct page_config config = plain(64);

		config.cache_pages = ways[i].cache;
		config.cache_batch = ways[i].cache / 2;
		config.quarantine_pages = ways[i].quarantine;
		config.poison = ways[i].poison;
		page_pool_init(&pool, &config);
		page_pool_give(&pool, 0, 62);
		bad_frees();
	}
}

static void free_page_zero(void *verdict)
{
	*(enum page_verdict *)verdict = page_free(&pool, at(0), 0, KERNEL);
}

static void a_page_freed_on_another_cpu_is_not_freed_twice(void)
{
	struct page_config config = plain(16);
	enum page_verdict verdict = PAGE_VERDICTS;

	config.cache_pages = 4;
	config.cache_batch = 1;
	make(&config);
	EXPECT(page_alloc(&pool, 0, KERNEL, 1) == at(0));
	EXPECT(host_run_on(1, free_page_zero, &verdict) && verdict == PAGE_FREED);
	EXPECT(counts().cached == 1 && page_check(&pool) == NULL);
	REFUSED(PAGE_DOUBLE_FREE, page_free(&pool, at(0), 0, KERNEL));
	EXPECT(page_alloc(&pool, 4, KERNEL, 1) == at(0)); /* this CPU empties that one's cache */
	EXPECT(host_run_on(1, free_page_zero, &verdict) && verdict == PAGE_WRONG_ORDER);
	EXPECT(page_free(&pool, at(0), 4, KERNEL) == PAGE_FREED);
	all_is_free(16);
}

/* --- runs ------------------------------------------------------------------------------------ */

static void a_run_gives_its_tail_back(void)
{
	make_plain(64);
	const paddr_t run = page_run_alloc(&pool, 5, KERNEL, 1);
	EXPECT(run == at(0) && counts().used == 5);
	EXPECT(page_free(&pool, at(2), 0, KERNEL) == PAGE_FREED); /* each is a block of its own */
	EXPECT(page_run_free(&pool, at(3), 2, KERNEL) == PAGE_FREED);
	REFUSED(PAGE_DOUBLE_FREE, page_run_free(&pool, at(0), 5, KERNEL));
	EXPECT(page_run_free(&pool, at(0), 2, KERNEL) == PAGE_FREED);
	all_is_free(64);
}

static void a_run_is_found_across_blocks(void)
{
	make_plain(64);
	EXPECT(page_run_alloc(&pool, 64, KERNEL, 1) == at(0));
	EXPECT(page_run_free(&pool, at(13), 6, KERNEL) == PAGE_FREED);
	EXPECT(page_alloc(&pool, 2, KERNEL, 1) == PADDR_NONE);
	EXPECT(page_run_alloc(&pool, 7, KERNEL, 1) == PADDR_NONE);
	EXPECT(page_run_alloc(&pool, 6, KERNEL, 1) == at(13));
	EXPECT(page_run_free(&pool, at(61), 3, KERNEL) == PAGE_FREED);
	EXPECT(page_run_alloc(&pool, 4, KERNEL, 1) == PADDR_NONE); /* not past the end */
	EXPECT(page_run_alloc(&pool, 3, KERNEL, 1) == at(61));
	EXPECT(page_run_free(&pool, at(0), 64, KERNEL) == PAGE_FREED);
	all_is_free(64);
}

static void a_run_can_be_larger_than_any_block(void)
{
	make_plain(2048);
	EXPECT(page_run_alloc(&pool, 2049, KERNEL, 1) == PADDR_NONE);
	EXPECT(page_run_alloc(&pool, UINT32_MAX, KERNEL, 1) == PADDR_NONE);
	EXPECT(page_run_alloc(&pool, 0, KERNEL, 1) == PADDR_NONE);
	EXPECT(page_run_alloc(&pool, 1500, KERNEL, 1) == at(0));
	EXPECT(page_run_free(&pool, at(0), 1500, KERNEL) == PAGE_FREED);
	all_is_free(2048);
}

static void a_claim_is_all_or_nothing(void)
{
	zoned(0);
	const paddr_t page = page_alloc(&pool, 0, KERNEL, 1);
	EXPECT(page == at(16));
	EXPECT(!page_run_claim(&pool, at(15), 2, KERNEL, 1));
	EXPECT(!page_run_claim(&pool, at(63), 2, KERNEL, 1));
	EXPECT(!page_run_claim(&pool, at(64), 1, KERNEL, 1));
	EXPECT(!page_run_claim(&pool, base - PAGE_SIZE, 1, KERNEL, 1));
	EXPECT(!page_run_claim(&pool, at(20) + 1, 1, KERNEL, 1));
	EXPECT(!page_run_claim(&pool, at(1), UINT32_MAX, KERNEL, 1));
	EXPECT(!page_run_claim(&pool, at(20), 0, KERNEL, 1));
	EXPECT(!page_run_claim(&pool, at(14), 2 + 1, DMA, 1));
	EXPECT(counts().used == 1);
	EXPECT(page_run_claim(&pool, at(17), 30, KERNEL, 1)); /* over a zone's end */
	EXPECT(counts().used == 31 && page_check(&pool) == NULL);
	EXPECT(page_run_free(&pool, at(16), 31, KERNEL) == PAGE_FREED);
	all_is_free(64);
}

static void a_bad_run_free_frees_nothing(void)
{
	make_plain(64);
	EXPECT(page_run_alloc(&pool, 8, KERNEL, 1) == at(0));
	EXPECT(page_alloc(&pool, 0, HEAP, 1) == at(8));
	REFUSED(PAGE_WRONG_OWNER, page_run_free(&pool, at(0), 9, KERNEL));
	REFUSED(PAGE_DOUBLE_FREE, page_run_free(&pool, at(9), 2, HEAP));
	REFUSED(PAGE_OUT_OF_RANGE, page_run_free(&pool, at(64), 1, KERNEL));
	REFUSED(PAGE_OUT_OF_RANGE, page_run_free(&pool, -(paddr_t)PAGE_SIZE, 2, KERNEL));
	REFUSED(PAGE_MISALIGNED, page_run_free(&pool, at(0) + 8, 8, KERNEL));
	REFUSED(PAGE_WRONG_OWNER, page_run_free(&pool, at(1), UINT32_MAX, KERNEL));
	REFUSED(PAGE_FREED, page_run_free(&pool, at(0), 0, KERNEL));
	EXPECT(page_run_free(&pool, at(0), 8, KERNEL) == PAGE_FREED);
	EXPECT(page_free(&pool, at(8), 0, HEAP) == PAGE_FREED);
	all_is_free(64);
}

/* --- looking --------------------------------------------------------------------------------- */

static void fragmentation_is_told_as_it_is(void)
{
	struct page_fragmentation f;

	make_plain(64);
	EXPECT(page_run_alloc(&pool, 64, KERNEL, 1) == at(0));
	for (uint32_t n = 0; n < 64; n += 2)
		EXPECT(page_free(&pool, at(n), 0, KERNEL) == PAGE_FREED);
	page_fragmentation(&pool, &f);
	EXPECT(f.blocks[0] == 32 && f.largest_pages == 1 && f.free_pages == 32);
	for (uint32_t n = 1; n < 64; n += 2)
		EXPECT(page_free(&pool, at(n), 0, KERNEL) == PAGE_FREED);
	page_fragmentation(&pool, &f);
	EXPECT(f.blocks[0] == 0 && f.blocks[6] == 1 && f.largest_pages == 64);
}

static void pages_are_known_by_site(void)
{
	struct site_row row[3];
	size_t rows = 0;

	make_plain(64);
	page_alloc(&pool, 3, KERNEL, 7);
	page_run_alloc(&pool, 3, KERNEL, 9);
	page_alloc(&pool, 0, KERNEL, 7);
	EXPECT(page_sites(&pool, row, COUNT_OF(row), &rows) && rows == 2);
	EXPECT(row[0].site == 7 && row[0].objects == 2 && row[0].bytes == 9 * PAGE_SIZE);
	EXPECT(row[1].site == 9 && row[1].objects == 3 && row[1].bytes == 3 * PAGE_SIZE);
	rows = 0;
	EXPECT(!page_sites(&pool, row, 1, &rows) && rows == 1);
}

/* page_check is what everybody else relies on: it must see what it says it sees. */
#define SEEN(damage, repair)                       \
	do {                                       \
		damage;                            \
		EXPECT(page_check(&pool) != NULL); \
		repair;                            \
		EXPECT(page_check(&pool) == NULL); \
	} while (0)

static void the_walk_sees_damage(void)
{
	struct page_config config = plain(64);

	config.cache_pages = 4;
	config.cache_batch = 4;
	make(&config);
	page_alloc(&pool, 0, KERNEL, 1);
	EXPECT(page_check(&pool) == NULL);
	const struct page_pool sound = pool;

	SEEN(pool.free[ZONE_KERNEL].pages++, pool = sound);
	SEEN(pool.out_pages--, pool = sound);
	SEEN(pool.cpu[0].stack[ZONE_KERNEL].count.word--, pool = sound);
	SEEN(pool.cpu[0].stack[ZONE_KERNEL].count.word ^= PAGE_STACK_SHUT, pool = sound);
	SEEN(pool.free_all++, pool = sound);
	SEEN(pool.cpu[0].stack[ZONE_KERNEL].slot[0] = sound.cpu[0].stack[ZONE_KERNEL].slot[1],
	     pool = sound);
	SEEN(pool.free[ZONE_KERNEL].orders ^= 4, pool = sound);
	SEEN(pool.quarantined_pages++, pool = sound);
	SEEN(pool.free[ZONE_KERNEL].only[5] = FRAME_NOWHERE, pool = sound);
	SEEN(pool.free[ZONE_KERNEL].only[5] = 3, pool = sound);
	SEEN(pool.many[ZONE_KERNEL][5].count = 2, pool = sound);
	SEEN(frames[32].state = FRAME_USED, frames[32].state = FRAME_FREE);
	SEEN(frames[33].state = FRAME_USED, frames[33].state = FRAME_BODY);
	SEEN(frames[0].zone = ZONE_USER, frames[0].zone = ZONE_KERNEL);
}

/* The same where an order has three blocks, on a list: 2, 4 and 0. */
static void the_walk_sees_damage_to_lists(void)
{
	paddr_t pages[6];

	make_plain(64);
	for (unsigned i = 0; i < COUNT_OF(pages); i++) pages[i] = page_alloc(&pool, 0, KERNEL, 1);
	for (unsigned i = 0; i < COUNT_OF(pages); i += 2)
		EXPECT(page_free(&pool, pages[(i + 4) % 6], 0, KERNEL) == PAGE_FREED);
	EXPECT(page_check(&pool) == NULL);
	const struct page_pool sound = pool;

	EXPECT(pool.many[ZONE_KERNEL][0].count == 3 && pool.many[ZONE_KERNEL][0].first == 2);
	SEEN(pool.many[ZONE_KERNEL][0].count = 2, pool = sound);
	SEEN(pool.many[ZONE_KERNEL][0].count = 4, pool = sound);
	SEEN(pool.many[ZONE_KERNEL][0].first = 0, pool = sound);
	SEEN(pool.many[ZONE_KERNEL][0].first = 64, pool = sound);
	SEEN(pool.many[ZONE_KERNEL][0].first = 1, pool = sound);
	SEEN(pool.free[ZONE_KERNEL].only[0] = 0, pool = sound);
	SEEN(frames[0].prev = 4, frames[0].prev = 2);
	SEEN(frames[2].prev = 3, frames[2].prev = FRAME_NONE);
	SEEN(frames[2].next = 4, frames[2].next = 0);
	SEEN(frames[4].next = 2, frames[4].next = FRAME_NONE);
}

int main(void)
{
	host_cpus_open(2);
	every_order_splits_and_merges_back();
	an_order_beyond_the_largest_is_refused();
	a_pool_that_is_no_power_of_two_gives_all_its_pages();
	blocks_do_not_merge_over_a_zones_end();
	a_zeroed_page_is_zero_and_poison_is_not();
	zones_fall_back_in_order();
	the_reserve_is_for_the_kernel();
	the_reserve_can_be_larger_than_its_zones();
	every_bad_free_has_its_verdict();
	a_page_freed_on_another_cpu_is_not_freed_twice();
	a_run_gives_its_tail_back();
	a_run_is_found_across_blocks();
	a_run_can_be_larger_than_any_block();
	a_claim_is_all_or_nothing();
	a_bad_run_free_frees_nothing();
	fragmentation_is_told_as_it_is();
	pages_are_known_by_site();
	the_walk_sees_damage();
	the_walk_sees_damage_to_lists();
	host_cpus_close();
	return 0;
}
