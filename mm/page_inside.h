/*
 * page_inside.h -- what the files of the page allocator share with each other and nobody else.
 *
 * Names that end in _locked need pool->lock.  Frame numbers are called n; PADDR_NONE's counterpart
 * is FRAME_NONE.  Blocks are moved in two steps: the free lists know only which pages are free, and
 * whoever takes from them or puts back says, by out_pages, reserved_pages or quarantined_pages,
 * where the pages went or came from.
 */
#ifndef MM_PAGE_INSIDE_H
#define MM_PAGE_INSIDE_H

#include "mm/page.h"

/* Inlined wherever it stands: what is constant in a caller makes these short. */
#define HOT static inline __attribute__((always_inline))

enum { PAGE_POISON_BYTE = 0xd7 }; /* what a free page is full of, where the pool poisons */

/* One request, through all the attempts to meet it. */
struct page_want {
	uint32_t pages;
	unsigned order; /* of the block to look for: 2^order >= pages */
	bool row;       /* pages in a row, each its own block; else one block */
	uint32_t how;
	site_t site;
};

/* What to tell the listener once no lock is held: `level` + 1 where it changed, else 0. */
struct page_news {
	uint32_t free;
	uint32_t level;
};

static inline unsigned page_how_owner(uint32_t how)
{
	return (how & PAGE_OWNER_MASK) >> 16;
}

static inline uint32_t page_zone_first(const struct page_pool *pool, unsigned zone)
{
	return zone == 0 ? 0 : pool->zone_end[zone - 1];
}

static inline uint32_t page_free_locked(const struct page_pool *pool)
{
	return pool->free_all;
}

/* `pages` pages come onto a zone's free lists, or leave them where that is a negative number: the
 * counts change here and nowhere else. */
static inline void page_free_change_locked(struct page_pool *pool, struct page_free *free,
					   uint32_t pages)
{
	free->pages += pages;
	pool->free_all += pages;
}

static inline void frame_give(struct frame *f, unsigned order, uint32_t how, site_t site)
{
	atomic_poke_u32(&f->word, FRAME_WORD(FRAME_USED, order, page_how_owner(how), f->zone));
	if (CALL_SITES) f->site = site;
}

static inline void frame_forget(struct frame *f)
{
	f->word = FRAME_WORD(FRAME_BODY, 0, 0, f->zone);
}

/* Whether the frame's word is that of a block as `how` and `order` describe it, of whatever zone:
 * one comparison for state, order and owner. */
static inline bool frame_is_given(const struct frame *f, unsigned order, uint32_t how)
{
	const uint32_t given = FRAME_WORD(FRAME_USED, order, page_how_owner(how), 0);
	return order <= PAGE_ORDER_MAX && (f->word & ~PAGE_ZONE_MASK) == given;
}

/* page_judge.c */

/* What freeing this block would be told; PAGE_FREED where it is as it should be. */
enum page_verdict page_judge(const struct page_pool *pool, paddr_t pa, unsigned order,
			     uint32_t how);

/* page.c */

/* One attempt, without reclaim; the pages are marked as used. */
uint32_t page_try(struct page_pool *pool, const struct page_want *want);
/* Pages become somebody's: usable, verified, zeroed on request. */
void page_hand_out(struct page_pool *pool, uint32_t n, uint32_t pages, uint32_t how);
/* Pages become nobody's: filled with the pattern, poisoned. */
void page_withdraw(struct page_pool *pool, uint32_t n, uint32_t pages);

/* page_single.c */

/* One page past the caches, for whoever found this CPU's stack open and empty; `free` is the zone's
 * of `how`. */
paddr_t page_single_alloc(struct page_pool *pool, uint32_t how, site_t site,
			  struct page_free *free);
/* The same for the page whose frame is at `place` and has the word `how`, and a stack that was open
 * and full. */
enum page_verdict page_single_free(struct page_pool *pool, uint64_t place, uint32_t how,
				   struct page_free *free);

/* page_buddy.c */

/* A used block of 2^order pages from the zone that `how` names, and no other; FRAME_NONE, inside a
 * shrinker in any case. */
