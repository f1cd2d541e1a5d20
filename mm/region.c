/*
 * region.c -- the tree of regions: putting in, taking out, keeping balance and gaps.
 *
 * An AVL tree (Adelson-Velsky and Landis, 1962) whose nodes are the regions themselves, with links
 * to parents, so that neighbours are found without a stack.  Two figures are kept in each node
 * beside its height: `room`, the free bytes between its predecessor (or the bottom of the tree) and
 * itself, and `gap`, the largest room of its subtree.  A change of one region changes two rooms at
 * most, its own and its successor's, and the gaps on the way from those to the root.
 *
 * Always true (see region_check):
 *   R1  regions are whole pages, not empty, in order, and do not overlap;
 *   R2  heights of the two subtrees of a node differ by one at most;
 *   R3  room and gap are what they are by definition, in every node;
 *   R4  count is the number of nodes.
 *
 * Putting in and taking out repair all the way up to the root, changed or not: that is what keeps
 * R3 simple, and the way is short (65,530 regions are 22 levels at worst).  Moving a start or an
 * end goes up only as far as a gap changes.
 *
 * Locks: whoever owns the tree.  Cost: O(log n) for everything here.
 */
#include "mm/region.h"

static uint8_t height_of(const struct region *r)
{
	return r == NULL ? 0 : r->height;
}

static uint64_t gap_of(const struct region *r)
{
	return r == NULL ? 0 : r->gap;
}

/* Height and gap from the children's. */
static void region_sum(struct region *r)
{
	const uint8_t left = height_of(r->left), right = height_of(r->right);

	r->height = (uint8_t)((left > right ? left : right) + 1);
	r->gap = max_u64(r->room, max_u64(gap_of(r->left), gap_of(r->right)));
}

/* `now` stands where `was` did, below `parent`. */
static void region_relink(struct region_tree *tree, struct region *parent, struct region *was,
			  struct region *now)
{
	if (parent == NULL)
		tree->root = now;
	else if (parent->left == was)
		parent->left = now;
	else
		parent->right = now;
	if (now != NULL) now->parent = parent;
}

/* Turns the edge to the left child around; the child, now on top. */
static struct region *region_turn_right(struct region_tree *tree, struct region *top)
{
	struct region *left = top->left;

	region_relink(tree, top->parent, top, left);
	top->left = left->right;
	if (top->left != NULL) top->left->parent = top;
	left->right = top;
	top->parent = left;
	region_sum(top);
	region_sum(left);
	return left;
}

static struct region *region_turn_left(struct region_tree *tree, struct region *top)
{
	struct region *right = top->right;

	region_relink(tree, top->parent, top, right);
	top->right = right->left;
	if (top->right != NULL) top->right->parent = top;
	right->left = top;
	top->parent = right;
	region_sum(top);
	region_sum(right);
	return right;
}

/* R2 for one node whose subtrees are sound; what stands in its place now. */
static struct region *region_balance(struct region_tree *tree, struct region *r)
{
	const int lean = height_of(r->left) - height_of(r->right);

	ASSERT_SLOW(lean >= -2 && lean <= 2);
	if (lean > 1) {
		if (height_of(r->left->left) < height_of(r->left->right))
			region_turn_left(tree, r->left);
		return region_turn_right(tree, r);
	}
	if (lean < -1) {
		if (height_of(r->right->right) < height_of(r->right->left))
			region_turn_right(tree, r->right);
		return region_turn_left(tree, r);
	}
	region_sum(r);
	return r;
}

/* R2 and R3 from `r` up. */
static void region_repair(struct region_tree *tree, struct region *r)
{
	for (; r != NULL; r = r->parent) r = region_balance(tree, r);
}

/* The room of `r`, when `below` is the one before it. */
static void region_measure(const struct region_tree *tree, struct region *r,
			   const struct region *below)
{
	const uint64_t floor = below == NULL ? tree->bottom : max_u64(below->end, tree->bottom);

	r->room = sub_or_zero(r->start, floor);
}

void region_tree_init(struct region_tree *tree, uint64_t bottom, uint64_t top)
{
	ASSERT(bottom < top && is_aligned(bottom | top, PAGE_SIZE));
	*tree = (struct region_tree){ .bottom = bottom, .top = top };
}

void region_insert(struct region_tree *tree, struct region *r)
{
	struct region **link = &tree->root;
	struct region *parent = NULL, *below = NULL, *above = NULL;

	ASSERT(r->start < r->end && is_aligned(r->start | r->end, PAGE_SIZE)); /* R1 */
	while (*link != NULL) {
		parent = *link;
		if (r->start < parent->start) {
			above = parent;
			link = &parent->left;
		} else {
			below = parent;
			link = &parent->right;
		}
	}
	ASSERT(below == NULL || below->end <= r->start);
	ASSERT(above == NULL || r->end <= above->start);
	*link = r;
	r->parent = parent;
	r->left = r->right = NULL;
	region_measure(tree, r, below);
	if (above != NULL) region_measure(tree, above, r); /* an ancestor: repaired with the rest */
	tree->count++;
	region_repair(tree, r);
}

/* Takes out a node that has two children, by putting the next one, which has no left child, into
 * its place; the lowest node whose subtrees changed. */
static struct region *region_replace(struct region_tree *tree, struct region *r,
				     struct region *next)
{
	struct region *lowest = next->parent;

	ASSERT(next->left == NULL);
	if (lowest == r) {
		lowest = next;
	} else {
		region_relink(tree, lowest, next, next->right);
		next->right = r->right;
		next->right->parent = next;
	}
	next->left = r->left;
	next->left->parent = next;
	region_relink(tree, r->parent, r, next);
	return lowest;
}

void region_remove(struct region_tree *tree, struct region *r)
{
	struct region *above = region_next(r), *below = region_previous(r);
	struct region *child = r->left != NULL ? r->left : r->right, *lowest;

	ASSERT(tree->count != 0);
	if (r->left != NULL && r->right != NULL) {
		lowest = region_replace(tree, r, above);
	} else {
		region_relink(tree, r->parent, r, child);
		lowest = child != NULL ? child : r->parent;
	}
	/* Its successor stands at `lowest` or above it. */
	if (above != NULL) region_measure(tree, above, below);
	tree->count--;
	region_repair(tree, lowest);
}

/* R3 from `r` up, when no more than its room has changed: as far as that makes a difference. */
static void region_regap(struct region *r)
{
	for (; r != NULL; r = r->parent) {
		const uint64_t gap = max_u64(r->room, max_u64(gap_of(r->left), gap_of(r->right)));

		if (gap == r->gap) return;
		r->gap = gap;
	}
}

void region_set_start(struct region_tree *tree, struct region *r, uint64_t start)
{
	struct region *below = region_previous(r);

	ASSERT(start < r->end && is_aligned(start, PAGE_SIZE)); /* R1 */
	ASSERT(below == NULL || below->end <= start);
	r->start = start;
	region_measure(tree, r, below);
	region_regap(r);
}

void region_set_end(struct region_tree *tree, struct region *r, uint64_t end)
{
	struct region *above = region_next(r);

	ASSERT(r->start < end && is_aligned(end, PAGE_SIZE)); /* R1 */
	ASSERT(above == NULL || end <= above->start);
	r->end = end;
	if (above == NULL) return;
	region_measure(tree, above, r);
	region_regap(above);
}
