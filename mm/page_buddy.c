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

static void page_list_add(struct page_pool *pool, uint32_t n, unsigned order)
{
	struct frame *f = &pool->frames[n];
	const unsigned zone = f->zone;
	struct page_list *list = &pool->free[zone][order];

	ASSERT_SLOW(is_aligned(n, 1u << order) && order <= PAGE_ORDER_MAX);
	f->word = FRAME_WORD(FRAME_FREE, order, 0, zone);
	f->prev = FRAME_NONE;
	f->next = list->first;
	if (list->first != FRAME_NONE) pool->frames[list->first].prev = n;
	list->first = n;
	list->count++;
	pool->orders[zone] |= 1u << order;
}

static void page_list_remove(struct page_pool *pool, uint32_t n, unsigned order)
{
	struct frame *f = &pool->frames[n];
	const unsigned zone = f->zone;
	struct page_list *list = &pool->free[zone][order];

	ASSERT_SLOW(f->word == FRAME_WORD(FRAME_FREE, order, 0, zone));
	ASSERT_SLOW((f->prev == FRAME_NONE) == (list->first == n));
	if (f->prev == FRAME_NONE)
		list->first = f->next;
	else
		pool->frames[f->prev].next = f->next;
	if (f->next != FRAME_NONE) pool->frames[f->next].prev = f->prev;
	if (--list->count == 0) pool->orders[zone] &= ~(1u << order);
	frame_forget(f);
}

uint32_t page_block_take_locked(struct page_pool *pool, unsigned zone, unsigned order)
{
	ASSERT(zone < ZONES && order <= PAGE_ORDER_MAX);
	const uint32_t fit = pool->orders[zone] & (UINT32_MAX << order);
	if (fit == 0) return FRAME_NONE;

	unsigned have = bit_lowest(fit);
	const uint32_t n = pool->free[zone][have].first;
	page_list_remove(pool, n, have);
	pool->free_pages[zone] -= 1u << order;
	while (have > order) {
		have--;
		page_list_add(pool, n + (1u << have), have);
	}
	return n;
}

void page_block_put_locked(struct page_pool *pool, uint32_t n, unsigned order)
{
	const unsigned zone = pool->frames[n].zone;

	ASSERT(order <= PAGE_ORDER_MAX && is_aligned(n, 1u << order));
	ASSERT_SLOW(n + (1u << order) <= pool->zone_end[zone]);
	pool->free_pages[zone] += 1u << order; /* B2: what it merges with was counted before */
	frame_forget(&pool->frames[n]);
	for (; order < PAGE_ORDER_MAX; order++) {
		const uint32_t buddy = n ^ 1u << order;

		if (buddy >= pool->pages) break;
		if (pool->frames[buddy].word != FRAME_WORD(FRAME_FREE, order, 0, zone)) break;
		page_list_remove(pool, buddy, order);
		n &= buddy;
	}
	page_list_add(pool, n, order);
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
		const unsigned order = pool->frames[head].order;
		const uint32_t after = head + (1u << order);

		ASSERT(pool->frames[head].state == FRAME_FREE);
		page_list_remove(pool, head, order);
		pool->free_pages[pool->frames[head].zone] -= 1u << order;
		if (head < first) page_range_put_locked(pool, head, first);
		if (after > end) page_range_put_locked(pool, end, after);
		n = after;
	}
}
