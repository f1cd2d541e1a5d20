/*
 * space_advise_test.c -- madvise: each kind, holes, errors.
 */
#include "mm/test_calls.h"

static int64_t advise(uint64_t n, uint64_t pages, int kind)
{
	return space_madvise(s, at(n), page(pages), kind);
}

static void errors_in_order(void)
{
	begin(64);
	map_at(0, 2, RW, ANON);
	for (int kind = -1; kind < 130; kind++) {
		const bool known =
			kind <= MADV_DONTNEED
				? kind >= 0
				: kind == MADV_FREE || kind == MADV_DONTFORK ||
					  kind == MADV_DOFORK ||
					  (kind >= MADV_WIPEONFORK && kind <= MADV_COLD) ||
					  (kind >= MADV_POPULATE_READ &&
					   kind <= MADV_POPULATE_WRITE);
		EXPECT(advise(0, 1, kind) == (known ? 0 : -ERR_INVAL)); /* F20 */
	}
	EXPECT(space_madvise(s, at(0) + 1, page(1), MADV_DONTNEED) == -ERR_INVAL);
	EXPECT(space_madvise(s, at(0), UINT64_MAX, MADV_DONTNEED) == -ERR_INVAL);
	EXPECT(space_madvise(s, at(0), 0 - page(1), MADV_DONTNEED) == -ERR_INVAL);
	EXPECT(space_madvise(s, at(90), 0, MADV_DONTNEED) == 0);
	EXPECT(space_madvise(s, at(90), 0, 99) == -ERR_INVAL);
	EXPECT(advise(90, 1, MADV_DONTNEED) == -ERR_NOMEM);
	EXPECT(space_madvise(s, KERNEL_START, page(1), MADV_DONTNEED) == -ERR_NOMEM);
	finish();
}

/* Private pages are lost, shared ones come back; holes are told, and passed over. */
static void dontneed(void)
{
	begin(64);
	map_at(0, 4, RW, ANON);
	map_at(6, 4, RW, MAP_SHARED | MAP_ANONYMOUS);
	touch(0, 4);
	touch(6, 10);
	EXPECT(advise(1, 6, MADV_DONTNEED) == -ERR_NOMEM && s->resident == 4);
	EXPECT(byte_at(s, at(0)) == 0 && byte_at(s, at(1)) == 0 && byte_at(s, at(6)) == 6);
	SOUND(s);
	map_at(20, 2, RW, ANON | MAP_LOCKED);
	touch(20, 22);
	EXPECT(advise(20, 1, MADV_DONTNEED) == -ERR_INVAL && byte_at(s, at(20)) == 20);
	EXPECT(advise(0, 22, MADV_DONTNEED) == -ERR_INVAL && s->resident == 2);
	finish();
}

/* Nothing is lost; the next access of each page marks it again. */
static void cold(void)
{
	begin(64);
	map_at(0, 4, RW, ANON);
	map_at(4, 1, PROT_READ, ANON | MAP_LOCKED);
	touch(0, 3);
	EXPECT(advise(1, 2, MADV_COLD) == 0 && s->resident == 3);
	EXPECT((entry_at(s, at(0)) & ENTRY_ACCESSED) != 0);
	EXPECT(((entry_at(s, at(1)) | entry_at(s, at(2))) & ENTRY_ACCESSED) == 0);
	EXPECT(byte_at(s, at(1)) == 1 && (entry_at(s, at(1)) & ENTRY_ACCESSED) != 0);
	EXPECT((entry_at(s, at(2)) & ENTRY_ACCESSED) == 0 && byte_at(s, at(2)) == 2);
	SOUND(s);
	EXPECT(advise(0, 5, MADV_COLD) == -ERR_INVAL && advise(3, 1, MADV_COLD) == 0);
	EXPECT(advise(3, 9, MADV_COLD) == -ERR_INVAL && advise(9, 1, MADV_COLD) == -ERR_NOMEM);
	finish();
}

