/*
 * space_protect.c -- mprotect.
 *
 * Region by region from the start: each is given the rights for the part that lies in the range, by
 * joining a neighbour that has them or by being cut.  A hole ends it with ENOMEM, and what came
 * before the hole stays changed: that is Linux's way (do_mprotect_pkey, mm/mprotect.c), and so are
 * the order of the checks and what is left cut when there may not be one more region.  The two
 * pieces of memory that cutting may need are asked for before anything is changed.
 *
 * Rights are the region's; entries follow.  A page that is not there yet gets them when it comes.
 * With no rights at all the frame stays where it is, in an entry that nobody can use (ENTRY_HELD).
 * A private region that is locked in memory and may be written to from now on gets its own pages at
 * once, as on Linux.
 *
 * Always true:
 *   P1  an entry is never given more than its region has;
 *   P2  a private page is made writable in place only when nobody else has it; the page of zeroes
 *       and a page that its backing does not know to be written to yet, never;
 *   P3  an entry that lost a right is invalidated everywhere before the next region is looked at.
 *
 * Locks: the space's.  Cost: O(log regions) for each region, and the pages that are there.
 */
#include "mm/space_inside.h"

struct protecting {
	struct space *s;
	uint32_t rights;
	struct region *r; /* that the entries visited are in */
	struct tlb_batch batch;
	struct region_spares spares;
};

/* --- entries --------------------------------------------------------------------------------- */

/* P2. */
static bool protect_may_write(const struct protecting *p, uint64_t entry)
{
	if (entry & ENTRY_ZERO) return false;
	if (p->r->flags & REGION_SHARED)
		return entry_is_writable(entry) || !backing_has_source(p->r->backing);
	return user_page_references(p->s->vm->pages, entry_address(entry)) == 1;
}

static bool protect_entry(void *context, uint64_t va, uint64_t entry)
{
	struct protecting *p = context;
	const uint32_t rights = space_rights(p->r, protect_may_write(p, entry));
	ASSERT_SLOW(p->r->start <= va && va < p->r->end);
	ASSERT((rights & ~(p->r->rights | (uint32_t)PROT_READ)) == 0); /* P1 */
	const uint64_t now = pagetable_entry(&p->s->table, entry_address(entry), rights,
					     entry & (ENTRY_ZERO | ENTRY_DIRTY));

	if (now != entry) pagetable_change(&p->s->table, va, now, &p->batch);
	return true;
}

/* --- regions --------------------------------------------------------------------------------- */

/* Once written to, for ever accounted for: Linux's VM_ACCOUNT, which keeps regions apart. */
static uint16_t protect_flags(const struct region *r, uint32_t rights)
{
	const uint16_t never = REGION_ACCOUNTED | REGION_SHARED | REGION_NORESERVE;

	if ((rights & PROT_WRITE) == 0 || (r->rights & PROT_WRITE) != 0 || (r->flags & never) != 0)
		return r->flags;
	return r->flags | REGION_ACCOUNTED;
}

/* Gives [from, end) of *r the rights; *r is then the region that it lies in. */
static bool protect_part(struct protecting *p, struct region **r, uint64_t from, uint64_t end)
	REQUIRES(&p->s->lock)
{
	const uint32_t kept = REGION_LOCKED | REGION_SHARED;
	const bool was_locked =
		((*r)->flags & kept) == REGION_LOCKED && ((*r)->rights & PROT_WRITE) == 0;
	struct region like = **r;

	ASSERT(like.start <= from && from < end && end <= like.end);
	if (like.rights == p->rights) return true;
	like.offset += pages_of(from - like.start);
	like.start = from;
	like.end = end;
	like.flags = protect_flags(*r, p->rights);
	like.rights = (uint8_t)p->rights;
	if (space_is_data(like.rights, like.flags) && !space_is_data((*r)->rights, (*r)->flags) &&
	    !space_data_may_grow(p->s, pages_of(end - from)))
		return false;
	struct region *now = space_region_join(p->s, &like);
	if (now == NULL) {
		now = space_region_isolate(p->s, *r, from, end, &p->spares);
		if (now == NULL) return false;
		now->rights = like.rights;
		now->flags = like.flags;
	}
	ASSERT(now->start <= from && end <= now->end && now->rights == p->rights);
	*r = p->r = now;
	batch_begin(&p->batch, &p->s->table);
	pagetable_visit(&p->s->table, from, end, protect_entry, p);
	batch_end(&p->batch); /* P3 */
	if (was_locked && (p->rights & PROT_WRITE) != 0) space_populate_locked(p->s, from, end);
	return true;
}

