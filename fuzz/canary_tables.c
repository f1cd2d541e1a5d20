/*
 * canary_tables.c -- the canary's operations that break a rule about page tables.
 *
 * Each builds a tree of its own with one page at VA, installs it on its CPU under ASID 1, does one
 * thing wrong and puts everything away again.  What must notice is the host's MMU; where there is
 * none (the booted kernel) nothing comes of it, for nobody relies on the tree, and the run goes on
 * with the same result.
 *
 * The pages are the arena's own, far from the cells; they are given back by poisoning them, as the
 * page allocator does.
 *
 * Locks: none; interrupts are masked where a root is installed.
 */
#include "fuzz/canary.h"
#include "machine/entry.h"

enum { PAGE_ROOT, PAGE_TABLE = TABLE_LEVELS - 1, PAGE_MAPPED, PAGE_OTHER, PAGES, ASID = 1 };

#define VA 0x400000ull
#define TABLE_BITS (ENTRY_VALID | ENTRY_TABLE)
#define PAGE_BITS                                                                                \
	(ENTRY_VALID | ENTRY_TABLE | ENTRY_NORMAL | ENTRY_SHARED | ENTRY_ACCESSED | ENTRY_USER | \
	 ENTRY_NOT_GLOBAL | ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC)

static uint8_t *tree_page(const struct run *run, unsigned n)
{
	return (uint8_t *)run->machine->arena + RUN_ARENA_BYTES / 4 + n * (size_t)PAGE_SIZE;
}

static paddr_t tree_frame(const struct run *run, unsigned n)
{
	return mach_pa(tree_page(run, n));
}

static uint64_t *tree_entry(const struct run *run, unsigned level)
{
	return (uint64_t *)(void *)tree_page(run, level) + entry_index(VA, level);
}

static void tree_install(paddr_t root, uint32_t asid)
{
	const mach_irq_t was = mach_irq_save();
	mach_space_install(root, asid);
	mach_irq_restore(was);
}

static void tree_make(const struct run *run)
{
	mach_unpoison(tree_page(run, 0), PAGES * (size_t)PAGE_SIZE);
	memset(tree_page(run, 0), 0, PAGES * (size_t)PAGE_SIZE);
	for (unsigned level = 0; level < PAGE_TABLE; level++)
		mach_entry_store(tree_entry(run, level), tree_frame(run, level + 1) | TABLE_BITS);
	mach_entry_store(tree_entry(run, PAGE_TABLE), tree_frame(run, PAGE_MAPPED) | PAGE_BITS);
	mach_entry_sync();
	tree_install(tree_frame(run, PAGE_ROOT), ASID);
}

static void tree_put_away(struct run *run)
{
	mach_entry_sync();
	tree_install(PADDR_NONE, 0);
	mach_tlb_all();
	mach_tlb_wait();
	run_result(run, 0);
}

static void invalidate(uint32_t asid)
{
	mach_entry_sync();
	mach_tlb_page(tlb_operand(asid, VA));
	mach_tlb_wait();
}

/* --- misdeeds --------------------------------------------------------------------------------- */

/* Taken away, not invalidated, used. */
void canary_stale_tlb(struct run *run, const struct script_op *op)
{
	uint64_t value;
	(void)op;
	tree_make(run);
	(void)mach_user_load(VA, &value);
	mach_entry_store(tree_entry(run, PAGE_TABLE), 0);
	mach_entry_sync();
	(void)mach_user_load(VA, &value);
	tree_put_away(run);
}

void canary_break(struct run *run, const struct script_op *op)
{
	(void)op;
	tree_make(run);
	mach_entry_store(tree_entry(run, PAGE_TABLE), tree_frame(run, PAGE_OTHER) | PAGE_BITS);
	tree_put_away(run);
}

/* Invalidated under another ASID, and the page given back. */
void canary_scope(struct run *run, const struct script_op *op)
{
	(void)op;
	tree_make(run);
	mach_entry_store(tree_entry(run, PAGE_TABLE), 0);
	invalidate(0);
	mach_poison(tree_page(run, PAGE_MAPPED), PAGE_SIZE);
	tree_put_away(run);
}

void canary_asid_reuse(struct run *run, const struct script_op *op)
{
	(void)op;
	tree_make(run);
	tree_install(tree_frame(run, PAGE_OTHER), ASID);
	tree_put_away(run);
}

/* The table is empty and given back, but the entry that leads to it stays. */
void canary_table_early(struct run *run, const struct script_op *op)
{
	(void)op;
	tree_make(run);
	mach_entry_store(tree_entry(run, PAGE_TABLE), 0);
	invalidate(ASID);
	mach_poison(tree_page(run, PAGE_TABLE), PAGE_SIZE);
	tree_put_away(run);
}

void canary_root_in_use(struct run *run, const struct script_op *op)
{
	(void)op;
	tree_make(run);
	mach_poison(tree_page(run, PAGE_ROOT), PAGE_SIZE);
	tree_put_away(run);
}

/* Nobody made the page visible to fetches. */
void canary_stale_code(struct run *run, const struct script_op *op)
{
	const uint64_t bits = (PAGE_BITS & ~ENTRY_NOT_USER_EXEC) | ENTRY_READ_ONLY;
	(void)op;
	tree_make(run);
	mach_entry_store(tree_entry(run, PAGE_TABLE), tree_frame(run, PAGE_MAPPED) | bits);
	tree_put_away(run);
}
