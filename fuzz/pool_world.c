/*
 * pool_world.c -- a page pool over a run's arena.
 *
 * Zones, where the header asks for them, are cut as the kernel cuts them at boot: the first
 * sixteenth DMA, the next three kernel, the rest user; else all of it is kernel memory.  Frames
 * stand beside the arena, not in it, so that every page of the arena can be handed out and the
 * same script finds the same pages on every machine.
 *
 * The pristine state is a hash of which pages are free, as a set; a run must end in it.
 */
#include "fuzz/pool_world.h"

#include "machine/machine.h"

static void count_event(void *context, enum mm_event event, const struct mm_report *report)
{
	struct pool_world *world = context;

	(void)report;
	world->told[event]++;
	world->tellings++;
}

struct page_config pool_world_config(const struct run *run, struct frame *frames,
				     const struct mm_listener *listener)
{
	const struct script_world *w = &run->script->world;
	const bool zones = (w->flags & WORLD_ZONES) != 0;
	const uint32_t cache_pages = (uint32_t)min_u64(w->cache_pages, PAGE_CACHE_MAX);

	return (struct page_config){
		.base = mach_pa(run->machine->arena),
		.pages = w->pages,
		.frames = frames,
		.cpus = w->cpus,
		.zone_end = { zones ? w->pages / 16u : 0, zones ? w->pages / 4u : w->pages,
			      w->pages },
		.reserve = w->reserve,
		.low = w->pages / 8u,
		.critical = w->pages / 16u,
		.cache_pages = cache_pages,
		.cache_batch = (cache_pages + 1) / 2,
		.poison = (w->flags & WORLD_POISON) != 0,
		.listener = listener,
	};
}

void pool_world_open(struct pool_world *world, const struct run *run)
{
	const struct page_config config = pool_world_config(run, world->frames, &world->listener);

	memset(world->frames, 0, config.pages * sizeof world->frames[0]);
	memset(world->told, 0, sizeof world->told);
	world->tellings = 0;
	world->listener = (struct mm_listener){ .tell = count_event, .context = world };
	page_pool_init(&world->pool, &config);
	page_pool_give(&world->pool, 0, config.pages);
	world->pristine = page_hash(&world->pool);
}

/* --- taking all but a few --------------------------------------------------------------------- */

enum { SQUEEZED_HOW = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) };

uint32_t pool_world_available(struct pool_world *world)
{
	struct page_counts counts;

	page_count(&world->pool, &counts);
	return counts.free + counts.cached;
}

void pool_world_squeeze(struct pool_world *world, paddr_t *squeezed, uint32_t leave)
{
	page_drain(&world->pool);
	while (pool_world_available(world) > leave) {
		const paddr_t pa =
			page_alloc(&world->pool, 0, SQUEEZED_HOW | PAGE_NO_RECLAIM, SITE_NONE);
		if (pa == PADDR_NONE) return;
		*(paddr_t *)mach_phys(pa) = *squeezed;
		*squeezed = pa;
	}
}

void pool_world_relax(struct pool_world *world, paddr_t *squeezed)
{
	while (*squeezed != PADDR_NONE) {
		const paddr_t pa = *squeezed;
		*squeezed = *(paddr_t *)mach_phys(pa);
		page_free(&world->pool, pa, 0, SQUEEZED_HOW);
	}
}

void pool_world_close(struct pool_world *world)
{
	struct page_counts counts;
	struct site_row row = { 0 };
	size_t rows = 0;

	page_drain(&world->pool);
	const char *why = page_check(&world->pool);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	page_count(&world->pool, &counts);
	if (counts.used != 0) {
		page_sites(&world->pool, &row, 1, &rows);
		kpanic(ORACLE_LEAK, "%u pages are not back; one is from operation %u", counts.used,
		       row.site);
	}
	if (page_hash(&world->pool) != world->pristine)
		kpanic(ORACLE_LEAK, "all pages are back, and yet the pool is not as it was");
}
