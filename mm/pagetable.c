/*
 * pagetable.c -- entries put in, changed and taken away, and the tables that hold them.
 *
 * A walk goes from the root through at most three tables to the slot of a page.  Tables are made
 * when something is to stand in them and unlinked, bottom up, when the last entry leaves.  The
 * tables that are missing on a way down are all got before any is linked, filled while nobody can
 * see them, and then hung in with one store, a release: so a refusal leaves nothing behind, and
 * no walker ever meets a table that is not yet zeroes.
 *
 * Always true (pagetable_check):
 *   R1  a table's frame counts the entries in it that are not 0; `tables` and `leaves` of the tree
 *       are the sums;
 *   R2  every table below the root has an entry, but for the `prepared` ones of the last level;
 *   R3  tables lie in the pool's pages of PAGE_OWNER_TABLE, those made at boot excepted: they are
 *       neither counted nor given back;
 *   R4  what stands at the last level has the form that pagetable_entry gives it, and never both
 *       writes and fetches for the kernel; blocks are the kernel's only, above the last level,
 *       and nothing here looks below one.
 *
 * Break before make: who puts a frame where the open batch has taken one away, or a table where it
 * has unlinked one, first waits until that is forgotten (pagetable_settle).  A change of rights
 * is one store; the old rights stay in force until the batch has ended.  More rights are put into
 * the batch as well, so that no CPU goes on refusing what is allowed by now.
 *
 * Locks: the tree's, the caller's.  Cost (release, AArch64; kernel:table_bench): 94 instructions
 * to map where the tables are, 174 to clear with a batch of its own, 102 in a batch of 64.
 */
#include "mm/pagetable_inside.h"

static const uint64_t entry_attributes = ENTRY_VALID | ENTRY_TABLE | ENTRY_NORMAL | ENTRY_SHARED;

/* --- the tree --------------------------------------------------------------------------------- */

/* A table of zeroes, nobody's yet. */
static paddr_t table_alloc(struct pagetable *pt, uint32_t flags, site_t site)
{
	const paddr_t pa = page_alloc(pt->pages, 0, table_how(flags | PAGE_ZERO), site);

	if (pa != PADDR_NONE) page_frame(pt->pages, pa)->table.entries = 0;
	return pa;
}

static void table_free(struct pagetable *pt, paddr_t pa)
{
	const enum page_verdict v = page_free(pt->pages, pa, 0, table_how(0));

	ASSERT(v == PAGE_FREED);
}

bool pagetable_init(struct pagetable *pt, struct page_pool *pages, bool kernel, site_t site)
{
	*pt = (struct pagetable){ .pages = pages, .kernel = kernel };
	pt->root = table_alloc(pt, 0, site);
	if (pt->root == PADDR_NONE) return false;
	pt->tables = 1;
	mach_entry_sync(); /* its zeroes, before anybody installs it */
	return true;
}

void pagetable_adopt(struct pagetable *pt, struct page_pool *pages, paddr_t root)
{
	ASSERT(root != PADDR_NONE && is_aligned(root, PAGE_SIZE));
	*pt = (struct pagetable){ .pages = pages, .root = root, .kernel = true, .adopted = true };
	ASSERT(table_frame(pt, root) == NULL); /* R3 */
}

void pagetable_close(struct pagetable *pt)
{
	ASSERT(pt->batch == NULL && pt->leaves == 0);
	if (pt->prepared != 0) pagetable_prune(pt);
	ASSERT(pt->tables == 1 && page_frame(pt->pages, pt->root)->table.entries == 0);
	table_free(pt, pt->root);
	pt->root = PADDR_NONE;
	pt->tables = 0;
}

/* --- what an entry reads ---------------------------------------------------------------------- */

