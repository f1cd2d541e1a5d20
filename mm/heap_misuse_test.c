/*
 * heap_misuse_test.c -- what a heap answers to bad frees and to damage, and resizing in place.
 *
 * Every bad free must get its exact verdict and change nothing: after each, the heap is compared
 * byte for byte with what it was.  Damage is done on purpose and undone again.
 */
#include <string.h>

#include "mm/heap_inside.h"
#include "mm/test_heap.h"

enum { MEMORY = 8192, PIECES = 16, PIECE = 256 };

static _Alignas(4096) uint8_t memory[MEMORY], copy[MEMORY];
static struct heap heap, heap_copy;
static uint8_t *piece[PIECES];

/* Copies memory that is poisoned in parts. */
METADATA_ACCESS static void raw_copy(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
}

METADATA_ACCESS static bool raw_same(const void *a, const void *b, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (((const volatile uint8_t *)a)[i] != ((const uint8_t *)b)[i]) return false;
	}
	return true;
}

METADATA_ACCESS static void flip(uint8_t *at)
{
	*(volatile uint8_t *)at ^= 0x55;
}

static void remember(void)
{
	raw_copy(copy, memory, MEMORY);
	heap_copy = heap;
	heap_copy.lock = (struct lock){ .next = 0 };
}

/* Memory and heap are as they were when remembered, but for the lock's tickets. */
static void expect_unchanged(void)
{
	struct heap now = heap;
	now.lock = (struct lock){ .next = 0 };
	EXPECT(raw_same(memory, copy, MEMORY));
	EXPECT(memcmp(&now, &heap_copy, sizeof now) == 0);
}

static void expect_refused(void *p, enum heap_verdict verdict)
{
	EXPECT(heap_free(&heap, p) == verdict);
	expect_unchanged();
}

/* Full of pieces of 256 bytes, node included, in a row. */
static void open_pieces(void)
{
	const struct heap_config config = { .base = (uintptr_t)memory };
	mach_unpoison(memory, MEMORY);
	memset(memory, 0xA5, MEMORY);
	heap_init(&heap, &config);
	EXPECT(heap_add(&heap, memory, PIECES * PIECE + HEAP_SPAN_NODES));
	for (int i = 0; i < PIECES; i++) {
		piece[i] = heap_alloc_held(&heap, PIECE - HEAP_NODE_BYTES, 8, SITE_NONE);
		EXPECT(piece[i] == memory + HEAP_SPAN_NODES + i * PIECE);
	}
	EXPECT(heap.free_blocks == 0);
}

static size_t free_bytes(void)
{
	struct heap_counts c;
	heap_count(&heap, &c);
	return c.free_bytes;
}

static void give(int i)
{
	EXPECT(heap_free(&heap, piece[i]) == HEAP_FREED);
	EXPECT_SOUND(&heap);
}

static void close_pieces(void)
{
	for (int i = 0; i < PIECES; i++) (void)heap_free(&heap, piece[i]);
	EXPECT_SOUND(&heap);
	EXPECT(heap.free_blocks == 1 && heap.granted_blocks == 0);
}

static void test_double_free(void)
{
	open_pieces();
	give(3);
	remember();
	expect_refused(piece[3], HEAP_DOUBLE_FREE);
	give(2); /* the node of 3 is swallowed */
	remember();
	expect_refused(piece[3], HEAP_DOUBLE_FREE);
	expect_refused(piece[2], HEAP_DOUBLE_FREE);
	give(4);
	remember();
	for (int i = 2; i <= 4; i++) expect_refused(piece[i], HEAP_DOUBLE_FREE);
	close_pieces();
	remember();
	for (int i = 0; i < PIECES; i++) expect_refused(piece[i], HEAP_DOUBLE_FREE);
}

