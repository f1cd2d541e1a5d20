/*
 * page_reclaim_test.c -- where freed pages go by and by: poison, caches, quarantine, pressure,
 * shrinkers.
 */
#include "machine/host/panics.h"
#include "mm/page_test.h"

static uint32_t shrinks;

/* --- poison ---------------------------------------------------------------------------------- */

static void write_after_free(void *how)
{
	const paddr_t page = page_alloc(&pool, 0, KERNEL, 1);
	uint8_t *byte = (uint8_t *)mach_phys(page) + 4095;

	EXPECT(page_free(&pool, page, 0, KERNEL) == PAGE_FREED);
	mach_unpoison(mach_phys(page), PAGE_SIZE);
	*byte ^= 1;
	page_alloc(&pool, 0, KERNEL | *(uint32_t *)how, 1);
}

static void a_write_after_free_is_found_at_the_next_allocation(void)
{
	for (uint32_t cache = 0; cache <= 4; cache += 4) {
		struct page_config config = plain(16);
		uint32_t how = cache == 0 ? 0 : PAGE_ZERO;

		config.cache_pages = cache;
		config.cache_batch = cache / 2;
		config.poison = true;
		make(&config);
		expect_panic(0, write_after_free, &how, "use-after-free", "write after free");
	}
}

/* --- caches, quarantine ---------------------------------------------------------------------- */

static void caches_fill_overflow_and_drain(void)
{
	struct page_config config = plain(64);
	paddr_t page[12];

	config.cache_pages = 8;
	config.cache_batch = 4;
	make(&config);
	page[0] = page_alloc(&pool, 0, KERNEL, 1);
	EXPECT(counts().cached == 3 && counts().used == 1);
	for (int i = 1; i < 12; i++) page[i] = page_alloc(&pool, 0, KERNEL, 1);
	EXPECT(counts().cached == 0 && counts().free == 64 - 12);
	for (int i = 0; i < 9; i++) EXPECT(page_free(&pool, page[i], 0, KERNEL) == PAGE_FREED);
	EXPECT(counts().cached == 5 && counts().used == 3);
	EXPECT(page_check(&pool) == NULL);
	for (int i = 9; i < 12; i++) EXPECT(page_free(&pool, page[i], 0, KERNEL) == PAGE_FREED);
	all_is_free(64);
}

static void a_cached_page_is_had_by_whoever_needs_it(void)
{
	struct page_config config = plain(8);

	config.cache_pages = 8;
	config.cache_batch = 8;
	make(&config);
	const paddr_t page = page_alloc(&pool, 0, KERNEL, 1);
	EXPECT(counts().free == 0 && counts().cached == 7);
	EXPECT(page_alloc(&pool, 2, KERNEL, 1) != PADDR_NONE);
	EXPECT(counts().cached == 0);
	EXPECT(page_run_alloc(&pool, 3, KERNEL | PAGE_NO_RECLAIM, 1) != PADDR_NONE);
	EXPECT(page_free(&pool, page, 0, KERNEL) == PAGE_FREED);
	EXPECT(page_run_claim(&pool, page, 1, KERNEL, 1));
	EXPECT(counts().used == 8 && page_check(&pool) == NULL);
}

static void quarantine_is_first_in_first_out_and_no_reason_to_fail(void)
{
	struct page_config config = plain(16);

	config.quarantine_pages = 4;
	make(&config);
	const paddr_t a = page_alloc(&pool, 1, KERNEL, 1), b = page_alloc(&pool, 1, KERNEL, 1);
	const paddr_t c = page_alloc(&pool, 3, KERNEL, 1), d = page_alloc(&pool, 2, KERNEL, 1);
	EXPECT(page_free(&pool, a, 1, KERNEL) == PAGE_FREED);
	EXPECT(page_free(&pool, b, 1, KERNEL) == PAGE_FREED);
	EXPECT(counts().quarantined == 4 && counts().free == 0);
	EXPECT(page_free(&pool, c, 3, KERNEL) == PAGE_FREED); /* larger than all of it */
	EXPECT(counts().quarantined == 4 && counts().free == 8);
	EXPECT(page_free(&pool, d, 2, KERNEL) == PAGE_FREED);
	EXPECT(counts().quarantined == 4 && counts().free == 12);
	EXPECT(page_check(&pool) == NULL);
	EXPECT(page_alloc(&pool, 4, KERNEL, 1) == at(0));
	EXPECT(page_free(&pool, at(0), 4, KERNEL) == PAGE_FREED);
	all_is_free(16);
}

/* --- pressure and shrinkers ------------------------------------------------------------------ */

