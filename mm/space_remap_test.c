/*
 * space_remap_test.c -- mremap: longer, shorter, elsewhere; what goes along, what errors leave.
 */
#include "mm/test_calls.h"

enum { MOVE = MREMAP_MAYMOVE, FIXED = MREMAP_MAYMOVE | MREMAP_FIXED };

static int64_t remap(uint64_t n, uint64_t old_pages, uint64_t new_pages, uint32_t flags,
		     uint64_t to)
{
	return space_mremap(s, at(n), page(old_pages), page(new_pages), flags, at(to));
}

static void errors_in_order(void)
{
	begin(64);
	map_at(0, 4, RW, ANON);
	map_at(4, 1, PROT_READ, ANON);
	EXPECT(space_mremap(s, at(0), page(1), page(1), 8, 0) == -ERR_INVAL);
	EXPECT(remap(0, 1, 1, MREMAP_FIXED, 9) == -ERR_INVAL);
	EXPECT(remap(0, 1, 1, MREMAP_DONTUNMAP, 9) == -ERR_INVAL);
	EXPECT(remap(0, 1, 2, MREMAP_DONTUNMAP | MOVE, 9) == -ERR_INVAL);
	EXPECT(space_mremap(s, at(0) + 1, page(1), page(1), 0, 0) == -ERR_INVAL);
	EXPECT(space_mremap(s, at(90), page(1), 0, 0, 0) == -ERR_INVAL);
	EXPECT(space_mremap(s, at(90), page(1), page(1), 0, 0) == -ERR_FAULT);
	EXPECT(space_mremap(s, KERNEL_START, page(1), page(1), 0, 0) == -ERR_FAULT);
	EXPECT(space_mremap(s, at(0), page(1), page(1), FIXED, at(9) + 1) == -ERR_INVAL);
	EXPECT(space_mremap(s, at(0), page(1), page(1), FIXED, KERNEL_START) == -ERR_INVAL);
	EXPECT(remap(0, 2, 2, FIXED, 1) == -ERR_INVAL); /* overlaps itself */
	EXPECT(remap(0, 5, 6, MOVE, 0) == -ERR_FAULT);  /* over two regions */
	EXPECT(remap(0, 0, 1, MOVE, 0) == -ERR_INVAL);  /* a private one, twice */
	EXPECT(space_mremap(s, at(0), page(4), 1ull << 50, MOVE, 0) == -ERR_NOMEM);
	EXPECT(remap(0, 4, 5, 0, 0) == -ERR_NOMEM); /* in the way, and may not move */
	EXPECT(space_mremap(s, at(0), page(1), page(1), FIXED, page(1)) == -ERR_PERM);
	EXPECT(s->mapped == 5 && s->regions.count == 2);
	finish();
}

static void shrinks(void)
{
	begin(64);
	map_at(0, 4, RW, ANON);
	map_at(4, 2, PROT_READ, ANON);
	touch(0, 4);
	EXPECT(remap(0, 4, 4, 0, 0) == (int64_t)at(0));
	EXPECT(remap(0, 6, 1, 0, 0) == (int64_t)at(0)); /* over the end of the region, too */
	EXPECT(s->mapped == 1 && s->resident == 1 && is_region(0, 0, 1));
	finish();
}

static void grows_in_place(void)
{
	begin(64);
	map_at(0, 2, RW, ANON);
	map_at(8, 2, RW, ANON);
	EXPECT(remap(0, 2, 5, 0, 0) == (int64_t)at(0) && is_region(0, 0, 5) && s->mapped == 7);
	EXPECT(remap(1, 4, 7, 0, 0) == (int64_t)at(1));       /* its end is the region's */
	EXPECT(is_region(0, 0, 10) && s->regions.count == 1); /* and meets the next */
	touch(1, 2);
	s->limit = 11;
	EXPECT(remap(0, 10, 12, MOVE, 0) == -ERR_NOMEM && remap(0, 10, 11, 0, 0) > 0);
	s->limit = 0;
	map_at(12, 1, RW, ANON);
	EXPECT(remap(0, 11, 12, 0, 0) > 0); /* one with a family does not join one without */
	EXPECT(is_region(0, 0, 12) && byte_at(s, at(1)) == 1 && byte_at(s, at(7)) == 0);
	finish();
}

