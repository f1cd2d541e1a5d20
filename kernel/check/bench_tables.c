/*
 * bench_tables.c -- what page tables cost in the image that ships, in guest instructions.
 *
 * One tree, installed with a number of its own so that invalidations are real.  Each figure goes on
 * where the one before it stopped: pages are mapped one after the other, looked at, and taken out
 * from the first on, each with a batch of its own and then 64 to a batch.  All lead to one page of
 * memory, which nobody touches.
 */
#include "kernel/check/bench.h"
#include "kernel/kmem.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/vm.h"

enum { TIMES = 2000, ROW = 256, MORE = 64 };

static struct pagetable tree;
static struct asid_pool asids;
static uint64_t entry;
static uint64_t mapped, cleared; /* addresses: up to where */

static void map_pages(uint32_t times)
{
	for (; times-- > 0; mapped += PAGE_SIZE) pagetable_map(&tree, mapped, entry, 0, SITE_NONE);
}

static void look_up(uint32_t times)
{
	while (times-- > 0) pagetable_lookup(&tree, 0, NULL);
}

static bool see(void *context, uint64_t va, uint64_t there)
{
	(void)va, (void)there;
	++*(uint32_t *)context;
	return true;
}

static void visit_rows(uint32_t times)
{
	uint32_t seen = 0;

	while (times-- > 0)
		pagetable_visit(&tree, MORE * PAGE_SIZE, (MORE + ROW) * PAGE_SIZE, see, &seen);
}

/* What a visitor costs by itself. */
static void visitors(uint32_t times)
{
	bool (*volatile visit)(void *, uint64_t, uint64_t) = see;
	bool (*const call)(void *, uint64_t, uint64_t) = visit;
	uint32_t seen = 0;

	for (; times-- > 0;)
		for (uint32_t i = 0; i < ROW; i++) call(&seen, 0, 0);
}

static void change_rights(uint32_t times)
{
	struct tlb_batch batch;
	const uint64_t last = mapped - PAGE_SIZE;

	while (times-- > 0) {
		const uint64_t now =
			pagetable_lookup(&tree, last, NULL) ^ (ENTRY_READ_ONLY | ENTRY_DIRTY);

		batch_begin(&batch, &tree);
		pagetable_change(&tree, last, now, &batch);
		batch_end(&batch);
	}
}

static void clear_pages(uint32_t times)
{
	struct tlb_batch batch;

	for (; times-- > 0; cleared += PAGE_SIZE) {
		batch_begin(&batch, &tree);
		pagetable_clear(&tree, cleared, &batch);
		batch_end(&batch);
	}
}

static void clear_rows(uint32_t times)
{
	struct tlb_batch batch;

	while (times-- > 0) {
		batch_begin(&batch, &tree);
		for (unsigned i = 0; i < MORE; i++, cleared += PAGE_SIZE)
			pagetable_clear(&tree, cleared, &batch);
		batch_end(&batch);
	}
}

static void install(uint32_t times)
{
	while (times-- > 0) asid_use(&asids, &tree.asid);
}

static void stacks(uint32_t times)
{
	while (times-- > 0) kstack_give(kstack_take());
}

static const struct bench benches[] = {
	{ "map a page, tables there", map_pages, 2 * TIMES, 1, 120, NULL },
	{ "look up a page", look_up, TIMES, 1, 0, NULL },
	{ "visit a page of 256, but for its visitor", visit_rows, 20, ROW, 15, visitors },
	{ "change a page's rights, with its batch", change_rights, TIMES, 1, 0, NULL },
	{ "clear a page, with its batch", clear_pages, TIMES, 1, 250, NULL },
	{ "clear a page of 64 in a batch", clear_rows, 10, MORE, 0, NULL },
	{ "number of a space that has one", install, TIMES, 1, 0, NULL },
	{ "kernel stack, a kept one, taken and given back", stacks, TIMES, 1, 0, NULL },
};

int program_main(void)
{
	const mach_irq_t was = mach_irq_save();

	asid_pool_init(&asids, ASID_BITS_MIN, 1);
	if (!pagetable_init(&tree, &kernel_pages, false, SITE_NONE)) return STATUS_ENVIRONMENT;
	entry = pagetable_entry(&tree, page_address(&kernel_pages, 0), PROT_READ | PROT_WRITE, 0);
	mach_space_install(tree.root, asid_use(&asids, &tree.asid));
	const unsigned missed = bench_run(benches, COUNT_OF(benches));
	mach_space_install(PADDR_NONE, 0);
	mach_irq_restore(was);
	return missed == 0 ? STATUS_OK : STATUS_FINDING;
}
