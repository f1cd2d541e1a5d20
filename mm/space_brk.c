/*
 * space_brk.c -- the heap: brk.
 *
 * The break is a byte; pages are mapped up to the end of the one it lies in.  Growing adds private
 * zeroes above what is there, and needs one free page between itself and the next region, or that
 * one's guard gap; shrinking unmaps the pages that are wholly above the new break.  The answer is
 * the break as it is afterwards, moved or not: there are no errors.  Linux 6.1's rules (mm/mmap.c),
 * such as that a heap of which nothing is mapped any more cannot shrink.
 *
 * The heap's regions join only each other, but any other call may change or unmap them.
 *
 * Always true:
 *   B1  brk_start <= brk, and brk_start is a multiple of a page;
 *   B2  when the break stays where it was, nothing has changed.
 *
 * Locks: the space's.  Cost: O(log regions), and the pages that go.
 */
#include "mm/space_inside.h"

void space_brk_place(struct space *s, uint64_t start)
{
	const mach_irq_t was = lock_take(&s->lock);

	ASSERT(start != 0 && start < USER_END && is_aligned(start, PAGE_SIZE)); /* B1 */
	s->brk_start = s->brk = start;
	lock_drop(&s->lock, was);
}

/* What the heap's regions are like. */
static struct region brk_describe(uint64_t from, uint64_t end)
{
	return (struct region){
		.start = from,
		.end = end,
		.offset = pages_of(from),
		.rights = PROT_READ | PROT_WRITE,
		.rights_max = PROT_ALL,
		.flags = REGION_ACCOUNTED | REGION_HEAP,
	};
}

static bool brk_grow_locked(struct space *s, uint64_t from, uint64_t end) REQUIRES(&s->lock)
{
	const struct region *above = region_at_or_above(&s->regions, from);
	struct region like = brk_describe(from, end);

	if (space_place_locked(s, from, end - from, MAP_FIXED) < 0) return false;
	if (above != NULL && end + PAGE_SIZE > region_guarded_start(above)) return false;
	if (!space_may_grow(s, pages_of(end - from))) return false;
	if (!space_data_may_grow(s, pages_of(end - from))) return false;
	if (s->regions.count > s->vm->regions_max) return false;
	/* What stands below the heap's start is no heap. */
	if (from == s->brk_start || space_region_join_below(s, &like) == NULL) {
		struct region *r = space_region_alloc(s, SITE_NONE);

		if (r == NULL) return false;
		space_region_copy(r, &like);
		region_insert(&s->regions, r);
	}
	s->mapped += pages_of(end - from);
	return true;
}

static bool brk_shrink_locked(struct space *s, uint64_t from, uint64_t end) REQUIRES(&s->lock)
{
	const struct region *r = region_at_or_above(&s->regions, from);

	if (r == NULL || r->start >= end) return false;
	return space_unmap_locked(s, from, end) == 0;
}

/* Whether the break may move there, and everything has been done for it. */
static bool brk_move_locked(struct space *s, uint64_t brk) REQUIRES(&s->lock)
{
	const uint64_t was_end = align_up(s->brk, PAGE_SIZE), end = align_up(brk, PAGE_SIZE);

	if (s->brk_start == 0 || brk < s->brk_start) return false;
	if (brk > USER_END) return false;
	if (end == was_end) return true;
	if (end > was_end) return brk_grow_locked(s, was_end, end);
	return brk_shrink_locked(s, end, was_end);
}

int64_t space_brk(struct space *s, uint64_t addr)
{
	const mach_irq_t was = lock_take(&s->lock);

	if (brk_move_locked(s, addr)) s->brk = addr;
	ASSERT(s->brk >= s->brk_start);
	const int64_t answer = (int64_t)s->brk;
	lock_drop(&s->lock, was);
	return answer;
}