uint64_t pagetable_entry(const struct pagetable *pt, paddr_t pa, uint32_t rights, uint64_t extra)
{
	ASSERT((pa & ~ENTRY_ADDRESS) == 0 && (extra & ~(ENTRY_ZERO | ENTRY_DIRTY)) == 0);
	if (rights == PROT_NONE) return pa | extra | ENTRY_HELD;

	uint64_t entry = pa | extra | entry_attributes | ENTRY_ACCESSED;
	entry |= (rights & PROT_WRITE) != 0 ? ENTRY_DIRTY : ENTRY_READ_ONLY;
	if (pt->kernel) {
		ASSERT((rights & (PROT_WRITE | PROT_EXEC)) != (PROT_WRITE | PROT_EXEC));
		entry |= ENTRY_NOT_USER_EXEC;
		if ((rights & PROT_EXEC) == 0) entry |= ENTRY_NOT_KERNEL_EXEC;
	} else {
		entry |= ENTRY_USER | ENTRY_NOT_GLOBAL | ENTRY_NOT_KERNEL_EXEC;
		if ((rights & PROT_EXEC) == 0) entry |= ENTRY_NOT_USER_EXEC;
	}
	return entry;
}

static const char *entry_fault_kernel(uint64_t entry)
{
	if ((entry & (ENTRY_USER | ENTRY_NOT_GLOBAL)) != 0)
		return "R4: a page of the kernel's is a user's";
	if ((entry & ENTRY_NOT_USER_EXEC) == 0)
		return "R4: users may execute a page of the kernel's";
	if ((entry & (ENTRY_READ_ONLY | ENTRY_NOT_KERNEL_EXEC)) == 0)
		return "R4: the kernel may write to a page and execute it";
	return NULL;
}

static const char *entry_fault_user(uint64_t entry)
{
	const uint64_t always = ENTRY_USER | ENTRY_NOT_GLOBAL | ENTRY_NOT_KERNEL_EXEC;

	if ((entry & always) != always) return "R4: a user's page is the kernel's, or global";
	if ((entry & ENTRY_ZERO) != 0 && (entry & ENTRY_READ_ONLY) == 0)
		return "R4: the page of zeroes may be written to";
	return NULL;
}

const char *pagetable_entry_fault(const struct pagetable *pt, uint64_t entry)
{
	const uint64_t of_software = ENTRY_ZERO | ENTRY_DIRTY;
	const uint64_t held = ENTRY_ADDRESS | of_software | ENTRY_HELD;
	const uint64_t known = ENTRY_ADDRESS | entry_attributes | of_software | ENTRY_USER |
			       ENTRY_READ_ONLY | ENTRY_ACCESSED | ENTRY_NOT_GLOBAL |
			       ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC;

	if ((entry & ENTRY_VALID) == 0) {
		if ((entry & ENTRY_HELD) == 0 || (entry & ~held) != 0)
			return "R4: an entry that is not valid holds no page either";
		return NULL;
	}
	if ((entry & entry_attributes) != entry_attributes || (entry & ~known) != 0)
		return "R4: an entry is not that of a page of memory";
	if ((entry & (ENTRY_READ_ONLY | ENTRY_DIRTY)) == 0)
		return "R4: a page that may be written is not dirty";
	return pt->kernel ? entry_fault_kernel(entry) : entry_fault_user(entry);
}

/* --- tables ----------------------------------------------------------------------------------- */

/* Gets `count` tables, or none. */
static bool tables_alloc(struct pagetable *pt, paddr_t *tables, unsigned count, uint32_t flags,
			 site_t site)
{
	for (unsigned n = 0; n < count; n++) {
		tables[n] = table_alloc(pt, flags, site);
		if (tables[n] != PADDR_NONE) continue;
		while (n-- != 0) table_free(pt, tables[n]);
		return false;
	}
	return true;
}

