/*
 * page_buddy.c -- free blocks: split, merge, and the lists of blocks of one order.
 *
 * A free block of 2^k pages starts at a frame whose number is a multiple of 2^k; its buddy is the
 * block whose number differs in bit k alone.  A block that becomes free joins its buddy as long as
 * that is a free block of the same order in the same zone (Knuth, The Art of Computer Programming,
 * volume 1, section 2.5).  page_lists.h has the common way of both; here is what is rarer.
 *
 * Of each order and zone the only block stands in struct page_free.  Two and more are on a doubly
 * linked list, by frame number, last in first out; a frame's links mean nothing but there.  A bit
 * per order says of which orders there are blocks, so finding one takes no search.
 *
 * Always true under the lock:
 *   B1  bit o of free[z].orders is set exactly when there is a free block of order o in zone z;
 *       one is free[z].only[o], two or more are on many[z][o], and neither names any other;
 *   B2  free[z].pages is the pages of all of them; it changes by exactly the pages that come or
 *       go, never by the size of what they merge into;
 *   B3  a zone lies in every frame's word, so that one comparison of a word finds a buddy that is
 *       free, of the right order, and in the same zone; only the array's end is checked apart.
 *
 * Locks: everything here runs under pool->lock, which only page_block_alloc and page_block_free
 * take themselves.  Cost: O(orders) for a block; O(pages) for ranges.
 */
#include "mm/page_lists.h"

/* Two and more blocks of an order. */
static struct page_list *page_many(struct page_pool *pool, const struct page_free *free,
				   unsigned order)
{
	return &pool->many[free - pool->free][order];
}

/* A block becomes the first of its order's list; there is another one already. */
static void page_many_add(struct page_pool *pool, struct page_free *free, uint32_t n,
			  unsigned order)
{
	struct page_list *list = page_many(pool, free, order);
	struct frame *f = &pool->frames[n];

	ASSERT((free->orders >> order & 1) != 0);
	ASSERT((list->count == 0) == (free->only[order] != FRAME_NOWHERE));
	if (list->count == 0) {
		frame_at_place(pool->frames, free->only[order])->next = FRAME_NONE;
		*list = (struct page_list){ frame_number(free->only[order]), 1 };
		free->only[order] = FRAME_NOWHERE;
	}
	f->prev = FRAME_NONE;
	f->next = list->first;
	pool->frames[list->first].prev = n;
	list->first = n;
	list->count++;
}

/* A block leaves a list; of two, the other is the only one then. */
static void page_many_remove(struct page_pool *pool, struct page_free *free, uint32_t n,
			     unsigned order)
{
	struct page_list *list = page_many(pool, free, order);
	const struct frame *f = &pool->frames[n];

	ASSERT(list->count > 1);
	ASSERT_SLOW((f->prev == FRAME_NONE) == (list->first == n));
	if (f->prev == FRAME_NONE)
		list->first = f->next;
	else
		pool->frames[f->prev].next = f->next;
	if (f->next != FRAME_NONE) pool->frames[f->next].prev = f->prev;
	if (--list->count != 1) return;
	free->only[order] = frame_place(list->first);
	list->count = 0;
}

/* A free block leaves the lists, wherever it is; its frame is FRAME_BODY then. */
static void page_lists_remove(struct page_pool *pool, struct page_free *free, uint32_t n,
			      unsigned order)
{
	ASSERT_SLOW(pool->frames[n].state == FRAME_FREE && pool->frames[n].order == order);
	frame_forget(&pool->frames[n]);
	if (free->only[order] != frame_place(n)) {
		page_many_remove(pool, free, n, order);
		return;
	}
	free->only[order] = FRAME_NOWHERE;
	free->orders &= ~(1u << order);
}

static void page_lists_add(struct page_pool *pool, struct page_free *free, uint32_t n,
			   unsigned order)
{
	struct frame *f = &pool->frames[n];

	ASSERT_SLOW(is_aligned(n, 1u << order) && f->zone == free - pool->free);
	f->word = FRAME_WORD(FRAME_FREE, order, 0, f->zone);
	if ((free->orders >> order & 1) != 0) {
		page_many_add(pool, free, n, order);
		return;
	}
	free->orders |= 1u << order;
	free->only[order] = frame_place(n);
}

void page_merge_on(struct page_pool *pool, struct page_free *free, uint32_t n, unsigned order)
{
	const uint32_t word = FRAME_WORD(FRAME_FREE, 0, 0, free - pool->free);
	uint32_t at = n;
	unsigned o = order;

	for (; o < PAGE_ORDER_MAX; o++) {
		const uint32_t buddy = at ^ 1u << o;
		if (buddy >= pool->pages) break; /* B3 */
		if (atomic_peek_u32(&pool->frames[buddy].word) != word + FRAME_WORD(0, o, 0, 0))
			break;
		page_lists_remove(pool, free, buddy, o);
		at &= ~(1u << o);
	}
	page_lists_add(pool, free, at, o);
}

