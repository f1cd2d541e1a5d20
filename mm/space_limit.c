/*
 * space_limit.c -- how much a space may have (RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK).
 *
 * A limit is looked at when something is to grow; what is there already stays, even beyond a limit
 * that became smaller.  Pages in regions are counted all the time.  Those of data, private ones
 * that may be written, are not: few programs have that limit, and for them they are counted when
 * they are asked for.
 *
 * Locks: the space's.  Cost: O(regions) for a call that grows, where data is limited; else O(1).
 */
#include "mm/space_inside.h"

void space_limits_set(struct space *s, uint64_t pages, const struct space_limits *limits)
{
	const mach_irq_t was = lock_take(&s->lock);

	s->limit = pages;
	s->limits = *limits;
	lock_drop(&s->lock, was);
}

bool space_data_may_grow_locked(const struct space *s, uint64_t pages)
{
	uint64_t data = pages;

	for (const struct region *r = region_at_or_above(&s->regions, 0); r != NULL;
	     r = region_next(r))
		if (space_is_data(r->rights, r->flags)) data += pages_of(r->end - r->start);
	ASSERT(data >= pages);
	return data <= s->limits.data_pages;
}
