/*
 * region_test.c -- the tree of regions against a plain sorted row that is searched from end to end.
 */
#include <string.h>

#include "machine/host/expect.h"
#include "machine/random.h"
#include "mm/region.h"

enum { ROOM = 300, PAGES = 4096, FIRST_PAGE = 16 };

static const uint64_t bottom = (uint64_t)FIRST_PAGE << PAGE_SHIFT;
static const uint64_t top = (uint64_t)(FIRST_PAGE + PAGES) << PAGE_SHIFT;

struct row {
	struct region_tree tree;
	struct region memory[ROOM];
	struct region *at[ROOM]; /* in order */
	uint32_t count;
	struct random lots;
};

static uint64_t draw(struct row *w, uint64_t below)
{
	return random_u64(&w->lots) % below;
}

static uint64_t page(uint64_t n)
{
	return n << PAGE_SHIFT;
}

static bool overlaps(const struct row *w, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->at[i]->start < end && start < w->at[i]->end) return true;
	return false;
}

static struct region *unused(struct row *w)
{
	for (uint32_t i = 0; i < ROOM; i++)
		if (w->memory[i].end == 0) return &w->memory[i];
	return NULL;
}

static void put(struct row *w)
{
	const uint64_t start = page(draw(w, FIRST_PAGE + PAGES + 64));
	const uint64_t end = start + page(1 + draw(w, 24));
	struct region *r = unused(w);
	uint32_t i = w->count;

	if (r == NULL || overlaps(w, start, end)) return;
	r->start = start;
	r->end = end;
	r->flags = draw(w, 64) == 0 ? REGION_GROWS : 0;
	region_insert(&w->tree, r);
	for (; i > 0 && w->at[i - 1]->start > start; i--) w->at[i] = w->at[i - 1];
	w->at[i] = r;
	w->count++;
}

static void take(struct row *w)
{
	if (w->count == 0) return;
	const uint32_t i = (uint32_t)draw(w, w->count);
	struct region *r = w->at[i];

	region_remove(&w->tree, r);
	memset(r, 0, sizeof *r);
	w->count--;
	memmove(&w->at[i], &w->at[i + 1], (w->count - i) * sizeof w->at[0]);
}

static void move(struct row *w)
{
	if (w->count == 0) return;
	const uint32_t i = (uint32_t)draw(w, w->count);
	struct region *r = w->at[i];
	const uint64_t floor = i == 0 ? 0 : w->at[i - 1]->end;
	const uint64_t ceiling = i + 1 == w->count ? r->end + page(8) : w->at[i + 1]->start;

	if (draw(w, 2) == 0)
		region_set_start(&w->tree, r,
				 floor + page(draw(w, (r->end - floor) >> PAGE_SHIFT)));
	else
		region_set_end(&w->tree, r,
			       r->start + page(1 + draw(w, (ceiling - r->start) >> PAGE_SHIFT)));
}

static struct region *at_or_above(const struct row *w, uint64_t va)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->at[i]->end > va) return w->at[i];
	return NULL;
}

/* Linux's rule, page by page: the highest place; one in a guard gap moves the limit down to it. */
static uint64_t find(const struct row *w, uint64_t bytes)
{
	uint64_t limit = top;

	for (uint64_t start = sub_or_zero(limit, bytes); start >= bottom; start -= PAGE_SIZE) {
		if (start + bytes > limit || overlaps(w, start, start + bytes)) continue;
		const struct region *above = at_or_above(w, start + bytes - 1);
		if (above == NULL || region_guarded_start(above) >= start + bytes) return start;
		limit = region_guarded_start(above);
		start = sub_or_zero(limit, bytes) + PAGE_SIZE;
	}
	return 0;
}

