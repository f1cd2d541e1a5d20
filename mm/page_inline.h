/*
 * page_inline.h -- the quick way of page_alloc and page_free, for page.h alone to include.
 *
 * A page from this CPU's stack and back to it takes some twenty instructions each way.  Where a
 * caller says at compile time that it means one page, and for whom, half of the questions answer
 * themselves; so there the quick way is laid out in the caller, as it is for an allocation of
 * constant size in other allocators.  Where the order is a variable it is called (page.c), and so
 * it is in every checked build, where what counts is that there is one of it to look at.  The text
 * is the same: this one.
 *
 * What the quick way has no answer for ends in a call that is the last thing it does, so it saves
 * no registers for that.
 *
 * Locks: a stack's meter (RANK_PAGE_CPU), with interrupts masked.
 * Cost: on x86-64, release build, 22 instructions for a cached page and 29 to give it back where
 * they are laid out; about 10 more each where they are called.
 */
#ifndef MM_PAGE_INLINE_H
#define MM_PAGE_INLINE_H

#include "mm/page.h"

#define PAGE_QUICK static inline __attribute__((always_inline))

/* page.c: requests and frees that the quick way leaves, and all that follows where it found no page
 * in the stack, or no room (`count` says why, `was` is to be restored). */
paddr_t page_alloc_slowly(struct page_pool *pool, uint32_t how, site_t site, unsigned order);
paddr_t page_alloc_missed(struct page_pool *pool, uint32_t how, site_t site, struct page_stack *s,
			  uint32_t count, mach_irq_t was);
enum page_verdict page_free_slowly(struct page_pool *pool, paddr_t pa, uint32_t how,
				   unsigned order);
enum page_verdict page_free_missed(struct page_pool *pool, uint64_t place, uint32_t how,
				   struct page_stack *s, uint32_t count, mach_irq_t was);
/* The quick way, called. */
paddr_t page_alloc_called(struct page_pool *pool, unsigned order, uint32_t how, site_t site);
enum page_verdict page_free_called(struct page_pool *pool, paddr_t pa, unsigned order,
				   uint32_t how);

static inline unsigned page_how_zone(uint32_t how)
{
	return (how & PAGE_ZONE_MASK) >> 24;
}

/* An address's page, or a number beyond the last page's: what an address below the pool or inside a
 * page has too little or too much comes out in the highest bits. */
static inline uint64_t page_number(const struct page_pool *pool, paddr_t pa)
{
	const uint64_t offset = pa - pool->base;

	return offset >> PAGE_SHIFT | offset << (64 - PAGE_SHIFT);
}

/* The stack of this CPU that a request is for. */
static inline struct page_stack *page_stack_here(struct page_pool *pool, uint32_t how)
{
	return &pool->cpu[mach_cpu()].stack[page_how_zone(how)];
}

PAGE_QUICK paddr_t page_alloc_quick(struct page_pool *pool, unsigned order, uint32_t how,
				    site_t site)
{
	if ((how & PAGE_NO_RECLAIM) == 0) mach_lock_none_held(RANK_QUARANTINE);
	/* A larger block; or more than a zone and an owner are asked for, as with PAGE_ZERO. */
	if (UNLIKELY(order != 0 || how >> 24 >= ZONES))
		return page_alloc_slowly(pool, how, site, order);

	const mach_irq_t was = mach_irq_save();
	struct page_stack *s = page_stack_here(pool, how);
	const uint32_t count = meter_take_now(&s->count, RANK_PAGE_CPU);
	const uint32_t left = count - 1;
	/* Empty, in use or shut: all of them are beyond what a stack can hold. */
	if (UNLIKELY(left >= PAGE_CACHE_MAX))
		return page_alloc_missed(pool, how, site, s, count, was);

	const uint32_t n = s->slot[left];
	struct frame *f = &pool->frames[n];
	ASSERT_SLOW(n < pool->pages && f->word == FRAME_WORD(FRAME_CACHED, 0, 0, how >> 24));
	atomic_poke_u32(&f->word, how & ~(uint32_t)PAGE_NO_RECLAIM);
	if (CALL_SITES) f->site = site;
	meter_drop(&s->count, RANK_PAGE_CPU, left);
	mach_irq_restore(was);

	const paddr_t pa = page_address(pool, n);
	mach_unpoison(mach_phys(pa), PAGE_SIZE);
	return pa;
}

_Static_assert((FRAME_USED & FRAME_CACHED) == FRAME_CACHED, "a mask makes one of the other");

PAGE_QUICK enum page_verdict page_free_quick(struct page_pool *pool, paddr_t pa, unsigned order,
					     uint32_t how)
{
	const uint64_t n = page_number(pool, pa);
	if (UNLIKELY(order != 0 || n >= pool->pages)) return page_free_slowly(pool, pa, how, order);

	struct frame *f = &pool->frames[n];
	/* A page of another zone than was asked for is as good, but has another stack. */
	if (UNLIKELY(f->word != how)) return page_free_slowly(pool, pa, how, 0);

	const mach_irq_t was = mach_irq_save();
	struct page_stack *s = page_stack_here(pool, how);
	const uint32_t count = meter_take_now(&s->count, RANK_PAGE_CPU);
	if (UNLIKELY(count >= pool->cache_pages)) /* full, in use or shut */
		return page_free_missed(pool, n * sizeof(*f), how, s, count, was);

	mach_poison(mach_phys(page_address(pool, (uint32_t)n)), PAGE_SIZE);
	s->slot[count] = (uint32_t)n;
	atomic_poke_u32(&f->word, how & (FRAME_CACHED | PAGE_ZONE_MASK));
	meter_drop(&s->count, RANK_PAGE_CPU, count + 1);
	mach_irq_restore(was);
	return PAGE_FREED;
}

/* Whether the quick way is to be laid out for a caller that asks for this order. */
#define PAGE_LAY_OUT(order) (CHECK_LEVEL < 2 && __builtin_constant_p(order) && (order) == 0)

PAGE_QUICK paddr_t page_alloc(struct page_pool *pool, unsigned order, uint32_t how, site_t site)
{
	return PAGE_LAY_OUT(order) ? page_alloc_quick(pool, order, how, site)
				   : page_alloc_called(pool, order, how, site);
}

PAGE_QUICK enum page_verdict page_free(struct page_pool *pool, paddr_t pa, unsigned order,
				       uint32_t how)
{
	return PAGE_LAY_OUT(order) ? page_free_quick(pool, pa, order, how)
				   : page_free_called(pool, pa, order, how);
}

#endif
