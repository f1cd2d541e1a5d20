/*
 * space_region.c -- the regions of a space as objects: made, copied, cut, joined, given families.
 *
 * Joining follows Linux 6.1 to the letter (vma_merge and mmap_region, mm/mmap.c), because it shows:
 * mremap works within one region only, and the number of regions has a limit.  Two neighbours are
 * joined when they are alike (region_joins) and their families fit.  A family is Linux's anon_vma:
 * a region has none until it gets its first page of its own, takes a neighbour's then if the two
 * might be one some day, and after a fork the child's regions have new ones that never fit another.
 * What "fit" means leans to one side, as it does there: a range without a family may join a region
 * that has one, but a range that has one may not join a region without.
 *
 * Always true:
 *   S1  a region holds its backing once, and is in the tree exactly while its range is its own;
 *   S2  region->family is 0 or between 1 and space->families; no shared region has one;
 *   S3  what has to be allocated is handed in: nothing here fails.
 *
 * Locks: the space's (space_region_alloc and _free excepted, which need none).  Cost: O(log n).
 */
#include "mm/space_inside.h"

struct region *space_region_alloc(struct space *s, site_t site)
{
	return kmalloc_alloc(s->vm->kmalloc, sizeof(struct region), KM_ZERO, site);
}

void space_region_free(struct space *s, struct region *r)
{
	if (r->backing != NULL) backing_drop(r->backing);
	const enum kmalloc_verdict v = kmalloc_free(s->vm->kmalloc, r);
	ASSERT(v == KMALLOC_FREED);
	(void)v;
}

void space_region_copy(struct region *copy, const struct region *r)
{
	copy->start = r->start;
	copy->end = r->end;
	copy->backing = r->backing;
	copy->offset = r->offset;
	copy->rights = r->rights;
	copy->rights_max = r->rights_max;
	copy->flags = r->flags;
	copy->site = r->site;
	copy->family = r->family;
	if (copy->backing != NULL) backing_hold(copy->backing);
}

void space_region_cut(struct space *s, struct region *r, uint64_t va, struct region *upper)
{
	ASSERT(r->start < va && va < r->end && is_aligned(va, PAGE_SIZE));
	space_region_copy(upper, r);
	upper->start = va;
	upper->offset += pages_of(va - r->start);
	region_set_end(&s->regions, r, va);
	region_insert(&s->regions, upper);
}

struct region *space_region_below(const struct space *s, uint64_t va)
{
	struct region *found = NULL;

	for (struct region *r = s->regions.root; r != NULL;) {
		if (r->start < va) {
			found = r;
			r = r->right;
		} else {
			r = r->left;
		}
	}
	return found;
}

/* --- cutting a part out ---------------------------------------------------------------------- */

bool space_spares_alloc(struct space *s, struct region_spares *spares, unsigned count, site_t site)
{
	ASSERT(count <= COUNT_OF(spares->at));
	*spares = (struct region_spares){ 0 };
	for (unsigned i = 0; i < count; i++) {
		spares->at[i] = space_region_alloc(s, site);
		if (spares->at[i] != NULL) continue;
		space_spares_free(s, spares);
		return false;
	}
	return true;
}

void space_spares_free(struct space *s, struct region_spares *spares)
{
	for (unsigned i = 0; i < COUNT_OF(spares->at); i++)
		if (spares->at[i] != NULL) space_region_free(s, spares->at[i]);
	*spares = (struct region_spares){ 0 };
}

static struct region *spares_take(struct region_spares *spares)
{
	struct region **at = &spares->at[spares->at[0] != NULL ? 0 : 1];
	struct region *r = *at;

	ASSERT(r != NULL);
	*at = NULL;
	return r;
}

struct region *space_region_isolate(struct space *s, struct region *r, uint64_t from, uint64_t end,
				    struct region_spares *spares)
{
	if (from != r->start) {
		if (s->regions.count >= s->vm->regions_max) return NULL;
		struct region *upper = spares_take(spares);
		space_region_cut(s, r, from, upper);
		r = upper;
	}
	if (end != r->end) {
		if (s->regions.count >= s->vm->regions_max) return NULL;
		space_region_cut(s, r, end, spares_take(spares));
	}
	return r;
}

/* --- families -------------------------------------------------------------------------------- */

void space_region_inherit(struct space *s, struct region *copy)
{
	copy->flags &= (uint16_t)~REGION_LOCKED;
	if (copy->flags & REGION_WIPE) {
		copy->family = 0;
		copy->flags &= (uint16_t)~REGION_INHERITED;
	} else if (copy->family != 0) {
		copy->family = ++s->families;
		copy->flags |= REGION_INHERITED;
	}
}

