/*
 * space_clone.c -- what fork does: a space with the same regions and the same pages.
 *
 * Regions are copied one by one; those that are not to be inherited are left out, and of those
 * that are to be wiped only the region is.  Pages of private regions are shared by reference and
 * read-only in both spaces from then on; whoever writes first gets a copy, and who is last writes
 * in place (fault.c).  Of a region that has no pages of its own (family 0) nothing is copied: what
 * it shows is the backing's or the page of zeroes, and a fault finds that again, as on Linux.
 *
 * That the parent's entries are read-only is true on every CPU only when all have forgotten the old
 * ones.  So the whole ASID is invalidated and waited for under the parent's lock, before anybody
 * can learn of the child; also when there was no memory, for by then some entries have changed.
 * What was made of the child is then taken apart at once; the parent's entries that have become
 * read-only for nothing are made writable again by the faults that find them so.
 *
 * Always true:
 *   C1  a page that both have is writable in neither, on no CPU, once the lock is dropped;
 *   C2  the child's counts are those of its own regions and entries; each entry has its reference.
 *
 * Locks: the parent's; the child's is not needed before it is returned.
 * Cost: O(regions + pages that are there); see pagetable_copy.c.
 */
#include "mm/space_inside.h"

/* A region like `r`, holding what that holds, in the child's tree; false without memory. */
static bool clone_region(struct space *to, const struct region *r, site_t site)
{
	struct region *copy = space_region_alloc(to, site);

	if (copy == NULL) return false;
	space_region_copy(copy, r);
	space_region_inherit(to, copy);
	region_insert(&to->regions, copy);
	to->mapped += pages_of(r->end - r->start);
	return true;
}

/* The regions and pages; false without memory, and then as far as it went. */
static bool clone_all_locked(struct space *to, struct space *from, site_t site,
			     struct pagetable_copied *sums) REQUIRES(&from->lock)
{
	struct region *r = region_at_or_above(&from->regions, 0);

	for (; r != NULL; r = region_next(r)) {
		if (r->flags & REGION_NO_FORK) continue;
		if (!clone_region(to, r, site)) return false;
		if (r->family == 0 || (r->flags & REGION_WIPE) != 0) continue;
		if (!pagetable_copy(&to->table, &from->table, r->start, r->end, sums, site))
			return false;
	}
	return true;
}

/* What lost the right to be written has lost it on every CPU when this returns. */
static void clone_demote_locked(struct space *from, const struct pagetable_copied *sums)
	REQUIRES(&from->lock)
{
	struct tlb_batch batch;

	batch_begin(&batch, &from->table);
	batch.all = sums->demoted != 0;
	batch_end(&batch);
}

static bool clone_locked(struct space *to, struct space *from, site_t site) REQUIRES(&from->lock)
{
	struct pagetable_copied sums = { 0 };

	ASSERT(!from->retired);
	to->brk_start = from->brk_start;
	to->brk = from->brk;
	to->limit = from->limit;
	to->limits = from->limits;
	const bool whole = clone_all_locked(to, from, site, &sums);
	clone_demote_locked(from, &sums); /* C1 */
	mach_entry_sync();                /* the child's, whoever installs it */
	to->resident = sums.counted;
	to->zeroes = sums.zeroes;
	return whole;
}

struct space *space_clone(struct space *from, site_t site)
{
	struct space *to = space_make(from->vm, site);

	if (to == NULL) return NULL;
	const mach_irq_t was = lock_take(&from->lock);
	const bool whole = clone_locked(to, from, site);
	lock_drop(&from->lock, was);
	if (whole) {
		space_show(to);
		space_cut_inherited(to);
		return to;
	}
	struct space_work work = { .done = 0 };
	to->retired = true; /* it never was anybody's */
	to->holders = 0;
	while (!space_take_apart(to, &work)) {
	}
	space_free(to);
	return NULL;
}
