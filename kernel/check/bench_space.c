/*
 * bench_space.c -- what spaces cost in the image that ships: mapping, touching, unmapping, cloning.
 *
 * A touch is a store as a program would make it: the exception of the first try, the fault, and the
 * store that follows (kernel/vm.h).  A further page is one of a mapping of MANY, the work of a
 * mapping of one page taken off: its fault, its share of what unmapping does, and its zeroing.
 * Linux's figures for the same, system calls included: 21,270 for map, touch and unmap of one page,
 * 4,140 for a further one (6.1, the same QEMU).
 *
 * The parent of a clone has all its pages to itself, writable, before each: so a clone has to take
 * that right away from every one.
 */
#include "kernel/check/bench.h"
#include "kernel/kmem.h"
#include "kernel/vm.h"

enum { TIMES = 500, MANY = 256, MANY_TIMES = 20 };

static struct space *space;
static uint64_t parent_pages;

static uint64_t map(uint64_t pages)
{
	const int64_t at =
		kspace_map(space, pages << PAGE_SHIFT, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	ASSERT(at > 0);
	return (uint64_t)at;
}

static void unmap(uint64_t at, uint64_t pages)
{
	const int64_t answer = space_munmap(space, at, pages << PAGE_SHIFT);
	ASSERT(answer == 0);
}

static void touch(uint64_t at, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		const enum fault_answer answer = kspace_store(space, at + (i << PAGE_SHIFT), i);
		ASSERT(answer == FAULT_DONE);
	}
}

static void look(uint64_t at, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t value;
		const enum fault_answer answer = kspace_load(space, at + (i << PAGE_SHIFT), &value);
		ASSERT(answer == FAULT_DONE);
	}
}

static void map_and_unmap(uint32_t times)
{
	while (times-- > 0) unmap(map(1), 1);
}

static void touch_pages(uint32_t times, uint64_t pages, void (*how)(uint64_t, uint64_t))
{
	while (times-- > 0) {
		const uint64_t at = map(pages);
		how(at, pages);
		unmap(at, pages);
	}
}

static void touch_one(uint32_t times)
{
	touch_pages(times, 1, touch);
}

static void touch_many(uint32_t times)
{
	touch_pages(times, MANY, touch);
}

static void look_at_one(uint32_t times)
{
	touch_pages(times, 1, look);
}

static void look_at_many(uint32_t times)
{
	touch_pages(times, MANY, look);
}

/* What of a touch is the machine's: an access that succeeds, and one that faults. */
static void store_again(uint32_t times)
{
	while (times-- > 0) mach_user_store(parent_pages, times);
}

static void store_nowhere(uint32_t times)
{
	while (times-- > 0) mach_user_store(kernel_vm.lowest, times);
}

static void zeroed_pages(uint32_t times)
{
	const uint32_t how = PAGE_HOW(ZONE_USER, PAGE_OWNER_KERNEL);
	while (times-- > 0) kpage_free(kpage_alloc(0, how | PAGE_ZERO), 0, how);
}

static void clones(uint32_t times)
{
	while (times-- > 0) {
		struct space *child = kspace_clone(space);
		ASSERT(child != NULL);
		bench_pause();
		space_retire(child);
		while (vm_reclaim(&kernel_vm, MANY) > 0) continue;
		touch(parent_pages, MANY);
		bench_resume();
	}
}

static void switches(uint32_t times)
{
	while (times-- > 0) {
		space_switch(&kernel_vm, NULL);
		space_switch(&kernel_vm, space);
	}
}

static const struct bench benches[] = {
	{ "map + unmap a page, untouched", map_and_unmap, TIMES, 1, 0, NULL },
	{ "map + touch + unmap a page", touch_one, TIMES, 1, 4000, NULL },
	{ "a further page touched", touch_many, MANY_TIMES, MANY - 1, 1200, touch_one },
	{ "a further page read", look_at_many, MANY_TIMES, MANY - 1, 0, look_at_one },
	{ "clone with 256 pages, each page", clones, MANY_TIMES, MANY, 40, NULL },
	{ "a switch to a space and from it", switches, TIMES, 1, 0, NULL },
	{ "a user's store", store_again, TIMES, 1, 0, NULL },
	{ "a user's store that faults", store_nowhere, TIMES, 1, 0, NULL },
	{ "page alloc, zeroed, + free", zeroed_pages, TIMES, 1, 0, NULL },
};

unsigned bench_spaces(void)
{
	space = kspace_create();
	ASSERT(space != NULL);
	space_switch(&kernel_vm, space);
	parent_pages = map(MANY);
	touch(parent_pages, MANY);
	const unsigned missed = bench_run(benches, COUNT_OF(benches));
	space_switch(&kernel_vm, NULL);
	space_retire(space);
	return missed;
}
