/*
 * heap_test.c -- blocks: granting, splitting, aligning, taking back, resizing, refusing.
 *
 * All in memory that heap_add gave, so that every size is exact; heap_grow_test.c has the pages.
 * Tests are named after the rows of the promises (P5.x) and the defects (Axx) that they hold.
 */
#include <string.h>

#include "mm/heap_inside.h"
#include "mm/test_heap.h"

static _Alignas(1 << 16) uint8_t memory[1 << 16];
static struct heap heap;

static struct heap_counts counts(void)
{
	struct heap_counts c;
	heap_count(&heap, &c);
	return c;
}

/* A heap with one free block of `bytes`. */
static void open_block(size_t bytes)
{
	mach_unpoison(memory, sizeof memory);
	memset(memory, 0xA5, sizeof memory);
	const struct heap_config config = { .base = (uintptr_t)memory };
	heap_init(&heap, &config);
	EXPECT(heap_add(&heap, memory, bytes + HEAP_SPAN_NODES));
	EXPECT_SOUND(&heap);
	EXPECT(heap.free_blocks == 1 && counts().free_bytes == bytes);
}

static void *get(size_t bytes)
{
	void *p = heap_alloc_held(&heap, bytes, 8, SITE_NONE);
	EXPECT_SOUND(&heap);
	return p;
}

static void *get_aligned(size_t bytes, size_t align)
{
	void *p = heap_alloc_held(&heap, bytes, align, SITE_NONE);
	EXPECT_SOUND(&heap);
	EXPECT(p == NULL || is_aligned((uintptr_t)p, align));
	return p;
}

static void give(void *p)
{
	EXPECT(heap_free(&heap, p) == HEAP_FREED);
	EXPECT_SOUND(&heap);
}

/* All is back, in one piece. */
static void expect_whole(size_t bytes)
{
	const struct heap_counts c = counts();
	EXPECT(c.granted_blocks == 0 && c.granted_bytes == 0);
	EXPECT(c.free_blocks == 1 && c.free_bytes == bytes);
	EXPECT(c.largest_free == bytes - HEAP_NODE_BYTES);
}

/* P5.1: first fit from the front, in the same place every time. */
static void test_p5_1_placement(void)
{
	open_block(4096);
	uint8_t *a = get(100), *b = get(100), *c = get(100);
	EXPECT(a == memory + HEAP_SPAN_NODES);
	EXPECT(b == a + 128 && c == b + 128);
	give(b);
	EXPECT(get(100) == b);
	give(a);
	give(b);
	EXPECT(get(200) == a);
	give(a);
	give(c);
	expect_whole(4096);
}

/* P5.2, P5.8: a block of 64, a need of 48, a rest of 16 that no node fits into. */
static void test_p5_2_rest_too_small(void)
{
	open_block(64);
	void *p = get(48 - HEAP_NODE_BYTES);
	EXPECT(p != NULL);
	const struct heap_counts c = counts();
	EXPECT(c.granted_bytes == 64 && c.granted_blocks == 1);
	EXPECT(c.free_bytes == 0 && c.free_blocks == 0 && c.largest_free == 0);
	EXPECT(get(1) == NULL);
	give(p);
	expect_whole(64);
	for (int n = 0; n < 1000; n++) give(get(48 - HEAP_NODE_BYTES)); /* A04: nothing is lost */
	expect_whole(64);
}

/* P5.3: the node; P5.4: what is a block and what is not. */
static void test_p5_3_node(void)
{
	EXPECT(sizeof(struct heap_node) == 24 && _Alignof(struct heap_node) == 8);
	EXPECT(!heap_rest_is_block(0) && !heap_rest_is_block(1) && !heap_rest_is_block(23));
	EXPECT(heap_rest_is_block(24) && heap_rest_is_block(25));
}

/* P5.4: every rest that can occur, 0 to 48, beside a neighbour that must stay as it is. */
static void test_p5_4_rests(void)
{
	for (uint32_t rest = 0; rest <= 48; rest += HEAP_GRAIN) {
		open_block(1024);
		void *hole = get(128 + rest - HEAP_NODE_BYTES), *wall = get(64);
		memset(wall, 0x5A, 64);
		give(hole);
		void *p = get(128 - HEAP_NODE_BYTES);
		EXPECT(p == hole);
		EXPECT(counts().free_blocks == (rest >= HEAP_NODE_BYTES ? 2 : 1));
		memset(p, 0xC3, 128 - HEAP_NODE_BYTES);
		for (int i = 0; i < 64; i++) EXPECT(((uint8_t *)wall)[i] == 0x5A);
		give(p);
		give(wall);
		expect_whole(1024);
	}
}

