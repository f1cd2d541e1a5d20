/*
 * backing_test.c -- backings by example: sparse rows, two who bring one page at once, what goes
 * back under pressure and what does not, and a page that cannot be brought for want of memory.
 */
#include "mm/test_space.h"

static const uint64_t far[] = { 0, 63, 64, 4095, 4096, 1ull << 24, (1ull << 36) - 1 };

/* Brings the page, and keeps no reference of it but the backing's. */
static paddr_t bring(struct backing *b, uint64_t index, uint32_t flags)
{
	paddr_t pa = PADDR_NONE;

	EXPECT(backing_page(b, index, flags, SITE, &pa) == BACKING_DONE && pa != PADDR_NONE);
	user_page_drop(&tv->pool, pa);
	return pa;
}

static void all_sound(void)
{
	EXPECT(backing_list_check(tv->vm.backings) == NULL);
	sound(NULL, 0);
}

static void sparse(void)
{
	vm_open(128);
	struct backing *b = backing_create(tv->vm.backings, NULL, 1ull << 36, SITE);
	paddr_t pa[COUNT_OF(far)];

	for (size_t i = 0; i < COUNT_OF(far); i++) {
		EXPECT(!backing_has(b, far[i]));
		pa[i] = bring(b, far[i], 0);
		for (size_t j = 0; j < i; j++) EXPECT(pa[j] != pa[i]);
		all_sound();
	}
	EXPECT(b->row.count == COUNT_OF(far));
	for (size_t i = 0; i < COUNT_OF(far); i++) {
		EXPECT(backing_has(b, far[i]) && bring(b, far[i], 0) == pa[i]);
	}
	uint64_t at = row_next(&b->row, 0);
	for (size_t i = 0; i < COUNT_OF(far); i++, at = row_next(&b->row, at + 1))
		EXPECT(at == far[i]);
	EXPECT(at == ROW_END);
	EXPECT(backing_page(b, 1ull << 36, 0, SITE, &pa[0]) == BACKING_BEYOND);
	EXPECT(!backing_has(b, 1ull << 36) && b->pages == 1ull << 36);
	backing_drop(b);
	vm_shut();
}

/* Grows from one page to 2^36 with all that is in it, and loses what is behind the new end. */
static void resized(void)
{
	vm_open(128);
	struct backing *b = backing_create(tv->vm.backings, NULL, 1, SITE);
	paddr_t pa[COUNT_OF(far)], none;

	for (size_t i = 0; i < COUNT_OF(far); i++) {
		EXPECT(backing_page(b, far[i], 0, SITE, &none) ==
		       (far[i] == 0 ? BACKING_DONE : BACKING_BEYOND));
		if (far[i] == 0) user_page_drop(&tv->pool, none);
		EXPECT(backing_resize(b, far[i] + 1, SITE));
		pa[i] = bring(b, far[i], BACKING_WRITE);
		all_sound();
	}
	for (size_t i = 0; i < COUNT_OF(far); i++) EXPECT(bring(b, far[i], 0) == pa[i]);
	EXPECT(backing_resize(b, 4096, SITE)); /* cuts off 4,096 and all behind */
	EXPECT(b->row.count == 4 && backing_has(b, 4095) && !backing_has(b, 4096));
	EXPECT(backing_resize(b, 8192, SITE) && !backing_has(b, 4096));
	all_sound();
	EXPECT(backing_resize(b, 0, SITE) && b->row.count == 0 && b->row.root == 0);
	backing_drop(b);
	vm_shut();
}

/* What fills a page cuts it off meanwhile: it does not come in behind the end. */
static bool fill_and_cut(void *context, uint64_t index, void *page)
{
	memset(page, 1, PAGE_SIZE);
	EXPECT(backing_resize(*(struct backing **)context, index, SITE));
	return true;
}

static void cut_while_filled(void)
{
	struct backing *b = NULL;
	const struct backing_source source = { fill_and_cut, NULL, &b };
	paddr_t pa;

	vm_open(64);
	b = backing_create(tv->vm.backings, &source, 8, SITE);
	EXPECT(backing_page(b, 3, 0, SITE, &pa) == BACKING_BEYOND);
	EXPECT(b->pages == 3 && b->row.count == 0);
	all_sound();
	backing_drop(b);
	vm_shut();
}

