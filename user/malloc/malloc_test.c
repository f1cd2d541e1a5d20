/*
 * malloc_test.c -- the allocator call by call: sizes, alignments, growth and its failures, merging,
 * figures, misuse.  The queue has deferred_test.c.
 */
#include "user/malloc/test_calls.h"

static struct umalloc m;

static struct umalloc_stats stats(void)
{
	struct umalloc_stats s;

	test_sound(&m);
	umalloc_stats(&m, &s);
	return s;
}

static void each_size_is_whole(void)
{
	test_open(&m, 16);
	for (size_t bytes = 0; bytes < 3000; bytes++) {
		char *p = umalloc_alloc(&m, bytes), *q = umalloc_alloc(&m, bytes);
		EXPECT(p != NULL && q != NULL && (uintptr_t)p % 16 == 0);
		EXPECT(umalloc_usable(&m, p) >= bytes);
		memset(p, 1, umalloc_usable(&m, p));
		memset(q, 2, umalloc_usable(&m, q));
		EXPECT(umalloc_usable(&m, p) == 0 || *p == 1);
		umalloc_free(&m, p);
		umalloc_free(&m, q);
		if (bytes % 100 == 0) test_sound(&m);
	}
	test_close(&m);
}

/* The break moves by pages, and the first time by one: around that size too. */
static void the_first_request_may_have_any_size(void)
{
	test_open(&m, 16);
	umalloc_alloc(&m, 1);
	EXPECT(test.heap == 4096 && strcmp(test.log, "+") == 0);
	for (size_t bytes = 4000; bytes <= 4200; bytes++) {
		test_open(&m, 16);
		char *p = umalloc_alloc(&m, bytes);
		EXPECT(p != NULL && test.heap % 4096 == 0 && test.heap <= 8192);
		EXPECT(strcmp(test.log, "+") == 0);
		memset(p, 0xff, bytes);
		test_sound(&m);
		umalloc_free(&m, p);
		test_close(&m);
	}
}

static void refusals_are_null_and_told_once(void)
{
	test_open(&m, 16);
	test.break_limit = 4096;
	char *p = umalloc_alloc(&m, 100);
	memset(p, 7, 100);
	EXPECT(umalloc_alloc(&m, 5000) == NULL && test.refused == 1);
	EXPECT(umalloc_realloc(&m, p, 5000) == NULL && test.refused == 2 && p[99] == 7);
	/* One growth for all, one for just the need, and both again after a flush. */
	test_sound(&m);
	EXPECT(umalloc_alloc(&m, 5000) == NULL && strcmp(test.log, "++++") == 0);
	test.map_fails = true;
	EXPECT(umalloc_alloc(&m, 1 << 20) == NULL && test.refused == 4);
	test_sound(&m);
	EXPECT(umalloc_alloc(&m, 1 << 20) == NULL && strcmp(test.log, "mm") == 0);
	static const size_t huge[] = { SIZE_MAX,   SIZE_MAX - 1, SIZE_MAX - 4096, SIZE_MAX / 2,
				       1ull << 63, 1ull << 47,   (1ull << 46) + 1 };
	for (unsigned i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		test.calls = 0;
		const uint32_t refused = test.refused;
		EXPECT(umalloc_alloc(&m, huge[i]) == NULL);
		EXPECT(umalloc_alloc_zeroed(&m, huge[i]) == NULL);
		EXPECT(umalloc_alloc_aligned(&m, 4096, huge[i]) == NULL);
		EXPECT(umalloc_realloc(&m, p, huge[i]) == NULL);
		EXPECT(test.refused == refused + 4 && test.calls == 0);
	}
	EXPECT(umalloc_alloc_aligned(&m, (size_t)1 << 63, 1) == NULL);
	umalloc_free(&m, p);
	test_close(&m);
}

static void alignments(void)
{
	test_open(&m, 16);
	for (size_t align = 1; align <= 1 << 18; align *= 2) {
		char *p[3];
		for (unsigned i = 0; i < 3; i++) {
			p[i] = umalloc_alloc_aligned(&m, align, 100 * i);
			EXPECT(p[i] != NULL && (uintptr_t)p[i] % align == 0);
			memset(p[i], (int)i, 100 * i);
			test_sound(&m);
		}
		for (unsigned i = 0; i < 3; i++) umalloc_free(&m, p[i]);
	}
	test_close(&m);
}

static void neighbours_merge_on_both_sides(void)
{
	char *p[5];

	test_open(&m, 16);
	for (unsigned i = 0; i < 5; i++) p[i] = umalloc_alloc(&m, 10000);
	umalloc_free(&m, p[1]);
	umalloc_free(&m, p[3]);
	EXPECT(stats().largest_free < 11000 || test.heap > 70000);
	const uint64_t pieces = stats().fragmentation;
	EXPECT(pieces > 0);
	umalloc_free(&m, p[2]);
	char *whole = umalloc_alloc(&m, 30000);
	EXPECT(whole == p[1]);
	umalloc_free(&m, whole);
	umalloc_free(&m, p[0]);
	umalloc_free(&m, p[4]);
	test_close(&m);
}

