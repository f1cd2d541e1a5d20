/*
 * space_map_test.c -- mmap and munmap: places, what joins what, errors and their order, roll-back.
 */
#include "mm/test_calls.h"

static void places(void)
{
	begin(64);
	const uint64_t top = s->regions.top;

	EXPECT(map(0, 1, RW, ANON) == (int64_t)(top - page(1)));
	EXPECT(map(0, 2, PROT_READ, ANON) == (int64_t)(top - page(3)));
	EXPECT(map(AT + 1, 2, RW, ANON) == AT); /* a hint is rounded down, and honoured */
	EXPECT(map(at(1), 1, RW, ANON) != (int64_t)at(1)); /* taken */
	EXPECT(map(page(1), 1, RW, ANON) == 0x10000);      /* too low: the lowest */
	EXPECT(map(USER_END, 1, RW, ANON) > 0);            /* a hint that cannot be is none */
	EXPECT(map(USER_END - page(1), 1, RW, ANON) == (int64_t)(USER_END - page(1)));
	EXPECT(map(AT, 1, RW, ANON | MAP_FIXED_NOREPLACE) == -ERR_EXIST);
	EXPECT(map(at(2), 1, RW, ANON | MAP_FIXED_NOREPLACE) == (int64_t)at(2));
	EXPECT(map(AT, 1, PROT_READ, ANON | MAP_FIXED) == AT);
	SOUND(s);
	EXPECT(space_munmap(s, 0, USER_END) == 0 && s->regions.count == 0 && s->mapped == 0);
	finish();
}

/* The highest place that is large enough; freed ones are used again (F02, F46). */
static void holes_are_used_again(void)
{
	begin(64);
	const uint64_t top = s->regions.top;

	EXPECT(map(0, 8, RW, ANON) == (int64_t)(top - page(8)));
	EXPECT(space_munmap(s, top - page(6), page(1)) == 0);
	EXPECT(space_munmap(s, top - page(5), page(1)) == 0); /* two holes, side by side */
	EXPECT(map(0, 2, RW, ANON) == (int64_t)(top - page(6)));
	EXPECT(s->regions.count == 1); /* and all is one again */
	for (int i = 0; i < 300000; i++) {
		const int64_t there = map(0, 3, RW, ANON);
		EXPECT(there == (int64_t)(top - page(11)));
		EXPECT(space_munmap(s, (uint64_t)there, page(3)) == 0);
	}
	finish();
}

static void guard_gaps(void)
{
	begin(64);
	const uint64_t stack = at(1000);

	EXPECT(map(stack, 1, RW, ANON | MAP_FIXED | MAP_GROWSDOWN) == (int64_t)stack);
	EXPECT(map(stack - page(1), 1, RW, ANON) != (int64_t)(stack - page(1)));
	EXPECT(map(stack - page(257), 1, RW, ANON) == (int64_t)(stack - page(257)));
	EXPECT(map(stack - page(1), 1, RW, ANON | MAP_FIXED) == (int64_t)(stack - page(1)));
	finish();
}

