/*
 * test_calls.h -- one space in a small vm, and short forms of the memory calls, for their tests.
 */
#ifndef MM_TEST_CALLS_H
#define MM_TEST_CALLS_H

#include "mm/test_space.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static struct space *s;

static inline void begin(uint32_t pages)
{
	vm_open(pages);
	s = space_create(&tv->vm, SITE);
	EXPECT(s != NULL);
}

static inline void finish(void)
{
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

static inline uint64_t page(uint64_t n)
{
	return n * PAGE_SIZE;
}

/* The n-th page of where tests put things. */
static inline uint64_t at(uint64_t n)
{
	return AT + page(n);
}

static inline int64_t map(uint64_t addr, uint64_t pages, uint32_t prot, uint32_t flags)
{
	return space_mmap(s, addr, page(pages), prot, flags, NULL, 0, SITE);
}

/* Maps where it says, or ends the test. */
static inline void map_at(uint64_t n, uint64_t pages, uint32_t prot, uint32_t flags)
{
	EXPECT(map(at(n), pages, prot, flags | MAP_FIXED_NOREPLACE) == (int64_t)at(n));
}

/* Each of the pages [n, end) is written to, with its own number. */
static inline void touch(uint64_t n, uint64_t end)
{
	for (; n < end; n++) set_byte(s, at(n), (uint8_t)n);
}

/* The region that page `n` is in is exactly [from, end). */
static inline bool is_region(uint64_t n, uint64_t from, uint64_t end)
{
	const struct region *r = region_at_or_above(&s->regions, at(n));

	return r != NULL && r->start == at(from) && r->end == at(end);
}

/* Nobody can have a page any more: from here on the pool has none left. */
static inline void use_up_pages(void)
{
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_USER) | PAGE_NO_RECLAIM;

	while (page_alloc(&tv->pool, 0, how, SITE) != PADDR_NONE) continue;
}

/* The same for memory that a region could be made of: it is in regions now. */
static inline void use_up_regions(void)
{
	uint64_t n = 1000;

	use_up_pages();
	while (map(at(n), 1, PROT_NONE, ANON | MAP_FIXED) > 0) n += 2;
}

#endif