uint32_t page_block_alloc(struct page_pool *pool, unsigned order, uint32_t how, site_t site);
/* Judges a block and frees it, by way of the quarantine. */
enum page_verdict page_block_free(struct page_pool *pool, paddr_t pa, unsigned order, uint32_t how);

/* A free block of 2^order pages from one zone, or FRAME_NONE. */
uint32_t page_block_take_locked(struct page_pool *pool, unsigned zone, unsigned order)
	REQUIRES(&pool->lock);
/* A block becomes free and is merged with what it touches. */
void page_block_put_locked(struct page_pool *pool, uint32_t n, unsigned order)
	REQUIRES(&pool->lock);
/* [first, end) become free, in the fewest blocks. */
void page_range_put_locked(struct page_pool *pool, uint32_t first, uint32_t end)
	REQUIRES(&pool->lock);
/* [first, end), all of them free, leave the free lists; each is FRAME_BODY afterwards. */
void page_range_take_locked(struct page_pool *pool, uint32_t first, uint32_t end)
	REQUIRES(&pool->lock);
/* The largest order a block at `n` can have without crossing `end` or its zone's end. */
unsigned page_order_at(const struct page_pool *pool, uint32_t n, uint32_t end);
/* The head of the block that page `n` is in. */
uint32_t page_head(const struct page_pool *pool, uint32_t n);

/* page_cpu.c */

/* One page from this CPU's cache, filled up from the zone if need be, marked as used. */
uint32_t page_cpu_take(struct page_pool *pool, uint32_t how, site_t site);
/* One page into this CPU's cache, of which some goes to the free lists if need be. */
void page_cpu_put(struct page_pool *pool, uint32_t n);
/* Says whether this CPU is inside a shrinker. */
bool page_cpu_shrinking(struct page_pool *pool);
/* Enters or leaves one on `cpu`; enter says which CPU it was. */
unsigned page_cpu_shrink_enter(struct page_pool *pool);
void page_cpu_shrink_leave(struct page_pool *pool, unsigned cpu);
/* Pages in a stack of whatever CPU. */
uint32_t page_stack_count(struct page_stack *s);
void page_cpus_drain(struct page_pool *pool);

/* page_run.c */

/* want->pages free pages in a row from one zone; they are FRAME_BODY afterwards. */
uint32_t page_row_take_locked(struct page_pool *pool, unsigned zone, const struct page_want *want)
	REQUIRES(&pool->lock);

/* page_reclaim.c */

/* Notes a new lowest point or another level of pressure; what there is to tell of it. */
struct page_news page_note_locked(struct page_pool *pool) REQUIRES(&pool->lock);
void page_tell_news(const struct page_pool *pool, struct page_news news);
/* page_unlock and page_tell at the end of a request, which was given `pa`, or of a free. */
paddr_t page_taken_noted(struct page_pool *pool, paddr_t pa, mach_irq_t was);
enum page_verdict page_freed_noted(struct page_pool *pool, mach_irq_t was);
/* A freed block waits before it is free; the oldest ones that are too many become free. */
void page_quarantine_locked(struct page_pool *pool, uint32_t n, unsigned order)
	REQUIRES(&pool->lock);
/* page_try, then whatever the request allows to make it succeed. */
uint32_t page_try_hard(struct page_pool *pool, const struct page_want *want);

/* Ends a section that may have changed free_pages: drops pool->lock, after noting the lowest point
 * and the pressure level.  What it returns goes to page_tell when no lock is held any more. */
static inline struct page_news page_unlock(struct page_pool *pool, mach_irq_t was)
{
	struct page_news news = { 0, 0 };

	if (UNLIKELY(pool->free_all < pool->note_below || pool->free_all >= pool->note_from))
		news = page_note_locked(pool);
	lock_drop(&pool->lock, was);
	return news;
}

static inline void page_tell(const struct page_pool *pool, struct page_news news)
{
	if (UNLIKELY(news.level != 0)) page_tell_news(pool, news);
}

#endif