/* The order of Linux's checks, seen where two things are wrong at once. */
static void errors_in_order(void)
{
	begin(64);
	const uint64_t kernel = KERNEL_START;

	EXPECT(space_mmap(s, AT, 0, RW, ANON, NULL, 1, SITE) == -ERR_INVAL);
	EXPECT(map(AT, 0, RW, ANON) == -ERR_INVAL);
	EXPECT(space_mmap(s, AT, UINT64_MAX, RW, ANON, NULL, 0, SITE) == -ERR_NOMEM);
	EXPECT(map(0, USER_END >> PAGE_SHIFT, RW, ANON) == -ERR_NOMEM);
	EXPECT(map(0, 1ull << 51, RW, ANON) == -ERR_NOMEM);
	EXPECT(map(kernel, 1, RW, ANON | MAP_FIXED) == -ERR_NOMEM);
	EXPECT(map(kernel + 1, 1, RW, ANON | MAP_FIXED) == -ERR_NOMEM); /* before alignment */
	EXPECT(map(UINT64_MAX, 1, RW, ANON | MAP_FIXED) == -ERR_NOMEM);
	EXPECT(map(USER_END - page(1), 2, RW, ANON | MAP_FIXED) == -ERR_NOMEM);
	EXPECT(map(AT + 1, 1, RW, ANON | MAP_FIXED) == -ERR_INVAL);
	EXPECT(map(1, 1, RW, ANON | MAP_FIXED) == -ERR_INVAL);
	EXPECT(map(0, 1, RW, ANON | MAP_FIXED) == -ERR_PERM);
	EXPECT(map(page(15), 1, RW, ANON | MAP_FIXED) == -ERR_PERM);
	EXPECT(map(page(16), 1, RW, MAP_ANONYMOUS | MAP_FIXED) == -ERR_INVAL); /* no kind */
	EXPECT(map(0, 1, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE) == -ERR_INVAL);
	EXPECT(map(0, 1, RW, MAP_ANONYMOUS | MAP_SHARED | MAP_GROWSDOWN) == -ERR_INVAL);
	EXPECT(map(kernel, 1, RW, MAP_ANONYMOUS | MAP_FIXED) == -ERR_NOMEM); /* place first */
	EXPECT(map(0, 1, RW, ANON | MAP_HUGETLB) == -ERR_NOMEM);
	EXPECT(s->regions.count == 0 && s->mapped == 0);
	EXPECT(map(AT, 1, RW, ANON) == AT);
	EXPECT(map(AT, 1, RW, MAP_ANONYMOUS | MAP_FIXED_NOREPLACE) == -ERR_EXIST);
	EXPECT(space_munmap(s, AT + 1, page(1)) == -ERR_INVAL);
	EXPECT(space_munmap(s, AT, 0) == -ERR_INVAL);
	EXPECT(space_munmap(s, kernel, page(1)) == -ERR_INVAL);
	EXPECT(space_munmap(s, AT, USER_END) == -ERR_INVAL);
	EXPECT(space_munmap(s, AT, UINT64_MAX) == -ERR_INVAL);
	EXPECT(space_munmap(s, at(1), page(7)) == 0); /* a hole: nothing to do */
	EXPECT(s->regions.count == 1 && s->mapped == 1);
	EXPECT(space_munmap(s, AT | 0xabull << 56, 1) == 0); /* the top byte is nobody's business */
	EXPECT(s->regions.count == 0);
	finish();
}

static void backed_errors(void)
{
	begin(64);
	struct backing *b = backing_create(tv->vm.backings, NULL, 4, SITE);

	EXPECT(space_mmap(s, 0, page(1), RW, MAP_SHARED_VALIDATE, b, 0, SITE) > 0);
	EXPECT(space_mmap(s, 0, page(1), RW, MAP_SHARED_VALIDATE | 0x80000, b, 0, SITE) ==
	       -ERR_OPNOTSUPP);
	EXPECT(space_mmap(s, AT, page(1), RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, b, 0,
			  SITE) == -ERR_OPNOTSUPP);
	EXPECT(space_mmap(s, 0, page(1), RW, MAP_SHARED | 0x80000, b, 0, SITE) > 0);
	EXPECT(space_mmap(s, 0, page(1), RW, 0, b, 0, SITE) == -ERR_INVAL);
	EXPECT(space_mmap(s, 0, page(1), RW, MAP_PRIVATE | MAP_GROWSDOWN, b, 0, SITE) ==
	       -ERR_INVAL);
	EXPECT(space_mmap(s, 0, page(1), RW, MAP_PRIVATE, b, 5, SITE) == -ERR_INVAL);
	EXPECT(space_mmap(s, 0, page(2), RW, MAP_PRIVATE, b, 0x7ffffffffffff000, SITE) ==
	       -ERR_OVERFLOW);
	EXPECT(space_mmap(s, 0, page(1), RW, MAP_PRIVATE | MAP_HUGETLB, b, 0, SITE) == -ERR_INVAL);
	EXPECT(space_munmap(s, 0, USER_END) == 0);
	backing_drop(b);
	EXPECT(s->regions.count == 0);
	finish();
}

/* Any part of any number of regions, holes and all (F07, F08, D17); entries and pages go with
 * it. */
static void unmap_spans(void)
{
	begin(64);
	EXPECT(map(AT, 4, RW, ANON) == AT);
	EXPECT(map(at(5), 2, PROT_READ, ANON) == (int64_t)at(5));
	EXPECT(map(at(9), 3, RW, ANON | MAP_NORESERVE) == (int64_t)at(9));
	for (int i = 0; i < 4; i++) set_byte(s, AT + page((uint64_t)i), 9);
	for (int i = 9; i < 12; i++) set_byte(s, AT + page((uint64_t)i), 9);
	EXPECT(byte_at(s, at(6)) == 0);
	EXPECT(s->resident == 7 && s->zeroes == 1);
	EXPECT(space_munmap(s, at(2), page(8)) == 0);
	EXPECT(s->resident == 4 && s->zeroes == 0 && s->mapped == 4 && s->regions.count == 2);
	EXPECT(entry_at(s, at(3)) == 0 && entry_at(s, at(9)) == 0);
	EXPECT(byte_at(s, at(1)) == 9 && byte_at(s, at(10)) == 9);
	EXPECT(map(at(2), 1, RW, ANON) == (int64_t)at(2));
	EXPECT(byte_at(s, at(2)) == 0); /* new pages */
	SOUND(s);
	EXPECT(space_munmap(s, at(1), page(1)) == 0); /* a hole in the middle */
	EXPECT(s->regions.count == 3);
	finish();
}

