/*
 * heap_grow_test.c -- the heap over pages: growth, the window, spans that merge and split, pages
 * given back, and what the listener is told.
 *
 * The pool has no caches, so that every page is where one looks for it.
 */
#include <string.h>

#include "mm/heap_inside.h"
#include "mm/test_heap.h"

enum { KERNEL_HOW = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) };

static struct test_pool *t;
static struct heap heap;

static void open_heap(uint32_t pages, uint32_t window, uint32_t grow, uint32_t keep)
{
	t = test_pool_open(pages);
	const struct heap_config config = {
		.pages = &t->pool,
		.base = (uintptr_t)host_arena_base(),
		.window_bytes = (size_t)window << PAGE_SHIFT,
		.grow_bytes = (size_t)grow << PAGE_SHIFT,
		.keep_bytes = (size_t)keep << PAGE_SHIFT,
		.listener = &t->listener,
	};
	heap_init(&heap, &config);
}

/* Everything is back in the pool. */
static void close_heap(uint32_t pages)
{
	EXPECT_SOUND(&heap);
	EXPECT(heap.granted_blocks == 0);
	(void)heap_trim(&heap, SIZE_MAX);
	EXPECT_SOUND(&heap);
	EXPECT(heap.span_pages == 0 && heap.span_count == 0 && heap.block_bytes == 0);
	EXPECT(test_pool_free_pages(t) == pages);
	EXPECT(page_check(&t->pool) == NULL);
	free(t);
}

static void *get(size_t bytes, size_t align)
{
	uint8_t *p = heap_alloc(&heap, bytes, align, 0, 42);
	EXPECT_SOUND(&heap);
	EXPECT(is_aligned((uintptr_t)p, align));
	if (p != NULL) memset(p, 0x77, bytes);
	return p;
}

static void give(void *p)
{
	EXPECT(heap_free(&heap, p) == HEAP_FREED);
	EXPECT_SOUND(&heap);
}

static uint8_t *page(uint32_t n)
{
	return (uint8_t *)host_arena_base() + ((size_t)n << PAGE_SHIFT);
}

static void take_pages(uint32_t first, uint32_t pages)
{
	EXPECT(page_run_claim(&t->pool, mach_pa(page(first)), pages, KERNEL_HOW, 1));
}

static void free_pages(uint32_t first, uint32_t pages)
{
	EXPECT(page_run_free(&t->pool, mach_pa(page(first)), pages, KERNEL_HOW) == PAGE_FREED);
}

/* A10: a need near a whole number of pages is met by one growth, with the span's nodes. */
static void test_a10_growth_covers_its_own_nodes(void)
{
	const size_t fits = 2 * PAGE_SIZE - HEAP_SPAN_NODES - HEAP_NODE_BYTES;
	open_heap(64, 32, 0, 0);
	for (size_t bytes = 2 * PAGE_SIZE - 100; bytes <= 2 * PAGE_SIZE; bytes++) {
		const size_t growths = heap.growths;
		void *p = get(bytes, 16);
		EXPECT(p != NULL && heap.span_pages == (bytes <= fits ? 2 : 3));
		EXPECT(heap.growths == growths + 1);
		give(p);
		EXPECT(heap.span_pages == 0);
	}
	close_heap(64);
}

/* A11: a heap that has nothing to keep gives every page back, at once. */
static void test_a11_all_goes_back(void)
{
	void *p[64];
	open_heap(256, 255, 16, 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 64; i++)
			EXPECT((p[i] = get(3000 + 100 * (size_t)i, 16)) != NULL);
		for (int i = 0; i < 64; i++) give(p[i * 13 % 64]);
		EXPECT(heap.span_pages == 0 && test_pool_free_pages(t) == 256);
	}
	close_heap(256);
}

