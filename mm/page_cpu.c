/*
 * page_cpu.c -- the CPUs' caches of single pages, beyond what page.c does in passing.
 *
 * Each CPU has a stack of pages for each zone.  An empty one is filled with a batch from the free
 * lists, from its own zone and no other, so that a page never serves a zone's request by having
 * been in the wrong stack; a full one gives a batch back.  A page freed on another CPU than the
 * one it was taken on goes to the cache of the CPU that frees it: that only moves pages about.
 *
 * Nothing waits in a cache for ever: whoever would be refused, or asks, drains all of them, those
 * of other CPUs included.  That is why there is a latch although each CPU has its own cache.
 *
 * While a CPU is inside a shrinker its cache is never quick, so that requests come to where they
 * are refused, and what the shrinker frees goes straight on to the free lists.
 *
 * Always true, under the latch:
 *   C1  count <= cache_pages <= PAGE_CACHE_MAX;
 *   C2  slots below count name FRAME_CACHED frames of the stack's zone, each once.
 *
 * Locks: the CPU's latch (RANK_PAGE_CPU); inside it pool->lock for a batch.  One latch at a time.
 * Cost: O(batch) list operations for every batch of requests; a drain is O(CPUs * cache_pages).
 */
#include "mm/page_inside.h"

/* Where a CPU stands while it looks at a cache. */
struct page_visit {
	mach_irq_t was;
	struct page_cpu *cpu;
};

static struct page_visit page_visit_begin(struct page_pool *pool)
{
	const mach_irq_t was = mach_irq_save();
	const unsigned cpu = mach_cpu();

	ASSERT(cpu < pool->cpus);
	latch_take_as(&pool->cpu[cpu].latch, cpu);
	return (struct page_visit){ was, &pool->cpu[cpu] };
}

static void page_visit_end(struct page_visit visit)
{
	latch_drop(&visit.cpu->latch);
	mach_irq_restore(visit.was);
}

static struct page_news page_stack_fill(struct page_pool *pool, struct page_stack *s, unsigned zone)
{
	const mach_irq_t was = lock_take(&pool->lock);

	while (s->count < pool->cache_batch) {
		const uint32_t n = page_block_take_locked(pool, zone, 0);
		if (n == FRAME_NONE) break;
		ASSERT(pool->frames[n].zone == zone);
		pool->frames[n].word = FRAME_WORD(FRAME_CACHED, 0, 0, zone);
		s->slot[s->count++] = n;
		pool->out_pages++;
	}
	return page_unlock(pool, was);
}

/* Leaves `keep` pages in the stack. */
static void page_stack_empty_locked(struct page_pool *pool, struct page_stack *s, uint32_t keep)
{
	while (s->count > keep) {
		const uint32_t n = s->slot[--s->count];

		ASSERT(n < pool->pages && pool->frames[n].state == FRAME_CACHED);
		pool->out_pages--;
		page_block_put_locked(pool, n, 0);
	}
}

uint32_t page_cpu_take(struct page_pool *pool, uint32_t how, site_t site)
{
	const unsigned zone = page_how_zone(how);
	const struct page_visit visit = page_visit_begin(pool);
	struct page_stack *s = &visit.cpu->stack[zone];
	struct page_news news = { 0 };
	uint32_t n = FRAME_NONE;

	if (s->count == 0) news = page_stack_fill(pool, s, zone);
	if (s->count != 0) {
		n = s->slot[--s->count];
		ASSERT(pool->frames[n].word == FRAME_WORD(FRAME_CACHED, 0, 0, zone));
		frame_give(&pool->frames[n], 0, how, site);
	}
	page_visit_end(visit);
	page_tell(pool, news);
	return n;
}

/* Makes room in a full stack; in a shrinker, where nothing is to stay, page n goes on as well. */
static struct page_news page_stack_relieve(struct page_pool *pool, struct page_stack *s, uint32_t n,
					   bool shrinking)
{
	const mach_irq_t was = lock_take(&pool->lock);

	page_stack_empty_locked(pool, s, shrinking ? 0 : pool->cache_pages - pool->cache_batch);
	if (shrinking) {
		pool->out_pages--;
		page_block_put_locked(pool, n, 0);
	}
	return page_unlock(pool, was);
}

void page_cpu_put(struct page_pool *pool, uint32_t n)
{
	struct frame *f = &pool->frames[n];
	const struct page_visit visit = page_visit_begin(pool);
	struct page_stack *s = &visit.cpu->stack[f->zone];
	const bool shrinking = visit.cpu->shrinking != 0;
	struct page_news news = { 0 };

	ASSERT(s->count <= pool->cache_pages);
	if (shrinking || s->count == pool->cache_pages)
		news = page_stack_relieve(pool, s, n, shrinking);
	if (!shrinking) {
		f->word = FRAME_WORD(FRAME_CACHED, 0, 0, f->zone);
		s->slot[s->count++] = n;
	}
	page_visit_end(visit);
	page_tell(pool, news);
}

/* No latch: the word changes only on its own CPU, or at the end of a shrinker that was moved. */
bool page_cpu_shrinking(struct page_pool *pool)
{
	const mach_irq_t was = mach_irq_save();
	const bool shrinking = pool->cpu[mach_cpu()].shrinking != 0;

	mach_irq_restore(was);
	return shrinking;
}

unsigned page_cpu_shrink_enter(struct page_pool *pool)
{
	const struct page_visit visit = page_visit_begin(pool);

	ASSERT(!visit.cpu->shrinking);
	visit.cpu->shrinking = 1;
	visit.cpu->quick = 0;
	page_visit_end(visit);
	return (unsigned)(visit.cpu - pool->cpu);
}

void page_cpu_shrink_leave(struct page_pool *pool, unsigned cpu)
{
	struct page_cpu *c = &pool->cpu[cpu];
	const mach_irq_t was = mach_irq_save();

	latch_take(&c->latch);
	ASSERT(c->shrinking == 1);
	c->shrinking = 0;
	c->quick = pool->quick;
	latch_drop(&c->latch);
	mach_irq_restore(was);
}

static void page_cpu_drain(struct page_pool *pool, struct page_cpu *c)
{
	const mach_irq_t masked = mach_irq_save();

	latch_take(&c->latch);
	const mach_irq_t was = lock_take(&pool->lock);
	for (unsigned z = 0; z < ZONES; z++) page_stack_empty_locked(pool, &c->stack[z], 0);
	const struct page_news news = page_unlock(pool, was);
	latch_drop(&c->latch);
	mach_irq_restore(masked);
	page_tell(pool, news);
}

void page_cpus_drain(struct page_pool *pool)
{
	for (unsigned i = 0; i < pool->cpus; i++) page_cpu_drain(pool, &pool->cpu[i]);
}