/* A part of a backing stays where it is in the backing; the mapping holds it (F23). */
static void unmap_backed(void)
{
	begin(64);
	const int64_t there = map(0, 6, RW, MAP_SHARED | MAP_ANONYMOUS);

	EXPECT(there > 0);
	for (uint64_t i = 0; i < 6; i++) set_byte(s, (uint64_t)there + page(i), (uint8_t)(i + 1));
	EXPECT(space_munmap(s, (uint64_t)there, page(1)) == 0);
	EXPECT(space_munmap(s, (uint64_t)there + page(3), page(1)) == 0);
	EXPECT(space_madvise(s, (uint64_t)there + page(1), page(2), MADV_DONTNEED) == 0);
	EXPECT(space_madvise(s, (uint64_t)there + page(4), page(2), MADV_DONTNEED) == 0);
	EXPECT(s->resident == 0);
	EXPECT(byte_at(s, (uint64_t)there + page(1)) == 2 &&
	       byte_at(s, (uint64_t)there + page(2)) == 3);
	EXPECT(byte_at(s, (uint64_t)there + page(4)) == 5 &&
	       byte_at(s, (uint64_t)there + page(5)) == 6);
	finish();
}

static void replaces(void)
{
	begin(64);
	EXPECT(map(AT, 8, RW, ANON) == AT);
	for (uint64_t i = 0; i < 8; i++) set_byte(s, at(i), 5);
	EXPECT(map(at(2), 3, RW, ANON | MAP_FIXED) == (int64_t)at(2));
	EXPECT(s->resident == 5 && s->mapped == 8);
	EXPECT(byte_at(s, at(2)) == 0 && byte_at(s, at(5)) == 5);
	EXPECT(s->regions.count == 1); /* of one family, cut and joined again */
	finish();
}

/* --- what joins what -------------------------------------------------------------------------- */

static void joins(void)
{
	begin(64);
	EXPECT(map(AT, 1, RW, ANON) == AT && map(at(2), 1, RW, ANON) > 0);
	EXPECT(s->regions.count == 2);
	EXPECT(map(at(1), 1, RW, ANON) > 0 && s->regions.count == 1);
	EXPECT(map(at(3), 1, PROT_READ, ANON) > 0 && s->regions.count == 2);
	EXPECT(map(at(4), 1, RW, ANON | MAP_NORESERVE) > 0 && s->regions.count == 3);
	EXPECT(map(at(5), 1, RW, MAP_SHARED | MAP_ANONYMOUS) > 0 && s->regions.count == 4);
	EXPECT(map(at(6), 1, RW, MAP_SHARED | MAP_ANONYMOUS) > 0 && s->regions.count == 5);
	finish();
}

/* What a child has from its parent joins nothing that it maps itself: Linux's anon_vma_chain has
 * two then. */
static void what_is_inherited_joins_nothing(void)
{
	begin(64);
	map_at(0, 2, RW, ANON);
	touch(0, 2);
	struct space *parent = s;
	struct space *child = space_clone(s, SITE);

	map_at(2, 1, RW, ANON);
	EXPECT(is_region(0, 0, 3));
	s = child;
	map_at(2, 1, RW, ANON);
	EXPECT(is_region(0, 0, 2) && is_region(2, 2, 3));
	SOUND(parent, child);
	RETIRE(child);
	s = parent;
	finish();
}

/* Two that have pages of different families stay apart; one in between goes to the upper. */
static void families_stay_apart(void)
{
	begin(64);
	EXPECT(map(AT, 1, RW, ANON) == AT && map(at(2), 1, RW, ANON) > 0);
	set_byte(s, AT, 1);
	set_byte(s, at(2), 1);
	EXPECT(map(at(1), 1, RW, ANON) > 0 && s->regions.count == 2);
	EXPECT(region_at_or_above(&s->regions, at(1))->start == at(1));
	SOUND(s);
	/* What lies beside a family that it could be one with takes that when it needs one. */
	EXPECT(map(at(10), 1, RW, ANON) > 0 && map(at(11), 1, PROT_READ, ANON) > 0);
	set_byte(s, at(10), 1);
	EXPECT(space_mprotect(s, at(11), page(1), RW) == 0);
	EXPECT(region_at_or_above(&s->regions, at(11))->start == at(10));
	EXPECT(map(at(20), 2, RW, ANON) > 0);
	EXPECT(space_mprotect(s, at(20), page(1), RW | PROT_EXEC) == 0);
	set_byte(s, at(20), 1);
	set_byte(s, at(21), 1);
	const uint32_t count = s->regions.count;
	EXPECT(space_mprotect(s, at(20), page(1), RW) == 0);
	EXPECT(s->regions.count == count - 1);
	finish();
}

