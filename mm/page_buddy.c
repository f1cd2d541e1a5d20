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
 * A bit per order says which lists are not empty, so finding a block takes no search.  Splits and
 * merges mostly meet lists of no block or of one, which need no linking.
 *
 * Always true under the lock:
 *   B1  bit o of orders[z] is set exactly when free[z][o] has a block;
 *   B2  free_pages[z] is the sum over free[z]; it changes by exactly the pages that come or go,
 *       never by the size of what they merge into;
 *   B3  a zone lies in every frame's word, so that one comparison of a word finds a buddy that is
 *       free, of the right order, and in the same zone; only the array's end is checked apart.
 *
 * Locks: everything here runs under pool->lock, which only page_block_alloc and page_block_free
 * take themselves.  Cost: O(orders) for a block, 9 instructions for a split and 15 for a merge of
 * one order when it begins with a page (x86-64, release); O(pages) for ranges.
 */
#include "mm/page_inside.h"

/* A block to the front of its list. */
HOT void page_list_add(struct page_pool *pool, uint32_t n, unsigned zone, unsigned order)
{
	struct page_list *list = &pool->free[zone][order];
	struct frame *f = &pool->frames[n];
	const uint32_t next = list->count != 0 ? list->first : FRAME_NONE;

	ASSERT_SLOW(is_aligned(n, 1u << order) && f->zone == zone);
	f->word = FRAME_WORD(FRAME_FREE, order, 0, zone);
	f->prev = FRAME_NONE;
	f->next = next;
	if (next != FRAME_NONE) pool->frames[next].prev = n;
	list->first = n;
	list->count++;
	pool->orders[zone] |= 1u << order;
}

/* A block that is not the only one on its list leaves it. */
RARE_CALL static void page_list_unlink(struct frame *frames, struct page_list *list,
				       const struct frame *f)
{
	ASSERT_SLOW(list->count > 1);
	ASSERT_SLOW((f->prev == FRAME_NONE) == (&frames[list->first] == f));
	list->count--;
	if (f->prev == FRAME_NONE)
		list->first = f->next;
	else
		frames[f->prev].next = f->next;
	if (f->next != FRAME_NONE) frames[f->next].prev = f->prev;
}

/* A free block from wherever it is on its list; its frame is FRAME_BODY then.  True when it was the
 * only one, as it often is: nothing is linked to anything then. */
HOT bool page_list_remove(struct frame *frames, struct page_list *list, struct frame *f,
			  unsigned zone)
{
	ASSERT_SLOW(f->state == FRAME_FREE && list->count != 0);
	f->word = FRAME_WORD(FRAME_BODY, 0, 0, zone);
	if (UNLIKELY(list->count != 1)) {
		page_list_unlink(frames, list, f);
		return false;
	}
	ASSERT_SLOW(&frames[list->first] == f);
	list->count = 0;
	return true;
}

/* The loops over orders below are laid out flat when they begin at order 0: a step then takes five
 * to ten instructions, with all sizes constants, where it takes twice that in a loop. */
#define FLAT _Pragma("clang loop unroll(full)")

/* Of the block of order `have` at `n` all but the first 2^order pages become the only free blocks
 * of their orders: of these there were none, or they would have been taken. */
HOT void page_split(struct page_pool *pool, uint32_t n, unsigned zone, unsigned order,
		    unsigned have)
{
	struct frame *const first = &pool->frames[n];
	struct page_list *const lists = pool->free[zone];
	const uint32_t word = FRAME_WORD(FRAME_FREE, 0, 0, zone);

	pool->orders[zone] |= (1u << have) - (1u << order);
	FLAT for (unsigned o = 0; o < PAGE_ORDER_MAX; o++)
	{
		struct frame *half = &first[1u << o];
		if (o < order) continue;
		if (o == have) break;
		ASSERT_SLOW(lists[o].count == 0 && half->state == FRAME_BODY);
		half->word = word + FRAME_WORD(0, o, 0, 0);
		half->next = half->prev = FRAME_NONE;
		lists[o] = (struct page_list){ n + (1u << o), 1 };
	}
}

HOT uint32_t page_block_take(struct page_pool *pool, unsigned zone, unsigned order)
{
	const uint32_t fit = pool->orders[zone] & (UINT32_MAX << order);
	if (fit == 0) return FRAME_NONE;

	/* The smallest that will do: large ones are kept for those who need them. */
	const unsigned have = bit_lowest(fit);
	struct page_list *list = &pool->free[zone][have];
	const uint32_t n = list->first;
	ASSERT(n < pool->pages);
	if (page_list_remove(pool->frames, list, &pool->frames[n], zone))
		pool->orders[zone] &= ~(1u << have);
	if (order == 0)
		page_split(pool, n, zone, 0, have);
	else
		page_split(pool, n, zone, order, have);
	page_free_change_locked(pool, zone, -(1u << order));
	return n;
}

