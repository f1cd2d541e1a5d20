/*
 * space_advise.c -- madvise.
 *
 * The range is gone through region by region; holes are passed over, and at the end the answer is
 * ENOMEM because of them, though the advice was taken everywhere else: Linux's way (do_madvise,
 * mm/madvise.c), as are the order of the checks and EAGAIN where there may not be one more region.
 * An error of one region ends it there.
 *
 * Kinds of advice:
 *   about the region   sequential, random, fork or not, wipe at a fork: a flag, by joining a
 *                      neighbour that has it or by cutting, as mprotect does;
 *   about its pages    DONTNEED takes them away: private ones are lost, shared ones come back from
 *                      their backing.  FREE does the same at once, as Linux may at any time; only
 *                      for private zeroes.  WILLNEED has a source's pages read into its backing,
 *                      WILLNEED_PAGES of them at most.  COLD marks what is there as not accessed,
 *                      so that it shows which pages are used again.  POPULATE_* brings pages in
 *                      like accesses.
 * What is not in mman.h is refused: nobody relies on advice that is not taken.
 *
 * Always true:
 *   A1  advice changes no answer of any read, except where that is what it is for;
 *   A2  a frame that is taken away is given back after all CPUs have forgotten it (the batch).
 *
 * Locks: the space's, taken anew for each region, and each page that is populated.  Cost: O(log
 * regions) for each region, and its pages.
 */
#include "mm/space_inside.h"

enum { WILLNEED_PAGES = 64, POPULATE_AT_ONCE = 16 };

struct advice {
	struct space *s;
	uint64_t va, end; /* what is left to do */
	int kind;
	bool holes; /* some were met */
};

static bool advice_is_known(int kind)
{
	switch (kind) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_COLD:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE: return true;
	default: return false;
	}
}

/* --- about the region ------------------------------------------------------------------------ */

/* The flags of `r` with the advice taken. */
static uint16_t advice_flags(const struct region *r, int kind)
{
	const uint16_t order = REGION_RANDOM | REGION_SEQUENTIAL;
	const uint16_t others = r->flags & (uint16_t)~order;

	switch (kind) {
	case MADV_NORMAL: return others;
	case MADV_RANDOM: return others | REGION_RANDOM;
	case MADV_SEQUENTIAL: return others | REGION_SEQUENTIAL;
	case MADV_DONTFORK: return r->flags | REGION_NO_FORK;
	case MADV_DOFORK: return r->flags & (uint16_t)~REGION_NO_FORK;
	case MADV_WIPEONFORK: return r->flags | REGION_WIPE;
	default: ASSERT(kind == MADV_KEEPONFORK); return r->flags & (uint16_t)~REGION_WIPE;
	}
}

static struct region *advise_cut(struct space *s, struct region *r, uint64_t from, uint64_t end)
	REQUIRES(&s->lock)
{
	const unsigned cuts = (from != r->start) + (end != r->end);
	struct region_spares spares;

	if (!space_spares_alloc(s, &spares, cuts, r->site)) return NULL;
	struct region *part = space_region_isolate(s, r, from, end, &spares);
	space_spares_free(s, &spares);
	return part;
}

/* Gives [from, end) of *r the flags; *r is then the region that it lies in. */
static int64_t advise_flags(struct advice *a, struct region **r, uint64_t from, uint64_t end)
	REQUIRES(&a->s->lock)
{
	struct region like = **r;

	if (a->kind == MADV_WIPEONFORK && ((*r)->backing != NULL || (*r)->flags & REGION_SHARED))
		return -ERR_INVAL;
	like.flags = advice_flags(*r, a->kind);
	if (like.flags == (*r)->flags) return 0;
	like.offset += pages_of(from - like.start);
	like.start = from;
	like.end = end;
	struct region *now = space_region_join(a->s, &like);
	if (now == NULL) {
		now = advise_cut(a->s, *r, from, end);
		if (now == NULL) return -ERR_AGAIN;
		now->flags = like.flags;
	}
	ASSERT(now->start <= from && end <= now->end &&
	       (now->flags & ~REGION_INHERITED) == (like.flags & ~REGION_INHERITED));
	*r = now;
	return 0;
}

/* --- about its pages ------------------------------------------------------------------------- */

static int64_t advise_dontneed(struct advice *a, const struct region *r, uint64_t from,
			       uint64_t end) REQUIRES(&a->s->lock)
{
	struct tlb_batch batch;

	ASSERT(r->start <= from && end <= r->end);
	if (r->flags & REGION_LOCKED) return -ERR_INVAL;
	if (a->kind == MADV_FREE && r->backing != NULL) return -ERR_INVAL;
	batch_begin(&batch, &a->s->table);
	space_zap(a->s, from, end, &batch);
	batch_end(&batch); /* A2 */
	return 0;
}

