/*
 * kmalloc_world.c -- kmalloc over a pool world.
 *
 * One reading of the header for all subjects that have a kmalloc, so that a header means the same
 * to each: redzones, poison and sites as the flags say, slabs for CPUs where `magazine` is not 0.
 * The heap grows by four pages, so small worlds see it grow often.
 */
#include "fuzz/kmalloc_world.h"

struct kmalloc_config kmalloc_world_config(const struct run *run, struct pool_world *world,
					   struct slab_cpu *cpus)
{
	const struct script_world *w = &run->script->world;

	return (struct kmalloc_config){
		.pages = &world->pool,
		.keep_slabs = 1,
		.redzone = (uint32_t)align_up(w->redzone, KMALLOC_ALIGN),
		.poison = (w->flags & WORLD_POISON) != 0,
		.sites = (w->flags & WORLD_SITES) != 0,
		.window_bytes = (size_t)w->pages << PAGE_SHIFT,
		.grow_bytes = 4 * PAGE_SIZE,
		.listener = &world->listener,
		.cpus = w->magazine != 0 ? cpus : NULL,
	};
}
