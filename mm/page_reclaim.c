/*
 * page_reclaim.c -- what is done before a request fails, and what the owner is told meanwhile.
 *
 * A request climbs a ladder and stops at the first rung that holds: the caches and free lists;
 * the same after every CPU's cache and the quarantine were emptied into the free lists; the same
 * after each shrinker in turn.  Every shrinker is asked at most once, in the order they were
 * registered, so the climb is bounded.  Only then the answer is no.  PAGE_NO_RECLAIM stays below
 * the shrinkers.  A request made by a shrinker is refused at once: it would climb into itself.
 *
 * Quarantine: freed blocks wait in a queue, oldest out first, so that a stale pointer meets poison
 * rather than somebody else's data.  It is a delay and never a reason to fail.
 *
 * Pressure: three levels, by the number of free pages (page.h, page_config).  A level ends an
 * eighth of its mark later than it began, so that a pool which hovers at the mark tells its owner
 * once, not with every page.
 *
 * Always true:
 *   R1  quarantined_pages is the sum over the queue and at most quarantine_limit;
 *   R2  shrinkers and the listener run with no lock of this allocator held;
 *   R3  lowest_free <= free pages, whenever the lock is not held.
 *
 * Locks: pool->lock for the queue and the list of shrinkers, dropped before anybody is called.
 * Cost: a drain is O(cached + quarantined pages); the rest is as dear as the shrinkers.
 */
#include "mm/page_inside.h"

/* The first count of free pages at which a level whose mark is `mark` does not hold. */
static uint32_t page_level_end(uint32_t mark, bool holds)
{
	return holds ? mark + mark / 8 + 1 : mark;
}

struct page_news page_note_locked(struct page_pool *pool)
{
	const uint32_t free = pool->free_all, was = pool->level;
	const bool low = free < page_level_end(pool->low, pool->level >= PRESSURE_LOW);
	const bool critical =
		free < page_level_end(pool->critical, pool->level >= PRESSURE_CRITICAL);

	ASSERT(was <= PRESSURE_CRITICAL);
	pool->lowest_free = (uint32_t)min_u64(pool->lowest_free, free);
	pool->level = critical ? PRESSURE_CRITICAL : low ? PRESSURE_LOW : PRESSURE_NONE;
	pool->note_below = critical ? 0 : low ? pool->critical : pool->low;
	pool->note_below = (uint32_t)max_u64(pool->note_below, pool->lowest_free);
	pool->note_from = critical ? page_level_end(pool->critical, true)
			  : low    ? page_level_end(pool->low, true)
				   : UINT32_MAX;
	ASSERT(free >= pool->note_below && free < pool->note_from);
	return (struct page_news){ free, pool->level == was ? 0 : pool->level + 1 };
}

void page_tell_news(const struct page_pool *pool, struct page_news news)
{
	const struct mm_report report = { .pages = news.free, .level = news.level - 1 };

	mm_tell(pool->listener, MM_EVENT_PRESSURE, &report);
}

paddr_t page_taken_noted(struct page_pool *pool, paddr_t pa, mach_irq_t was)
{
	page_tell(pool, page_unlock(pool, was));
	return pa;
}

enum page_verdict page_freed_noted(struct page_pool *pool, mach_irq_t was)
{
	page_tell(pool, page_unlock(pool, was));
	return PAGE_FREED;
}

static void page_quarantine_release_locked(struct page_pool *pool)
{
	const uint32_t n = pool->quarantine_first;
	struct frame *f = &pool->frames[n];
	const unsigned order = f->order;

	ASSERT(f->state == FRAME_QUARANTINED);
	ASSERT(pool->quarantined_pages >= 1u << order);
	pool->quarantine_first = f->next;
	if (f->next == FRAME_NONE) pool->quarantine_last = FRAME_NONE;
	pool->quarantined_pages -= 1u << order;
	page_block_put_locked(pool, n, order);
}

