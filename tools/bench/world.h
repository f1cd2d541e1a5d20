/*
 * world.h -- a pool of pages and a kmalloc, with everything they need inside one piece of memory.
 */
#ifndef TOOLS_BENCH_WORLD_H
#define TOOLS_BENCH_WORLD_H

#include "mm/kmalloc.h"

struct bench_world {
	struct page_pool pool;
	struct kmalloc km;
	struct slab_cpu cpus[KMALLOC_CLASSES];
};

/*
 * Makes a world for one CPU in `pages` pages at `memory` (whose physical address is a multiple of
 * the largest page block): itself and the frames first, all other pages in the
 * pool.  `cache_pages`: depth of the page cache, 0 for none.  NULL when not even these fit.
 */
struct bench_world *bench_world_make(void *memory, uint32_t pages, uint32_t cache_pages);

#endif