static struct backing *other;
static uint32_t depth;

/* While one CPU fills a page, another brings the same one. */
static bool fill_twice(void *context, uint64_t index, void *page)
{
	paddr_t *theirs = context;

	memset(page, 0x11, PAGE_SIZE);
	if (depth++ == 0) EXPECT(backing_page(other, index, 0, SITE, theirs) == BACKING_DONE);
	return true;
}

static void two_at_once(void)
{
	paddr_t theirs = PADDR_NONE, ours = PADDR_NONE;
	const struct backing_source source = { fill_twice, NULL, &theirs };

	vm_open(64);
	struct backing *b = other = backing_create(tv->vm.backings, &source, 8, SITE);
	depth = 0;
	EXPECT(backing_page(b, 3, 0, SITE, &ours) == BACKING_DONE);
	EXPECT(ours == theirs && depth == 2 && b->row.count == 1);
	EXPECT(user_page_references(&tv->pool, ours) == 3);
	user_page_drop(&tv->pool, ours);
	user_page_drop(&tv->pool, ours);
	all_sound();
	backing_drop(b);
	vm_shut();
}

static bool fill(void *context, uint64_t index, void *page)
{
	(void)context;
	memset(page, (int)index, PAGE_SIZE);
	return true;
}

static void pressure(void)
{
	const struct backing_source source = { .fill = fill };
	struct vm_counts counts;
	paddr_t held;

	vm_open(128);
	struct backing *a = backing_create(tv->vm.backings, &source, 100, SITE);
	struct backing *b = backing_create(tv->vm.backings, &source, 100, SITE);
	struct backing *z = backing_create(tv->vm.backings, NULL, 100, SITE);
	for (uint64_t i = 0; i < 10; i++) {
		bring(a, i * 10, 0);
		bring(b, i, i == 4 ? BACKING_WRITE : 0);
		bring(z, i, 0);
	}
	EXPECT(backing_page(b, 7, 0, SITE, &held) == BACKING_DONE);
	vm_count(&tv->vm, &counts);
	EXPECT(counts.backings == 3 && counts.backing_pages == 30);

	/* In turn, each going on where it left off. */
	EXPECT(backing_list_reclaim(tv->vm.backings, 3) == 3 && a->row.count == 7);
	EXPECT(backing_list_reclaim(tv->vm.backings, 3) == 3 && b->row.count == 7);
	EXPECT(backing_list_check(tv->vm.backings) == NULL);
	EXPECT(backing_list_reclaim(tv->vm.backings, SIZE_MAX) == 12);
	EXPECT(a->row.count == 0 && b->row.count == 2 && z->row.count == 10);
	EXPECT(backing_has(b, 4) && backing_has(b, 7) && a->row.root == 0);
	EXPECT(backing_list_check(tv->vm.backings) == NULL);
	user_page_drop(&tv->pool, held);
	EXPECT(backing_list_reclaim(tv->vm.backings, SIZE_MAX) == 1 && backing_has(b, 4));
	backing_drop(a);
	backing_drop(b);
	backing_drop(z);
	vm_shut();
}

static void without_memory(void)
{
	paddr_t pa;

	vm_open(64);
	struct backing *b = backing_create(tv->vm.backings, NULL, 1ull << 36, SITE);
	const uint32_t used = pages_used();

	/* The page, then nodes: refused with nothing left over. */
	for (uint32_t pages = 0;; pages++) {
		leave(pages);
		const enum backing_answer answer = backing_page(b, 1 << 20, 0, SITE, &pa);
		leave_all();
		EXPECT(answer == BACKING_DONE || answer == BACKING_NO_MEMORY);
		if (answer == BACKING_DONE) break;
		EXPECT(pages_used() == used && b->row.count == 0 && b->row.root == 0);
	}
	user_page_drop(&tv->pool, pa);
	all_sound();
	backing_drop(b);
	EXPECT(pages_used() <= used);
	vm_shut();
}

int main(void)
{
	sparse();
	resized();
	cut_while_filled();
	two_at_once();
	pressure();
	without_memory();
	return 0;
}