/* P5.5: aligning up, also at the top of memory; a difference that would be negative is 0. */
static void test_p5_5_arithmetic(void)
{
	uint64_t sum;
	EXPECT(align_up(0x800001, 8) == 0x800008 && align_up(0x800008, 8) == 0x800008);
	EXPECT(align_up(0x80000F, 16) == 0x800010);
	EXPECT(align_up(UINT64_MAX - 7, 8) == UINT64_MAX - 7 && align_up(UINT64_MAX, 8) == 0);
	EXPECT(sub_or_zero(16, 24) == 0 && sub_or_zero(24, 16) == 8);
	EXPECT(!add_fits(UINT64_MAX, 1, &sum) && add_fits(UINT64_MAX, 0, &sum));
	EXPECT(heap_front(0x800008, 16) == 0);
	EXPECT(heap_front(0x800008, 32) == 0 && heap_front(0x800018, 64) == 16 + 64);
	EXPECT(heap_front(0x800008, 64) == 32 && heap_front(0x800028, 64) == 0);
	EXPECT(heap_front(0x800048, 4096) == 4096 - 96);
}

/* P5.6: taking one from the middle of a list loses no other. */
static void test_p5_6_list_is_conserved(void)
{
	void *hole[16], *wall[16];
	open_block(16 * 256);
	for (int i = 0; i < 16; i++) {
		hole[i] = get(104);
		wall[i] = get(104);
	}
	for (int i = 0; i < 15; i++) give(hole[i]);
	EXPECT(counts().free_blocks == 15);
	for (int i = 0; i < 15; i++) {
		const int k = i * 7 % 15; /* each from somewhere in the list */
		EXPECT(heap_resize(&heap, k == 0 ? wall[0] : wall[k], 104));
		give(wall[k]);
		EXPECT_SOUND(&heap);
	}
	give(hole[15]);
	give(wall[15]);
	expect_whole(16 * 256);
}

/* P5.7, P5.9. */
static void test_p5_7_and_9(void)
{
	open_block(256);
	void *p = get_aligned(48, 8);
	EXPECT(p != NULL && heap_usable(&heap, p) == 48);
	give(p);
	void *a = get(128 - HEAP_NODE_BYTES), *b = get(128 - HEAP_NODE_BYTES);
	EXPECT(a != NULL && b != NULL && counts().free_blocks == 0);
	EXPECT(counts().granted_bytes == 256);
	give(a);
	give(b);
	expect_whole(256);
}

/* P5.11: the smallest, one more, 0 as 1. */
static void test_p5_11_edges(void)
{
	open_block(1024);
	void *p = get(0), *q = get(8), *r = get(9);
	EXPECT(p != NULL && q != NULL && r != NULL);
	EXPECT(heap_usable(&heap, p) == 8 && heap_usable(&heap, q) == 8);
	EXPECT(heap_usable(&heap, r) == 16);
	EXPECT(counts().granted_bytes == 32 + 32 + 48);
	give(q);
	give(p);
	give(r);
	expect_whole(1024);
	p = get(1024 - HEAP_NODE_BYTES);
	EXPECT(p != NULL);
	give(p);
	EXPECT(get(1024 - HEAP_NODE_BYTES + 1) == NULL);
	expect_whole(1024);
}

/* P5.11, A22: sizes and alignments whose sums would wrap. */
static void test_p5_11_overflow(void)
{
	open_block(1024);
	for (size_t less = 0; less < 200; less++) {
		EXPECT(get(SIZE_MAX - less) == NULL);
		EXPECT(get(((size_t)1 << 32) - less) == NULL);
		EXPECT(get(((size_t)1 << 32) + less) == NULL);
	}
	EXPECT(get_aligned(SIZE_MAX, (size_t)1 << 63) == NULL);
	EXPECT(get_aligned(1, (size_t)1 << 63) == NULL);
	EXPECT(get_aligned(1, (size_t)1 << 32) == NULL);
	EXPECT(get_aligned(SIZE_MAX - 64, 64) == NULL);
	void *p = get(16);
	EXPECT(!heap_resize(&heap, p, SIZE_MAX) && !heap_resize(&heap, p, SIZE_MAX - 23));
	EXPECT(!heap_resize(&heap, p, ((size_t)1 << 32) + 16));
	give(p);
	expect_whole(1024);
}

/* P5.11, A05: what stands in front of an aligned payload comes back too. */
static void test_p5_11_alignment(void)
{
	open_block(32768);
	for (size_t align = 1; align <= 16384; align *= 2) {
		for (size_t bytes = 1; bytes < 200; bytes += 13) {
			void *shift = get(bytes), *p = get_aligned(bytes, align);
			EXPECT(p != NULL);
			memset(p, 0x11, bytes);
			give(shift);
			give(p);
			expect_whole(32768);
		}
	}
	EXPECT(get_aligned(1, 65536) == NULL);
	expect_whole(32768);
}

/* P5.18: merge with the left, the right and both. */
static void test_p5_18_merge(void)
{
	static const char orders[6][4] = { "abc", "acb", "bac", "bca", "cab", "cba" };
	for (int n = 0; n < 6; n++) {
		open_block(3 * 128);
		void *p[3] = { get(104), get(104), get(104) };
		for (int i = 0; i < 3; i++) give(p[orders[n][i] - 'a']);
		expect_whole(3 * 128);
	}
}

