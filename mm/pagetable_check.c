/*
 * pagetable_check.c -- is a tree of page tables sound?
 *
 * Goes through every table from the root and compares with what the tree and the frames say: the
 * rules R1 to R4 of pagetable.c.  Tables that were made at boot are passed through and not judged:
 * their entries are the machine's affair.
 *
 * Depth-first; the depth is that of the tree, four.
 *
 * Locks: none; at rest only.  Cost: every entry of every table.
 */
#include "mm/pagetable_inside.h"

struct table_sums {
	uint32_t tables, leaves, prepared;
	const char *(*look)(void *context, uint64_t va, uint64_t entry); /* or NULL */
	void *context;
};

static bool table_is_ours(const struct pagetable *pt, paddr_t table)
{
	const struct frame *f = page_frame(pt->pages, table);

	return f != NULL && f->word == FRAME_WORD(FRAME_USED, 0, PAGE_OWNER_TABLE, f->zone);
}

static const char *check_user_frame(const struct pagetable *pt, uint64_t entry)
{
	const struct frame *f = page_frame(pt->pages, entry_address(entry));

	if ((entry & ENTRY_ZERO) != 0) return NULL;
	if (f == NULL) return "R4: a user's page is outside the pool";
	if (f->word != FRAME_WORD(FRAME_USED, 0, PAGE_OWNER_USER, f->zone))
		return "R4: a user's entry leads to somebody else's page";
	return f->user.references != 0 ? NULL : "R4: an entry leads to a page that nobody has";
}

static const char *check_leaf(const struct pagetable *pt, uint64_t va, uint64_t entry,
			      struct table_sums *sums)
{
	const char *why = pagetable_entry_fault(pt, entry);

	if (why == NULL && !pt->kernel) why = check_user_frame(pt, entry);
	if (why == NULL && sums->look != NULL) why = sums->look(sums->context, va, entry);
	return why;
}

/* What counting one table found, against what its frame says. */
static const char *check_count(const struct pagetable *pt, paddr_t table, unsigned level,
			       uint32_t entries, struct table_sums *sums)
{
	const struct frame *f = page_frame(pt->pages, table);

	if (!table_is_ours(pt, table)) return NULL;
	sums->tables++;
	if (f->table.entries != entries) return "R1: a table's frame counts other entries";
	if (entries != 0 || table == pt->root) return NULL;
	if (level != LEVEL_LAST) return "R2: a table leads nowhere";
	sums->prepared++;
	return NULL;
}

/* `va`: what its first entry stands for. */
static const char *check_table(const struct pagetable *pt, paddr_t table, uint64_t va,
			       unsigned level, struct table_sums *sums)
{
	const bool ours = table_is_ours(pt, table);
	const uint64_t *at = mach_phys(table);
	const char *why = NULL;
	uint32_t entries = 0;

	if (!ours && !pt->adopted) return "R3: a table is no table's page";
	for (unsigned i = table_next(at, 0); i < TABLE_ENTRIES && why == NULL;
	     i = table_next(at, i + 1)) {
		const uint64_t entry = at[i], place = va + ((uint64_t)i << entry_shift(level));

		entries++;
		if (entry_is_table(entry, level))
			why = check_table(pt, entry_address(entry), place, level + 1, sums);
		else if (!ours)
			continue;
		else if (level != LEVEL_LAST)
			why = "R4: neither a table nor nothing above the last level";
		else
			why = check_leaf(pt, place, entry, sums);
		if (level == LEVEL_LAST) sums->leaves++;
	}
	return why != NULL ? why : check_count(pt, table, level, entries, sums);
}

const char *pagetable_check(struct pagetable *pt)
{
	return pagetable_check_each(pt, NULL, NULL);
}

const char *pagetable_check_each(struct pagetable *pt,
				 const char *(*look)(void *context, uint64_t va, uint64_t entry),
				 void *context)
{
	struct table_sums sums = { .look = look, .context = context };

	if (pt->batch != NULL) return "T3: a batch is still open";
	const char *why = check_table(pt, pt->root, pt->kernel ? KERNEL_START : 0, 0, &sums);
	if (why != NULL) return why;
	if (sums.tables != pt->tables) return "R1: the tree counts other tables";
	if (sums.leaves != pt->leaves) return "R1: the tree counts other entries";
	return sums.prepared == pt->prepared ? NULL : "R2: a table has no entries";
}