/* Contents, rights, marks and counts go along. */
static void moves(void)
{
	begin(64);
	map_at(0, 3, RW, ANON);
	map_at(3, 1, PROT_READ, ANON);
	touch(0, 1);
	EXPECT(byte_at(s, at(2)) == 0);
	const uint64_t entry = entry_at(s, at(0));
	const int64_t to = remap(0, 3, 6, MOVE, 0);
	EXPECT(to > 0 && to != (int64_t)at(0) && s->mapped == 7);
	EXPECT(entry_at(s, (uint64_t)to) == entry && entry_at(s, at(0)) == 0);
	EXPECT(s->resident == 1 && s->zeroes == 1);
	EXPECT(region_at_or_above(&s->regions, at(0))->start == at(3));
	finish();
}

/* A part of a region, to a fixed place where something is. */
static void moves_a_part(void)
{
	begin(64);
	map_at(0, 6, RW, ANON);
	map_at(10, 4, PROT_READ, ANON);
	touch(0, 6);
	EXPECT(remap(2, 2, 2, FIXED, 11) == (int64_t)at(11));
	EXPECT(is_region(0, 0, 2) && is_region(4, 4, 6) && is_region(10, 10, 11));
	EXPECT(is_region(11, 11, 13) && is_region(13, 13, 14));
	EXPECT(byte_at(s, at(11)) == 2 && byte_at(s, at(12)) == 3 && s->mapped == 8);
	SOUND(s);
	EXPECT(remap(11, 2, 2, FIXED, 2) == (int64_t)at(2));
	EXPECT(is_region(0, 0, 6)); /* as if nothing had been: its offset and family fit */
	EXPECT(byte_at(s, at(2)) == 2 && byte_at(s, at(5)) == 5);
	EXPECT(remap(0, 6, 2, FIXED, 30) == (int64_t)at(30)); /* shorter first */
	EXPECT(s->mapped == 4 && byte_at(s, at(31)) == 1);
	finish();
}

/* Without pages of its own a region moves as if it had always been there, even onto itself. */
static void moves_beside_itself(void)
{
	begin(64);
	map_at(4, 4, RW, ANON);
	EXPECT(byte_at(s, at(5)) == 0 && s->zeroes == 1);
	EXPECT(remap(4, 2, 2, FIXED, 8) == (int64_t)at(8) && is_region(6, 6, 10));
	EXPECT(remap(8, 2, 2, FIXED, 4) == (int64_t)at(4) && is_region(4, 4, 8));
	EXPECT(s->zeroes == 1 && byte_at(s, at(5)) == 0);
	SOUND(s);
	EXPECT(remap(4, 4, 4, FIXED, 0) == (int64_t)at(0) && is_region(0, 0, 4));
	/* But what stays is not joined by what was taken from it, nor is anything else then. */
	map_at(6, 2, RW, ANON);
	EXPECT(remap(0, 2, 2, FIXED | MREMAP_DONTUNMAP, 4) == (int64_t)at(4));
	EXPECT(is_region(0, 0, 4) && is_region(4, 4, 6) && is_region(6, 6, 8));
	EXPECT(space_munmap(s, at(4), page(2)) == 0);
	EXPECT(remap(0, 1, 1, FIXED | MREMAP_DONTUNMAP, 5) == (int64_t)at(5));
	EXPECT(is_region(5, 5, 8));
	finish();
}

static void shared(void)
{
	begin(64);
	map_at(0, 4, RW, MAP_SHARED | MAP_ANONYMOUS);
	touch(0, 4);
	EXPECT(remap(1, 0, 2, MOVE, 0) > 0); /* twice from now on */
	EXPECT(remap(1, 0, 2, FIXED, 20) == (int64_t)at(20));
	EXPECT(byte_at(s, at(20)) == 1 && byte_at(s, at(21)) == 2 && s->mapped == 8);
	set_byte(s, at(20), 55);
	EXPECT(byte_at(s, at(1)) == 55);
	EXPECT(remap(2, 2, 2, FIXED, 30) == (int64_t)at(30) && byte_at(s, at(31)) == 3);
	EXPECT(space_madvise(s, at(30), page(2), MADV_DONTNEED) == 0 && byte_at(s, at(31)) == 3);
	finish();
}

