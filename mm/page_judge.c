/*
 * page_judge.c -- what somebody who frees a page is told.
 *
 * A free is a claim: here is a block, of this size, taken for this owner.  The frame knows all
 * three, so a right claim is known by one comparison, and what is wrong with a wrong one is worked
 * out from the frame's state: the most telling thing first (not a page at all, not one that was
 * ever given, not in use), and only for a block in use what does not match.  A page inside a larger
 * block says nothing by itself; its head does, which is found by going up the orders.
 *
 * Always true:
 *   J1  nothing is changed here, and every claim has exactly one answer;
 *   J2  PAGE_FREED only for the head of a block in use, of that order and owner.
 *
 * Locks: none taken.  Under pool->lock the answer is final.  Without it, it is so for a right
 * claim, whose page is the caller's and whose frame nobody else changes; a wrong one may race.
 * Cost: constant; O(orders) inside a block.
 */
#include "mm/page_inside.h"

const char *page_verdict_name(enum page_verdict v)
{
	static const char *const names[PAGE_VERDICTS] = {
		"freed",       "double-free", "out-of-range", "misaligned",
		"wrong-order", "not-head",    "never-given",  "wrong-owner",
	};
	ASSERT(v < PAGE_VERDICTS);
	return names[v];
}

/* The verdict on a free that is not as it should be. */
static enum page_verdict page_judge_bad(const struct page_pool *pool, uint32_t n, uint32_t how)
{
	const struct frame *f = &pool->frames[n];

	switch ((enum frame_state)f->state) {
	case FRAME_RESERVED: return PAGE_NEVER_GIVEN;
	case FRAME_FREE:
	case FRAME_CACHED:
	case FRAME_QUARANTINED: return PAGE_DOUBLE_FREE;
	case FRAME_BODY:
		return pool->frames[page_head(pool, n)].state == FRAME_USED ? PAGE_NOT_HEAD
									    : PAGE_DOUBLE_FREE;
	case FRAME_USED: break;
	}
	ASSERT(f->state == FRAME_USED && f->order <= PAGE_ORDER_MAX);
	return f->owner == page_how_owner(how) ? PAGE_WRONG_ORDER : PAGE_WRONG_OWNER;
}

enum page_verdict page_judge(const struct page_pool *pool, paddr_t pa, unsigned order, uint32_t how)
{
	const uint64_t offset = pa - pool->base; /* wraps to something huge below the pool */
	const uint64_t n = offset >> PAGE_SHIFT;

	if (n >= pool->pages) return PAGE_OUT_OF_RANGE;
	if (!is_aligned(offset, PAGE_SIZE)) return PAGE_MISALIGNED;
	if (LIKELY(frame_is_given(&pool->frames[n], order, how))) return PAGE_FREED;
	return page_judge_bad(pool, (uint32_t)n, how);
}
