/*
 * page_buddy.c -- free blocks: lists by zone and order, split, merge.
 *
 * A free block of 2^k pages starts at a frame whose number is a multiple of 2^k; its buddy is the
 * block whose number differs in bit k alone.  A request is met from the smallest block that is
 * large enough, which is halved until it fits; the upper halves go to the lists.  A block that
 * becomes free joins its buddy as long as that is a free block of the same order in the same zone
 * (Knuth, The Art of Computer Programming, volume 1, section 2.5).
 *
 * Blocks of one order and zone are on one doubly linked list, by frame number, last in first out.
 * A bit per order says which lists are not empty, so finding a block takes no search.
 *
 * Always true under the lock:
 *   B1  bit o of orders[z] is set exactly when free[z][o] has a block;
 *   B2  free_pages[z] is the sum over free[z]; it changes by exactly the pages that come or go,
 *       never by the size of what they merge into;
 *   B3  a zone lies in every frame's word, so that one comparison of a word finds a buddy that is
 *       free, of the right order, and in the same zone; only the array's end is checked apart.
 *
 * Locks: everything here runs under pool->lock; nothing takes one.
 * Cost: O(orders) for a block; O(pages) for ranges, with little for each page.
 */
#include "mm/page_inside.h"

/* A block to the front of its list. */
static void page_list_add(struct page_pool *pool, uint32_t n, unsigned zone, unsigned order)
{
	struct page_list *list = &pool->free[zone][order];
	struct frame *f = &pool->frames[n];

	ASSERT_SLOW(is_aligned(n, 1u << order) && f->zone == zone);
	f->word = FRAME_WORD(FRAME_FREE, order, 0, zone);
	f->prev = FRAME_NONE;
	f->next = list->first;
	if (list->first != FRAME_NONE) pool->frames[list->first].prev = n;
	list->first = n;
	list->count++;
	pool->orders[zone] |= 1u << order;
}

/* A block from wherever it is on its list; true when it was the only one, as it often is. */
static inline bool page_list_remove(struct frame *frames, struct page_list *list, uint32_t n)
{
	struct frame *f = &frames[n];

	ASSERT_SLOW(f->state == FRAME_FREE && list->count != 0);
	ASSERT_SLOW((f->prev == FRAME_NONE) == (list->first == n));
	f->word = FRAME_WORD(FRAME_BODY, 0, 0, f->zone);
	if (--list->count == 0) {
		list->first = FRAME_NONE;
		return true;
	}
	if (f->prev == FRAME_NONE)
		list->first = f->next;
	else
		frames[f->prev].next = f->next;
	if (f->next != FRAME_NONE) frames[f->next].prev = f->prev;
	return false;
}

/* The upper halves of the block at `n`, from 2^(have - 1) pages down to 2^order, become the only
 * free blocks of their orders: of these there were none, or they would have been taken. */
static inline void page_split(struct page_pool *pool, uint32_t n, unsigned zone, unsigned have,
			      unsigned order)
{
	struct frame *const frames = pool->frames;
	struct page_list *list = &pool->free[zone][have];
	uint32_t size = 1u << have, word = FRAME_WORD(FRAME_FREE, have, 0, zone);

	pool->orders[zone] |= size - (1u << order);
	while (size > 1u << order) {
		size >>= 1;
		list--;
		word -= FRAME_WORD(0, 1, 0, 0);
		ASSERT_SLOW(list->count == 0 && frames[n + size].state == FRAME_BODY);
		frames[n + size].word = word;
		frames[n + size].next = frames[n + size].prev = FRAME_NONE;
		*list = (struct page_list){ n + size, 1 };
	}
}

uint32_t page_block_take_locked(struct page_pool *pool, unsigned zone, unsigned order)
{
	ASSERT(zone < ZONES && order <= PAGE_ORDER_MAX);
	const uint32_t fit = pool->orders[zone] & (UINT32_MAX << order);
	if (fit == 0) return FRAME_NONE;

	const unsigned have = bit_lowest(fit);
	struct page_list *list = &pool->free[zone][have];
	const uint32_t n = list->first;
	if (page_list_remove(pool->frames, list, n)) pool->orders[zone] &= ~(1u << have);
	page_split(pool, n, zone, have, order);
	pool->free_pages[zone] -= 1u << order;
	return n;
}

void page_block_put_locked(struct page_pool *pool, uint32_t n, unsigned order)
{
	struct frame *const frames = pool->frames;
	const unsigned zone = frames[n].zone;
	struct page_list *list = &pool->free[zone][order];
	uint32_t size = 1u << order, word = FRAME_WORD(FRAME_FREE, order, 0, zone), emptied = 0;

	ASSERT(order <= PAGE_ORDER_MAX && is_aligned(n, size));
	ASSERT_SLOW(n + size <= pool->zone_end[zone]);
	pool->free_pages[zone] += size; /* B2: what it merges with was counted before */
	frame_forget(&frames[n]);
	while (size < 1u << PAGE_ORDER_MAX) {
		const uint32_t buddy = n ^ size;

		if (buddy >= pool->pages || frames[buddy].word != word) break; /* B3 */
		if (page_list_remove(frames, list, buddy)) emptied |= size;
		n &= buddy;
		size <<= 1;
		list++;
		word += FRAME_WORD(0, 1, 0, 0);
	}
	pool->orders[zone] &= ~emptied; /* bit o is 2^o, as the size of a block of order o is */
	page_list_add(pool, n, zone, bit_lowest(size));
}

unsigned page_order_at(const struct page_pool *pool, uint32_t n, uint32_t end)
{
	const uint32_t stop = (uint32_t)min_u64(end, pool->zone_end[pool->frames[n].zone]);
	const unsigned aligned = n == 0 ? PAGE_ORDER_MAX : bit_lowest(n);
	const unsigned fits = bit_highest(stop - n);

	ASSERT(n < stop);
	return (unsigned)min_u64(PAGE_ORDER_MAX, min_u64(aligned, fits));
}

void page_range_put_locked(struct page_pool *pool, uint32_t first, uint32_t end)
{
	ASSERT(first <= end && end <= pool->pages);
	while (first < end) {
		const unsigned order = page_order_at(pool, first, end);

		page_block_put_locked(pool, first, order);
		first += 1u << order;
	}
}

uint32_t page_head(const struct page_pool *pool, uint32_t n)
{
	uint32_t head = n;

	for (unsigned o = 0; pool->frames[head].state == FRAME_BODY; o++) {
		ASSERT(o < PAGE_ORDER_MAX);
		head = (uint32_t)align_down(n, 2u << o);
	}
	ASSERT_SLOW(n - head < 1u << pool->frames[head].order);
	return head;
}

void page_range_take_locked(struct page_pool *pool, uint32_t first, uint32_t end)
{
	for (uint32_t n = first; n < end;) {
		const uint32_t head = page_head(pool, n);
		const unsigned zone = pool->frames[head].zone;
		const unsigned order = pool->frames[head].order;
		const uint32_t after = head + (1u << order);

		ASSERT(pool->frames[head].state == FRAME_FREE);
		if (page_list_remove(pool->frames, &pool->free[zone][order], head))
			pool->orders[zone] &= ~(1u << order);
		pool->free_pages[zone] -= 1u << order;
		if (head < first) page_range_put_locked(pool, head, first);
		if (after > end) page_range_put_locked(pool, end, after);
		n = after;
	}
}
