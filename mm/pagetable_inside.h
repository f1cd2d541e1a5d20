/*
 * pagetable_inside.h -- what the files of the page tables share with each other and nobody else.
 *
 * A slot is the place of an entry in its table, as a pointer through the direct map.
 */
#ifndef MM_PAGETABLE_INSIDE_H
#define MM_PAGETABLE_INSIDE_H

#include "mm/pagetable.h"

enum { LEVEL_LAST = TABLE_LEVELS - 1 };

static inline uint32_t table_how(uint32_t flags)
{
	return PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_TABLE) | flags;
}

static inline uint64_t *table_slot(paddr_t table, uint64_t va, unsigned level)
{
	return (uint64_t *)mach_phys(table) + entry_index(va, level);
}

/* The table that a slot stands in. */
static inline paddr_t table_of_slot(const uint64_t *slot)
{
	return align_down(mach_pa(slot), PAGE_SIZE);
}

/* The frame of a table that is ours, NULL for one that was made at boot.  A tree that was not taken
 * over has no others. */
static inline struct frame *table_frame(const struct pagetable *pt, paddr_t table)
{
	struct frame *f = page_frame(pt->pages, table);

	if (UNLIKELY(pt->adopted) &&
	    (f == NULL || f->word != FRAME_WORD(FRAME_USED, 0, PAGE_OWNER_TABLE, f->zone)))
		return NULL;
	ASSERT_SLOW(f != NULL && f->word == FRAME_WORD(FRAME_USED, 0, PAGE_OWNER_TABLE, f->zone));
	return f;
}

/* Whether an address is of the tree's half: bits 63 to 48 are all set, or all clear. */
static inline bool pagetable_covers(const struct pagetable *pt, uint64_t va)
{
	return (int64_t)va >> ADDRESS_BITS == -(int64_t)pt->kernel;
}

/* The slot where the walk to `va` ends: of the last level, or of the first entry that is no table;
 * `level` says which.  In line, for it is most of what every call here does.  Above the last level
 * the bit that tells a table is set in nothing else: there are tables, blocks and nothing. */
static inline uint64_t *pagetable_walk(const struct pagetable *pt, uint64_t va, unsigned *level)
{
	paddr_t table = pt->root;

	for (unsigned l = 0; l < LEVEL_LAST; l++) {
		uint64_t *slot = table_slot(table, va, l);

		if (UNLIKELY((*slot & ENTRY_TABLE) == 0)) {
			*level = l;
			return slot;
		}
		table = entry_address(*slot);
	}
	*level = LEVEL_LAST;
	return table_slot(table, va, LEVEL_LAST);
}

/* Whether CPUs may fetch instructions through this entry, at whatever level of rights: a user's
 * never can for the kernel, nor the kernel's for users. */
static inline bool entry_may_fetch(uint64_t entry)
{
	const uint64_t never = ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC;

	return (entry & never) != never && (entry & ENTRY_VALID) != 0;
}

/* NULL for what may stand at the last level of this tree, else what is wrong with it. */
const char *pagetable_entry_fault(const struct pagetable *pt, uint64_t entry);

/* pagetable_visit.c: the first slot from number `i` on that has an entry, or TABLE_ENTRIES; for who
 * has read a slot of that table already. */
unsigned table_skip(const uint64_t *table, unsigned i);

/* The same for who has not. */
static inline unsigned table_next(const uint64_t *table, unsigned i)
{
	return i == TABLE_ENTRIES || table[i] != 0 ? i : table_skip(table, i + 1);
}

/* Whether the table of the last level that a slot stands in is ours and has no entries. */
static inline bool pagetable_table_is_empty(const struct pagetable *pt, const uint64_t *slot)
{
	const struct frame *f = table_frame(pt, table_of_slot(slot));

	return f != NULL && f->table.entries == 0;
}

/* pagetable_visit.c */

/* Unlinks and gives back all tables without entries. */
void pagetable_prune(struct pagetable *pt);

/* pagetable_batch.c */

/* Forgets everywhere what the batch has so far.  The frames go on waiting. */
void batch_invalidate(struct tlb_batch *batch);

/* Whether a CPU may still remember what was at `va`, or a table that was above it when `tables`. */
bool batch_covers(const struct tlb_batch *batch, uint64_t va, bool tables);

#endif