/* page_only_take for an order that has many: it goes on having some. */
static uint64_t page_many_take(struct page_pool *pool, struct page_free *free, unsigned have,
			       unsigned order)
{
	const uint32_t n = page_many(pool, free, have)->first;

	ASSERT(n < pool->pages && pool->frames[n].state == FRAME_FREE);
	page_many_remove(pool, free, n, have);
	free->orders |= free->orders - (1u << order);
	for (unsigned o = have; o-- > order;) page_half(free, frame_place(n), &pool->frames[n], o);
	return frame_place(n);
}

uint32_t page_block_take_locked(struct page_pool *pool, unsigned zone, unsigned order)
{
	struct page_free *free = &pool->free[zone];

	ASSERT(zone < ZONES && order <= PAGE_ORDER_MAX);
	const uint32_t fit = free->orders & UINT32_MAX << order;
	if (fit == 0) return FRAME_NONE;

	/* The smallest that will do: large ones are kept for those who need them. */
	const unsigned have = bit_lowest(fit);
	const uint64_t place = free->only[have] != FRAME_NOWHERE
				       ? page_only_take(pool->frames, free, have, order)
				       : page_many_take(pool, free, have, order);
	frame_forget(frame_at_place(pool->frames, place));
	page_free_change_locked(pool, free, -(1u << order));
	return frame_number(place);
}

void page_block_put_locked(struct page_pool *pool, uint32_t n, unsigned order)
{
	const unsigned zone = pool->frames[n].zone;

	ASSERT(order <= PAGE_ORDER_MAX && n < pool->pages && is_aligned(n, 1u << order));
	ASSERT_SLOW(n + (1u << order) <= pool->zone_end[zone]);
	/* B2: what it merges with was counted before */
	page_free_change_locked(pool, &pool->free[zone], 1u << order);
	frame_forget(&pool->frames[n]); /* the merged block may begin elsewhere */
	struct page_rest rest = { n, order };
	if (order == 0)
		rest = page_only_put(pool->frames, &pool->free[zone], frame_place(n),
				     pool->frames[n].word);
	if (rest.order != PAGE_ORDERS) page_merge_on(pool, &pool->free[zone], rest.n, rest.order);
}

uint32_t page_block_alloc(struct page_pool *pool, unsigned order, uint32_t how, site_t site)
{
	const mach_irq_t was = lock_take(&pool->lock);
	uint32_t n = FRAME_NONE;

	ASSERT(order <= PAGE_ORDER_MAX && page_how_zone(how) < ZONES);
	if (LIKELY(pool->cpu[mach_cpu()].shrinking == 0))
		n = page_block_take_locked(pool, page_how_zone(how), order);
	if (LIKELY(n != FRAME_NONE)) {
		pool->out_pages += 1u << order;
		frame_give(&pool->frames[n], order, how, site);
	}
	page_tell(pool, page_unlock(pool, was));
	return n;
}

/* Judged under the lock, so of two frees of one block the second gets its verdict.  A page that is
 * poisoned is still marked as used meanwhile. */
enum page_verdict page_block_free(struct page_pool *pool, paddr_t pa, unsigned order, uint32_t how)
{
	const uint64_t number = page_number(pool, pa);
	const uint32_t n = (uint32_t)number;
	enum page_verdict v = PAGE_FREED;
	const mach_irq_t was = lock_take(&pool->lock);

	if (UNLIKELY(number >= pool->pages || !frame_is_given(&pool->frames[n], order, how)))
		v = page_judge(pool, pa, order, how);
	if (LIKELY(v == PAGE_FREED)) {
		if (UNLIKELY(pool->poison))
			page_withdraw(pool, n, 1u << order);
		else
			mach_poison(mach_phys(pa), (size_t)PAGE_SIZE << order);
		pool->out_pages -= 1u << order;
		if (LIKELY(pool->quarantine_limit == 0))
			page_block_put_locked(pool, n, order);
		else
			page_quarantine_locked(pool, n, order);
	}
	page_tell(pool, page_unlock(pool, was));
	return v;
}

/* Bounded by where it starts, by how much there is, and by the largest there can be. */
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

/* Up the orders: a block of order k that page `n` is in starts at n rounded down to 2^k.  Heads of
 * smaller blocks in between are none of n's, for those blocks would have to hold n. */
uint32_t page_head(const struct page_pool *pool, uint32_t n)
{
	uint32_t head = n;

	for (unsigned o = 0; frame_state(&pool->frames[head]) == FRAME_BODY; o++) {
		ASSERT(o < PAGE_ORDER_MAX);
		head = (uint32_t)align_down(n, 2u << o);
	}
	ASSERT_SLOW(n - head < 1u << frame_order(&pool->frames[head]));
	return head;
}

/* Block by block; what of a block lies outside of the range goes back at once. */
void page_range_take_locked(struct page_pool *pool, uint32_t first, uint32_t end)
{
	for (uint32_t n = first; n < end;) {
		const uint32_t head = page_head(pool, n);
		const unsigned zone = pool->frames[head].zone;
		const unsigned order = pool->frames[head].order;
		const uint32_t after = head + (1u << order);

		ASSERT(pool->frames[head].state == FRAME_FREE);
		page_lists_remove(pool, &pool->free[zone], head, order);
		page_free_change_locked(pool, &pool->free[zone], -(1u << order));
		if (head < first) page_range_put_locked(pool, head, first);
		if (after > end) page_range_put_locked(pool, end, after);
		n = after;
	}
}
