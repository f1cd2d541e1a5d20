/*
 * user_page.h -- pages that users' mappings share, each with an exact count of who has it.
 *
 * A count is of mappings: one for each entry that leads to the page, one for a backing that keeps
 * it, one for whoever holds it for a moment.  Copy-on-write asks whether it is 1.  Pages of
 * PAGE_OWNER_USER only; the page of zeroes is not counted (ENTRY_ZERO).
 *
 * Any context.  Atomic; no lock.  The last drop gives the page back to the pool, so whoever drops
 * has first made sure that no CPU remembers an entry for it (struct tlb_batch, pagetable.h).
 */
#ifndef MM_USER_PAGE_H
#define MM_USER_PAGE_H

#include "mm/page.h"

/* `flags`: PAGE_ZERO, PAGE_NO_RECLAIM or 0. */
static inline uint32_t user_page_how(uint32_t flags)
{
	return PAGE_HOW(ZONE_USER, PAGE_OWNER_USER) | flags;
}

/* A page with one reference, the caller's; PADDR_NONE. */
paddr_t user_page_alloc(struct page_pool *pool, uint32_t flags, site_t site);

/* One more; the caller has one already, or a lock that keeps somebody else's. */
void user_page_hold(struct page_pool *pool, paddr_t pa);

/* One fewer; true when that was the last and the page went back.  A page that has none is a bug of
 * ours: kpanic("double-free"). */
bool user_page_drop(struct page_pool *pool, paddr_t pa);

/* How many there are now: exact when nobody else can have the page, a guess otherwise. */
uint32_t user_page_references(const struct page_pool *pool, paddr_t pa);

#endif
