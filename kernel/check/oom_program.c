/*
 * oom_program.c -- runs out of memory in each of the three ways, and must be told so by name.
 *
 * The first two leave everything as it was; the third is a caller that must not fail, so it ends
 * in a panic.
 */
#include "kernel/check/deliberate.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/oom.h"
#include "kernel/power.h"
#include "kernel/program.h"

enum { TAKEN_MAX = 4096, LARGE_BYTES = 600000 };

static struct {
	paddr_t pa;
	unsigned order;
} taken[TAKEN_MAX];

static unsigned take_all_pages(void)
{
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) | PAGE_NO_RECLAIM;
	unsigned count = 0;
	for (unsigned order = PAGE_ORDERS; order-- > 0;) {
		for (;;) {
			uint32_t used = how;
			paddr_t pa = kpage_alloc(order, used);
			if (pa == PADDR_NONE) {
				used = PAGE_HOW(ZONE_DMA, PAGE_OWNER_KERNEL) | PAGE_NO_RECLAIM;
				pa = kpage_alloc(order, used);
			}
			if (pa == PADDR_NONE) break;
			ASSERT(count < TAKEN_MAX);
			taken[count].pa = pa;
			taken[count++].order = order;
		}
	}
	return count;
}

static NOINLINE bool no_pages_at_growth(void)
{
	unsigned count = take_all_pages();
	const bool refused = kmalloc(LARGE_BYTES) == NULL;
	while (count-- > 0)
		kpage_free(taken[count].pa, taken[count].order,
			   PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL));
	void *p = kmalloc(LARGE_BYTES);
	kfree(p);
	return refused && p != NULL;
}

static NOINLINE bool no_heap_block(void)
{
	return kmalloc((size_t)HEAP_WINDOW_BYTES + 8) == NULL;
}

static NOINLINE void cannot_go_on(void)
{
	kmalloc_or_panic((size_t)HEAP_WINDOW_BYTES + 8);
}

int program_main(void)
{
	deliberate("out-of-memory");
	if (oom_count(MM_EVENT_PAGES_AT_GROWTH) != 0 || oom_count(MM_EVENT_NO_HEAP_BLOCK) != 0)
		return STATUS_FINDING;
	if (!no_pages_at_growth() || oom_count(MM_EVENT_PAGES_AT_GROWTH) != 1)
		return STATUS_FINDING;
	if (!no_heap_block() || oom_count(MM_EVENT_NO_HEAP_BLOCK) != 1) return STATUS_FINDING;
	console_print("oom: now a caller that must not fail\n");
	cannot_go_on();
	return STATUS_FINDING;
}
