/*
 * page_test.h -- one small pool and what the page allocator's tests ask of it again and again.
 */
#ifndef MM_PAGE_TEST_H
#define MM_PAGE_TEST_H

#include "machine/host/cpu.h"
#include "mm/test_pool.h"

#define KERNEL PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL)
#define HEAP PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_HEAP)
#define USER PAGE_HOW(ZONE_USER, PAGE_OWNER_USER)
#define DMA PAGE_HOW(ZONE_DMA, PAGE_OWNER_KERNEL)

enum { PAGES = 2048 };

static struct page_pool pool;
static struct frame frames[PAGES];
static uint32_t tellings, told_level;
static paddr_t base;

static inline void tell(void *context, enum mm_event event, const struct mm_report *report)
{
	(void)context;
	EXPECT(event == MM_EVENT_PRESSURE);
	tellings++;
	told_level = report->level;
}

static const struct mm_listener listener = { .tell = tell };

/* A pool of one zone (all kernel) without caches, which tests change as they like. */
static inline struct page_config plain(uint32_t pages)
{
	base = mach_pa(host_arena_open(HOST_ARENA_BYTES));
	memset(frames, 0, sizeof(frames));
	tellings = told_level = 0;
	return (struct page_config){
		.base = base,
		.pages = pages,
		.frames = frames,
		.cpus = 4,
		.zone_end = { 0, pages, pages },
		.listener = &listener,
	};
}

static inline void make(const struct page_config *config)
{
	page_pool_init(&pool, config);
	page_pool_give(&pool, 0, config->pages);
}

static inline void make_plain(uint32_t pages)
{
	const struct page_config config = plain(pages);

	make(&config);
}

static inline paddr_t at(uint32_t n)
{
	return base + (paddr_t)n * PAGE_SIZE;
}

static inline struct page_counts counts(void)
{
	struct page_counts c;

	EXPECT(page_check_counts(&pool) == NULL);
	page_count(&pool, &c);
	EXPECT(c.free + c.used + c.reserved + c.cached + c.quarantined == c.total);
	return c;
}

/* All is back: drains and compares with how many pages were given. */
static inline void all_is_free(uint32_t pages)
{
	page_drain(&pool);
	const char *wrong = page_check(&pool);
	if (wrong != NULL) kpanic("walk", "%s", wrong);
	EXPECT(counts().free == pages && counts().used == 0);
}

/* Takes single pages until none is left; how many those were. */
static inline uint32_t take_all(uint32_t how)
{
	uint32_t n = 0;

	while (page_alloc(&pool, 0, how, 1) != PADDR_NONE) n++;
	return n;
}

#define REFUSED(verdict, call)                                                  \
	do {                                                                    \
		const uint64_t before = page_hash(&pool);                       \
		const struct page_counts was = counts();                        \
		EXPECT((call) == (verdict));                                    \
		EXPECT(page_hash(&pool) == before);                             \
		EXPECT(counts().used == was.used && counts().free == was.free); \
	} while (0)

#endif
