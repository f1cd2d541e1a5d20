/*
 * user_page.c -- counted pages of users.
 *
 * The count stands in the page's frame and means something only while the frame says USED, one
 * page, PAGE_OWNER_USER; every call looks at that first.  So a drop too many, or a reference taken
 * to a page that went back, is seen at that call and not when somebody else's page has changed.
 *
 * Always true of a page that is out:
 *   U1  its count is at least 1: the last drop and the return to the pool are one step for
 *       whoever does it, since nobody who has no reference may take one;
 *   U2  the sum of all counts is the number of entries, backings and holders (vm_check looks).
 *
 * The count is 32 bits wide and each mapping that could raise it costs 8 bytes of a table, so it
 * cannot wrap in the memory that the physical addresses of this format can name.
 *
 * Locks: none; the count is atomic.  Cost: a hold is a look at the frame and one atomic addition;
 * the last drop is a page_free more.
 */
#include "mm/user_page.h"

/* The frame of a page that is out as a user's; ends in kpanic for any other address. */
static struct frame *user_page_frame(const struct page_pool *pool, paddr_t pa)
{
	struct frame *f = page_frame(pool, pa);

	ASSERT(f != NULL && is_aligned(pa, PAGE_SIZE));
	if (UNLIKELY(f->word != FRAME_WORD(FRAME_USED, 0, PAGE_OWNER_USER, f->zone)))
		kpanic("double-free", "page %lu is no user's any more (state %u, owner %u)",
		       (unsigned long)(f - pool->frames), f->state, f->owner);
	return f;
}

paddr_t user_page_alloc(struct page_pool *pool, uint32_t flags, site_t site)
{
	ASSERT((flags & ~(uint32_t)(PAGE_ZERO | PAGE_NO_RECLAIM)) == 0);
	const paddr_t pa = page_alloc(pool, 0, user_page_how(flags), site);

	if (pa == PADDR_NONE) return PADDR_NONE;
	struct frame *f = page_frame(pool, pa);
	ASSERT_SLOW(f == user_page_frame(pool, pa));
	atomic_store_u32(&f->user.references, 1);
	return pa;
}

void user_page_hold(struct page_pool *pool, paddr_t pa)
{
	const uint32_t before =
		atomic_fetch_add_u32(&user_page_frame(pool, pa)->user.references, 1);

	ASSERT(before != 0 && before != UINT32_MAX); /* U1 */
}

bool user_page_drop(struct page_pool *pool, paddr_t pa)
{
	struct frame *f = user_page_frame(pool, pa);
	const uint32_t before = atomic_fetch_add_u32(&f->user.references, UINT32_MAX);

	if (UNLIKELY(before == 0))
		kpanic("double-free", "a page's last reference was dropped twice");
	if (before != 1) return false;
	f->user = (struct frame_user){ 0 }; /* whoever has the frame next finds nothing noted */
	const enum page_verdict v = page_free(pool, pa, 0, user_page_how(0));
	ASSERT(v == PAGE_FREED);
	return true;
}

uint32_t user_page_references(const struct page_pool *pool, paddr_t pa)
{
	return atomic_load_u32(&user_page_frame(pool, pa)->user.references);
}
