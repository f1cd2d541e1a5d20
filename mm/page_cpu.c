/*
 * page_cpu.c -- the CPUs' caches of single pages, beyond what page.c does in passing.
 *
 * Each CPU has a stack of pages for each zone.  An empty one is filled with a batch from the free
 * lists, from its own zone and no other, so that a page never serves a zone's request by having
 * been in the wrong stack; a full one gives a batch back.  A page freed on another CPU than the
 * one it was taken on goes to the cache of the CPU that frees it: that only moves pages about.
 *
 * Nothing waits in a cache for ever: whoever would be refused, or asks, drains all of them, those
 * of other CPUs included.  That is why a stack can be locked although each CPU has its own: its
 * count is a meter (machine/lock.h), one word that is count and latch in one.
 *
 * A stack may be shut (PAGE_STACK_SHUT).  The fast paths of page.c then find a count that is out
 * of all bounds and come here.  A pool that poisons or keeps a quarantine has all of them shut; a
 * CPU inside a shrinker has its own, so that requests come to where they are refused, and what the
 * shrinker frees goes straight on to the free lists.
 *
 * Always true, when nobody has the stack:
 *   C1  count <= cache_pages <= PAGE_CACHE_MAX;
 *   C2  slots below count name FRAME_CACHED frames of the stack's zone, each once;
 *   C3  outside shrinkers a stack is shut exactly when the pool says so for all (stacks_shut).
 *
 * Locks: the stack's meter (RANK_PAGE_CPU); inside it pool->lock for a batch.  One meter at a time.
 * Cost: for a batch one list operation per block that it is cut from; a drain takes a glance at
 * every empty stack and O(cached pages) for the others.
 */
#include "mm/page_inside.h"

/* Where a CPU stands while it has a stack. */
struct page_visit {
	mach_irq_t was;
	struct page_cpu *cpu;
	struct page_stack *stack;
	uint32_t count;
	uint32_t shut; /* PAGE_STACK_SHUT or 0: goes back with the count */
};

static struct page_visit page_visit_stack(mach_irq_t was, struct page_cpu *c, unsigned zone)
{
	struct page_visit v = { .was = was, .cpu = c, .stack = &c->stack[zone] };
	const uint32_t word = meter_take(&v.stack->count, RANK_PAGE_CPU);

	v.count = word & ~PAGE_STACK_SHUT;
	v.shut = word & PAGE_STACK_SHUT;
	ASSERT(v.count <= PAGE_CACHE_MAX);
	return v;
}

/* This CPU's: interrupts are masked before anybody asks which one that is. */
static struct page_visit page_visit_here(struct page_pool *pool, unsigned zone)
{
	const mach_irq_t was = mach_irq_save();

	ASSERT(mach_cpu() < pool->cpus && zone < ZONES);
	return page_visit_stack(was, &pool->cpu[mach_cpu()], zone);
}

static void page_visit_end(const struct page_visit *v)
{
	meter_drop(&v->stack->count, RANK_PAGE_CPU, v->count | v->shut);
	mach_irq_restore(v->was);
}

uint32_t page_stack_count(struct page_stack *s)
{
	return meter_read(&s->count) & ~PAGE_STACK_SHUT;
}

/* The pages [n, end) of a block that left the free lists come to lie in the stack. */
static void page_stack_push_row(struct page_pool *pool, struct page_visit *v, uint32_t n,
				uint32_t end)
{
	const uint32_t word = FRAME_WORD(FRAME_CACHED, 0, 0, pool->frames[n].zone);

	ASSERT(n < end && v->count + (end - n) <= pool->cache_pages);
	pool->out_pages += end - n;
	for (; n < end; n++) {
		pool->frames[n].word = word;
		v->stack->slot[v->count++] = n;
	}
}

/* Cuts a batch from the smallest blocks there are; what the last has too much goes back.  So the
 * pages are those that one request after the other would have got. */
static struct page_news page_stack_fill(struct page_pool *pool, struct page_visit *v, unsigned zone)
{
	const mach_irq_t was = lock_take(&pool->lock);

	ASSERT(v->count == 0);
	while (v->count < pool->cache_batch && pool->free[zone].orders != 0) {
		const unsigned order = bit_lowest(pool->free[zone].orders);
		const uint32_t n = page_block_take_locked(pool, zone, order);
		const uint32_t wanted = pool->cache_batch - v->count;
		const uint32_t end = n + (uint32_t)min_u64(wanted, 1u << order);

		ASSERT(n != FRAME_NONE && pool->frames[n].zone == zone);
		page_stack_push_row(pool, v, n, end);
		page_range_put_locked(pool, end, n + (1u << order));
	}
	return page_unlock(pool, was);
}

