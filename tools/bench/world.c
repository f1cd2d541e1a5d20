/*
 * world.c -- the world that benchmarks run in: what a kernel with one CPU would hand in.
 *
 * All state lies in the arena that is measured: a pool of N pages pays for its own N frames, so
 * "least arena" is an honest figure.  Poison, quarantine, redzones and call sites are off, as in
 * the image that ships; depths and quotas are the kernel's (kernel/kmem.c).
 *
 * Cost: one memset of what it places.
 */
#include "tools/bench/world.h"

enum {
	CACHE_BATCH = 16,
};

static void make_pool(struct bench_world *w, void *memory, uint32_t pages, struct frame *frames,
		      uint32_t cache_pages)
{
	const struct page_config config = {
		.base = mach_pa(memory),
		.pages = pages,
		.frames = frames,
		.cpus = 1,
		.zone_end = { 0, pages, pages },
		.cache_pages = cache_pages,
		.cache_batch = min_u64(CACHE_BATCH, cache_pages),
	};
	page_pool_init(&w->pool, &config);
}

static void make_kmalloc(struct bench_world *w, uint32_t pages)
{
	const struct kmalloc_config config = {
		.pages = &w->pool,
		.keep_slabs = KMALLOC_KEEP_SLABS,
		.window_bytes = (size_t)pages * PAGE_SIZE,
		.grow_bytes = KMALLOC_GROW_BYTES,
		.keep_bytes = KMALLOC_KEEP_BYTES,
		.cpus = w->cpus,
	};
	kmalloc_init(&w->km, &config);
}

struct bench_world *bench_world_make(void *memory, uint32_t pages, uint32_t cache_pages)
{
	const size_t frames_at = align_up(sizeof(struct bench_world), 64);
	const size_t state_bytes = frames_at + (size_t)pages * sizeof(struct frame);
	const uint32_t first = (uint32_t)(align_up(state_bytes, PAGE_SIZE) >> PAGE_SHIFT);
	if (first >= pages) return NULL;

	mach_unpoison(memory, (size_t)first << PAGE_SHIFT);
	memset(memory, 0, state_bytes);
	struct bench_world *w = memory;
	make_pool(w, memory, pages, (struct frame *)((char *)memory + frames_at), cache_pages);
	page_pool_give(&w->pool, first, pages);
	make_kmalloc(w, pages);
	return w;
}