static void pressure_is_told_once_a_crossing_with_hysteresis(void)
{
	struct page_config config = plain(64);

	config.low = 16;
	config.critical = 8;
	make(&config);
	EXPECT(page_run_alloc(&pool, 48, KERNEL, 1) == at(0) && tellings == 0);
	EXPECT(page_alloc(&pool, 0, KERNEL, 1) == at(48)); /* 15 free */
	EXPECT(tellings == 1 && told_level == PRESSURE_LOW && counts().level == PRESSURE_LOW);
	EXPECT(page_run_free(&pool, at(0), 3, KERNEL) == PAGE_FREED); /* 18 free: still low */
	EXPECT(tellings == 1);
	EXPECT(page_run_free(&pool, at(3), 1, KERNEL) == PAGE_FREED); /* 16 + 16 / 8 + 1 */
	EXPECT(tellings == 2 && told_level == PRESSURE_NONE);
	EXPECT(page_run_alloc(&pool, 12, KERNEL, 1) != PADDR_NONE); /* 7 free */
	EXPECT(tellings == 3 && told_level == PRESSURE_CRITICAL);
	EXPECT(counts().peak_used == 57);
}

static paddr_t hoard[2];

/* Gives back one page of the hoard, after trying what it must not. */
static size_t shrink_hoard(void *context, size_t pages)
{
	paddr_t *page = context;

	shrinks = shrinks * 10 + (uint32_t)(page - hoard) + 1;
	EXPECT(pages != 0);
	EXPECT(page_alloc(&pool, 0, KERNEL, 1) == PADDR_NONE);
	EXPECT(page_run_alloc(&pool, 1, KERNEL, 1) == PADDR_NONE);
	page_reclaim(&pool, 100);
	if (*page == PADDR_NONE) return 0;
	EXPECT(page_free(&pool, *page, 0, KERNEL) == PAGE_FREED);
	EXPECT(!page_run_claim(&pool, *page, 1, KERNEL, 1));
	*page = PADDR_NONE;
	return 1;
}

static void shrinkers_are_asked_in_order_and_once(void)
{
	static struct shrinker first = { .name = "first",
					 .shrink = shrink_hoard,
					 .context = &hoard[0] };
	static struct shrinker second = { .name = "second",
					  .shrink = shrink_hoard,
					  .context = &hoard[1] };

	for (uint32_t cache = 0; cache <= 2; cache += 2) {
		struct page_config config = plain(4);

		config.cache_pages = config.cache_batch = cache;
		shrinks = 0;
		make(&config);
		page_shrinker_add(&pool, &first);
		page_shrinker_add(&pool, &second);
		for (int i = 0; i < 2; i++) hoard[i] = page_alloc(&pool, 0, KERNEL, 1);
		EXPECT(take_all(KERNEL | PAGE_NO_RECLAIM) == 2 && shrinks == 0);
		EXPECT(page_alloc(&pool, 0, KERNEL, 1) != PADDR_NONE && shrinks == 1);
		EXPECT(page_alloc(&pool, 1, KERNEL, 1) == PADDR_NONE && shrinks == 112);
		EXPECT(counts().free == 1);
		page_reclaim(&pool, 1);
		EXPECT(shrinks == 112);
		page_reclaim(&pool, 2);
		EXPECT(shrinks == 11212 && page_check(&pool) == NULL);
	}
}

static void allocate_under_a_lock(void *how)
{
	struct lock lock;

	lock_init(&lock, RANK_HEAP);
	const mach_irq_t was = lock_take(&lock);
	page_alloc(&pool, 0, KERNEL | *(uint32_t *)how, 1);
	lock_drop(&lock, was);
}

static void who_may_have_to_wait_holds_no_lock(void)
{
	uint32_t patient = 0, hasty = PAGE_NO_RECLAIM;

	make_plain(8);
	expect_panic(0, allocate_under_a_lock, &hasty, NULL, "no reclaim under a lock");
	expect_panic(0, allocate_under_a_lock, &patient, "lock-context", "reclaim under a lock");
}

int main(void)
{
	host_cpus_open(2);
	a_write_after_free_is_found_at_the_next_allocation();
	caches_fill_overflow_and_drain();
	a_cached_page_is_had_by_whoever_needs_it();
	quarantine_is_first_in_first_out_and_no_reason_to_fail();
	pressure_is_told_once_a_crossing_with_hysteresis();
	shrinkers_are_asked_in_order_and_once();
	who_may_have_to_wait_holds_no_lock();
	host_cpus_close();
	return 0;
}
