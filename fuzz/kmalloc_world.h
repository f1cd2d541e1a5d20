/*
 * kmalloc_world.h -- kmalloc over a pool world, as a script's header asks for it: the ground that
 * the worlds of kmalloc, space and usercopy stand on.
 */
#ifndef FUZZ_KMALLOC_WORLD_H
#define FUZZ_KMALLOC_WORLD_H

#include "fuzz/pool_world.h"
#include "mm/kmalloc.h"

enum { KMALLOC_WORLD_CPUS = SCRIPT_CPUS_MAX * KMALLOC_CLASSES };

/* What the header asks for, all of the pool as the heap's window, and nothing kept back but a slab
 * of each size.  `cpus`: KMALLOC_WORLD_CPUS of them, used where the header wants CPUs to have
 * slabs. */
struct kmalloc_config kmalloc_world_config(const struct run *run, struct pool_world *world,
					   struct slab_cpu *cpus);

#endif