/* Leaves `keep` pages in the stack. */
static void page_stack_empty_locked(struct page_pool *pool, struct page_visit *v, uint32_t keep)
{
	while (v->count > keep) {
		const uint32_t n = v->stack->slot[--v->count];

		ASSERT(n < pool->pages && pool->frames[n].state == FRAME_CACHED);
		pool->out_pages--;
		page_block_put_locked(pool, n, 0);
	}
}

uint32_t page_cpu_take(struct page_pool *pool, uint32_t how, site_t site)
{
	const unsigned zone = page_how_zone(how);
	struct page_visit v = page_visit_here(pool, zone);
	struct page_news news = { 0 };
	uint32_t n = FRAME_NONE;

	if (v.count == 0) news = page_stack_fill(pool, &v, zone);
	if (v.count != 0) {
		n = v.stack->slot[--v.count];
		ASSERT(n < pool->pages);
		ASSERT(pool->frames[n].word == FRAME_WORD(FRAME_CACHED, 0, 0, zone));
		frame_give(&pool->frames[n], 0, how, site);
	}
	page_visit_end(&v);
	page_tell(pool, news);
	return n;
}

/* Makes room in a full stack; in a shrinker, where nothing is to stay, page n goes on as well. */
static struct page_news page_stack_relieve(struct page_pool *pool, struct page_visit *v, uint32_t n,
					   bool shrinking)
{
	const mach_irq_t was = lock_take(&pool->lock);

	page_stack_empty_locked(pool, v, shrinking ? 0 : pool->cache_pages - pool->cache_batch);
	if (shrinking) {
		pool->out_pages--;
		page_block_put_locked(pool, n, 0);
	}
	return page_unlock(pool, was);
}

void page_cpu_put(struct page_pool *pool, uint32_t n)
{
	struct frame *f = &pool->frames[n];
	struct page_visit v = page_visit_here(pool, f->zone);
	const bool shrinking = v.cpu->shrinking != 0;
	struct page_news news = { 0 };

	ASSERT(v.count <= pool->cache_pages && f->state == FRAME_USED);
	if (shrinking || v.count == pool->cache_pages)
		news = page_stack_relieve(pool, &v, n, shrinking);
	if (!shrinking) {
		atomic_poke_u32(&f->word, FRAME_WORD(FRAME_CACHED, 0, 0, f->zone));
		v.stack->slot[v.count++] = n;
	}
	page_visit_end(&v);
	page_tell(pool, news);
}

/* No lock: the word changes only on its own CPU, or at the end of a shrinker that was moved. */
bool page_cpu_shrinking(struct page_pool *pool)
{
	const mach_irq_t was = mach_irq_save();
	const bool shrinking = pool->cpu[mach_cpu()].shrinking != 0;

	mach_irq_restore(was);
	return shrinking;
}

static void page_cpu_shut(struct page_cpu *c, uint32_t shut)
{
	for (unsigned z = 0; z < ZONES; z++) {
		struct page_visit v = page_visit_stack(mach_irq_save(), c, z);

		v.shut = shut;
		page_visit_end(&v);
	}
}

unsigned page_cpu_shrink_enter(struct page_pool *pool)
{
	const mach_irq_t was = mach_irq_save();
	struct page_cpu *c = &pool->cpu[mach_cpu()];

	ASSERT(c->shrinking == 0);
	c->shrinking = 1;
	page_cpu_shut(c, PAGE_STACK_SHUT);
	mach_irq_restore(was);
	return (unsigned)(c - pool->cpu);
}

void page_cpu_shrink_leave(struct page_pool *pool, unsigned cpu)
{
	struct page_cpu *c = &pool->cpu[cpu];
	const mach_irq_t was = mach_irq_save();

	ASSERT(cpu < pool->cpus && c->shrinking == 1);
	c->shrinking = 0;
	page_cpu_shut(c, pool->stacks_shut);
	mach_irq_restore(was);
}

static void page_stack_drain(struct page_pool *pool, struct page_cpu *c, unsigned zone)
{
	struct page_visit v = page_visit_stack(mach_irq_save(), c, zone);
	const mach_irq_t was = lock_take(&pool->lock);

	page_stack_empty_locked(pool, &v, 0);
	const struct page_news news = page_unlock(pool, was);
	ASSERT(v.count == 0);
	page_visit_end(&v);
	page_tell(pool, news);
}

/* Whoever would be refused comes by here, often when there is nothing left: a stack that shows
 * itself empty was so at that moment, and is passed by. */
void page_cpus_drain(struct page_pool *pool)
{
	for (unsigned i = 0; i < pool->cpus; i++) {
		struct page_cpu *c = &pool->cpu[i];

		for (unsigned z = 0; z < ZONES; z++)
			if ((atomic_load_u32(&c->stack[z].count.word) & ~PAGE_STACK_SHUT) != 0)
				page_stack_drain(pool, c, z);
	}
}
