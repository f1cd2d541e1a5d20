/*
 * space_brk_test.c -- brk, and mincore.
 */
#include "mm/test_calls.h"

static int64_t brk_to(uint64_t va)
{
	return space_brk(s, va);
}

static void grows_and_shrinks(void)
{
	begin(64);
	EXPECT(brk_to(0) == 0 && brk_to(at(1)) == 0); /* no heap yet */
	space_brk_place(s, at(0));
	EXPECT(brk_to(0) == (int64_t)at(0));
	EXPECT(brk_to(at(0) - 1) == (int64_t)at(0)); /* below its start */
	EXPECT(brk_to(at(0) + 1) == (int64_t)at(0) + 1 && s->mapped == 1);
	set_byte(s, at(0) + 4095, 5);
	EXPECT(brk_to(at(3) + 7) == (int64_t)at(3) + 7 && s->mapped == 4);
	EXPECT(is_region(0, 0, 4) && s->regions.count == 1);
	touch(1, 4);
	SOUND(s);
	/* The page that the break is in stays (F34). */
	EXPECT(brk_to(at(1) + 1) == (int64_t)at(1) + 1 && s->mapped == 2 && s->resident == 2);
	EXPECT(brk_to(at(1)) == (int64_t)at(1) && s->mapped == 1 && s->resident == 1);
	EXPECT(brk_to(at(3)) == (int64_t)at(3) && byte_at(s, at(1)) == 0); /* zeroes again */
	EXPECT(byte_at(s, at(0) + 4095) == 5);
	EXPECT(brk_to(at(0)) == (int64_t)at(0) && s->mapped == 0 && s->regions.count == 0);
	finish();
}

static void refuses(void)
{
	begin(64);
	space_brk_place(s, at(0));
	EXPECT(brk_to(at(2)) == (int64_t)at(2));
	EXPECT(brk_to(UINT64_MAX) == (int64_t)at(2)); /* F32 */
	EXPECT(brk_to(USER_END + 1) == (int64_t)at(2));
	EXPECT(brk_to(KERNEL_START) == (int64_t)at(2));
	s->limit = 4;
	EXPECT(brk_to(at(5)) == (int64_t)at(2) && brk_to(at(4)) == (int64_t)at(4));
	s->limit = 0;
	tv->vm.regions_max = 0;
	EXPECT(brk_to(at(5)) == (int64_t)at(4));
	EXPECT(s->mapped == 4);
	finish();
}

/* One page stays free between the heap and what is above it, or that one's guard gap. */
static void collides(void)
{
	begin(64);
	space_brk_place(s, at(0));
	map_at(10, 1, RW, ANON);
	EXPECT(brk_to(at(10)) == (int64_t)at(0));
	EXPECT(brk_to(at(9) + 1) == (int64_t)at(0));
	EXPECT(brk_to(at(9)) == (int64_t)at(9));
	map_at(300, 1, RW, ANON | MAP_GROWSDOWN);
	EXPECT(space_munmap(s, at(10), page(1)) == 0);
	EXPECT(brk_to(at(44)) == (int64_t)at(9) && brk_to(at(43)) == (int64_t)at(43));
	finish();
}

/* The heap is a region like others. */
static void may_be_unmapped(void)
{
	begin(64);
	space_brk_place(s, at(0));
	EXPECT(brk_to(at(8)) == (int64_t)at(8));
	EXPECT(space_munmap(s, at(4), page(4)) == 0);
	EXPECT(brk_to(at(5)) == (int64_t)at(8)); /* as on Linux: nothing there to shrink */
	EXPECT(brk_to(at(3)) == (int64_t)at(3) && s->mapped == 3);
	EXPECT(space_mprotect(s, at(2), page(1), PROT_READ) == 0);
	EXPECT(brk_to(at(5)) == (int64_t)at(5) && is_region(3, 3, 5));
	map_at(5, 1, RW, ANON); /* alike, but not the heap's */
	EXPECT(is_region(3, 3, 5) && is_region(5, 5, 6));
	finish();
}

/* Without memory for its region the break stays. */
static void roll_back(void)
{
	begin(16);
	space_brk_place(s, at(0));
	use_up_regions();
	EXPECT(brk_to(at(1)) == (int64_t)at(0) && s->brk == at(0));
	SOUND(s);
	free(tv);
}

/* --- mincore ---------------------------------------------------------------------------------- */

static void mincore_looks(void)
{
	uint8_t vec[200];

	begin(64);
	map_at(0, 100, RW, ANON);
	map_at(100, 10, RW, MAP_SHARED | MAP_ANONYMOUS);
	touch(3, 5);
	touch(104, 105);
	EXPECT(byte_at(s, at(90)) == 0); /* the page of zeroes is one, too */
	memset(vec, 9, sizeof vec);
	EXPECT(space_mincore(s, at(0), page(109) + 1, vec) == 0 && vec[110] == 9);
	for (uint64_t i = 0; i < 110; i++)
		EXPECT(vec[i] == (i == 3 || i == 4 || i == 90 || i == 104));
	EXPECT(space_madvise(s, at(100), page(10), MADV_DONTNEED) == 0);
	EXPECT(space_mincore(s, at(104), 1, vec) == 0 && vec[0] == 1); /* its backing has it */
	memset(vec, 9, sizeof vec);
	EXPECT(space_mincore(s, at(108), page(5), vec) == -ERR_NOMEM && vec[1] == 0 && vec[2] == 9);
	finish();
}

static void mincore_errors(void)
{
	uint8_t vec[1];

	begin(16);
	EXPECT(space_mincore(s, at(0) + 1, UINT64_MAX, vec) == -ERR_INVAL);
	EXPECT(space_mincore(s, at(0), UINT64_MAX, vec) == -ERR_NOMEM);
	EXPECT(space_mincore(s, KERNEL_START, 0, vec) == -ERR_NOMEM);
	EXPECT(space_mincore(s, USER_END, 0, vec) == 0 &&
	       space_mincore(s, USER_END, 1, vec) == -ERR_NOMEM);
	EXPECT(space_mincore(s, at(0), 0, vec) == 0);
	EXPECT(space_mincore(s, at(0), 1, vec) == -ERR_NOMEM);
	finish();
}

int main(void)
{
	grows_and_shrinks();
	refuses();
	collides();
	may_be_unmapped();
	roll_back();
	mincore_looks();
	mincore_errors();
	return 0;
}
