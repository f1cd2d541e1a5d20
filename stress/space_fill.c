/*
 * space_fill.c -- all memory as users' pages: every CPU fills a space of its own until it is
 * refused, and later its neighbour looks at every page and retires it.
 *
 * Locks: none.
 */
#include "kernel/kmem.h"
#include "machine/aarch64/cpu.h"
#include "stress/space_stress.h"

enum { FILL_PAGES = 512, FILLED_MAX = 2048 /* mappings of one CPU */ };

static struct filler {
	struct space *space;
	uint32_t count;
	uint64_t at[FILLED_MAX];
	uint32_t pages[FILLED_MAX]; /* that have their word */
} fillers[CPUS_MAX];

/* Touches pages of a mapping until all are, or one is refused: how many were. */
static uint32_t fill_one(struct space *s, uint64_t at)
{
	for (uint32_t page = 0; page < FILL_PAGES; page++) {
		const uint64_t va = at + ((uint64_t)page << PAGE_SHIFT);
		if (!space_writes(s, va, space_word(at, page))) return page;
	}
	return FILL_PAGES;
}

static NOINLINE void stress_fills(const struct stress_turn *turn, struct filler *f)
{
	while (f->count < FILLED_MAX) {
		const int64_t at = kspace_map(f->space, (uint64_t)FILL_PAGES << PAGE_SHIFT,
					      PROT_READ | PROT_WRITE, MAP_PRIVATE);
		if (!space_granted("mmap", at)) return;
		f->at[f->count] = (uint64_t)at;
		f->pages[f->count] = fill_one(f->space, (uint64_t)at);
		stress_sample(turn);
		mach_relax();
		if (f->pages[f->count++] < FILL_PAGES) return;
	}
}

void space_fill(const struct stress_turn *turn, struct random *random)
{
	struct filler *f = &fillers[mach_cpu()];
	(void)random;
	f->count = 0;
	f->space = kspace_create();
	if (f->space == NULL)
		stress_count(STRESS_REFUSED);
	else
		stress_fills(turn, f);
	if (turn->plan->must_not_fail && mach_cpu() == 0) (void)kmalloc_or_panic(1 << 20);
}

static void check_filler(const struct filler *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		for (uint32_t page = 0; page < f->pages[i]; page++) {
			uint64_t value = 0;
			const uint64_t va = f->at[i] + ((uint64_t)page << PAGE_SHIFT);
			if (space_reads(f->space, va, &value) &&
			    value != space_word(f->at[i], page))
				space_is_wrong("filled", page, f->pages[i]);
		}
	}
}

/* The neighbour's, which is looked at first. */
void space_spill(const struct stress_turn *turn, struct random *random)
{
	struct filler *f = &fillers[(mach_cpu() + 1) % cpu_count()];
	(void)random;
	if (f->space == NULL) return;
	check_filler(f);
	space_switch(&kernel_vm, NULL);
	space_retire(f->space);
	f->space = NULL;
	stress_count(STRESS_FREED_FOREIGN);
	stress_sample(turn);
}