static void compare(struct row *w)
{
	const char *wrong = region_check(&w->tree);
	const uint64_t va = page(draw(w, FIRST_PAGE + PAGES + 100)) + draw(w, PAGE_SIZE);
	const uint64_t bytes = page(1 + draw(w, draw(w, 4) == 0 ? PAGES : 80));

	if (wrong != NULL) fprintf(stderr, "%s\n", wrong);
	EXPECT(wrong == NULL);
	EXPECT(w->tree.count == w->count);
	EXPECT(region_at_or_above(&w->tree, va) == at_or_above(w, va));
	EXPECT(region_find_gap(&w->tree, bytes) == find(w, bytes));
	for (uint32_t i = 0; i < w->count; i++) {
		EXPECT(region_next(w->at[i]) == (i + 1 == w->count ? NULL : w->at[i + 1]));
		EXPECT(region_previous(w->at[i]) == (i == 0 ? NULL : w->at[i - 1]));
	}
}

static void agrees_with_a_row(uint64_t seed, uint64_t growth)
{
	static struct row w;

	memset(&w, 0, sizeof w);
	w.lots = (struct random){ seed };
	region_tree_init(&w.tree, bottom, top);
	for (int step = 0; step < 3000; step++) {
		const uint64_t kind = draw(&w, 10);
		if (kind < growth)
			put(&w);
		else if (kind < 8)
			take(&w);
		else
			move(&w);
		compare(&w);
	}
	while (w.count != 0) take(&w);
	EXPECT(region_check(&w.tree) == NULL && w.tree.root == NULL);
	EXPECT(region_find_gap(&w.tree, top - bottom) == bottom);
	EXPECT(region_find_gap(&w.tree, top - bottom + PAGE_SIZE) == 0);
}

/* A gap below a region that grows is not given within its guard, a larger request goes below. */
static void guard_gaps_are_left(void)
{
	struct region stack = { .start = page(2000), .end = page(2001), .flags = REGION_GROWS };
	struct region full = { .start = page(2001), .end = top };
	struct region_tree tree;

	region_tree_init(&tree, bottom, top);
	region_insert(&tree, &full);
	EXPECT(region_find_gap(&tree, page(1)) == page(2000));
	region_insert(&tree, &stack);
	EXPECT(region_find_gap(&tree, page(1)) == page(2000 - 256 - 1));
	EXPECT(region_find_gap(&tree, page(2000 - 256 - FIRST_PAGE)) == bottom);
	EXPECT(region_find_gap(&tree, page(2000 - 256 - FIRST_PAGE + 1)) == 0);
}

/* The check sees each kind of damage. */
static void check_sees(void)
{
	struct region a = { .start = page(20), .end = page(21) };
	struct region b = { .start = page(30), .end = page(31) };
	struct region_tree tree;

	region_tree_init(&tree, bottom, top);
	region_insert(&tree, &a);
	region_insert(&tree, &b);
	EXPECT(region_check(&tree) == NULL);
	a.end = page(22); /* and nobody was told */
	EXPECT(region_check(&tree) != NULL);
	region_set_end(&tree, &a, a.end);
	EXPECT(region_check(&tree) == NULL);
	a.gap++;
	EXPECT(region_check(&tree) != NULL);
	a.gap--;
	tree.count++;
	EXPECT(region_check(&tree) != NULL);
	tree.count--;
	b.start = page(21);
	EXPECT(region_check(&tree) != NULL);
}

static void joins_what_is_alike(void)
{
	struct region a = { .start = page(20), .end = page(21), .offset = 5, .rights = 1 };
	struct region b = { .start = page(21), .end = page(23), .offset = 6, .rights = 1 };

	EXPECT(region_joins(&a, &b) && !region_joins(&b, &a));
	b.flags = REGION_INHERITED;
	EXPECT(region_joins(&a, &b));
	b.flags = REGION_SHARED;
	EXPECT(!region_joins(&a, &b));
	b.flags = 0;
	b.offset = 7;
	EXPECT(!region_joins(&a, &b));
	b.offset = 6;
	b.rights = 3;
	EXPECT(!region_joins(&a, &b));
}

int main(void)
{
	agrees_with_a_row(1, 6);
	agrees_with_a_row(2, 5);
	agrees_with_a_row(3, 4);
	guard_gaps_are_left();
	check_sees();
	joins_what_is_alike();
	return 0;
}
