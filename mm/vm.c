/*
 * vm.c -- what all spaces of a kernel share, and how memory that nobody needs comes back.
 *
 * A space that is no longer used goes on the retired list as it is.  It is taken apart in steps of
 * a few dozen pages (space_take_apart), each under the list's lock, so that nobody who is short of
 * memory ever finds the list empty while another CPU still has pages in its hands: it waits for the
 * end of the step and takes the next.  Only a space that no CPU has installed is touched at all.
 *
 * Under pressure the order is: what is retired, then pages of files that nobody maps, and where
 * that freed objects rather than pages, what kmalloc keeps of them; and enough of it that the one
 * who asks is not refused because the first pages to come back fill up the reserve.  The shrinker
 * goes on until it has that or until nothing is left; vm_reclaim, which an idle CPU calls, stops
 * after as much work as it was given.
 *
 * Always true:
 *   V1  a space on the retired list has no user, and until it is off the list again nobody but the
 *       holder of the list's lock looks into it;
 *   V2  bit c of a space's `cpus` is set at least while CPU c has it installed;
 *   V3  `spaces` is the number of spaces, `retired_count` the length of the list;
 *   V4  a space that can run is on the list of all, and none that is retired.
 *
 * Locks: retired_lock, outside those of backings, kmalloc and pages, inside a space's.  Nothing is
 * allocated under it.  Cost: a step O(TLB_BATCH_PAGES).
 */
#include "mm/backing_inside.h"
#include "mm/space_inside.h"

/* --- the retired list --------------------------------------------------------------------- */

/* The first that can be taken apart: one that no CPU has installed, this one aside, which lets go
 * of what is retired here and now. */
static struct space **vm_pick_locked(struct vm *vm) REQUIRES(&vm->retired_lock)
{
	struct space **at = &vm->retired;

	for (; *at != NULL; at = &(*at)->next) {
		ASSERT((*at)->retired);
		if (vm->installed[mach_cpu()] == *at) space_switch(vm, NULL);
		if (atomic_load_u32(&(*at)->cpus) == 0) break;
	}
	return at;
}

/* One step of taking one apart; false when there is none to be had. */
static bool vm_step_locked(struct vm *vm, struct space_work *work) REQUIRES(&vm->retired_lock)
{
	struct space **at = vm_pick_locked(vm);
	struct space *s = *at;

	if (s == NULL) return false;
	if (space_take_apart(s, work)) {
		*at = s->next;
		ASSERT(vm->retired_count != 0);
		vm->retired_count--;
		space_free(s);
		work->back++; /* the root */
		work->objects = true;
	}
	return true;
}

static bool vm_step(struct vm *vm, struct space_work *work)
{
	const mach_irq_t was = lock_take(&vm->retired_lock);
	const bool more = vm_step_locked(vm, work);

	lock_drop(&vm->retired_lock, was);
	return more;
}

void space_hold(struct space *s)
{
	const uint32_t others = atomic_fetch_add_u32(&s->holders, 1);

	ASSERT(others != 0 && others != UINT32_MAX && !s->retired);
}

void space_retire(struct space *s)
{
	struct vm *vm = s->vm;
	const uint32_t holders = atomic_fetch_add_u32(&s->holders, UINT32_MAX);

	ASSERT(holders != 0);
	if (holders != 1) return;
	const mach_irq_t was = lock_take(&vm->retired_lock);

	ASSERT(!s->retired);
	space_hide_locked(s);
	s->retired = true;
	s->next = vm->retired;
	vm->retired = s;
	vm->retired_count++;
	lock_drop(&vm->retired_lock, was);
}

/* --- reclaim ------------------------------------------------------------------------------ */

size_t vm_reclaim(struct vm *vm, size_t pages)
{
	struct space_work work = { .done = 0 };

	while (work.done < pages && vm_step(vm, &work)) {
	}
	if (work.done < pages) work.back += backing_list_reclaim(vm->backings, pages - work.done);
	return work.back;
}

size_t vm_reclaim_retired(struct vm *vm, size_t pages)
{
	struct space_work work = { .done = 0 };

	while (work.done < pages && vm_step(vm, &work)) {
	}
	return work.done;
}

/* How many pages have to come back before a request for `pages` can be met: the first ones may go
 * to the reserve.  Several in a row: nobody knows. */
static size_t vm_needed(const struct vm *vm, size_t pages)
{
	return pages == 1 ? 1 + vm->pages->reserve : SIZE_MAX;
}

/* The pool's: goes on until so much is back, or nothing is left to take. */
static size_t vm_shrink(void *context, size_t pages)
{
	struct vm *vm = context;
	const size_t needed = vm_needed(vm, pages);
	struct space_work work = { .done = 0 };

	if (vm->backings == NULL) return 0;
	while (work.back < needed && vm_step(vm, &work)) {
	}
	if (work.back < needed) {
		const size_t got = backing_list_reclaim(vm->backings, needed - work.back);
		work.objects = work.objects || got != 0;
		work.back += got;
	}
	if (work.back < needed && work.objects) work.back += kmalloc_drain(vm->kmalloc);
	return work.back;
}

/* --- beginning and end -------------------------------------------------------------------- */

/* Clears all but the numbers, which asid_pool_init writes; there are many of them. */
static void vm_set(struct vm *vm, const struct vm_config *config)
{
	vm->pages = config->pages;
	vm->kmalloc = config->kmalloc;
	vm->bottom = config->bottom;
	vm->top = config->top;
	vm->lowest = config->lowest;
	vm->regions_max = config->regions_max;
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) vm->installed[cpu] = NULL;
	lock_init(&vm->retired_lock, RANK_RETIRED);
	vm->retired = vm->first = vm->last = NULL;
	vm->retired_count = vm->spaces = 0;
	vm->shrinker = (struct shrinker){ .name = "spaces", .shrink = vm_shrink, .context = vm };
	asid_pool_init(&vm->asids, config->asid_bits, config->pages->cpus);
}

bool vm_init(struct vm *vm, const struct vm_config *config)
{
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) | PAGE_ZERO;

	ASSERT(config->bottom < config->top && config->top <= USER_END);
	ASSERT(is_aligned(config->bottom | config->top | config->lowest, PAGE_SIZE));
	vm_set(vm, config);
	vm->zeroes = page_alloc(vm->pages, 0, how, SITE_NONE);
	if (vm->zeroes == PADDR_NONE) return false;
	vm->backings = backing_list_open(vm->pages, vm->kmalloc);
	if (vm->backings == NULL) {
		page_free(vm->pages, vm->zeroes, 0, how);
		return false;
	}
	mach_code_sync(mach_phys(vm->zeroes), PAGE_SIZE);
	page_shrinker_add(vm->pages, &vm->shrinker);
	return true;
}

void vm_close(struct vm *vm)
{
	while (vm_reclaim(vm, SIZE_MAX) != 0) {
	}
	ASSERT(vm->retired_count == 0 && atomic_load_u32(&vm->spaces) == 0);
	backing_list_close(vm->backings);
	vm->backings = NULL; /* the pool still has our shrinker, which finds nothing now */
	const enum page_verdict v =
		page_free(vm->pages, vm->zeroes, 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL));
	ASSERT(v == PAGE_FREED);
}

void vm_count(struct vm *vm, struct vm_counts *out)
{
	const mach_irq_t was = lock_take(&vm->retired_lock);

	out->spaces = atomic_load_u32(&vm->spaces);
	out->retired = vm->retired_count;
	backing_list_count(vm->backings, &out->backings, &out->backing_pages);
	lock_drop(&vm->retired_lock, was);
	out->asid_rollovers = asid_rollovers(&vm->asids);
}