static void test_wild(void)
{
	open_pieces();
	give(5);
	remember();
	for (int off = 1; off < PIECE; off++) expect_refused(piece[7] + off, HEAP_WILD);
	expect_refused(memory, HEAP_WILD);
	expect_refused(memory + HEAP_NODE_BYTES, HEAP_WILD);
	expect_refused(memory + 32, HEAP_WILD);
	expect_refused(piece[PIECES - 1] + PIECE, HEAP_WILD); /* would be the epilogue's */
	expect_refused(memory + MEMORY, HEAP_WILD);
	expect_refused(NULL, HEAP_WILD);
	expect_refused((void *)(uintptr_t)16, HEAP_WILD);
	expect_refused((void *)(uintptr_t)-16, HEAP_WILD);
	expect_refused(&heap, HEAP_WILD);
	expect_refused(piece[5] + 32, HEAP_DOUBLE_FREE);
	close_pieces();
}

/* A user's bytes that look like a node are not one: its place is part of its check word. */
static void test_forged_node(void)
{
	open_pieces();
	raw_copy(piece[7] + 16 + 8, piece[6] - HEAP_NODE_BYTES, HEAP_NODE_BYTES);
	remember();
	expect_refused(piece[7] + 48, HEAP_WILD);
	close_pieces();
}

/* P5.16: an overflow of one byte and of more is seen when either block is freed. */
static void test_damaged_node(void)
{
	open_pieces();
	for (int n = 0; n < HEAP_NODE_BYTES; n++) {
		uint8_t *at = piece[8] - HEAP_NODE_BYTES + n;
		flip(at);
		remember();
		expect_refused(piece[7], HEAP_CORRUPT);
		const enum heap_verdict v = heap_free(&heap, piece[8]);
		EXPECT(v == HEAP_CORRUPT);
		expect_refused(piece[9], HEAP_CORRUPT);
		EXPECT(!heap_resize(&heap, piece[7], 8) && !heap_resize(&heap, piece[8], 8));
		EXPECT(heap_usable(&heap, piece[8]) == 0);
		EXPECT(heap_check(&heap) != NULL);
		expect_unchanged();
		flip(at);
	}
	EXPECT_SOUND(&heap);
	close_pieces();
}

/* The same for a free block's node and links, as a write after free makes it. */
static void test_damaged_free_node(void)
{
	open_pieces();
	give(2);
	give(8);
	give(11);
	for (int n = 0; n < HEAP_NODE_BYTES; n++) {
		uint8_t *at = piece[8] - HEAP_NODE_BYTES + n;
		flip(at);
		remember();
		expect_refused(piece[7], HEAP_CORRUPT);
		expect_refused(piece[9], HEAP_CORRUPT);
		EXPECT(!heap_resize(&heap, piece[7], PIECE));
		EXPECT(heap_check(&heap) != NULL);
		expect_unchanged();
		flip(at);
	}
	close_pieces();
}

/* Damage does not get well when the size beside it changes. */
static void test_damage_is_not_healed(void)
{
	open_pieces();
	give(6);
	flip(piece[7] - HEAP_NODE_BYTES);                          /* the size of 7 */
	uint8_t *small = heap_alloc_held(&heap, 40, 8, SITE_NONE); /* changes `left` of 7 */
	EXPECT(small == piece[6]);
	EXPECT(heap_free(&heap, piece[7]) == HEAP_CORRUPT);
	flip(piece[7] - HEAP_NODE_BYTES);
	EXPECT_SOUND(&heap);
	EXPECT(heap_free(&heap, small) == HEAP_FREED);
	close_pieces();
}

static void write_link(uint8_t *payload, uint32_t next)
{
	raw_copy(payload - HEAP_NODE_BYTES + offsetof(struct heap_node, next), &next, sizeof next);
}

/* A19: a link that leads out of the heap, or to what is not a free block, is never followed. */
static void test_a19_link_leaves_the_heap(void)
{
	static const uint32_t links[] = { UINT32_MAX, 1u << 30, MEMORY, 1, 63, 64, 67 };
	for (size_t n = 0; n < COUNT_OF(links); n++) {
		open_pieces();
		give(2);
		give(8);
		give(11); /* the list: 11, 8, 2 */
		write_link(piece[11], links[n]);
		EXPECT(heap_alloc_held(&heap, 232, 8, SITE_NONE) == piece[11]);
		EXPECT(heap.cut_chains == 1);
		EXPECT(heap_alloc_held(&heap, 232, 8, SITE_NONE) == NULL);
		EXPECT(heap.cut_chains == 1 && heap_check(&heap) != NULL);
		/* What was not on that list goes on working. */
		EXPECT(heap_free(&heap, piece[5]) == HEAP_FREED);
		EXPECT(heap_alloc_held(&heap, 232, 8, SITE_NONE) == piece[5]);
	}
}

