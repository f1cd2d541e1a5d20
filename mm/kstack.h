/*
 * kstack.h -- stacks for the kernel's threads: 32 KiB each in a window of the kernel's half, an
 * unmapped guard page below, and a canary at the low end.
 *
 * Stacks that were given back are kept mapped for the next, up to a limit; pressure takes these.
 *
 * Locks: the window's own (RANK_KSTACK), inside it the pool's.  Any context but a shrinker, with
 * no lock held of rank RANK_KSTACK or above; kstack_alloc may reclaim besides, which takes those
 * from RANK_RETIRED on.
 */
#ifndef MM_KSTACK_H
#define MM_KSTACK_H

#include "mm/pagetable.h"

enum {
	KSTACK_PAGES = KERNEL_STACK_BYTES / PAGE_SIZE,
	KSTACK_SLOT_PAGES = KSTACK_PAGES + 1, /* with the guard page, which is the lowest */
};

struct kstack_config {
	struct pagetable *table; /* the kernel's */
	uint64_t base;           /* of the window; a multiple of PAGE_SIZE */
	uint32_t slots;          /* how many stacks fit; up to KSTACK_SLOTS_MAX */
	uint32_t keep;           /* stacks kept mapped for the next */
};

enum { KSTACK_SLOTS_MAX = 8192 };

struct kstack_window {
	struct pagetable *table;
	uint64_t base;
	uint32_t slots, keep;
	struct lock lock; /* RANK_KSTACK */
	uint32_t live, kept GUARDED_BY(&lock);
	uint64_t taken[KSTACK_SLOTS_MAX / 64] GUARDED_BY(&lock); /* slots with pages in them */
	uint64_t ready[KSTACK_SLOTS_MAX / 64] GUARDED_BY(&lock); /* of these: kept for the next */
	struct shrinker shrinker;
};

void kstack_init(struct kstack_window *w, const struct kstack_config *config);

/* The lowest address of a stack (KERNEL_STACK_BYTES long), or 0.  Its canary is written. */
uint64_t kstack_alloc(struct kstack_window *w, site_t site);

/* No CPU is on it any more ("stack-in-use" otherwise).  kpanic("stack-canary") when somebody wrote
 * over its end. */
void kstack_free(struct kstack_window *w, uint64_t stack);

/* Whether the canary is whole: for a look now and then, at a stack that is out.  Takes no lock. */
bool kstack_whole(struct kstack_window *w, uint64_t stack);

/* Which slot's guard page an address is in, or UINT32_MAX. */
uint32_t kstack_guard_of(const struct kstack_window *w, uint64_t va);

size_t kstack_drain(struct kstack_window *w); /* gives back the kept ones; pages */
const char *kstack_check(struct kstack_window *w);

#endif
