/*
 * backing_row.c -- which page stands at which index: a radix tree of small nodes.
 *
 * The row of a backing may be as long as the user's half of the address space and is mostly
 * empty, so it is a tree: 64 slots to a node, six bits of the index to a level, and no more levels
 * than the longest index has bits for.  Going to a page is one load for each level; going on to the
 * next page skips what an empty slot would lead to in one step.
 *
 * Nothing is allocated here while the owner's lock is held: whoever puts a page in first asks how
 * many nodes are missing, gets these as spares, and asks again under the lock.
 *
 * Always true (see row_check):
 *   R1  a node's `used` is the number of its slots that are not 0, and never 0: an empty node is
 *       given back with the page that left it;
 *   R2  `count` is the number of pages;
 *   R3  every page's address is a multiple of the page size, but for ROW_WRITTEN.
 *
 * Locks: the owner's.  Cost: O(levels), which is at most 6; row_next the same for each run of
 * indices that it skips.
 */
#include "mm/backing_inside.h"

_Static_assert(ROW_SHIFT *ROW_LEVELS_MAX == 36, "pages of the user's half: 48 bits less 12");

static struct row_node *row_node_at(uint64_t slot)
{
	ASSERT(slot != 0);
	return (struct row_node *)(uintptr_t)slot;
}

static unsigned row_index(uint64_t index, uint32_t level)
{
	return index >> ROW_SHIFT * level & (ROW_SLOTS - 1);
}

/* How many indices there are in a row of so many levels. */
static uint64_t row_room(const struct page_row *row)
{
	return 1ull << ROW_SHIFT * row->levels;
}

void row_init(struct page_row *row, uint64_t length)
{
	ASSERT(length <= 1ull << ROW_SHIFT * ROW_LEVELS_MAX);
	*row = (struct page_row){ .levels = 1 };
	while (row_room(row) < length) row->levels++;
}

uint32_t row_growth(const struct page_row *row, uint64_t length)
{
	struct page_row larger = *row;

	ASSERT(length <= 1ull << ROW_SHIFT * ROW_LEVELS_MAX);
	while (row_room(&larger) < length) larger.levels++;
	return row->root == 0 ? 0 : larger.levels - row->levels;
}

void row_grow(struct page_row *row, uint64_t length, struct row_spares *spares)
{
	for (; row_room(row) < length; row->levels++) {
		if (row->root == 0) continue;
		ASSERT(spares->count != 0);
		struct row_node *above = spares->node[--spares->count];
		above->slot[0] = row->root;
		above->used = 1;
		row->root = (uintptr_t)above;
	}
}

uint64_t *row_slot(const struct page_row *row, uint64_t index)
{
	uint64_t at = row->root;

	ASSERT(index < row_room(row));
	for (uint32_t level = row->levels - 1; at != 0 && level != 0; level--)
		at = row_node_at(at)->slot[row_index(index, level)];
	return at == 0 ? NULL : &row_node_at(at)->slot[row_index(index, 0)];
}

uint32_t row_missing(const struct page_row *row, uint64_t index)
{
	uint64_t at = row->root;
	uint32_t level = row->levels;

	ASSERT(index < row_room(row));
	while (level != 0 && at != 0) at = row_node_at(at)->slot[row_index(index, --level)];
	/* `at` is 0 below `level`, or all nodes were there. */
	return at == 0 ? level : 0;
}

void row_put(struct page_row *row, uint64_t index, uint64_t value, struct row_spares *spares)
{
	struct row_node *above = NULL;
	uint64_t *at = &row->root;

	ASSERT(value != 0 && is_aligned(value & ~ROW_WRITTEN, PAGE_SIZE));
	for (uint32_t level = row->levels; level-- != 0;) {
		if (*at == 0) {
			ASSERT(spares->count != 0);
			*at = (uintptr_t)spares->node[--spares->count];
			if (above != NULL) above->used++;
		}
		above = row_node_at(*at);
		at = &above->slot[row_index(index, level)];
	}
	ASSERT(*at == 0);
	*at = value;
	above->used++;
	row->count++;
}

static void row_node_free(struct row_node *node, struct kmalloc *km)
{
	const enum kmalloc_verdict v = kmalloc_free(km, node);

	ASSERT(v == KMALLOC_FREED);
}

uint64_t row_take(struct page_row *row, uint64_t index, struct kmalloc *km)
{
	uint64_t *way[ROW_LEVELS_MAX + 1]; /* slots passed; way[level] leads to that level's node */
	uint64_t *at = &row->root;

	for (uint32_t level = row->levels; level-- != 0;) {
		way[level] = at;
		at = &row_node_at(*at)->slot[row_index(index, level)];
	}
	const uint64_t value = *at;
	ASSERT(value != 0 && row->count != 0);
	*at = 0;
	row->count--;
	for (uint32_t level = 0; level < row->levels; level++) {
		struct row_node *node = row_node_at(*way[level]);
		ASSERT(node->used != 0);
		if (--node->used != 0) break;
		*way[level] = 0;
		row_node_free(node, km);
	}
	return value;
}

uint64_t row_next(const struct page_row *row, uint64_t from)
{
	while (from < row_room(row)) {
		uint64_t at = row->root;
		uint32_t level = row->levels;
		while (level != 0 && at != 0) at = row_node_at(at)->slot[row_index(from, --level)];
		if (at != 0) return from;
		/* Nothing in all that this slot, or the missing root, stands for. */
		const uint64_t span = 1ull << ROW_SHIFT * level;
		from = align_down(from, span) + span;
	}
	return ROW_END;
}

/* --- spares ------------------------------------------------------------------------------- */

bool row_spare_add(struct row_spares *spares, struct kmalloc *km, uint32_t flags, site_t site)
{
	struct row_node *node = kmalloc_alloc(km, sizeof *node, KM_ZERO | flags, site);

	ASSERT(spares->count < ROW_LEVELS_MAX);
	if (node == NULL) return false;
	spares->node[spares->count++] = node;
	return true;
}

void row_spares_free(struct row_spares *spares, struct kmalloc *km)
{
	while (spares->count != 0) row_node_free(spares->node[--spares->count], km);
}

/* --- looking ------------------------------------------------------------------------------ */

/* Counts the pages under a node of `level`, which holds pages when that is 0. */
static const char *row_check_node(const struct row_node *node, uint32_t level, uint64_t *pages)
{
	uint32_t used = 0;
	const char *why = NULL;

	for (unsigned i = 0; i < ROW_SLOTS && why == NULL; i++) {
		const uint64_t at = node->slot[i];
		if (at == 0) continue;
		used++;
		if (level != 0)
			why = row_check_node(row_node_at(at), level - 1, pages);
		else if (!is_aligned(at & ~ROW_WRITTEN, PAGE_SIZE))
			why = "backing R3: a page's address has other bits";
		*pages += level == 0;
	}
	if (why == NULL && (used != node->used || used == 0))
		why = "backing R1: a node is empty or miscounted";
	return why;
}

const char *row_check(const struct page_row *row)
{
	uint64_t pages = 0;
	const char *why = NULL;

	if (row->root != 0) why = row_check_node(row_node_at(row->root), row->levels - 1, &pages);
	if (why != NULL) return why;
	return pages == row->count ? NULL : "backing R2: pages are miscounted";
}