/* P5.19: numbers and walk agree; P5.15: the figures. */
static void test_p5_19_statistics(void)
{
	struct heap_fragmentation f;
	open_block(4096);
	void *a = get(1000), *b = get(1000), *c = get(1000);
	give(b);
	struct heap_counts n = counts();
	EXPECT(n.granted_blocks == 2 && n.granted_bytes == 2 * 1024);
	EXPECT(n.peak_bytes == 3 * 1024 && n.free_blocks == 2);
	EXPECT(n.free_bytes == 4096 - 2 * 1024 && n.largest_free == 1024 - HEAP_NODE_BYTES);
	EXPECT(n.span_count == 1 && n.span_pages == 0 && n.cut_chains == 0);
	heap_fragmentation(&heap, &f);
	EXPECT(f.free_bytes == n.free_bytes && f.largest_bytes == 1024);
	EXPECT(f.blocks[heap_bin(1024)] == 2 && f.bytes[heap_bin(1024)] == 2048);
	give(c);
	heap_fragmentation(&heap, &f);
	EXPECT(f.blocks[heap_bin(3072)] == 1 && f.bytes[heap_bin(1024)] == 0);
	give(a);
	expect_whole(4096);
	EXPECT(counts().peak_bytes == 3 * 1024);
}

/* Call sites: who holds what. */
static void test_sites(void)
{
	struct site_row rows[4];
	size_t n = 0;
	open_block(4096);
	void *a = heap_alloc_held(&heap, 100, 8, 7), *b = heap_alloc_held(&heap, 100, 8, 9);
	void *c = heap_alloc_held(&heap, 8, 8, 7);
	EXPECT(heap_sites(&heap, rows, COUNT_OF(rows), &n));
	EXPECT(n == 2 && rows[0].site == 7 && rows[0].objects == 2 && rows[0].bytes == 128 + 32);
	EXPECT(rows[1].site == 9 && rows[1].objects == 1 && rows[1].bytes == 128);
	n = 0;
	EXPECT(!heap_sites(&heap, rows, 1, &n) && n == 1 && rows[0].site == 7);
	give(a);
	give(b);
	give(c);
}

/* A08: the fit stands second in its class, behind one that is too small. */
static void test_a08_whole_class_is_searched(void)
{
	open_block(8192);
	void *large = get(1150), *wall1 = get(1), *small = get(1050), *wall2 = get(1);
	void *rest = get(counts().largest_free);
	EXPECT(rest != NULL && counts().free_blocks == 0);
	give(large);
	give(small); /* now the head of the list that both are on */
	EXPECT(heap_bin(1184) == heap_bin(1088));
	EXPECT(get(1150) == large);
	give(large);
	give(wall1);
	give(wall2);
	give(rest);
}

/* A41: memory that starts and ends anywhere. */
static void test_a41_any_start(void)
{
	const struct heap_config config = { .base = (uintptr_t)memory };
	for (size_t off = 0; off < 33; off++) {
		mach_unpoison(memory, sizeof memory);
		heap_init(&heap, &config);
		EXPECT(heap_add(&heap, memory + off, 1000 - off % 7));
		EXPECT_SOUND(&heap);
		void *p = get(500);
		EXPECT(p != NULL);
		give(p);
	}
	heap_init(&heap, &config);
	EXPECT(!heap_add(&heap, memory, 0) && !heap_add(&heap, memory + 1, HEAP_SPAN_NODES + 16));
	EXPECT(!heap_add(&heap, memory, SIZE_MAX) && !heap_add(&heap, memory + 64, (size_t)-32));
	EXPECT_SOUND(&heap);
	EXPECT(get(1) == NULL && heap_free(&heap, memory) == HEAP_WILD);
	EXPECT(heap_free(&heap, NULL) == HEAP_WILD && heap_usable(&heap, NULL) == 0);
	const struct heap_config later = { .base = (uintptr_t)memory + 4096 };
	heap_init(&heap, &later);
	EXPECT(!heap_add(&heap, memory, 1024));
}

/* Memory given piece by piece is one span where it touches. */
static void test_pieces_join(void)
{
	open_block(1024 - HEAP_SPAN_NODES);
	EXPECT(heap_add(&heap, memory + 2048, 1024));
	EXPECT_SOUND(&heap);
	EXPECT(counts().span_count == 2);
	EXPECT(get(1024) == NULL);
	EXPECT(heap_add(&heap, memory + 1024, 1024));
	EXPECT_SOUND(&heap);
	EXPECT(counts().span_count == 1);
	void *p = get(3072 - HEAP_SPAN_NODES - HEAP_NODE_BYTES);
	EXPECT(p != NULL);
	give(p);
	expect_whole(3072 - HEAP_SPAN_NODES);
}

int main(void)
{
	test_p5_1_placement();
	test_p5_2_rest_too_small();
	test_p5_3_node();
	test_p5_4_rests();
	test_p5_5_arithmetic();
	test_p5_6_list_is_conserved();
	test_p5_7_and_9();
	test_p5_11_edges();
	test_p5_11_overflow();
	test_p5_11_alignment();
	test_p5_18_merge();
	test_p5_19_statistics();
	test_sites();
	test_a08_whole_class_is_searched();
	test_a41_any_start();
	test_pieces_join();
	mach_unpoison(memory, sizeof memory);
	return 0;
}
