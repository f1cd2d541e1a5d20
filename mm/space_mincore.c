/*
 * space_mincore.c -- mincore.
 *
 * A page counts as there when its entry has a frame, or when the backing has the page, mapped here
 * or not.  Linux's order of checks and its way with holes (mm/mincore.c): ENOMEM, and the bytes for
 * what came before the hole are written.
 *
 * Locks: the space's, for MINCORE_PAGES pages at a time; backings' inside.  Cost: a walk for each
 * page.
 */
#include "mm/space_inside.h"

enum { MINCORE_PAGES = 64 };

static uint8_t mincore_page(const struct space *s, const struct region *r, uint64_t va)
{
	if (pagetable_lookup(&s->table, va, NULL) != 0) return 1;
	return r->backing != NULL && backing_has(r->backing, r->offset + pages_of(va - r->start));
}

/* Some pages of one region from `va` on; how many, or 0 when nothing is mapped there. */
static uint64_t mincore_some_locked(const struct space *s, uint64_t va, uint64_t pages,
				    uint8_t *vec) REQUIRES(&s->lock)
{
	const struct region *r = region_at_or_above(&s->regions, va);
	uint64_t n;

	if (r == NULL || r->start > va) return 0;
	pages = min_u64(min_u64(pages, pages_of(r->end - va)), MINCORE_PAGES);
	ASSERT(pages != 0);
	for (n = 0; n < pages; n++) vec[n] = mincore_page(s, r, va + (n << PAGE_SHIFT));
	return pages;
}

bool space_covered(struct space *s, uint64_t from, uint64_t end)
{
	const mach_irq_t was = lock_take(&s->lock);
	const struct region *r = from < end ? region_at_or_above(&s->regions, from) : NULL;

	for (; from < end && r != NULL && r->start <= from; r = region_next(r)) from = r->end;
	lock_drop(&s->lock, was);
	return from >= end;
}

int64_t space_mincore(struct space *s, uint64_t addr, uint64_t length, uint8_t *vec)
{
	uint64_t va = space_untag(addr);

	if (!is_aligned(va, PAGE_SIZE)) return -ERR_INVAL;
	if (va > USER_END || length > USER_END - va) return -ERR_NOMEM;
	for (uint64_t left = pages_of(align_up(length, PAGE_SIZE)); left != 0;) {
		const mach_irq_t was = lock_take(&s->lock);
		const uint64_t done = mincore_some_locked(s, va, left, vec);
		lock_drop(&s->lock, was);
		if (done == 0) return -ERR_NOMEM;
		va += done << PAGE_SHIFT;
		vec += done;
		left -= done;
	}
	return 0;
}
