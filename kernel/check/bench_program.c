/*
 * bench_program.c -- what memory costs in the image that ships: pages and kmalloc.
 *
 * A pair is a request and its free.  "in a row" takes BATCH blocks and then frees them, so
 * slabs and page caches are used up and refilled; a pair alone always finds them warm.
 */
#include "kernel/check/bench.h"
#include "kernel/kmem.h"
#include "kernel/power.h"
#include "kernel/program.h"

enum { TIMES = 2000, BATCH = 256 };

static void *taken[BATCH];

static void page_pairs(uint32_t times)
{
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL);
	while (times-- > 0) kpage_free(kpage_alloc(0, how), 0, how);
}

static void page_rows(uint32_t times)
{
	static paddr_t pages[BATCH];
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL);
	while (times-- > 0) {
		for (unsigned i = 0; i < BATCH; i++) pages[i] = kpage_alloc(0, how);
		for (unsigned i = 0; i < BATCH; i++) kpage_free(pages[i], 0, how);
	}
}

static void pairs(uint32_t times, size_t bytes)
{
	while (times-- > 0) {
		void *p = kmalloc(bytes);
		__asm__ volatile("" : : "r"(p) : "memory");
		kfree(p);
	}
}

static void rows(uint32_t times, size_t bytes)
{
	while (times-- > 0) {
		for (unsigned i = 0; i < BATCH; i++) taken[i] = kmalloc(bytes);
		for (unsigned i = 0; i < BATCH; i++) kfree(taken[i]);
	}
}

static void pairs_16(uint32_t times)
{
	pairs(times, 16);
}
static void pairs_100(uint32_t times)
{
	pairs(times, 100);
}
static void pairs_2048(uint32_t times)
{
	pairs(times, 2048);
}
static void pairs_8192(uint32_t times)
{
	pairs(times, 8192);
}
static void rows_16(uint32_t times)
{
	rows(times, 16);
}
static void rows_100(uint32_t times)
{
	rows(times, 100);
}
static void rows_2048(uint32_t times)
{
	rows(times, 2048);
}

static const struct bench memory_benches[] = {
	{ "page alloc + free", page_pairs, TIMES, 1, 0, NULL },
	{ "page alloc + free, 256 in a row", page_rows, 20, BATCH, 0, NULL },
	{ "kmalloc + kfree, 16 bytes", pairs_16, TIMES, 1, 0, NULL },
	{ "kmalloc + kfree, 100 bytes", pairs_100, TIMES, 1, 0, NULL },
	{ "kmalloc + kfree, 2,048 bytes", pairs_2048, TIMES, 1, 0, NULL },
	{ "kmalloc + kfree, 8,192 bytes", pairs_8192, TIMES, 1, 0, NULL },
	{ "kmalloc + kfree, 16 bytes, 256 in a row", rows_16, 20, BATCH, 0, NULL },
	{ "kmalloc + kfree, 100 bytes, 256 in a row", rows_100, 20, BATCH, 0, NULL },
	{ "kmalloc + kfree, 2,048 bytes, 256 in a row", rows_2048, 20, BATCH, 0, NULL },
};

int program_main(void)
{
	const unsigned missed =
		bench_run(memory_benches, COUNT_OF(memory_benches)) + bench_spaces();
	return missed == 0 ? STATUS_OK : STATUS_FINDING;
}