/* --- limits ----------------------------------------------------------------------------------- */

static void region_limit(void)
{
	begin(64);
	tv->vm.regions_max = 2;
	EXPECT(map(AT, 4, RW, ANON) == AT);
	EXPECT(map(at(8), 4, RW, ANON) > 0);
	EXPECT(space_munmap(s, at(1), page(1)) == -ERR_NOMEM); /* would make a third */
	EXPECT(space_munmap(s, at(3), page(6)) == 0);          /* this does not */
	EXPECT(map(at(20), 1, RW, ANON) > 0);                  /* one above, as on Linux */
	EXPECT(map(at(30), 1, RW, ANON) == -ERR_NOMEM && s->regions.count == 3);
	EXPECT(map(AT, 8, RW, ANON | MAP_FIXED) == -ERR_NOMEM);
	EXPECT(s->mapped == 3 + 3 + 1);
	finish();
}

static void page_limit(void)
{
	begin(64);
	s->limit = 10;
	EXPECT(map(AT, 8, RW, ANON) == AT);
	EXPECT(map(0, 3, RW, ANON) == -ERR_NOMEM);
	EXPECT(map(at(6), 5, RW, ANON | MAP_FIXED) == -ERR_NOMEM);
	EXPECT(map(at(6), 4, RW, ANON | MAP_FIXED) > 0 && s->mapped == 10);
	EXPECT(map(AT, 10, PROT_READ, ANON | MAP_FIXED) == AT && s->mapped == 10);
	finish();
}

/* With fewer and fewer pages, each call either works or changes nothing. */
static void roll_back(void)
{
	for (uint32_t pages = 8; pages < 40; pages++) {
		vm_open(pages);
		s = space_create(&tv->vm, SITE);
		if (s == NULL || map(AT, 8, RW, ANON) != AT) {
			if (s != NULL) RETIRE(s);
			vm_shut();
			continue;
		}
		for (uint64_t i = 0; i < 8; i++) space_fault(s, at(i), MACH_STORE);
		while (page_alloc(&tv->pool, 0, PAGE_HOW(ZONE_KERNEL, 1) | PAGE_NO_RECLAIM, SITE) !=
		       PADDR_NONE)
			continue;
		const uint64_t mapped = s->mapped;
		const uint32_t resident = s->resident;
		const int64_t hole = space_munmap(s, at(3), page(1));
		EXPECT(hole == 0 ||
		       (hole == -ERR_NOMEM && s->mapped == mapped && s->resident == resident));
		SOUND(s);
		const int64_t shared = map(0, 4, RW, MAP_SHARED | MAP_ANONYMOUS);
		EXPECT(shared > 0 || shared == -ERR_NOMEM);
		const uint64_t before = s->mapped;
		const int64_t over = map(at(1), 4, PROT_READ, ANON | MAP_FIXED);
		EXPECT(over > 0 || (over == -ERR_NOMEM && s->mapped == before));
		SOUND(s);
		free(tv); /* the world as it is: what filled it is nobody's */
	}
}

/* --- pages at once ---------------------------------------------------------------------------- */

static void populates(void)
{
	begin(128);
	EXPECT(map(AT, 40, RW, ANON | MAP_POPULATE) == AT && s->resident == 40);
	EXPECT(map(at(64), 3, PROT_READ, ANON | MAP_POPULATE) > 0 && s->zeroes == 3);
	EXPECT(map(at(80), 3, PROT_NONE, ANON | MAP_POPULATE) > 0 && s->zeroes == 3);
	EXPECT(map(at(90), 3, RW, ANON | MAP_LOCKED) > 0 && s->resident == 43);
	EXPECT(map(at(100), 3, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE) > 0);
	EXPECT(s->resident == 46);
	EXPECT(map(at(110), 3, RW, ANON | MAP_POPULATE | MAP_NONBLOCK) > 0);
	EXPECT(s->resident == 46);
	EXPECT(map(at(200), 999, RW, ANON | MAP_POPULATE) > 0); /* as far as it goes */
	finish();
}

int main(void)
{
	places();
	holes_are_used_again();
	guard_gaps();
	errors_in_order();
	backed_errors();
	unmap_spans();
	unmap_backed();
	replaces();
	joins();
	families_stay_apart();
	what_is_inherited_joins_nothing();
	region_limit();
	page_limit();
	populates();
	roll_back();
	return 0;
}
