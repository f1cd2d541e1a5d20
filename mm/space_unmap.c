/*
 * space_unmap.c -- munmap, and taking entries away.
 *
 * The range may begin and end anywhere: in a hole, within a region, over many.  What is within
 * regions that stay is cut off them, whole regions go, and the entries of the whole range are
 * cleared, whatever regions were there.  One piece of memory at most is needed, for the upper half
 * when a hole is made in the middle of one region; it is asked for before anything is changed.
 *
 * Always true:
 *   U1  frames are dropped by the batch, after every CPU has forgotten their entries;
 *   U2  regions are freed, and backings dropped, after that.
 *
 * Errors as Linux 6.1's (do_mas_munmap, mm/mmap.c): EINVAL for what is no range of a user's pages;
 * ENOMEM for a hole when there are as many regions as may be, or no memory for one more.
 *
 * Locks: the space's, for the whole call.  Cost: O(log regions), and what is taken away.
 */
#include "mm/space_inside.h"

/* --- entries --------------------------------------------------------------------------------- */

struct zap {
	struct space *s;
	struct tlb_batch *batch;
};

static bool zap_entry(void *context, uint64_t va, uint64_t entry)
{
	const struct zap *z = context;
	const uint64_t was = pagetable_clear(&z->s->table, va, z->batch);

	ASSERT(was == entry);
	(void)was;
	space_entry_left(z->s, entry);
	if ((entry & ENTRY_ZERO) == 0) batch_user(z->batch, entry_address(entry)); /* U1 */
	return true;
}

void space_zap(struct space *s, uint64_t from, uint64_t end, struct tlb_batch *batch)
{
	struct zap z = { .s = s, .batch = batch };
	const bool all = pagetable_visit(&s->table, from, end, zap_entry, &z);

	ASSERT(all);
	(void)all;
}

/* --- regions --------------------------------------------------------------------------------- */

/* Cuts [from, end) out of the tree.  What is left over whole is returned, linked by `right`; the
 * upper half of a region that has a hole now is *upper, which is NULL then. */
static struct region *unmap_regions(struct space *s, uint64_t from, uint64_t end,
				    struct region **upper)
{
	struct region *gone = NULL, *next;

	for (struct region *r = region_at_or_above(&s->regions, from); r != NULL && r->start < end;
	     r = next) {
		next = region_next(r);
		s->mapped -= pages_of(min_u64(r->end, end) - max_u64(r->start, from));
		if (r->start < from) {
			if (r->end > end) {
				ASSERT(*upper != NULL);
				space_region_cut(s, r, end, *upper);
				*upper = NULL;
			}
			region_set_end(&s->regions, r, from);
		} else if (r->end > end) {
			r->offset += pages_of(end - r->start);
			region_set_start(&s->regions, r, end);
		} else {
			region_remove(&s->regions, r);
			r->right = gone;
			gone = r;
		}
	}
	return gone;
}

void space_unmap_with_locked(struct space *s, uint64_t from, uint64_t end, struct region *upper)
{
	struct tlb_batch batch;

	ASSERT(from < end && end <= USER_END && is_aligned(from | end, PAGE_SIZE));
	struct region *gone = unmap_regions(s, from, end, &upper);
	batch_begin(&batch, &s->table);
	space_zap(s, from, end, &batch);
	batch_end(&batch);
	while (gone != NULL) {
		struct region *r = gone;
		gone = r->right;
		space_region_free(s, r); /* U2 */
	}
	if (upper != NULL) space_region_free(s, upper);
}

int64_t space_unmap_locked(struct space *s, uint64_t from, uint64_t end)
{
	const struct region *first = region_at_or_above(&s->regions, from);
	struct region *upper = NULL;

	if (first != NULL && first->start < from && end < first->end) {
		if (s->regions.count >= s->vm->regions_max) return -ERR_NOMEM;
		upper = space_region_alloc(s, first->site);
		if (upper == NULL) return -ERR_NOMEM;
	}
	space_unmap_with_locked(s, from, end, upper);
	return 0;
}

int64_t space_unmap_checked_locked(struct space *s, uint64_t addr, uint64_t length)
{
	if (!is_aligned(addr, PAGE_SIZE) || addr > USER_END || length > USER_END - addr)
		return -ERR_INVAL;
	if (length == 0) return -ERR_INVAL;
	return space_unmap_locked(s, addr, addr + align_up(length, PAGE_SIZE));
}

int64_t space_munmap(struct space *s, uint64_t addr, uint64_t length)
{
	const mach_irq_t was = lock_take(&s->lock);
	const int64_t answer = space_unmap_checked_locked(s, space_untag(addr), length);

	lock_drop(&s->lock, was);
	return answer;
}