/* `slot` of `level` leads nowhere yet: hangs a chain of tables down to the last level into it. */
static bool tables_make(struct pagetable *pt, uint64_t *slot, unsigned level, uint64_t va,
			uint32_t flags, site_t site)
{
	paddr_t tables[LEVEL_LAST];
	const unsigned count = LEVEL_LAST - level;
	struct frame *above = table_frame(pt, table_of_slot(slot));

	ASSERT(count >= 1 && count <= LEVEL_LAST && *slot == 0);
	if (!tables_alloc(pt, tables, count, flags, site)) return false;
	for (unsigned n = count - 1; n != 0; n--) {
		uint64_t *inner = table_slot(tables[n - 1], va, level + n);

		mach_entry_store(inner, tables[n] | ENTRY_VALID | ENTRY_TABLE);
		page_frame(pt->pages, tables[n - 1])->table.entries = 1;
	}
	mach_entry_store(slot, tables[0] | ENTRY_VALID | ENTRY_TABLE);
	mach_entry_sync();
	if (above != NULL) above->table.entries++;
	pt->tables += count;
	pt->prepared++;
	return true;
}

/* Something is about to be put where the open batch took away: that is forgotten first. */
static void pagetable_settle(struct pagetable *pt, uint64_t va, bool tables)
{
	if (UNLIKELY(pt->batch != NULL && batch_covers(pt->batch, va, tables)))
		batch_invalidate(pt->batch);
}

/* The walk to `va` ended at `slot` of `level`, above the last: the rest of the way is made. */
static NOINLINE enum pagetable_answer pagetable_go_on(struct pagetable *pt, uint64_t *slot,
						      unsigned level, uint64_t va, uint32_t flags,
						      site_t site)
{
	if (*slot != 0) return PAGETABLE_BLOCK;
	pagetable_settle(pt, va, true);
	return tables_make(pt, slot, level, va, flags, site) ? PAGETABLE_DONE : PAGETABLE_NO_MEMORY;
}