/* What is kept is kept until a trim; what a trim is asked for it does not exceed. */
static void test_keep_and_trim(void)
{
	open_heap(64, 48, 16, 8);
	void *p = get(30 * PAGE_SIZE, 16);
	EXPECT(heap.span_pages >= 31);
	give(p);
	EXPECT(heap.span_pages >= 8 && heap.span_pages <= 9);
	const size_t kept = heap.span_pages;
	EXPECT(heap_trim(&heap, 3) == 3 && heap.span_pages == kept - 3);
	EXPECT(heap_trim(&heap, 0) == 0);
	EXPECT(heap_trim(&heap, SIZE_MAX) == kept - 3);
	close_heap(64);
}

/* Growth asks for grow_bytes, and for less when the pool has less in one piece (A34). */
static void test_a34_growth_halves(void)
{
	open_heap(64, 64, 32, 64);
	void *p = get(100, 16);
	EXPECT(heap.span_pages == 32);
	give(p);
	close_heap(64);

	open_heap(64, 64, 32, 64);
	for (uint32_t n = 0; n < 64; n += 8) take_pages(n, 1); /* holes of 7 */
	p = get(100, 16);
	EXPECT(p != NULL && heap.span_pages == 4);
	give(p);
	(void)heap_trim(&heap, SIZE_MAX);
	p = get(6 * PAGE_SIZE, 16);
	EXPECT(p != NULL && heap.span_pages == 7);
	EXPECT(get(7 * PAGE_SIZE, 16) == NULL && t->told[MM_EVENT_PAGES_AT_GROWTH] == 1);
	give(p);
	for (uint32_t n = 0; n < 64; n += 8) free_pages(n, 1);
	close_heap(64);
}

/* Growth behind a span counts that span's free end toward the need, and the spans are one. */
static void test_growth_extends(void)
{
	open_heap(64, 64, 0, 64);
	void *a = get(2500, 16), *b = get(5000, 16);
	EXPECT(heap.span_count == 1 && heap.span_pages == 2);
	void *c = get(60 * PAGE_SIZE, 16);
	EXPECT(c != NULL && heap.span_count == 1 && heap.span_pages == 62);
	give(b);
	give(a);
	give(c);
	close_heap(64);
}

/* P5.18 for spans: two that come to touch are one, and a block can lie across the seam. */
static void test_spans_merge_and_split(void)
{
	open_heap(16, 16, 0, 16);
	take_pages(0, 2);
	take_pages(4, 2);
	take_pages(8, 8);
	void *a = get(2 * PAGE_SIZE - 200, 16); /* pages 2, 3 */
	void *b = get(2 * PAGE_SIZE - 200, 16); /* pages 6, 7 */
	EXPECT(heap.span_count == 2 && heap.span_pages == 4);
	free_pages(4, 2);
	void *c = get(2 * PAGE_SIZE + 100, 16); /* pages 4, 5 and what was beside them */
	EXPECT(c != NULL && heap.span_count == 1 && heap.span_pages == 6);
	EXPECT((uint8_t *)c < page(4) && (uint8_t *)c + 2 * PAGE_SIZE + 100 > page(6) - 50);
	give(c);
	EXPECT(heap_trim(&heap, SIZE_MAX) == 2 && heap.span_count == 2);
	give(a);
	give(b);
	(void)heap_trim(&heap, SIZE_MAX);
	EXPECT(heap.span_count == 0);
	free_pages(0, 2);
	free_pages(8, 8);
	close_heap(16);
}

/* A cut leaves a block beside it, or only a node, or moves by a page to leave enough for one. */
static void test_cut_at_every_offset(void)
{
	open_heap(32, 32, 0, 32);
	for (size_t bytes = 2048; bytes <= 2048 + PAGE_SIZE; bytes += HEAP_GRAIN) {
		uint8_t *a = get(bytes, 16), *b = get(6 * PAGE_SIZE, 16), *c = get(bytes, 16);
		give(b);
		const size_t given = heap_trim(&heap, SIZE_MAX);
		EXPECT(given >= 4 && given <= 6);
		EXPECT_SOUND(&heap);
		EXPECT(heap.span_count == 2);
		for (size_t i = 0; i < bytes; i++) EXPECT(a[i] == 0x77 && c[i] == 0x77);
		give(a);
		give(c);
		EXPECT(heap_trim(&heap, SIZE_MAX) != 0 && heap.span_count == 0);
	}
	close_heap(32);
}