static void free_is_for_private_zeroes(void)
{
	begin(64);
	struct backing *b = backing_create(tv->vm.backings, NULL, 4, SITE);

	map_at(0, 2, RW, ANON);
	map_at(4, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
	EXPECT(space_mmap(s, at(8), page(2), RW, MAP_PRIVATE, b, 0, SITE) == (int64_t)at(8));
	touch(0, 2);
	EXPECT(advise(0, 2, MADV_FREE) == 0 && s->resident == 0);
	EXPECT(advise(4, 2, MADV_FREE) == -ERR_INVAL && advise(8, 2, MADV_FREE) == -ERR_INVAL);
	backing_drop(b);
	finish();
}

static void flags_cut_and_join(void)
{
	begin(64);
	map_at(0, 8, RW, ANON);
	EXPECT(advise(2, 2, MADV_RANDOM) == 0 && s->regions.count == 3 && is_region(2, 2, 4));
	EXPECT(advise(4, 2, MADV_SEQUENTIAL) == 0 && s->regions.count == 4);
	EXPECT(advise(4, 1, MADV_RANDOM) == 0 && is_region(2, 2, 5) && is_region(5, 5, 6));
	EXPECT(advise(0, 9, MADV_NORMAL) == -ERR_NOMEM && is_region(0, 0, 8));
	EXPECT(advise(0, 1, MADV_DONTFORK) == 0 && advise(1, 1, MADV_WIPEONFORK) == 0);
	EXPECT(s->regions.count == 3);
	EXPECT(advise(0, 1, MADV_DOFORK) == 0 && advise(1, 1, MADV_KEEPONFORK) == 0);
	EXPECT(is_region(0, 0, 8));
	map_at(10, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
	EXPECT(advise(10, 2, MADV_WIPEONFORK) == -ERR_INVAL && advise(10, 2, MADV_DONTFORK) == 0);
	finish();
}

/* The world's limit is told as EAGAIN here; what was cut first stays. */
static void region_limit(void)
{
	begin(64);
	map_at(0, 8, RW, ANON);
	tv->vm.regions_max = 2;
	EXPECT(advise(2, 2, MADV_RANDOM) == -ERR_AGAIN && s->regions.count == 2);
	EXPECT(is_region(0, 0, 2));
	tv->vm.regions_max = 100;
	use_up_regions();
	const uint32_t count = s->regions.count;
	tv->vm.regions_max = SPACE_REGIONS_MAX;
	use_up_regions();
	EXPECT(advise(3, 1, MADV_RANDOM) == -ERR_AGAIN && s->regions.count >= count);
	EXPECT(is_region(3, 2, 8));
	SOUND(s);
	free(tv);
}

static void populates(void)
{
	begin(64);
	map_at(0, 20, RW, ANON);
	map_at(20, 2, PROT_READ, ANON);
	map_at(22, 1, PROT_NONE, ANON);
	map_at(23, 1, PROT_WRITE, ANON);
	EXPECT(advise(0, 20, MADV_POPULATE_READ) == 0 && s->zeroes == 20);
	EXPECT(advise(0, 18, MADV_POPULATE_WRITE) == 0 && s->resident == 18 && s->zeroes == 2);
	EXPECT(advise(18, 4, MADV_POPULATE_WRITE) == -ERR_INVAL && s->resident == 20);
	EXPECT(advise(20, 3, MADV_POPULATE_READ) == -ERR_INVAL && s->zeroes == 2);
	EXPECT(advise(23, 1, MADV_POPULATE_READ) == -ERR_INVAL);
	EXPECT(advise(23, 2, MADV_POPULATE_WRITE) == -ERR_NOMEM && s->resident == 21);
	map_at(100, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
	struct backing *b = backing_create(tv->vm.backings, NULL, 1, SITE);
	EXPECT(space_mmap(s, at(110), page(2), RW, MAP_SHARED, b, 0, SITE) == (int64_t)at(110));
	EXPECT(advise(110, 2, MADV_POPULATE_READ) == -ERR_FAULT && entry_at(s, at(110)) != 0);
	map_at(200, 99, RW, ANON);
	EXPECT(advise(200, 99, MADV_POPULATE_WRITE) == -ERR_NOMEM);
	backing_drop(b);
	finish();
}

/* --- files ------------------------------------------------------------------------------------ */

static uint32_t fills;

static bool fill(void *context, uint64_t index, void *page_of)
{
	(void)context;
	fills++;
	memset(page_of, (int)index + 1, PAGE_SIZE);
	return true;
}

/* F19: what is read ahead is the file's, and comes once. */
static void willneed_reads(void)
{
	begin(64);
	const struct backing_source source = { .fill = fill };
	struct backing *b = backing_create(tv->vm.backings, &source, 8, SITE);

	EXPECT(space_mmap(s, at(0), page(6), PROT_READ, MAP_PRIVATE, b, page(4), SITE) ==
	       (int64_t)at(0));
	map_at(8, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
	EXPECT(advise(1, 5, MADV_WILLNEED) == 0 && fills == 3); /* to its end */
	EXPECT(backing_has(b, 5) && !backing_has(b, 4) && s->resident == 0);
	EXPECT(byte_at(s, at(1)) == 6 && fills == 3);
	EXPECT(advise(8, 2, MADV_WILLNEED) == 0 && s->resident == 1);
	uint8_t vec[2];
	EXPECT(space_mincore(s, at(8), page(2), vec) == 0 && vec[0] == 0 && vec[1] == 0);
	backing_drop(b);
	finish();
}

int main(void)
{
	errors_in_order();
	dontneed();
	cold();
	free_is_for_private_zeroes();
	flags_cut_and_join();
	region_limit();
	populates();
	willneed_reads();
	return 0;
}
