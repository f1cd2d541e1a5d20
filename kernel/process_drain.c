/*
 * process_drain.c -- what is kept for the next who asks, given back at once.
 *
 * Memory comes back in its own time: the dead are reaped after the next switch, spaces are taken
 * apart by CPUs that have nothing else to do, kept stacks, slabs and pages wait for pressure.  Who
 * wants to know what is really used, to the page, drains all of that first, and in this order,
 * since each step feeds those behind it.  Caches of other CPUs are emptied from here: each has a
 * latch of its own for that.
 *
 * What another CPU has in its hands at that moment (a latch that is taken, a space that it has not
 * left yet) is missed.  So there is another pass, a moment later, until one finds nothing to do and
 * nothing is left.  Among programs that go on using memory none may; so passes are counted.
 *
 * Always true: nothing that anybody uses is touched; this is for any time, and for several at once.
 *
 * Locks: none here.  Cost: that of what comes back; PASSES milliseconds at most where others run.
 */
#include "kernel/process.h"

enum { PASSES = 16, PAUSE_NS = 1000000 };

/* How much came back. */
static size_t drain_once(const struct process_config *config)
{
	size_t back = sched_reap(config->sched);

	back += vm_reclaim(config->vm, SIZE_MAX);
	back += kstack_drain(config->stacks);
	back += kmalloc_drain(config->memory);
	page_drain(config->vm->pages);
	return back;
}

static bool nothing_is_kept(const struct process_config *config)
{
	struct vm_counts vm;
	struct kmalloc_counts memory;

	vm_count(config->vm, &vm);
	kmalloc_count(config->memory, &memory);
	ASSERT(vm.retired <= vm.spaces);
	return vm.retired == 0 && memory.cached_objects == 0 && memory.quarantined == 0 &&
	       memory.pages.cached == 0 && memory.pages.quarantined == 0;
}

bool process_world_drain(struct process_world *w)
{
	const struct process_config *config = &w->config;

	for (unsigned pass = 0; pass < PASSES; pass++) {
		if (drain_once(config) == 0 && nothing_is_kept(config)) return true;
		sched_sleep_until(config->sched, mach_now_ns() + PAUSE_NS);
	}
	return false;
}