/* Small ones are merged before the heap grows for want of what they make together. */
static void quick_blocks_merge_before_growth(void)
{
	char *p[100];

	test_open(&m, 16);
	for (unsigned i = 0; i < 100; i++) p[i] = umalloc_alloc(&m, 200);
	const size_t heap = test.heap;
	for (unsigned i = 0; i < 100; i++) umalloc_free(&m, p[i]);
	EXPECT(umalloc_alloc(&m, 15000) == p[0] && test.heap == heap);
}

static void memory_goes_back(void)
{
	char *p[64];

	test_open(&m, 16);
	for (unsigned i = 0; i < 64; i++) p[i] = umalloc_alloc(&m, 60000);
	EXPECT(stats().heap_bytes >= 64 * 60000);
	for (unsigned i = 64; i-- != 0;) umalloc_free(&m, p[i]);
	EXPECT(stats().heap_bytes < 4 * 60000); /* without a drain */
	char *large = umalloc_alloc(&m, 1 << 20);
	EXPECT(test.mapped == 1 << 20);
	umalloc_free(&m, large);
	EXPECT(test.mapped == 0);
	test_close(&m);
}

/* Somebody else moves the break: the heap goes on behind that. */
static void the_break_is_not_ours_alone(void)
{
	char *p[40];

	test_open(&m, 16);
	for (unsigned i = 0; i < 40; i++) {
		p[i] = umalloc_alloc(&m, 3000);
		memset(p[i], (int)i, 3000);
		test_sound(&m);
		if (i % 8 == 7) test.break_at += 5000; /* to an odd place */
	}
	for (unsigned i = 0; i < 40; i++) {
		EXPECT(p[i][0] == (char)i && p[i][2999] == (char)i);
		umalloc_free(&m, p[i]);
	}
	umalloc_free(&m, p[3]);
	EXPECT(test.misused == 1 && test.verdict == UMALLOC_DOUBLE_FREE);
	umalloc_drain(&m);
	EXPECT(stats().live == 0);
}

static void contents_stay_when_resized(void)
{
	static const size_t sizes[] = { 1,      24,     25,     1000,   10, 70000,
					200000, 150000, 900000, 131072, 50 };

	test_open(&m, 16);
	char *p = umalloc_realloc(&m, NULL, 0);
	EXPECT(p != NULL);
	size_t had = 0;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		p = umalloc_realloc(&m, p, sizes[i]);
		for (size_t at = 0; at < had && at < sizes[i]; at++)
			EXPECT(p[at] == (char)(at * 7));
		for (size_t at = 0; at < sizes[i]; at++) p[at] = (char)(at * 7);
		had = sizes[i];
		EXPECT(umalloc_alloc(&m, 40) != NULL); /* in the way of growth */
		test_sound(&m);
	}
	EXPECT(umalloc_realloc(&m, p, 0) == NULL && test.refused == 0);
	EXPECT(stats().live == sizeof(sizes) / sizeof(sizes[0]));
}

static void zeroes(void)
{
	test_open(&m, 16);
	for (size_t bytes = 1; bytes < 300000; bytes = bytes * 3 + 1) {
		char *p = umalloc_alloc(&m, bytes);
		memset(p, 0xee, bytes);
		umalloc_free(&m, p);
		p = umalloc_alloc_zeroed(&m, bytes);
		for (size_t at = 0; at < bytes; at++) EXPECT(p[at] == 0);
		umalloc_free(&m, p);
	}
	test_close(&m);
}

static void bad(void *p, uint32_t verdict)
{
	const uint32_t before = test.misused;

	umalloc_free(&m, p);
	EXPECT(test.misused == before + 1 && test.verdict == verdict);
	EXPECT(umalloc_realloc(&m, p, 10) == NULL && test.misused == before + 2);
	EXPECT(umalloc_usable(&m, p) == 0);
	test_sound(&m);
}

static void misuse_is_told_and_changes_nothing(void)
{
	test_open(&m, 16);
	bad(test_memory + 64, UMALLOC_WILD); /* before anything was */
	char *small = umalloc_alloc(&m, 100), *middle = umalloc_alloc(&m, 20000);
	char *large = umalloc_alloc(&m, 500000), *last = umalloc_alloc(&m, 20000);
	memset(small, 0, 100);
	bad(small + 1, UMALLOC_WILD);
	bad(small + 16, UMALLOC_WILD);
	bad(middle + 4096, UMALLOC_WILD);
	bad(large + 4096, UMALLOC_WILD);
	bad(&small, UMALLOC_WILD);
	bad((void *)16, UMALLOC_WILD);
	bad((void *)UINTPTR_MAX, UMALLOC_WILD);
	umalloc_free(&m, small);
	bad(small, UMALLOC_DOUBLE_FREE);
	umalloc_free(&m, middle);
	bad(middle, UMALLOC_DOUBLE_FREE);
	umalloc_drain(&m); /* small is in the middle of free memory now, or at its start */
	bad(small, UMALLOC_DOUBLE_FREE);
	umalloc_free(&m, last);
	umalloc_free(&m, large);
	bad(large, UMALLOC_WILD); /* nobody knows any more */
	test_close(&m);
}

