/*
 * pagetable_copy.c -- what fork does with entries: the same pages in another tree, read-only.
 *
 * A range is taken table by table, a hole as large as the entry that is missing at once, and the
 * tables of the other tree are looked up, or made, once for each of ours: inside a table the slots
 * follow each other in both.  A table of the other is only made when ours has something to put in.
 *
 * For each entry the page gets its reference first; then ours loses the right to write, if it had
 * it; then the other's is stored, after what was written to a page that may be executed has been
 * made visible to fetches.  Nothing is invalidated here: the caller does that once, for all,
 * before anybody can rely on a page being read-only (struct tlb_batch, `all`).
 *
 * Without memory for a table what has been copied so far stays, in both trees sound: the other tree
 * can be taken apart like any, and ours heals by faults.
 *
 * Locks: those of both trees; the other tree is one that nobody else can reach yet.
 * Cost (release, AArch64): about 30 instructions for a page, 150 for a table.
 */
#include "mm/pagetable_inside.h"
#include "mm/user_page.h"

/* What tells the usual page, one that may be written and not executed, from all others. */
static const uint64_t kind_bits = ENTRY_VALID | ENTRY_READ_ONLY | ENTRY_NOT_USER_EXEC | ENTRY_ZERO;
static const uint64_t kind_usual = ENTRY_VALID | ENTRY_NOT_USER_EXEC;

/* user_page_hold(), in line: this and what stands around it are what a page of a fork costs. */
static inline void copy_hold(struct frame *f)
{
	ASSERT((f->word & ~PAGE_ZONE_MASK) == PAGE_HOW(0, PAGE_OWNER_USER));
	const uint32_t before = atomic_fetch_add_u32(&f->user.references, 1);
	ASSERT_SLOW(before != 0);
}

/* Any other entry: what it reads in both trees from now on. */
static uint64_t copy_unusual(struct page_pool *pool, uint64_t *slot, struct pagetable_copied *sums)
{
	uint64_t entry = *slot;

	if ((entry & ENTRY_ZERO) != 0) {
		sums->zeroes++;
	} else {
		user_page_hold(pool, entry_address(entry));
		sums->counted++;
	}
	if ((entry & (ENTRY_VALID | ENTRY_READ_ONLY)) == ENTRY_VALID) {
		entry |= ENTRY_READ_ONLY;
		mach_entry_store(slot, entry);
		sums->demoted++;
	}
	if (entry_may_fetch(entry)) /* and was written to, who knows when */
		mach_code_sync(mach_phys(entry_address(entry)), PAGE_SIZE);
	return entry;
}

/* Copies `slots` slots of one table into as many of another, where nothing is; how many had an
 * entry.  What it needs of the pool is read once. */
static uint32_t copy_slots(struct page_pool *pool, uint64_t *ours, uint64_t *theirs, uint32_t slots,
			   struct pagetable_copied *sums)
{
	struct frame *const frames = pool->frames;
	const paddr_t base = pool->base;
	uint32_t usual = 0, unusual = 0;

	for (const uint64_t *end = ours + slots; ours != end; ours++, theirs++) {
		uint64_t entry = *ours;
		if (entry == 0) continue;
		ASSERT_SLOW(*theirs == 0);
		if (LIKELY((entry & kind_bits) == kind_usual)) {
			ASSERT_SLOW(page_frame(pool, entry_address(entry)) != NULL);
			copy_hold(&frames[(entry_address(entry) - base) >> PAGE_SHIFT]);
			entry |= ENTRY_READ_ONLY;
			mach_entry_store(ours, entry);
			usual++;
		} else {
			entry = copy_unusual(pool, ours, sums);
			unusual++;
		}
		mach_entry_store(theirs, entry);
	}
	sums->counted += usual;
	sums->demoted += usual;
	return usual + unusual;
}

/* The part of one table of the last level; false without memory for its like in `to`. */
static bool copy_stretch(struct pagetable *to, struct pagetable *from, uint64_t va, uint32_t slots,
			 uint64_t *ours, struct pagetable_copied *sums, site_t site)
{
	uint32_t first = 0;
	unsigned level;

	while (first < slots && ours[first] == 0) first++;
	if (first == slots) return true;
	if (pagetable_prepare(to, va, 0, site) != PAGETABLE_DONE) return false;
	uint64_t *theirs = pagetable_walk(to, va, &level);
	ASSERT(level == LEVEL_LAST);
	struct frame *f = table_frame(to, table_of_slot(theirs));
	ASSERT(f != NULL);
	if (f->table.entries == 0) to->prepared--;
	const uint32_t copied =
		copy_slots(from->pages, ours + first, theirs + first, slots - first, sums);
	f->table.entries += copied;
	to->leaves += copied;
	return true;
}

bool pagetable_copy(struct pagetable *to, struct pagetable *from, uint64_t start, uint64_t end,
		    struct pagetable_copied *sums, site_t site)
{
	ASSERT(!to->kernel && !from->kernel && to->pages == from->pages);
	ASSERT(start <= end && end <= USER_END && is_aligned(start | end, PAGE_SIZE));
	for (uint64_t va = start; va != end;) {
		unsigned level;
		uint64_t *slot = pagetable_walk(from, va, &level);
		const unsigned shift = entry_shift(level == LEVEL_LAST ? level - 1 : level);
		const uint64_t rest = (1ull << shift) - (va & ((1ull << shift) - 1));
		const uint64_t bytes = min_u64(rest, end - va);

		if (level == LEVEL_LAST &&
		    !copy_stretch(to, from, va, bytes >> PAGE_SHIFT, slot, sums, site))
			return false;
		va += bytes;
	}
	return true;
}