/* The window is a quota: reached exactly, never passed, and said. */
static void test_window(void)
{
	open_heap(64, 4, 16, 0);
	EXPECT(get(4 * PAGE_SIZE, 16) == NULL && t->told[MM_EVENT_NO_HEAP_BLOCK] == 1);
	EXPECT(heap.span_pages == 0);
	void *p = get(4 * PAGE_SIZE - HEAP_SPAN_NODES - HEAP_NODE_BYTES, 16);
	EXPECT(p != NULL && heap.span_pages == 4);
	EXPECT(get(1, 16) == NULL && t->told[MM_EVENT_NO_HEAP_BLOCK] == 2);
	EXPECT(heap_alloc_held(&heap, 1, 16, 0) == NULL && t->told[MM_EVENT_NO_HEAP_BLOCK] == 2);
	EXPECT(get(SIZE_MAX, 16) == NULL && t->told[MM_EVENT_NO_HEAP_BLOCK] == 3);
	EXPECT(t->told[MM_EVENT_PAGES_AT_GROWTH] == 0);
	give(p);
	close_heap(64);
}

static void test_pool_is_empty(void)
{
	open_heap(16, 16, 4, 0);
	take_pages(0, 16);
	EXPECT(get(100, 16) == NULL && t->told[MM_EVENT_PAGES_AT_GROWTH] == 1);
	EXPECT(heap.asked_pages == 0 && heap.span_pages == 0);
	free_pages(7, 1);
	void *p = get(100, 16);
	EXPECT(p != NULL && heap.span_pages == 1);
	give(p);
	free_pages(0, 7);
	free_pages(8, 8);
	close_heap(16);
}

/* Alignments up to 4 MiB, the largest there is in the arena. */
static void test_alignment(void)
{
	t = test_pool_open(TEST_PAGES);
	free(t);
	for (size_t align = 16; align <= (TEST_PAGES / 4) << PAGE_SHIFT; align *= 2) {
		open_heap(TEST_PAGES, TEST_PAGES - 1, 0, 0);
		void *shift = get(100, 16), *p = get(5000, align), *q = get(100, align);
		EXPECT(p != NULL && q != NULL);
		give(shift);
		give(p);
		give(q);
		EXPECT(heap.span_pages == 0);
		close_heap(TEST_PAGES);
	}
	open_heap(TEST_PAGES, TEST_PAGES - 1, 0, 0);
	EXPECT(get(1, (size_t)4 << 20) == NULL); /* the window is smaller than the alignment */
	close_heap(TEST_PAGES);
}

/* Pages and memory that was given do not mix, though they touch. */
static void test_fixed_beside_pages(void)
{
	open_heap(16, 15, 0, 0);
	take_pages(0, 1);
	EXPECT(heap_add(&heap, page(0), PAGE_SIZE));
	EXPECT_SOUND(&heap);
	void *p = get(PAGE_SIZE, 16);
	EXPECT(p != NULL && heap.span_count == 2 && heap.span_pages == 2);
	give(p);
	EXPECT(heap.span_count == 1 && heap.span_pages == 0);
	p = get(3000, 16);
	EXPECT((uint8_t *)p < page(1) && heap.span_pages == 0);
	give(p);
	EXPECT(heap_trim(&heap, SIZE_MAX) == 0 && heap.span_count == 1);
	mach_unpoison(page(0), PAGE_SIZE);
	free_pages(0, 1);
	free(t);
}

int main(void)
{
	test_a10_growth_covers_its_own_nodes();
	test_a11_all_goes_back();
	test_keep_and_trim();
	test_a34_growth_halves();
	test_growth_extends();
	test_spans_merge_and_split();
	test_cut_at_every_offset();
	test_window();
	test_pool_is_empty();
	test_alignment();
	test_fixed_beside_pages();
	return 0;
}