static void peaks_and_counts(void)
{
	test_open(&m, 16);
	char *p = umalloc_alloc(&m, 1000), *q = umalloc_alloc(&m, 2000);
	EXPECT(stats().live == 2 && stats().live_bytes == 1008 + 2016);
	umalloc_free(&m, p);
	EXPECT(stats().live_bytes == 2016 && stats().peak_bytes == 1008 + 2016);
	EXPECT(stats().released == 1 && stats().released_bytes == 1008);
	umalloc_free(&m, q);
	EXPECT(stats().live == 0 && stats().allocated == 2 && stats().peak_held_bytes == 4096);
	test_close(&m);
}

/* Plain first fit: one list, in which the first that fits is taken. */
static void first_fit_is_a_variant(void)
{
	char *p[20];

	test_open(&m, 16);
	m.config.fit = UMALLOC_FIRST_FIT;
	m.config.quick_bytes = 0;
	for (unsigned i = 0; i < 20; i++) p[i] = umalloc_alloc(&m, 100 * (i + 1));
	umalloc_free(&m, p[8]);
	umalloc_free(&m, p[12]); /* the first in the list, though larger than need be */
	EXPECT(umalloc_alloc(&m, 100) == p[12]);
	test_sound(&m);
	for (unsigned i = 0; i < 20; i++)
		if (i != 8) umalloc_free(&m, p[i]);
	test_close(&m);
}

/* Each block a mapping, the larger of size and alignment rounded up to pages. */
static void one_mapping_each_is_a_variant(void)
{
	static const size_t sizes[][3] = { { 1, 16, 4096 },
					   { 4096, 16, 4096 },
					   { 4097, 16, 8192 },
					   { 100, 8192, 8192 },
					   { 70000, 65536, 73728 } };
	test_open(&m, 16);
	m.config.map_bytes = m.config.quick_bytes = 0;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *p = sizes[i][1] == 16 ? umalloc_alloc(&m, sizes[i][0])
					    : umalloc_alloc_aligned(&m, sizes[i][1], sizes[i][0]);
		EXPECT((uintptr_t)p % sizes[i][1] == 0 && umalloc_usable(&m, p) == sizes[i][2]);
		EXPECT(stats().mapped_bytes == sizes[i][2]);
		umalloc_free(&m, p);
		EXPECT(test.unmapped == p && test.mapped == 0);
	}
	test_close(&m);
}

/* A large block grows with its pages: nothing is copied by us, queued, or held twice. */
static void large_blocks_grow_by_remap(void)
{
	test_open(&m, 16);
	m.config.remaps = true;
	char *p = umalloc_alloc(&m, 200000), *other = umalloc_alloc(&m, 200000);
	memset(p, 0x5a, 200000);
	test_sound(&m);
	char *q = umalloc_realloc(&m, p, 900000);
	EXPECT(strcmp(test.log, "r") == 0 && q != p && q[0] == 0x5a && q[199999] == 0x5a);
	EXPECT(stats().queued == 0 && stats().live == 2 && stats().allocated == 2);
	EXPECT(stats().mapped_bytes == 901120 + 200704 && umalloc_usable(&m, q) == 901120);
	EXPECT(stats().peak_held_bytes == 4096 + 901120 + 200704);
	umalloc_free(&m, p);
	EXPECT(test.misused == 1); /* nobody has that any more */
	test.map_fails = true;     /* then it stays as it is */
	EXPECT(umalloc_realloc(&m, q, 2000000) == NULL && test.refused == 1 && q[199999] == 0x5a);
	EXPECT(umalloc_realloc(&m, q, SIZE_MAX) == NULL && test.refused == 2);
	test.map_fails = false;
	q = umalloc_realloc(&m, q, 150000);
	EXPECT(stats().mapped_bytes == 151552 + 200704);
	umalloc_free(&m, q);
	umalloc_free(&m, other);
	test_close(&m);
}

int main(void)
{
	each_size_is_whole();
	the_first_request_may_have_any_size();
	refusals_are_null_and_told_once();
	alignments();
	neighbours_merge_on_both_sides();
	quick_blocks_merge_before_growth();
	memory_goes_back();
	the_break_is_not_ours_alone();
	contents_stay_when_resized();
	zeroes();
	misuse_is_told_and_changes_nothing();
	peaks_and_counts();
	first_fit_is_a_variant();
	one_mapping_each_is_a_variant();
	large_blocks_grow_by_remap();
	return 0;
}
