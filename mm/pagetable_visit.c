/*
 * pagetable_visit.c -- looking at entries: one, or all of a range in the order of their addresses.
 *
 * A range is taken in stretches: the part of it that one table of the last level covers, or a hole,
 * as large as the entry that is missing.  Each stretch costs one walk from the root; inside one the
 * slots follow each other.
 *
 * A visitor may clear what it is shown.  When the last entry of a table goes the table goes too,
 * and may be somebody else's before the visitor returns.  So after each call it is asked whether
 * any table was unlinked meanwhile (pt->unlinked), and if so the way is looked up again.
 *
 * Ranges end before `end`, which is 0 for the top of the address space: distances from `from` are
 * compared, never addresses.  Blocks are passed over: they are nobody's pages.
 *
 * Locks: the tree's for all that changes something, and for a range; one entry may be looked up
 * without it by whoever keeps it from being cleared.
 * Cost: 10 instructions for a page and what its visitor takes; 25 for a stretch.
 */
#include "mm/pagetable_inside.h"

uint64_t pagetable_lookup(const struct pagetable *pt, uint64_t va, unsigned *level)
{
	unsigned at;
	const uint64_t *slot = pagetable_walk(pt, va, &at);

	ASSERT(pagetable_covers(pt, va));
	if (level != NULL) *level = at;
	return *slot;
}

/* A table's slots by eights. */
struct slots {
	uint64_t slot[8];
};

enum { EIGHT_BYTES = 8 * PAGE_SIZE };

/* For who has read a slot of that table by ordinary means: see below. */
METADATA_ACCESS static bool eight_are_empty(const uint64_t *slot)
{
	const struct slots *s = (const struct slots *)(const void *)slot;

	return (s->slot[0] | s->slot[1] | s->slot[2] | s->slot[3] | s->slot[4] | s->slot[5] |
		s->slot[6] | s->slot[7]) == 0;
}

/* Most slots of most tables are empty, so eight are taken at once where eight are left.  Watched
 * memory is watched by the page here, and one slot of this one was read by ordinary means. */
METADATA_ACCESS unsigned table_skip(const uint64_t *table, unsigned i)
{
	const uint64_t *t = table + i;

	while (i % 8 != 0 && *t == 0) i++, t++;
	if (i % 8 != 0) return i;
	const struct slots *s = (const struct slots *)(const void *)t;
	for (; i < TABLE_ENTRIES; i += 8, s++)
		if (!eight_are_empty(s->slot)) break;
	for (t = s->slot; i < TABLE_ENTRIES && *t == 0; i++) t++;
	return i;
}

/* The first stretch of the `left` bytes from `va` on, in bytes; *slot is `va`'s, or NULL where the
 * stretch is a hole, which reaches as far as its table shows. */
static uint64_t pagetable_stretch(const struct pagetable *pt, uint64_t va, uint64_t left,
				  uint64_t **slot)
{
	unsigned level;

	*slot = pagetable_walk(pt, va, &level);
	const unsigned shift = entry_shift(level == LEVEL_LAST ? LEVEL_LAST - 1 : level);
	const uint64_t bytes = 1ull << shift, rest = bytes - (va & (bytes - 1));
	if (level == LEVEL_LAST) return min_u64(rest, left);
	const unsigned i = entry_index(va, level);
	const uint64_t slots = **slot == 0 ? table_skip(*slot - i, i + 1) - i : 1;
	*slot = NULL;
	return min_u64(rest + ((slots - 1) << shift), left);
}

static void pagetable_check_range(const struct pagetable *pt, uint64_t from, uint64_t end)
{
	ASSERT(is_aligned(from | end, PAGE_SIZE));
	ASSERT(from == end || (pagetable_covers(pt, from) && pagetable_covers(pt, end - 1)));
	ASSERT(from - 1 <= end - 1 || from == 0); /* not backwards */
}

/* Shows the slots of one stretch; how many bytes of it are done with, 0 when the visitor wants no
 * more. */
static uint64_t pagetable_show(const struct pagetable *pt, const uint64_t *slot, uint64_t va,
			       uint64_t bytes,
			       bool (*visit)(void *context, uint64_t va, uint64_t entry),
			       void *context)
{
	const uint32_t unlinked = pt->unlinked;
	const uint64_t end = va + bytes;

	for (uint64_t at = va; at != end; at += PAGE_SIZE) {
		const uint64_t entry = *slot++;

		if (entry == 0) {
			while (end - at > EIGHT_BYTES && eight_are_empty(slot))
				slot += 8, at += EIGHT_BYTES;
			continue;
		}
		if (!visit(context, at, entry)) return 0;
		if (UNLIKELY(pt->unlinked != unlinked)) return at + PAGE_SIZE - va;
	}
	return bytes;
}

bool pagetable_visit(struct pagetable *pt, uint64_t from, uint64_t end,
		     bool (*visit)(void *context, uint64_t va, uint64_t entry), void *context)
{
	pagetable_check_range(pt, from, end);
	for (uint64_t va = from; va != end;) {
		uint64_t *slot;
		uint64_t bytes = pagetable_stretch(pt, va, end - va, &slot);

		if (slot != NULL) bytes = pagetable_show(pt, slot, va, bytes, visit, context);
		if (bytes == 0) return false;
		va += bytes;
	}
	return true;
}

/* Makes the pages of one stretch old; how many were not. */
static uint32_t pagetable_age_slots(uint64_t *slot, uint64_t bytes)
{
	uint32_t used = 0;

	for (uint64_t *const end = slot + (bytes >> PAGE_SHIFT); slot != end; slot++) {
		if ((*slot & ENTRY_ACCESSED) == 0) continue;
		mach_entry_store(slot, *slot & ~ENTRY_ACCESSED);
		used++;
	}
	return used;
}

uint32_t pagetable_age(struct pagetable *pt, uint64_t from, uint64_t end)
{
	uint32_t used = 0;

	pagetable_check_range(pt, from, end);
	for (uint64_t va = from; va != end;) {
		uint64_t *slot;
		const uint64_t bytes = pagetable_stretch(pt, va, end - va, &slot);

		if (slot != NULL) used += pagetable_age_slots(slot, bytes);
		va += bytes;
	}
	if (used != 0) mach_entry_sync();
	return used;
}

void pagetable_prune(struct pagetable *pt)
{
	struct tlb_batch batch;
	const uint64_t from = pt->kernel ? KERNEL_START : 0;
	const uint64_t end = pt->kernel ? 0 : USER_END;

	batch_begin(&batch, pt);
	for (uint64_t va = from; va != end && pt->prepared != 0;) {
		uint64_t *slot;
		const uint64_t bytes = pagetable_stretch(pt, va, end - va, &slot);

		/* Takes an empty table with it; where there are entries it finds none to take. */
		if (slot != NULL && pagetable_table_is_empty(pt, slot))
			pagetable_clear(pt, va, &batch);
		va += bytes;
	}
	batch_end(&batch);
	ASSERT(pt->prepared == 0);
}