uint32_t page_block_take_locked(struct page_pool *pool, unsigned zone, unsigned order)
{
	ASSERT(zone < ZONES && order <= PAGE_ORDER_MAX);
	return page_block_take(pool, zone, order);
}

/* Where a merge begins and how far it came. */
struct page_merge {
	uint32_t n;
	unsigned order;
	uint32_t emptied; /* bit o: no block of order o is left */
};

/* Takes the buddies of the block at m->n, as far as they are free, off their lists.  No buddy of it
 * lies beyond the frames, or the pool's last one is in m's way: `pages`. */
HOT void page_merge(struct frame *frames, struct page_list *lists, unsigned zone, uint32_t pages,
		    unsigned from, struct page_merge *m)
{
	const uint32_t word = FRAME_WORD(FRAME_FREE, 0, 0, zone);
	uint64_t n = m->n;
	uint32_t others = 0;
	unsigned o = 0;

	FLAT for (; o < PAGE_ORDER_MAX; o++)
	{
		if (o < from) continue;
		const uint64_t buddy = n ^ 1u << o;
		struct frame *f = &frames[buddy];
		if (buddy >= pages || f->word != word + FRAME_WORD(0, o, 0, 0)) break; /* B3 */
		if (UNLIKELY(!page_list_remove(frames, &lists[o], f, zone))) others |= 1u << o;
		n &= ~(uint64_t)(1u << o);
	}
	m->n = (uint32_t)n;
	m->order = o;
	m->emptied = ((1u << o) - (1u << from)) & ~others;
}

/* For a single page, among frames that go on to the next multiple of the largest block. */
static NOINLINE void page_merge_page(struct frame *frames, struct page_list *lists, unsigned zone,
				     struct page_merge *m)
{
	page_merge(frames, lists, zone, UINT32_MAX, 0, m);
}

/* For any block, and for a page near the end of frames, whose buddy may lie beyond it. */
static NOINLINE void page_merge_block(struct page_pool *pool, unsigned zone, unsigned order,
				      struct page_merge *m)
{
	page_merge(pool->frames, pool->free[zone], zone, pool->pages, order, m);
}

/* The block becomes free under its new, merged name.  Its own frame is made FRAME_BODY first, since
 * the merged block may begin elsewhere. */
HOT void page_block_put(struct page_pool *pool, uint32_t n, unsigned zone, unsigned order)
{
	const uint32_t last = n | ((1u << PAGE_ORDER_MAX) - 1);
	struct page_merge m = { .n = n };

	ASSERT(is_aligned(n, 1u << order));
	ASSERT_SLOW(n + (1u << order) <= pool->zone_end[zone]);
	/* B2: what it merges with was counted before */
	page_free_change_locked(pool, zone, 1u << order);
	frame_forget(&pool->frames[n]);
	if (order == 0 && last < pool->pages)
		page_merge_page(pool->frames, pool->free[zone], zone, &m);
	else
		page_merge_block(pool, zone, order, &m);
	pool->orders[zone] &= ~m.emptied;
	page_list_add(pool, m.n, zone, m.order);
}

void page_block_put_locked(struct page_pool *pool, uint32_t n, unsigned order)
{
	ASSERT(order <= PAGE_ORDER_MAX && n < pool->pages);
	page_block_put(pool, n, pool->frames[n].zone, order);
}

uint32_t page_block_alloc(struct page_pool *pool, unsigned order, uint32_t how, site_t site)
{
	const mach_irq_t was = lock_take(&pool->lock);
	uint32_t n = FRAME_NONE;

	ASSERT(order <= PAGE_ORDER_MAX && page_how_zone(how) < ZONES);
	if (LIKELY(pool->cpu[mach_cpu()].shrinking == 0))
		n = page_block_take(pool, page_how_zone(how), order);
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
			page_block_put(pool, n, pool->frames[n].zone, order);
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

	for (unsigned o = 0; pool->frames[head].state == FRAME_BODY; o++) {
		ASSERT(o < PAGE_ORDER_MAX);
		head = (uint32_t)align_down(n, 2u << o);
	}
	ASSERT_SLOW(n - head < 1u << pool->frames[head].order);
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
		if (page_list_remove(pool->frames, &pool->free[zone][order], &pool->frames[head],
				     zone))
			pool->orders[zone] &= ~(1u << order);
		page_free_change_locked(pool, zone, -(1u << order));
		if (head < first) page_range_put_locked(pool, head, first);
		if (after > end) page_range_put_locked(pool, end, after);
		n = after;
	}
}
