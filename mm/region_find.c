/*
 * region_find.c -- looking in the tree of regions: by address, by neighbour, for free places; and
 * the check of the whole tree.
 *
 * A free place is looked for from the top down, as Linux does by default.  The gap that the limit
 * itself lies in is looked at first, since the limit may cut it short; all lower ones are known by
 * the room of the region above them, so the highest that is large enough is found by following
 * subtrees whose gap says that there is one: up from the region below the limit, then down.
 *
 * A region that grows down keeps a guard gap free below itself (Linux's stack_guard_gap).  Like
 * Linux 6.1.26 and later (unmapped_area_topdown, mm/mmap.c) the search takes no notice of that
 * until it has found a place: one that reaches into a guard gap only lowers the limit to where that
 * gap starts, and the search begins anew.  So what lies within a guard gap but below another region
 * still may be found when the place just below the growing region is too small.
 *
 * Cost: O(log n), once more for each guard gap that was run into.
 */
#include "mm/region.h"

struct region *region_at_or_above(const struct region_tree *tree, uint64_t va)
{
	struct region *found = NULL;

	for (struct region *r = tree->root; r != NULL;) {
		if (va < r->end) {
			found = r;
			if (va >= r->start) break;
			r = r->left;
		} else {
			r = r->right;
		}
	}
	return found;
}

static struct region *region_lowest(struct region *r)
{
	while (r->left != NULL) r = r->left;
	return r;
}

static struct region *region_highest(struct region *r)
{
	while (r->right != NULL) r = r->right;
	return r;
}

struct region *region_next(const struct region *r)
{
	if (r->right != NULL) return region_lowest(r->right);
	while (r->parent != NULL && r->parent->right == r) r = r->parent;
	return r->parent;
}

struct region *region_previous(const struct region *r)
{
	if (r->left != NULL) return region_highest(r->left);
	while (r->parent != NULL && r->parent->left == r) r = r->parent;
	return r->parent;
}

uint64_t region_guarded_start(const struct region *r)
{
	return (r->flags & REGION_GROWS) != 0 ? sub_or_zero(r->start, REGION_GUARD_BYTES)
					      : r->start;
}

/* --- free places ----------------------------------------------------------------------------- */

/* The highest of a subtree that has room; its gap says that there is one. */
static struct region *region_with_room_in(struct region *r, uint64_t bytes)
{
	for (;;) {
		ASSERT_SLOW(r != NULL && r->gap >= bytes);
		if (r->right != NULL && r->right->gap >= bytes)
			r = r->right;
		else if (r->room >= bytes)
			return r;
		else
			r = r->left;
	}
}

/* `r` or the highest below it that has room; NULL. */
static struct region *region_with_room(struct region *r, uint64_t bytes)
{
	while (r != NULL) {
		if (r->room >= bytes) return r;
		if (r->left != NULL && r->left->gap >= bytes)
			return region_with_room_in(r->left, bytes);
		while (r->parent != NULL && r->parent->left == r) r = r->parent;
		r = r->parent;
	}
	return NULL;
}

/* The end of the highest `bytes` free bytes below `limit`, guard gaps or not, or 0; *above is the
 * region above them, or NULL. */
static uint64_t region_free_below(const struct region_tree *tree, uint64_t bytes, uint64_t limit,
				  struct region **above)
{
	*above = region_at_or_above(tree, limit);
	struct region *below = *above != NULL       ? region_previous(*above)
			       : tree->root != NULL ? region_highest(tree->root)
						    : NULL;
	const uint64_t end = *above != NULL ? min_u64((*above)->start, limit) : limit;
	const uint64_t floor = below == NULL ? tree->bottom : max_u64(below->end, tree->bottom);

	if (sub_or_zero(end, floor) >= bytes) return end;
	*above = region_with_room(below, bytes);
	return *above == NULL ? 0 : (*above)->start;
}

uint64_t region_find_gap(const struct region_tree *tree, uint64_t bytes)
{
	uint64_t limit = tree->top;
	struct region *above;

	ASSERT(bytes != 0 && is_aligned(bytes, PAGE_SIZE));
	for (;;) {
		const uint64_t end = region_free_below(tree, bytes, limit, &above);
		if (end == 0) return 0;
		if (above == NULL || region_guarded_start(above) >= end) return end - bytes;
		ASSERT(region_guarded_start(above) < limit);
		limit = region_guarded_start(above);
	}
}

/* --- being alike, being sound ---------------------------------------------------------------- */

bool region_joins(const struct region *first, const struct region *second)
{
	const uint64_t pages = (first->end - first->start) >> PAGE_SHIFT;

	return first->end == second->start && first->rights == second->rights &&
	       first->rights_max == second->rights_max &&
	       ((first->flags ^ second->flags) & ~REGION_INHERITED) == 0 &&
	       first->backing == second->backing && first->offset + pages == second->offset;
}

/* One node by itself, and against its children and its predecessor. */
static const char *region_check_one(const struct region_tree *tree, const struct region *r,
				    const struct region *below)
{
	const unsigned left = r->left == NULL ? 0 : r->left->height;
	const unsigned right = r->right == NULL ? 0 : r->right->height;
	const uint64_t floor = below == NULL ? tree->bottom : max_u64(below->end, tree->bottom);
	uint64_t gap = r->room;

	if (r->start >= r->end || !is_aligned(r->start | r->end, PAGE_SIZE))
		return "region: R1: not whole pages";
	if (below != NULL && below->end > r->start) return "region: R1: overlap, or out of order";
	if (r->left != NULL && r->left->parent != r) return "region: a child with another parent";
	if (r->right != NULL && r->right->parent != r) return "region: a child with another parent";
	if (r->height != (left > right ? left : right) + 1) return "region: R2: a wrong height";
	if (left > right + 1 || right > left + 1) return "region: R2: out of balance";
	if (r->room != sub_or_zero(r->start, floor)) return "region: R3: a wrong room";
	if (r->left != NULL) gap = max_u64(gap, r->left->gap);
	if (r->right != NULL) gap = max_u64(gap, r->right->gap);
	return r->gap == gap ? NULL : "region: R3: a wrong gap";
}

const char *region_check(const struct region_tree *tree)
{
	const struct region *below = NULL;
	uint32_t count = 0;

	if (tree->root == NULL) return tree->count == 0 ? NULL : "region: R4: a wrong count";
	if (tree->root->parent != NULL) return "region: a root with a parent";
	for (const struct region *r = region_lowest(tree->root); r != NULL; r = region_next(r)) {
		const char *wrong = region_check_one(tree, r, below);
		if (wrong != NULL) return wrong;
		if (++count > tree->count) return "region: R4: a wrong count";
		below = r;
	}
	return count == tree->count ? NULL : "region: R4: a wrong count";
}