/* The old place stays, empty. */
static void keeps_the_old_place(void)
{
	begin(64);
	map_at(0, 3, RW, ANON | MAP_LOCKED);
	touch(0, 3);
	EXPECT(remap(0, 3, 3, MREMAP_DONTUNMAP | FIXED, 10) == (int64_t)at(10));
	EXPECT(byte_at(s, at(11)) == 1 && entry_at(s, at(1)) == 0 && s->mapped == 6);
	EXPECT(byte_at(s, at(1)) == 0);
	EXPECT((region_at_or_above(&s->regions, at(0))->flags & REGION_LOCKED) == 0);
	map_at(40, 5, RW, ANON | MAP_LOCKED); /* only what was moved is not locked any more */
	EXPECT(remap(41, 2, 2, MREMAP_DONTUNMAP | FIXED, 50) == (int64_t)at(50));
	EXPECT(is_region(40, 40, 41) && is_region(41, 41, 43) && is_region(43, 43, 45));
	EXPECT(space_munmap(s, at(40), page(20)) == 0);
	EXPECT(remap(11, 1, 1, MREMAP_DONTUNMAP | MOVE, 20) == (int64_t)at(20)); /* a hint */
	EXPECT(byte_at(s, at(20)) == 1 && byte_at(s, at(10)) == 0 && is_region(11, 11, 12));
	s->limit = s->mapped;
	EXPECT(remap(20, 1, 1, MREMAP_DONTUNMAP | FIXED, 30) == -ERR_NOMEM);
	finish();
}

/* As on Linux, the place of MREMAP_FIXED is cleared before the old one is looked at. */
static void an_error_after_unmapping(void)
{
	begin(64);
	map_at(0, 2, RW, ANON);
	map_at(2, 2, PROT_READ, ANON);
	map_at(10, 4, RW, ANON);
	EXPECT(remap(0, 4, 4, FIXED, 10) == -ERR_FAULT);
	EXPECT(s->mapped == 4 && region_at_or_above(&s->regions, at(4)) == NULL);
	finish();
}

static void region_limits(void)
{
	begin(64);
	map_at(0, 4, RW, ANON);
	tv->vm.regions_max = 6;
	EXPECT(remap(0, 1, 1, FIXED, 10) == -ERR_NOMEM);              /* 1 + 5 */
	EXPECT(remap(0, 1, 9, MOVE, 0) > 0);                          /* 1 + 3 */
	EXPECT(remap(1, 1, 9, MOVE, 0) > 0 && s->regions.count == 2); /* side by side */
	tv->vm.regions_max = 5;
	EXPECT(remap(2, 1, 9, MOVE, 0) == -ERR_NOMEM && s->mapped == 2 + 18);
	finish();
}

/* Wherever memory ends, everything is as it was. */
static void rolls_back(void)
{
	const uint64_t far = 1ull << 40;

	for (uint32_t left = 0; left < 12; left++) {
		begin(64);
		map_at(510, 4, RW, ANON); /* in two tables */
		touch(510, 514);
		paddr_t keep[12];
		for (uint32_t i = 0; i < left; i++)
			keep[i] = page_alloc(&tv->pool, 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_USER),
					     SITE);
		use_up_pages();
		for (uint32_t i = 0; i < left; i++)
			page_free(&tv->pool, keep[i], 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_USER));
		const uint32_t tables = s->table.tables;
		const int64_t to = space_mremap(s, at(510), page(4), page(4), FIXED, at(510) + far);
		EXPECT(to == -ERR_NOMEM || left >= 4);
		const uint64_t base = to > 0 ? far : 0;
		EXPECT(s->resident == 4 && s->mapped == 4 && s->table.tables == tables);
		for (uint64_t n = 510; n < 514; n++) EXPECT(byte_at(s, at(n) + base) == (uint8_t)n);
		SOUND(s);
		free(tv);
		if (to > 0) return;
	}
	EXPECT(false);
}

static void locked_ones_are_brought_in(void)
{
	begin(64);
	map_at(0, 2, RW, ANON | MAP_LOCKED);
	EXPECT(s->resident == 2 && remap(0, 2, 5, 0, 0) > 0 && s->resident == 5);
	map_at(5, 1, PROT_READ, ANON);
	EXPECT(remap(0, 5, 7, MOVE, 0) > 0 && s->resident == 7);
	finish();
}

int main(void)
{
	errors_in_order();
	shrinks();
	grows_in_place();
	moves();
	moves_a_part();
	moves_beside_itself();
	shared();
	keeps_the_old_place();
	an_error_after_unmapping();
	region_limits();
	rolls_back();
	locked_ones_are_brought_in();
	return 0;
}
