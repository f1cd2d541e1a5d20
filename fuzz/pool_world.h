/*
 * pool_world.h -- a page pool over a run's arena, as a script's header asks for it: the ground
 * that the worlds of slab and kmalloc stand on.
 */
#ifndef FUZZ_POOL_WORLD_H
#define FUZZ_POOL_WORLD_H

#include "fuzz/frame/subject.h"
#include "mm/page.h"

struct pool_world {
	struct page_pool pool;
	uint64_t pristine;        /* page_hash() before the first operation */
	uint32_t told[MM_EVENTS]; /* how often mm/ reported each event */
	uint32_t tellings;        /* and anything at all */
	struct mm_listener listener;
	struct frame frames[SCRIPT_PAGES_MAX];
};

/* What a script's header asks of a pool over the run's arena; nothing is quarantined. */
struct page_config pool_world_config(const struct run *run, struct frame *frames,
				     const struct mm_listener *listener);

/* Makes the pool: its pages are the first of the arena.  Freed pages are not quarantined. */
void pool_world_open(struct pool_world *world, const struct run *run);

/* Pages that could be had at once: free, and in CPUs' caches. */
uint32_t pool_world_available(struct pool_world *world);

/* Takes pages, a chain of them that *squeezed begins (PADDR_NONE: none yet), until `leave` are to
 * be had or no more come; and gives all of the chain back. */
void pool_world_squeeze(struct pool_world *world, paddr_t *squeezed, uint32_t leave);
void pool_world_relax(struct pool_world *world, paddr_t *squeezed);

/* Fails ("leak") unless the pool is as pristine as it was; tells where `sites` finds the loss. */
void pool_world_close(struct pool_world *world);

#endif
