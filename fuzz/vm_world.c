/*
 * vm_world.c -- pages, kmalloc, spaces and stacks of worlds in which processes and tasks live.
 *
 * Running out of memory is some subjects' matter (space, process); for the others whatever is asked
 * for is there, however few pages the header has.
 *
 * Beside the window of stacks there is a table without entries, so that the root's entry stays as
 * it is while stacks come and go: the booted kernel takes over the root's entries as they are.
 */
#include "fuzz/vm_world.h"

#include "fuzz/frame/must.h"

#define WINDOW (KERNEL_START + 0x400000000000)
#define ANCHOR (WINDOW + (64ull << 30))

void vm_world_make(struct vm_world *w, const struct run *run, uint32_t asid_bits, uint64_t bottom,
		   uint64_t top)
{
	const struct kmalloc_config memory = kmalloc_world_config(run, &w->pool, w->cpus);
	const struct vm_config vm = {
		.pages = &w->pool.pool,
		.kmalloc = &w->km,
		.asid_bits = asid_bits,
		.bottom = bottom,
		.top = top,
		.lowest = PAGE_SIZE,
		.regions_max = SPACE_REGIONS_MAX,
	};

	pool_world_open(&w->pool, run);
	kmalloc_init(&w->km, &memory);
	must(vm_init(&w->vm, &vm), "what spaces share");
}

void vm_world_open(struct vm_world *w, const struct run *run, uint32_t pages, uint64_t bottom,
		   uint64_t top)
{
	struct script script = *run->script;
	struct run richer = *run;

	script.world.pages = (uint16_t)min_u64(pages + script.world.pages, SCRIPT_PAGES_MAX);
	script.world.reserve = 0;
	script.world.flags &= (uint16_t)~WORLD_ZONES;
	richer.script = &script;
	vm_world_make(w, &richer, ASID_BITS_MIN, bottom, top);
}

void vm_world_close(struct vm_world *w)
{
	struct vm_counts counts;

	vm_reclaim(&w->vm, SIZE_MAX);
	vm_count(&w->vm, &counts);
	must_be_none(counts.spaces, "spaces");
	must_be_none(counts.backings, "backings");
	vm_close(&w->vm);
	kmalloc_drain(&w->km);
	must_be_sound(kmalloc_check(&w->km));
	pool_world_close(&w->pool);
}

void stack_world_open(struct stack_world *w, const struct run *run, struct pool_world *pool,
		      uint32_t slots, uint32_t keep)
{
	const struct kstack_config config = {
		.table = &w->tree, .base = WINDOW, .slots = slots, .keep = keep
	};

	must(pagetable_init(&w->tree, &pool->pool, true, SITE_NONE) &&
		     pagetable_prepare(&w->tree, ANCHOR, 0, SITE_NONE) == PAGETABLE_DONE,
	     "the kernel's tree");
	if (run->machine->kernel_tables != NULL) run->machine->kernel_tables(w->tree.root);
	kstack_init(&w->stacks, &config);
}

void stack_world_close(struct stack_world *w, const struct run *run)
{
	kstack_drain(&w->stacks);
	if (run->machine->kernel_tables != NULL) run->machine->kernel_tables(PADDR_NONE);
	pagetable_close(&w->tree);
}
