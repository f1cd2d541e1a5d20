/*
 * test_space.h -- a small vm over the host's arena, for the tests of spaces, faults and copies.
 *
 * Regions are put in by hand: what mmap makes of its arguments is another test's affair.
 */
#ifndef MM_TEST_SPACE_H
#define MM_TEST_SPACE_H

#include <string.h>

#include "machine/host/cpu.h"
#include "mm/backing_inside.h"
#include "mm/space_inside.h"
#include "mm/test_pool.h"
#include "mm/usercopy.h"

enum { AT = 0x400000, SITE = 7 };

static struct test_vm {
	struct page_pool pool;
	struct frame frames[TEST_PAGES];
	struct kmalloc kmalloc;
	struct vm vm;
	uint32_t pages; /* of the pool */
} * tv;

/* `pages` pages, of which the first `dma` are ZONE_DMA and the others the kernel's; two CPUs, ASIDs
 * of four bits. */
static inline void vm_open_zones(uint32_t pages, uint32_t dma)
{
	tv = calloc(1, sizeof *tv);
	void *arena = host_arena_open(HOST_ARENA_BYTES);
	const struct page_config config = {
		.base = mach_pa(arena),
		.pages = pages,
		.frames = tv->frames,
		.cpus = 2,
		.zone_end = { dma, pages, pages },
	};
	const struct kmalloc_config kconfig = {
		.pages = &tv->pool,
		.keep_slabs = 1,
		.window_bytes = 16 * PAGE_SIZE,
		.grow_bytes = PAGE_SIZE,
	};
	const struct vm_config vconfig = {
		.pages = &tv->pool,
		.kmalloc = &tv->kmalloc,
		.asid_bits = ASID_BITS_MIN,
		.bottom = 0x10000,
		.top = USER_END - PAGE_SIZE,
		.lowest = 0x10000,
		.regions_max = SPACE_REGIONS_MAX,
	};

	host_reset();
	tv->pages = pages;
	page_pool_init(&tv->pool, &config);
	page_pool_give(&tv->pool, 0, pages);
	kmalloc_init(&tv->kmalloc, &kconfig);
	EXPECT(vm_init(&tv->vm, &vconfig));
}

static inline void vm_open(uint32_t pages)
{
	vm_open_zones(pages, 0);
}

static inline uint32_t pages_used(void)
{
	struct page_counts counts;

	kmalloc_drain(&tv->kmalloc);
	page_count(&tv->pool, &counts);
	return counts.used;
}

/* Everything comes back. */
static inline void vm_shut(void)
{
	vm_close(&tv->vm);
	EXPECT(pages_used() == 0 && page_check(&tv->pool) == NULL);
	free(tv);
}

static inline void sound(struct space *const *spaces, size_t count)
{
	const char *why = vm_check(&tv->vm, spaces, count);

	if (why != NULL) fprintf(stderr, "%s\n", why);
	EXPECT(why == NULL);
}

#define SOUND(...)                                            \
	do {                                                  \
		struct space *const all_[] = { __VA_ARGS__ }; \
		sound(all_, COUNT_OF(all_));                  \
	} while (0)

/* A region of `pages` pages at `start`; holds `b`. */
static inline struct region *put(struct space *s, uint64_t start, uint64_t pages, uint32_t rights,
				 uint32_t flags, struct backing *b)
{
	const mach_irq_t was = lock_take(&s->lock);
	struct region *r = space_region_alloc(s, SITE);

	EXPECT(r != NULL);
	r->start = start;
	r->end = start + pages * PAGE_SIZE;
	r->rights = (uint8_t)rights;
	r->rights_max = PROT_READ | PROT_WRITE | PROT_EXEC;
	r->flags = (uint16_t)flags;
	r->backing = b;
	r->offset = b == NULL ? pages_of(start) : 0;
	if (b != NULL) backing_hold(b);
	region_insert(&s->regions, r);
	s->mapped += pages;
	lock_drop(&s->lock, was);
	return r;
}

static inline uint64_t entry_at(struct space *s, uint64_t va)
{
	return pagetable_lookup(&s->table, va, NULL);
}

static inline uint8_t byte_at(struct space *s, uint64_t va)
{
	uint8_t byte = 0xee;

	EXPECT(user_copy_in(s, &byte, va, 1) == 0);
	return byte;
}

static inline void set_byte(struct space *s, uint64_t va, uint8_t byte)
{
	EXPECT(user_copy_out(s, va, &byte, 1) == 0);
}

static inline uint32_t references_at(struct space *s, uint64_t va)
{
	return user_page_references(&tv->pool, entry_address(entry_at(s, va)));
}

static inline void retire_all(struct space *const *spaces, size_t count)
{
	for (size_t i = 0; i < count; i++) space_retire(spaces[i]);
}

#define RETIRE(...)                                           \
	do {                                                  \
		struct space *const all_[] = { __VA_ARGS__ }; \
		retire_all(all_, COUNT_OF(all_));             \
	} while (0)

/* --- short of memory ------------------------------------------------------------------------- */

static paddr_t hoard[TEST_PAGES];
static uint32_t hoarded;

/* Leaves `pages` pages to be had; what is parked anywhere stays there. */
static inline void leave(uint32_t pages)
{
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL);

	kmalloc_drain(&tv->kmalloc);
	for (hoarded = 0;; hoarded++) {
		hoard[hoarded] = page_alloc(&tv->pool, 0, how | PAGE_NO_RECLAIM, SITE);
		if (hoard[hoarded] == PADDR_NONE) break;
	}
	EXPECT(hoarded >= pages);
	while (pages-- != 0) page_free(&tv->pool, hoard[--hoarded], 0, how);
}

static inline void leave_all(void)
{
	while (hoarded != 0)
		page_free(&tv->pool, hoard[--hoarded], 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL));
}

#endif