/* Whether the two might be joined some day, if it were not for their rights, and `of`, which is one
 * of them, has a family to share. */
static bool family_is_shared(const struct region *first, const struct region *second,
			     const struct region *of)
{
	struct region like = *second;

	if (of->family == 0 || (of->flags & REGION_INHERITED) != 0) return false;
	like.rights = first->rights;
	return region_joins(first, &like);
}

void space_region_found(struct space *s, struct region *r)
{
	ASSERT(r->family == 0 && (r->flags & REGION_SHARED) == 0);
	const struct region *above = region_next(r), *below = region_previous(r);

	if (above != NULL && family_is_shared(r, above, above))
		r->family = above->family;
	else if (below != NULL && family_is_shared(below, r, below))
		r->family = below->family;
	else
		r->family = ++s->families;
	ASSERT(r->family <= s->families); /* S2 */
}

/* Whether a range of this family may become part of `r`. */
static bool family_fits(uint64_t family, const struct region *r)
{
	if (family == r->family) return true;
	return family == 0 && (r->flags & REGION_INHERITED) == 0;
}

/* --- joining --------------------------------------------------------------------------------- */

static void region_discard(struct space *s, struct region *r)
{
	region_remove(&s->regions, r);
	space_region_free(s, r);
}

/* Moves the start of `r`; what it shows stays where it was. */
static void region_slide_start(struct space *s, struct region *r, uint64_t start)
{
	r->offset += pages_of(start) - pages_of(r->start);
	region_set_start(&s->regions, r, start);
}

/* Whoever takes in pages of a family's is of that family from now on. */
static void family_pass(struct region *to, const struct region *from)
{
	if (to->family != 0 || from == NULL || from->family == 0) return;
	to->family = from->family;
	to->flags |= from->flags & REGION_INHERITED;
}

/* The range [start, end), free or all or part of `inside`, becomes part of `below` or `above`, or
 * makes one of both. */
static struct region *region_take_in(struct space *s, const struct region *like,
				     struct region *inside, struct region *below,
				     struct region *above)
{
	struct region *survivor = below != NULL ? below : above;

	if (inside != NULL) {
		ASSERT(inside->start <= like->start && like->end <= inside->end);
		family_pass(survivor, inside);
		if (inside->start == like->start && inside->end == like->end)
			region_discard(s, inside);
		else if (inside->start == like->start)
			region_slide_start(s, inside, like->end);
		else
			region_set_end(&s->regions, inside, like->start);
	}
	if (below == NULL) {
		region_slide_start(s, above, like->start);
		return above;
	}
	const uint64_t end = above != NULL ? above->end : like->end;
	if (above != NULL) {
		family_pass(survivor, above);
		region_discard(s, above);
	}
	region_set_end(&s->regions, below, end);
	return below;
}

/* Those whose range ends where `like` starts, and starts where it ends, and that are like it. */
static void region_candidates(const struct space *s, const struct region *like,
			      struct region **below, struct region **above)
{
	*below = space_region_below(s, like->start);
	if (*below != NULL && !region_joins(*below, like)) *below = NULL;
	*above = region_at_or_above(&s->regions, like->end);
	if (*above != NULL && !region_joins(like, *above)) *above = NULL;
}

struct region *space_region_join(struct space *s, const struct region *like)
{
	struct region *below, *above;
	struct region *inside = region_at_or_above(&s->regions, like->start);

	if (inside != NULL && inside->start >= like->end) inside = NULL;
	region_candidates(s, like, &below, &above);
	if (below != NULL && !family_fits(like->family, below)) below = NULL;
	if (above != NULL && !family_fits(like->family, above)) above = NULL;
	if (below == NULL && above == NULL) return NULL;
	if (below != NULL && above != NULL && below->family != above->family &&
	    below->family != 0 && above->family != 0)
		above = NULL;
	return region_take_in(s, like, inside, below, above);
}

struct region *space_region_join_new(struct space *s, const struct region *like)
{
	struct region *below, *above;

	ASSERT(like->family == 0);
	region_candidates(s, like, &below, &above);
	if (above != NULL && !family_fits(0, above)) above = NULL;
	if (below != NULL && !family_fits(above != NULL ? above->family : 0, below)) below = NULL;
	if (below == NULL && above == NULL) return NULL;
	return region_take_in(s, like, NULL, below, above);
}

struct region *space_region_join_below(struct space *s, const struct region *like)
{
	struct region *below = space_region_below(s, like->start);

	ASSERT(like->family == 0);
	if (below == NULL || !region_joins(below, like) || !family_fits(0, below)) return NULL;
	return region_take_in(s, like, NULL, below, NULL);
}