enum pagetable_answer pagetable_prepare(struct pagetable *pt, uint64_t va, uint32_t flags,
					site_t site)
{
	unsigned level;
	uint64_t *slot = pagetable_walk(pt, va, &level);

	ASSERT(pagetable_covers(pt, va));
	if (level == LEVEL_LAST) return PAGETABLE_DONE;
	return pagetable_go_on(pt, slot, level, va, flags, site);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* The table that a slot of the last level stands in has one entry more. */
static void table_count_up(struct pagetable *pt, const uint64_t *slot)
{
	struct frame *f = table_frame(pt, table_of_slot(slot));

	if (f == NULL) return;
	pt->leaves++;
	if (f->table.entries++ == 0) pt->prepared--;
}

/* Whoever fetches through the entry that is about to be stored finds what was last written. */
static void pagetable_make_fetchable(uint64_t entry, uint64_t was)
{
	if (LIKELY(!entry_may_fetch(entry))) return;
	if (entry_may_fetch(was) && entry_address(was) == entry_address(entry)) return;
	mach_code_sync(mach_phys(entry_address(entry)), PAGE_SIZE);
}

enum pagetable_answer pagetable_map(struct pagetable *pt, uint64_t va, uint64_t entry,
				    uint32_t flags, site_t site)
{
	unsigned level;
	uint64_t *slot = pagetable_walk(pt, va, &level);

	ASSERT(pagetable_covers(pt, va) && is_aligned(va, PAGE_SIZE));
	ASSERT_SLOW(pagetable_entry_fault(pt, entry) == NULL);
	if (UNLIKELY(level != LEVEL_LAST)) {
		const enum pagetable_answer answer =
			pagetable_go_on(pt, slot, level, va, flags, site);

		if (answer != PAGETABLE_DONE) return answer;
		slot = pagetable_walk(pt, va, &level);
	}
	if (UNLIKELY(*slot != 0)) return PAGETABLE_TAKEN;
	pagetable_settle(pt, va, false);
	pagetable_make_fetchable(entry, 0);
	mach_entry_store(slot, entry);
	mach_entry_sync();
	table_count_up(pt, slot);
	return PAGETABLE_DONE;
}

/* The slots on the way to `va`; the level of the last of them, where the walk ends. */
static unsigned pagetable_path(const struct pagetable *pt, uint64_t va, uint64_t **slot)
{
	paddr_t table = pt->root;
	unsigned level = 0;

	for (;; level++) {
		slot[level] = table_slot(table, va, level);
		if (!entry_is_table(*slot[level], level)) return level;
		table = entry_address(*slot[level]);
	}
}

/* Unlinks the table of the last level for `va`, and those above that are empty then. */
static NOINLINE void tables_unlink(struct pagetable *pt, uint64_t va, struct tlb_batch *batch)
{
	uint64_t *slot[TABLE_LEVELS];
	paddr_t gone[LEVEL_LAST];
	unsigned count = 0;
	bool empty = true;

	pagetable_path(pt, va, slot);
	while (empty && count < LEVEL_LAST) {
		const unsigned above = LEVEL_LAST - 1 - count;
		struct frame *f = table_frame(pt, table_of_slot(slot[above]));

		gone[count++] = table_of_slot(slot[above + 1]);
		mach_entry_store(slot[above], 0);
		empty = f != NULL && --f->table.entries == 0;
	}
	pt->tables -= count;
	pt->unlinked++;
	batch->tables = true;
	batch_page(batch, va); /* T1, T2: after the last store, and before the tables */
	for (unsigned n = 0; n < count; n++) batch_table(batch, gone[n]);
}

/* Where nothing is: an empty table that was prepared goes. */
static NOINLINE void pagetable_clear_nothing(struct pagetable *pt, const uint64_t *slot,
					     uint64_t va, struct tlb_batch *batch)
{
	if (!pagetable_table_is_empty(pt, slot)) return;
	pt->prepared--;
	tables_unlink(pt, va, batch);
}

uint64_t pagetable_clear(struct pagetable *pt, uint64_t va, struct tlb_batch *batch)
{
	unsigned level;
	uint64_t *slot = pagetable_walk(pt, va, &level);
	const uint64_t entry = *slot;

	ASSERT(pagetable_covers(pt, va) && is_aligned(va, PAGE_SIZE) && batch->pt == pt);
	if (UNLIKELY(entry == 0)) {
		if (level == LEVEL_LAST) pagetable_clear_nothing(pt, slot, va, batch);
		return 0;
	}
	ASSERT(level == LEVEL_LAST); /* nobody has put a block there */
	struct frame *f = table_frame(pt, table_of_slot(slot));
	mach_entry_store(slot, 0);
	if (LIKELY(f != NULL)) {
		pt->leaves--;
		if (UNLIKELY(--f->table.entries == 0)) {
			tables_unlink(pt, va, batch);
			return entry;
		}
	}
	if ((entry & ENTRY_VALID) != 0) batch_page(batch, va);
	return entry;
}

/* Whether a CPU that remembers `was` has to forget it now that `entry` is there, which leads to the
 * same frame.  One that was never accessed is not remembered, unless it was made old: then what
 * is remembered reads like the new one. */
static bool entry_is_outdated(uint64_t was, uint64_t entry)
{
	const uint64_t differs = (was ^ entry) & ~(ENTRY_DIRTY | ENTRY_ZERO);

	if ((was & ENTRY_VALID) == 0 || differs == 0) return false;
	return differs != ENTRY_ACCESSED || (entry & ENTRY_ACCESSED) == 0;
}

void pagetable_change(struct pagetable *pt, uint64_t va, uint64_t entry, struct tlb_batch *batch)
{
	unsigned level;
	uint64_t *slot = pagetable_walk(pt, va, &level);
	const uint64_t was = *slot;

	ASSERT(level == LEVEL_LAST && was != 0 && batch->pt == pt);
	ASSERT_SLOW(pagetable_entry_fault(pt, entry) == NULL);
	if (entry_address(was) != entry_address(entry)) {
		mach_entry_store(slot, 0);
		if ((was & ENTRY_VALID) != 0) batch_page(batch, va);
		pagetable_settle(pt, va, false);
	}
	pagetable_make_fetchable(entry, was);
	mach_entry_store(slot, entry);
	if (entry_address(was) == entry_address(entry) && entry_is_outdated(was, entry))
		batch_page(batch, va); /* and published with it */
	else
		mach_entry_sync();
}
