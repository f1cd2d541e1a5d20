/*
 * test_pool.h -- a small pool over the host's arena, for the unit tests of what stands on pages.
 */
#ifndef MM_TEST_POOL_H
#define MM_TEST_POOL_H

#include <stdlib.h>

#include "machine/host/arena.h"
#include "machine/host/expect.h"
#include "mm/page.h"

enum { TEST_PAGES = 256 };

struct test_pool {
	struct page_pool pool;
	struct frame frames[TEST_PAGES];
	uint32_t told[MM_EVENTS];
	struct mm_listener listener;
};

static inline void test_pool_tell(void *context, enum mm_event event,
				  const struct mm_report *report)
{
	(void)report;
	((struct test_pool *)context)->told[event]++;
}

/* `pages` kernel pages, no per-CPU caches, so that every page is where one looks for it. */
static inline struct test_pool *test_pool_open(uint32_t pages)
{
	struct test_pool *t = calloc(1, sizeof *t);
	void *arena = host_arena_open(HOST_ARENA_BYTES);
	const struct page_config config = {
		.base = mach_pa(arena),
		.pages = pages,
		.frames = t->frames,
		.cpus = 1,
		.zone_end = { 0, pages, pages },
		.listener = &t->listener,
	};

	t->listener = (struct mm_listener){ .tell = test_pool_tell, .context = t };
	page_pool_init(&t->pool, &config);
	page_pool_give(&t->pool, 0, pages);
	return t;
}

static inline uint32_t test_pool_free_pages(struct test_pool *t)
{
	struct page_counts counts;

	page_count(&t->pool, &counts);
	return counts.free;
}

#endif
