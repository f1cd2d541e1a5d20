/*
 * space_place.c -- where a new mapping goes, and bringing its pages in at once.
 *
 * Linux 6.1's get_unmapped_area (mm/mmap.c) with the layout that arm64 has by default: what is
 * fixed goes where it says, or nowhere; a hint is honoured when the range is free there, guard gaps
 * included; anything else gets the highest free place below the space's top.  There is no second
 * search from below when that fails: the world ends at its top.
 *
 * Populating is done after the call proper, as on Linux: its failures are not told.
 *
 * Locks: the space's; populating takes it for POPULATE_PAGES pages at a time.  Cost: O(log n).
 */
#include "mm/space_inside.h"

enum { POPULATE_PAGES = 16 };

/* Whether [addr, addr + bytes) is free and in no guard gap. */
static bool place_is_free(const struct space *s, uint64_t addr, uint64_t bytes)
{
	const struct region *r = region_at_or_above(&s->regions, addr);

	return r == NULL || (addr < r->start && addr + bytes <= region_guarded_start(r));
}

/* The address before the last checks, 0 for none. */
static uint64_t place_pick(const struct space *s, uint64_t addr, uint64_t bytes)
{
	const uint64_t hint = align_up(addr, PAGE_SIZE);

	if (hint != 0 && hint <= USER_END - bytes && hint >= s->vm->lowest &&
	    place_is_free(s, hint, bytes))
		return hint;
	return region_find_gap(&s->regions, bytes);
}

int64_t space_place_locked(struct space *s, uint64_t addr, uint64_t bytes, uint32_t flags)
{
	ASSERT(bytes != 0 && is_aligned(bytes, PAGE_SIZE));
	if (bytes > USER_END - s->vm->lowest) return -ERR_NOMEM;
	if ((flags & MAP_FIXED) == 0) {
		addr = place_pick(s, addr, bytes);
		if (addr == 0) return -ERR_NOMEM;
	}
	if (addr > USER_END - bytes) return -ERR_NOMEM;
	if (!is_aligned(addr, PAGE_SIZE)) return -ERR_INVAL;
	return addr < s->vm->lowest ? -ERR_PERM : (int64_t)addr;
}

/* --- bringing pages in ----------------------------------------------------------------------- */

/* What a page of `r` is brought in for: writing, where that will give it a page of its own. */
static enum mach_access populate_access(const struct region *r)
{
	const bool own = (r->flags & REGION_SHARED) == 0 && (r->rights & PROT_WRITE) != 0;

	return own ? MACH_STORE : MACH_LOAD;
}

/* Pages of one region from *va on, which moves on; false when there is nothing more to be had. */
static bool populate_some_locked(struct space *s, uint64_t *va, uint64_t end) REQUIRES(&s->lock)
{
	const struct region *r = region_at_or_above(&s->regions, *va);

	if (r == NULL || r->start >= end) return false;
	const uint64_t from = max_u64(*va, r->start), stop = min_u64(r->end, end);
	*va = stop;
	if (r->rights == PROT_NONE) return true;
	ASSERT(is_aligned(from, PAGE_SIZE) && from < stop);
	const enum mach_access access = populate_access(r);
	const uint64_t until = min_u64(stop, from + POPULATE_PAGES * (uint64_t)PAGE_SIZE);
	for (uint64_t page = from; page < until; page += PAGE_SIZE) {
		if (entry_allows(pagetable_lookup(&s->table, page, NULL), access)) continue;
		const enum fault_answer answer = space_fault_locked(s, page, access);
		if (answer == FAULT_NO_MEMORY) return false;
		if (answer != FAULT_DONE) return true; /* on with the next region */
	}
	*va = until;
	return true;
}

void space_populate_locked(struct space *s, uint64_t from, uint64_t end)
{
	while (from < end && populate_some_locked(s, &from, end)) continue;
}

void space_populate(struct space *s, uint64_t from, uint64_t end)
{
	bool more = true;

	while (more && from < end) {
		const mach_irq_t was = lock_take(&s->lock);
		more = populate_some_locked(s, &from, end);
		lock_drop(&s->lock, was);
	}
}