static void page_quarantine_append_locked(struct page_pool *pool, uint32_t n, unsigned order)
{
	struct frame *f = &pool->frames[n];

	f->word = FRAME_WORD(FRAME_QUARANTINED, order, 0, f->zone);
	f->next = FRAME_NONE;
	if (pool->quarantine_last == FRAME_NONE)
		pool->quarantine_first = n;
	else
		pool->frames[pool->quarantine_last].next = n;
	pool->quarantine_last = n;
	pool->quarantined_pages += 1u << order;
}

/* Room is made first: what does not fit even then, because it is larger than all of the
 * quarantine, is free at once. */
void page_quarantine_locked(struct page_pool *pool, uint32_t n, unsigned order)
{
	const uint32_t pages = 1u << order;

	if (pages > pool->quarantine_limit) {
		page_block_put_locked(pool, n, order);
		return;
	}
	while (pool->quarantined_pages > pool->quarantine_limit - pages)
		page_quarantine_release_locked(pool);
	page_quarantine_append_locked(pool, n, order);
}

void page_drain(struct page_pool *pool)
{
	page_cpus_drain(pool);
	const mach_irq_t was = lock_take(&pool->lock);
	while (pool->quarantine_first != FRAME_NONE) page_quarantine_release_locked(pool);
	ASSERT(pool->quarantined_pages == 0);
	page_tell(pool, page_unlock(pool, was));
}

void page_shrinker_add(struct page_pool *pool, struct shrinker *shrinker)
{
	ASSERT(shrinker->shrink != NULL);
	shrinker->next = NULL;
	const mach_irq_t was = lock_take(&pool->lock);
	struct shrinker **last = &pool->shrinkers;
	for (; *last != NULL; last = &(*last)->next) ASSERT(*last != shrinker);
	*last = shrinker;
	lock_drop(&pool->lock, was);
}

/* The one after `s` in the order of registration; the first after NULL. */
static struct shrinker *page_shrinker_after(struct page_pool *pool, const struct shrinker *s)
{
	const mach_irq_t was = lock_take(&pool->lock);
	struct shrinker *next = s == NULL ? pool->shrinkers : s->next;

	lock_drop(&pool->lock, was);
	return next;
}

/* Asks one shrinker; what it freed on this and other CPUs is in the free lists afterwards. */
static void page_shrink(struct page_pool *pool, struct shrinker *s, uint32_t pages)
{
	mach_lock_none_held(RANK_QUARANTINE);
	const unsigned cpu = page_cpu_shrink_enter(pool);
	s->shrink(s->context, pages);
	page_cpu_shrink_leave(pool, cpu);
	page_drain(pool);
}

static uint32_t page_count_free(struct page_pool *pool)
{
	const mach_irq_t was = lock_take(&pool->lock);
	const uint32_t free = page_free_locked(pool);

	lock_drop(&pool->lock, was);
	return free;
}

void page_reclaim(struct page_pool *pool, uint32_t pages)
{
	page_drain(pool);
	if (page_cpu_shrinking(pool)) return;
	for (struct shrinker *s = page_shrinker_after(pool, NULL);
	     s != NULL && page_count_free(pool) < pages; s = page_shrinker_after(pool, s))
		page_shrink(pool, s, pages);
}

/* What each shrinker is asked for.  Nobody knows of which zone the first pages to come back are, so
 * where no other zone will do it is asked for all it has. */
static uint32_t page_to_shrink(const struct page_pool *pool, const struct page_want *want)
{
	return page_how_zone(want->how) == ZONE_DMA ? pool->pages : want->pages;
}

uint32_t page_try_hard(struct page_pool *pool, const struct page_want *want)
{
	if (page_cpu_shrinking(pool)) return FRAME_NONE;

	uint32_t n = page_try(pool, want);
	if (n != FRAME_NONE || (want->how & PAGE_NO_DRAIN) != 0) return n;
	page_drain(pool);
	n = page_try(pool, want);
	if ((want->how & PAGE_NO_RECLAIM) != 0) return n;
	for (struct shrinker *s = page_shrinker_after(pool, NULL); n == FRAME_NONE && s != NULL;
	     s = page_shrinker_after(pool, s)) {
		page_shrink(pool, s, page_to_shrink(pool, want));
		n = page_try(pool, want);
	}
	return n;
}
