/*
 * early_test.c -- the boot allocator: alignment, exhaustion, wrap, the hand-over.
 */
#include "mm/early.h"
#include "mm/test_pool.h"

enum { ROOM = 4 * PAGE_SIZE };

static _Alignas(PAGE_SIZE) uint8_t memory[ROOM];

static struct early fresh(size_t skip)
{
	struct early e;

	memset(memory, 0xa5, sizeof(memory));
	early_init(&e, memory + skip, sizeof(memory) - skip);
	return e;
}

static void blocks_are_aligned_zeroed_and_apart(void)
{
	struct early e = fresh(3);
	uint8_t *before = memory + 3;

	for (size_t align = 1; align <= PAGE_SIZE; align *= 2) {
		uint8_t *p = early_alloc(&e, 5, align);

		EXPECT(p != NULL && p >= before && is_aligned((uintptr_t)p, align));
		for (size_t i = 0; i < 5; i++) EXPECT(p[i] == 0);
		memset(p, 1, 5);
		before = p + 5;
	}
	EXPECT(e.blocks == 13);
}

static void the_last_byte_can_be_had_and_no_more(void)
{
	struct early e = fresh(0);

	EXPECT(early_alloc(&e, ROOM + 1, 1) == NULL);
	EXPECT(early_alloc(&e, ROOM - 1, 1) == memory);
	EXPECT(early_alloc(&e, 1, 2) == NULL); /* the padding alone would fill it */
	EXPECT(early_alloc(&e, 1, 1) == memory + ROOM - 1);
	EXPECT(early_alloc(&e, 1, 1) == NULL);
	EXPECT(e.used == ROOM && e.blocks == 2);
}

static void huge_sizes_and_alignments_do_not_wrap(void)
{
	struct early e = fresh(1);

	EXPECT(early_alloc(&e, 0, 8) == NULL);
	EXPECT(early_alloc(&e, SIZE_MAX, 1) == NULL);
	EXPECT(early_alloc(&e, SIZE_MAX, PAGE_SIZE) == NULL);
	EXPECT(early_alloc(&e, SIZE_MAX - 4, 16) == NULL);
	EXPECT(early_alloc(&e, 1, (size_t)1 << 63) == NULL);
	EXPECT(e.used == 0 && e.blocks == 0);
}

static void a_heap_at_the_top_of_the_address_space(void)
{
	struct early e;

	early_init(&e, (void *)(UINTPTR_MAX - 99), 100);
	EXPECT(early_alloc(&e, 1, PAGE_SIZE) == NULL); /* the next page's address would be 0 */
	EXPECT(early_alloc(&e, 101, 1) == NULL);
	EXPECT(e.used == 0);
	EXPECT(!early_owns(&e, (void *)UINTPTR_MAX));
}

static void the_hand_over_gives_the_untouched_pages(void)
{
	struct early e = fresh(0);
	uint8_t *p = early_alloc(&e, 100, 16);
	void *rest;

	EXPECT(early_close(&e, &rest) == ROOM - PAGE_SIZE && rest == memory + PAGE_SIZE);
	EXPECT(early_alloc(&e, 1, 1) == NULL);
	EXPECT(early_owns(&e, p) && early_owns(&e, p + 99));
	EXPECT(!early_owns(&e, rest) && !early_owns(&e, (void *)((uintptr_t)memory - 1)));
	early_release(&e, p);
	EXPECT(e.released == 1);
}

static void the_hand_over_of_a_full_heap_gives_nothing(void)
{
	struct early e = fresh(0);
	void *rest = memory;

	EXPECT(early_alloc(&e, ROOM - PAGE_SIZE + 1, 1) != NULL);
	EXPECT(early_close(&e, &rest) == 0 && rest == NULL);
	EXPECT(early_owns(&e, memory + ROOM - PAGE_SIZE));
}

static void the_hand_over_of_an_untouched_heap_gives_all(void)
{
	struct early e = fresh(0);
	void *rest;

	EXPECT(early_close(&e, &rest) == ROOM && rest == memory);
	EXPECT(!early_owns(&e, memory));
}

static void a_crooked_heap_gives_whole_pages_only(void)
{
	struct early e;
	void *rest;

	early_init(&e, memory + 100, 2 * PAGE_SIZE);
	EXPECT(early_close(&e, &rest) == PAGE_SIZE && rest == memory + PAGE_SIZE);
}

int main(void)
{
	blocks_are_aligned_zeroed_and_apart();
	the_last_byte_can_be_had_and_no_more();
	huge_sizes_and_alignments_do_not_wrap();
	a_heap_at_the_top_of_the_address_space();
	the_hand_over_gives_the_untouched_pages();
	the_hand_over_of_a_full_heap_gives_nothing();
	the_hand_over_of_an_untouched_heap_gives_all();
	a_crooked_heap_gives_whole_pages_only();
	return 0;
}
