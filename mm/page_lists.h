/*
 * page_lists.h -- what is done to the free blocks of a zone, for the two files that do it.
 *
 * A request is met from the smallest block that is large enough, which is halved until it fits.
 * Of the orders in between there was no block, or it would have been taken; so every half is the
 * only one of its order, and a split writes its frame and its number and links nothing.  The bits
 * of all orders change at once, as digits of a number do when one is taken away:
 *
 *	orders      1 0 0 0 1 0 0 0     a page from a block of order 3
 *	orders - 1  1 0 0 0 0 1 1 1     and its halves, orders 2, 1, 0
 *
 * A block that becomes free looks for its buddy where the only block of its order is named.  While
 * the buddy stands there, zone, order and being free need no other look, and joining with it is
 * two stores.  From the first order on of which there is more than one block, or another than the
 * buddy, page_merge_on goes on by the frames.
 *
 * Always true under the lock: B1 to B3 (page_buddy.c).
 *
 * Cost, on x86-64, release build, where one end of it is a page: 3 instructions for a split, 7 for
 * a merge with an only block.
 */
#ifndef MM_PAGE_LISTS_H
#define MM_PAGE_LISTS_H

#include "mm/page_inside.h"

/* page_buddy.c: the block of 2^order pages at n, in no list, is merged with its buddies and becomes
 * free. */
void page_merge_on(struct page_pool *pool, struct page_free *free, uint32_t n, unsigned order);

/* Frames by where they lie. */
HOT uint64_t frame_place(uint32_t n)
{
	return (uint64_t)n * sizeof(struct frame);
}

HOT uint32_t frame_number(uint64_t place)
{
	return (uint32_t)(place / sizeof(struct frame));
}

HOT struct frame *frame_at_place(struct frame *frames, uint64_t place)
{
	return (struct frame *)(void *)((char *)frames + place);
}

HOT paddr_t page_place_address(const struct page_pool *pool, uint64_t place)
{
	return pool->base + place * (PAGE_SIZE / sizeof(struct frame));
}

/* What the upper half of a block is when that is split in two of 2^order pages. */
HOT void page_half(struct page_free *free, uint64_t place, struct frame *first, unsigned order)
{
	struct frame *half = first + (1u << order);

	ASSERT_SLOW(free->only[order] == FRAME_NOWHERE);
	ASSERT_SLOW(half->state == FRAME_BODY && half->owner == 0);
	half->state = FRAME_FREE;
	half->order = (uint8_t)order;
	free->only[order] = place + frame_place(1u << order);
}

_Static_assert(PAGE_ORDER_MAX == 10, "page_split_page has a case for each order");

/* Of the block of order `have` all but the first page become free.  Each step is two stores of
 * what is constant but for where the block lies, which a loop would triple. */
HOT void page_split_page(struct page_free *free, uint64_t place, struct frame *first, unsigned have)
{
	switch (have) {
	case 10: page_half(free, place, first, 9); /* fall through */
	case 9: page_half(free, place, first, 8);  /* fall through */
	case 8: page_half(free, place, first, 7);  /* fall through */
	case 7: page_half(free, place, first, 6);  /* fall through */
	case 6: page_half(free, place, first, 5);  /* fall through */
	case 5: page_half(free, place, first, 4);  /* fall through */
	case 4: page_half(free, place, first, 3);  /* fall through */
	case 3: page_half(free, place, first, 2);  /* fall through */
	case 2: page_half(free, place, first, 1);  /* fall through */
	case 1: page_half(free, place, first, 0);
	}
}

/* Takes the only block of order `have`, which is the smallest that will do for 2^order pages, and
 * leaves its halves: its frame's place.  The frame is as it was, the head of a free block. */
HOT uint64_t page_only_take(struct frame *frames, struct page_free *free, unsigned have,
			    unsigned order)
{
	const uint64_t place = free->only[have];
	struct frame *first = frame_at_place(frames, place);

	ASSERT(first->state == FRAME_FREE);
	ASSERT_SLOW(first->order == have);
	free->only[have] = FRAME_NOWHERE;
	free->orders -= 1u << order;
	if (order == 0)
		page_split_page(free, place, first, have);
	else
		for (unsigned o = have; o-- > order;) page_half(free, place, first, o);
	return place;
}

/* Laid out flat, with all sizes constants, a loop takes half as many instructions a turn. */
#define FLAT _Pragma("clang loop unroll(full)")

/*
 * Joins a page with its buddies as long as each is the only block of its order, and says where the
 * buddy is that it does not join with.  In that number the order is hidden, since it differs from
 * the page's own first in the order's bit.
 */
HOT uint64_t page_merge_only(struct frame *frames, struct page_free *free, uint64_t place,
			     uint32_t body)
{
	uint64_t buddy = place ^ frame_place(1);

	FLAT for (unsigned o = 0; o < PAGE_ORDER_MAX; o++)
	{
		if (free->only[o] != buddy) break;
		free->only[o] = FRAME_NOWHERE;
		frame_at_place(frames, buddy)->word = body;
		buddy = (buddy & ~frame_place(1u << o)) ^ frame_place(2u << o);
	}
	return buddy;
}

/* A block that is to be merged on; `order` is PAGE_ORDERS where there is none. */
struct page_rest {
	uint32_t n;
	unsigned order;
};

/* A page that is FRAME_BODY and in no list becomes free, under its merged name; or what came of it
 * meets more than one block of its order, and is the caller's for page_merge_on. */
HOT struct page_rest page_only_put(struct frame *frames, struct page_free *free, uint64_t place,
				   uint32_t body)
{
	const uint64_t buddy = page_merge_only(frames, free, place, body);
	const unsigned order = bit_highest((buddy ^ place) / sizeof(struct frame));
	const uint64_t at = place & frame_place(1) * UINT64_MAX << order;
	const uint32_t orders = free->orders;

	if (UNLIKELY((orders >> order & 1) != 0)) {
		free->orders = orders & UINT32_MAX << order;
		return (struct page_rest){ frame_number(at), order };
	}
	free->orders = orders + 1; /* the orders it joined with have no block now: a carry */
	frame_at_place(frames, at)->word = body | FRAME_WORD(FRAME_FREE, order, 0, 0);
	free->only[order] = at;
	return (struct page_rest){ 0, PAGE_ORDERS };
}

#endif