static int64_t protect_range(struct protecting *p, struct region *r, uint64_t from, uint64_t end)
	REQUIRES(&p->s->lock)
{
	for (;;) {
		if (p->rights & ~(uint32_t)r->rights_max) return -ERR_ACCES;
		const uint64_t stop = min_u64(r->end, end);
		if (!protect_part(p, &r, from, stop)) return -ERR_NOMEM;
		from = max_u64(stop, r->end);
		if (from >= end) return 0;
		r = region_next(r);
		if (r == NULL || r->start != from) return -ERR_NOMEM;
	}
}

/* --- the call -------------------------------------------------------------------------------- */

/* Memory for as many regions as may be cut; false: none taken. */
static bool protect_prepare(struct protecting *p, const struct region *first, uint64_t from,
			    uint64_t end)
{
	const struct region *last = region_at_or_above(&p->s->regions, end - 1);
	const bool cut_first = first->start < from && first->rights != p->rights;
	const bool cut_last =
		last != NULL && last->start < end && end < last->end && last->rights != p->rights;

	return space_spares_alloc(p->s, &p->spares, (unsigned)cut_first + cut_last, first->site);
}

/* The region that the range starts in, or an error in *wrong; PROT_GROWSDOWN moves *from down to
 * the start of it. */
static struct region *protect_first(struct space *s, uint64_t *from, uint64_t end, uint32_t prot,
				    int64_t *wrong) REQUIRES(&s->lock)
{
	struct region *r = region_at_or_above(&s->regions, *from);

	*wrong = -ERR_NOMEM;
	if (r == NULL) return NULL;
	if (prot & PROT_GROWSDOWN) {
		if (r->start >= end) return NULL;
		*from = r->start;
		*wrong = -ERR_INVAL;
		return (r->flags & REGION_GROWS) != 0 ? r : NULL;
	}
	if (r->start > *from) return NULL;
	*wrong = -ERR_INVAL; /* nothing here grows up */
	return (prot & PROT_GROWSUP) == 0 ? r : NULL;
}

static int64_t protect_locked(struct space *s, uint64_t from, uint64_t end, uint32_t prot)
	REQUIRES(&s->lock)
{
	struct protecting p = { .s = s, .rights = prot & PROT_ALL };
	int64_t answer;
	struct region *first = protect_first(s, &from, end, prot, &answer);

	if (first == NULL) return answer;
	if (!protect_prepare(&p, first, from, end)) return -ERR_NOMEM;
	answer = protect_range(&p, first, from, end);
	space_spares_free(s, &p.spares);
	return answer;
}

int64_t space_mprotect(struct space *s, uint64_t addr, uint64_t length, uint32_t prot)
{
	const uint32_t grows = PROT_GROWSDOWN | PROT_GROWSUP;
	const uint64_t from = space_untag(addr);
	uint64_t end;

	if ((prot & grows) == grows) return -ERR_INVAL;
	if (!is_aligned(from, PAGE_SIZE)) return -ERR_INVAL;
	if (length == 0) return 0;
	length = align_up(length, PAGE_SIZE);
	if (length == 0 || !add_fits(from, length, &end)) return -ERR_NOMEM;
	if (prot & ~(grows | PROT_ALL | PROT_SEM)) return -ERR_INVAL;
	const mach_irq_t was = lock_take(&s->lock);
	const int64_t answer = protect_locked(s, from, end, prot);
	lock_drop(&s->lock, was);
	return answer;
}