/* The first of a list is damaged: the list is given up, the other lists are not. */
static void test_a19_head_is_damaged(void)
{
	open_pieces();
	give(2);
	give(8);
	give(9);
	give(10); /* a block of three pieces, on a higher list */
	flip(piece[2] - HEAP_NODE_BYTES + 1);
	uint8_t *p = heap_alloc_held(&heap, 232, 8, SITE_NONE);
	EXPECT(p == piece[8] && heap.cut_chains == 1);
}

/* --- resize ----------------------------------------------------------------------------------- */

static bool resize(int i, size_t bytes)
{
	const bool done = heap_resize(&heap, piece[i], bytes);
	EXPECT_SOUND(&heap);
	if (done) memset(piece[i], i, bytes);
	return done;
}

static void test_resize(void)
{
	open_pieces();
	memset(piece[4], 4, 232);
	EXPECT(!resize(4, 240)); /* nothing to the right */
	give(5);
	EXPECT(resize(4, 240) && free_bytes() == PIECE - 16);
	EXPECT(resize(4, 488) && heap.free_blocks == 0); /* all of both */
	EXPECT(!resize(4, 489));
	EXPECT(resize(4, 480 - 8) && heap.free_blocks == 0); /* a rest of 16 stays with it */
	EXPECT(heap_usable(&heap, piece[4]) == 472);
	EXPECT(resize(4, 456) && free_bytes() == 32);
	EXPECT(resize(4, 232) && free_bytes() == PIECE);
	EXPECT(resize(4, 0) && heap_usable(&heap, piece[4]) == 8); /* A29: still a block */
	EXPECT(free_bytes() == 2 * PIECE - 32);
	EXPECT(resize(4, 1) && resize(4, 8) && free_bytes() == 2 * PIECE - 32);
	for (int i = 0; i < 8; i++) EXPECT(piece[4][i] == 4);
	close_pieces();
}

/* A26: the same size again, beside a free block, splits nothing off. */
static void test_a26_same_size(void)
{
	open_pieces();
	give(5);
	remember();
	for (size_t bytes = 225; bytes <= 232; bytes++) {
		EXPECT(heap_resize(&heap, piece[4], 232));
		expect_unchanged();
		EXPECT(heap_resize(&heap, piece[4], bytes));
		EXPECT(heap.free_blocks == 1 && free_bytes() == PIECE);
		EXPECT_SOUND(&heap);
	}
	close_pieces();
}

/* A25: what is usable is what was asked for, to the next 8; the node is not part of it. */
static void test_a25_usable(void)
{
	const struct heap_config config = { .base = (uintptr_t)memory };
	mach_unpoison(memory, MEMORY);
	heap_init(&heap, &config);
	EXPECT(heap_add(&heap, memory, MEMORY));
	for (size_t bytes = 1; bytes < 300; bytes++) {
		uint8_t *p = heap_alloc_held(&heap, bytes, 8, SITE_NONE);
		EXPECT(heap_usable(&heap, p) == align_up(bytes, 8));
		memset(p, 0xFF, heap_usable(&heap, p));
		EXPECT_SOUND(&heap);
		EXPECT(heap_free(&heap, p) == HEAP_FREED);
	}
}

static void test_verdict_names(void)
{
	for (unsigned v = 0; v < HEAP_VERDICTS; v++)
		EXPECT(strcmp(heap_verdict_name((enum heap_verdict)v), "?") != 0);
	EXPECT(strcmp(heap_verdict_name(HEAP_VERDICTS), "?") == 0);
}

int main(void)
{
	test_double_free();
	test_wild();
	test_forged_node();
	test_damaged_node();
	test_damaged_free_node();
	test_damage_is_not_healed();
	test_a19_link_leaves_the_heap();
	test_a19_head_is_damaged();
	test_resize();
	test_a26_same_size();
	test_a25_usable();
	test_verdict_names();
	mach_unpoison(memory, MEMORY);
	return 0;
}
