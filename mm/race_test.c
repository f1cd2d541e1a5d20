/*
 * race_test.c -- pages and kmalloc on eight CPUs: whatever order calls come in, no two of them
 * touch the same byte without an order between them.
 *
 * Calls run to their end, one after the other, on CPUs drawn at random.  Nothing of that orders
 * them: only locks, latches and atomics of the allocators do, and what a lock of the test's own
 * says about who has which block.  So every access that some lock should have covered is a race
 * here, in whatever schedule; machine/host's detector sees it (machine/host/race.c).
 *
 * All that is shared lies in the arena, where accesses are seen: pool, frames, kmalloc, the table
 * of blocks.
 */
#include "machine/host/arena.h"
#include "machine/host/panics.h"
#include "machine/host/race.h"
#include "machine/random.h"
#include "mm/kmalloc.h"

enum { CPUS = CPUS_MAX, PAGES = 512, SLOTS = 64, WORLDS = 12, CALLS = 3000 };

struct world {
	struct page_pool pool;
	struct frame frames[PAGES];
	struct kmalloc km;
	struct slab_cpu slabs[CPUS * KMALLOC_CLASSES];
	struct mm_listener listener;
	struct lock lock; /* over the slots */
	struct slot {
		uint8_t *p;
		uint32_t bytes; /* of kmalloc; 0: a page block */
		uint32_t order;
	} slots[SLOTS];
};

static struct world *w;
static struct random lots = { 1 };

static uint32_t below(uint32_t n)
{
	return random_below(&lots, n);
}

static void tell_nobody(void *context, enum mm_event event, const struct mm_report *report)
{
	(void)context;
	(void)event;
	(void)report;
}

/* The world at the arena's begin, its pages behind it. */
static void world_make(unsigned number)
{
	uint8_t *arena = host_arena_base();
	const size_t bytes = align_up(sizeof(*w), PAGE_SIZE << PAGE_ORDER_MAX);
	host_reset();
	w = (struct world *)(void *)arena;
	mach_unpoison(w, sizeof(*w));
	memset(w, 0, sizeof(*w));
	w->listener = (struct mm_listener){ .tell = tell_nobody };
	lock_init(&w->lock, RANK_OUTER);
	const struct page_config pages = {
		.base = mach_pa(arena + bytes),
		.pages = PAGES,
		.frames = w->frames,
		.cpus = CPUS,
		.zone_end = { 0, PAGES, PAGES },
		.cache_pages = number % 3 * 4,
		.cache_batch = number % 3 * 2,
		.poison = number % 2 != 0,
		.listener = &w->listener,
	};
	page_pool_init(&w->pool, &pages);
	page_pool_give(&w->pool, 0, PAGES);
	const struct kmalloc_config config = {
		.pages = &w->pool,
		.keep_slabs = 1,
		.redzone = number % 4 / 2 * 16,
		.quarantine = number % 5 == 0 ? 16 : 0,
		.poison = number % 2 != 0,
		.window_bytes = 128 * PAGE_SIZE,
		.grow_bytes = 4 * PAGE_SIZE,
		.listener = &w->listener,
		.cpus = number % 6 != 5 ? w->slabs : NULL,
	};
	kmalloc_init(&w->km, &config);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Who has taken a block out of its slot has it alone. */
static struct slot slot_exchange(uint32_t n, struct slot with)
{
	const mach_irq_t was = lock_take(&w->lock);
	const struct slot had = w->slots[n];
	w->slots[n] = with;
	lock_drop(&w->lock, was);
	return had;
}

static void slot_free(struct slot s)
{
	if (s.p == NULL) return;
	if (s.bytes == 0)
		ASSERT(page_free(&w->pool, mach_pa(s.p), s.order, 0) == PAGE_FREED);
	else
		ASSERT(kmalloc_free(&w->km, s.p) == KMALLOC_FREED);
}

static uint32_t some_bytes(void)
{
	return below(8) == 0 ? 2049 + below(20000) : 1 + below(2048 >> below(8));
}

static void call_kmalloc(uint32_t slot)
{
	struct slot s = { .bytes = some_bytes() };
	s.p = kmalloc_alloc(&w->km, s.bytes, below(4) == 0 ? KM_ZERO : 0, SITE_NONE);
	if (s.p != NULL) s.p[below(s.bytes)] = 1;
	slot_free(slot_exchange(slot, s));
}

static void call_page(uint32_t slot)
{
	struct slot s = { .order = below(4) };
	const paddr_t pa = page_alloc(&w->pool, s.order, 0, SITE_NONE);
	if (pa != PADDR_NONE) {
		s.p = mach_phys(pa);
		s.p[below(PAGE_SIZE << s.order)] = 1;
	}
	slot_free(slot_exchange(slot, s));
}

static void call_free(uint32_t slot)
{
	slot_free(slot_exchange(slot, (struct slot){ .p = NULL }));
}

static void call_realloc(uint32_t slot)
{
	struct slot s = slot_exchange(slot, (struct slot){ .p = NULL });
	const uint32_t bytes = some_bytes();
	if (s.p != NULL && s.bytes != 0) {
		uint8_t *p = kmalloc_realloc(&w->km, s.p, bytes, 0, SITE_NONE, NULL);
		if (p != NULL) s = (struct slot){ .p = p, .bytes = bytes };
	}
	slot_free(slot_exchange(slot, s));
}

static void call_drain(uint32_t slot)
{
	if (slot % 16 == 0) kmalloc_drain(&w->km);
	if (slot % 16 == 1) page_drain(&w->pool);
	if (slot % 16 == 2) page_reclaim(&w->pool, 8);
}

static void call_count(uint32_t slot)
{
	struct kmalloc_counts counts;
	if (slot % 8 == 0) kmalloc_count(&w->km, &counts);
}

static void (*const calls[])(uint32_t slot) = {
	call_kmalloc, call_kmalloc, call_kmalloc, call_page,  call_free,
	call_free,    call_free,    call_realloc, call_drain, call_count,
};

static void call_some(void *arg)
{
	(void)arg;
	calls[below(COUNT_OF(calls))](below(SLOTS));
}

static void close_world(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < SLOTS; i++) call_free(i);
	kmalloc_drain(&w->km);
	page_drain(&w->pool);
	ASSERT(kmalloc_check(&w->km) == NULL && page_check(&w->pool) == NULL);
}

int main(void)
{
	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(CPUS);
	for (unsigned number = 0; number < WORLDS; number++) {
		world_make(number);
		race_begin(CPUS);
		for (unsigned i = 0; i < CALLS; i++)
			expect_panic(below(CPUS), call_some, NULL, NULL, "a call");
		race_end();
		expect_panic(0, close_world, NULL, NULL, "the end of a world");
	}
	host_cpus_close();
	return 0;
}