static int64_t advise_cold(const struct advice *a, const struct region *r, uint64_t from,
			   uint64_t end) REQUIRES(&a->s->lock)
{
	ASSERT(r->start <= from && end <= r->end);
	if (r->flags & REGION_LOCKED) return -ERR_INVAL;
	pagetable_age(&a->s->table, from, end);
	return 0;
}

/* A backing of zeroes has nothing to be read from anywhere. */
static void advise_willneed(const struct advice *a, const struct region *r, uint64_t from,
			    uint64_t end) REQUIRES(&a->s->lock)
{
	struct backing *b = r->backing;

	if (b == NULL || !backing_has_source(b)) return;
	const uint64_t first = r->offset + pages_of(from - r->start);
	const uint64_t count = min_u64(pages_of(end - from), WILLNEED_PAGES);
	for (uint64_t i = first; i < first + count; i++) {
		paddr_t pa;

		if (backing_page(b, i, 0, r->site, &pa) != BACKING_DONE) return;
		user_page_drop(a->s->vm->pages, pa);
	}
}

static int64_t populate_error(enum fault_answer answer)
{
	return answer == FAULT_NO_MEMORY ? -ERR_NOMEM : -ERR_FAULT;
}

/* The first few of these pages; *done is where it got to. */
static int64_t advise_populate(const struct advice *a, const struct region *r, uint64_t from,
			       uint64_t end, uint64_t *done) REQUIRES(&a->s->lock)
{
	const bool write = a->kind == MADV_POPULATE_WRITE;
	const enum mach_access access = write ? MACH_STORE : MACH_LOAD;

	if ((r->rights & (write ? PROT_WRITE : PROT_READ)) == 0) return -ERR_INVAL;
	*done = min_u64(end, from + POPULATE_AT_ONCE * (uint64_t)PAGE_SIZE);
	for (uint64_t va = from; va < *done; va += PAGE_SIZE) {
		if (entry_allows(pagetable_lookup(&a->s->table, va, NULL), access)) continue;
		const enum fault_answer answer = space_fault_locked(a->s, va, access);
		if (answer != FAULT_DONE) return populate_error(answer);
	}
	return 0;
}

/* --- the call -------------------------------------------------------------------------------- */

/* The advice for what of the range is in `r`, from a->va on, which moves on. */
static int64_t advise_region(struct advice *a, struct region *r) REQUIRES(&a->s->lock)
{
	const uint64_t from = a->va, end = min_u64(r->end, a->end);

	ASSERT(r->start <= from && from < end);
	switch (a->kind) {
	case MADV_DONTNEED:
	case MADV_FREE: a->va = end; return advise_dontneed(a, r, from, end);
	case MADV_WILLNEED:
		a->va = end;
		advise_willneed(a, r, from, end);
		return 0;
	case MADV_COLD: a->va = end; return advise_cold(a, r, from, end);
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE: return advise_populate(a, r, from, end, &a->va);
	default: {
		const int64_t answer = advise_flags(a, &r, from, end);
		a->va = max_u64(end, r->end);
		return answer;
	}
	}
}

/* Goes on with the next region; false when *answer says the end. */
static bool advise_next(struct advice *a, int64_t *answer)
{
	const mach_irq_t was = lock_take(&a->s->lock);
	struct region *r = region_at_or_above(&a->s->regions, a->va);

	*answer = 0;
	if (r == NULL || r->start >= a->end) {
		a->holes = true;
		a->va = a->end;
	} else if (r->start > a->va) {
		a->holes = true;
		a->va = r->start;
	} else {
		*answer = advise_region(a, r);
	}
	lock_drop(&a->s->lock, was);
	return *answer == 0 && a->va < a->end;
}

int64_t space_madvise(struct space *s, uint64_t addr, uint64_t length, int advice)
{
	struct advice a = { .s = s, .va = space_untag(addr), .kind = advice };
	const uint64_t bytes = align_up(length, PAGE_SIZE);
	int64_t answer;

	if (!advice_is_known(advice)) return -ERR_INVAL;
	if (!is_aligned(a.va, PAGE_SIZE)) return -ERR_INVAL;
	if (length != 0 && bytes == 0) return -ERR_INVAL;
	if (!add_fits(a.va, bytes, &a.end)) return -ERR_INVAL;
	if (a.va == a.end) return 0;
	while (advise_next(&a, &answer)) continue;
	if (answer == 0 && a.holes) return -ERR_NOMEM;
	return answer;
}
