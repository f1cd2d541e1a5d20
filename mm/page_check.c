/*
 * page_check.c -- looking at a pool: counts, the walk, the hash, fragmentation, pages by site.
 *
 * Two depths of doubt.  page_check_counts adds up counters and costs next to nothing; it runs
 * after every operation of a script.  page_check walks all frames, all lists and all caches and
 * compares each with the others: a page that is on a list must say so in its frame, and as many
 * frames must say so as the lists have.  Equal numbers do not show that the caches name each page
 * once, so both sides also add up a mixed form of the page numbers, which differs when one page
 * is there twice and another not at all.
 *
 * The hash depends on what each page is (its state, in blocks; in use, by whom and of what order),
 * in the order of frames, and on nothing else: not on the order of lists, not on sites, not on
 * which CPU's cache a page is in.
 *
 * Locks: what reads the free lists takes pool->lock.  Walks want the pool at rest, as page.h says.
 * Cost: page_check, page_hash and page_sites are O(pages); the others O(CPUs + orders).
 */
#include "mm/page_inside.h"

/* What a walk has seen. */
struct page_tally {
	uint32_t pages[FRAME_RESERVED + 1];
	uint32_t zone_free[ZONES];
	uint32_t blocks[ZONES][PAGE_ORDERS];
	uint64_t cached_mix;
};

/* Spreads a page number over 64 bits (the finisher of SplitMix64; Steele, Lea, Flood, 2014). */
static uint64_t page_mix(uint64_t n)
{
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9ull;
	n = (n ^ n >> 27) * 0x94d049bb133111ebull;
	return n ^ n >> 31;
}

/* Stack by stack, so a page that moves between CPUs meanwhile may be seen twice or not at all. */
static uint32_t page_count_cached(struct page_pool *pool)
{
	uint32_t cached = 0;

	for (unsigned i = 0; i < pool->cpus; i++) {
		for (unsigned z = 0; z < ZONES; z++)
			cached += page_stack_count(&pool->cpu[i].stack[z]);
	}
	return cached;
}

void page_count(struct page_pool *pool, struct page_counts *out)
{
	const uint32_t cached = page_count_cached(pool);
	const mach_irq_t was = lock_take(&pool->lock);

	*out = (struct page_counts){
		.total = pool->pages,
		.reserved = pool->reserved_pages,
		.free = page_free_locked(pool),
		/* The caches were counted before there was the lock, and may have shrunk. */
		.cached = (uint32_t)min_u64(cached, pool->out_pages),
		.quarantined = pool->quarantined_pages,
		.peak_used = pool->pages - pool->reserved_pages - pool->lowest_free,
		.level = pool->level,
	};
	ASSERT(out->cached <= pool->out_pages && pool->lowest_free <= out->free);
	out->used = pool->out_pages - out->cached;
	for (unsigned z = 0; z < ZONES; z++) out->zone_free[z] = pool->free[z].pages;
	lock_drop(&pool->lock, was);
}

/* What must hold among counters alone.  Sums are taken in 64 bits: a counter that went below zero
 * must not make one come out right. */
static const char *page_check_sums_locked(const struct page_pool *pool)
{
	const uint64_t sum = (uint64_t)page_free_locked(pool) + pool->quarantined_pages +
			     pool->reserved_pages + pool->out_pages;

	if (sum != pool->pages) return "P1: free + quarantined + reserved + out is not total";
	if (pool->quarantined_pages > pool->quarantine_limit) return "R1: quarantine overfull";
	if (pool->free[ZONE_DMA].pages + pool->free[ZONE_KERNEL].pages +
		    pool->free[ZONE_USER].pages !=
	    pool->free_all)
		return "B2: the zones' free pages are not all that are free";
	if (pool->lowest_free > page_free_locked(pool)) return "R3: fewest free is above free";
	for (unsigned z = 0; z < ZONES; z++)
		if (pool->free[z].pages > pool->zone_end[z] - page_zone_first(pool, z))
			return "B2: more pages free than the zone has";
	return NULL;
}

const char *page_check_counts(struct page_pool *pool)
{
	const uint32_t cached = page_count_cached(pool);
	const mach_irq_t was = lock_take(&pool->lock);
	const char *wrong = page_check_sums_locked(pool);

	if (wrong == NULL && cached > pool->out_pages) wrong = "P1: more cached than out";
	lock_drop(&pool->lock, was);
	return wrong;
}

/* The block that starts at frame n of zone `zone`, by its frame's word; its pages go into the
 * tally.  A frame is looked at once, as one word: there is one for every page. */
static const char *page_check_block(const struct page_pool *pool, uint32_t n, unsigned zone,
				    uint32_t word, struct page_tally *t)
{
	const unsigned state = frame_word_state(word), order = word >> 8 & 0xff;
	const uint32_t pages = 1u << (order & 31);
	const uint32_t body = FRAME_WORD(FRAME_BODY, 0, 0, zone);
	const struct frame *f = pool->frames + n;

	if (state == FRAME_BODY || state > FRAME_RESERVED) return "P2: no head where one is due";
	if (word >> 24 != zone) return "P3: zone of a frame";
	if (order > PAGE_ORDER_MAX || !is_aligned(n, pages)) return "P3: order of a block";
	if (pages > pool->zone_end[zone] - n) return "P3: a block crosses its zone's end";
	for (const struct frame *end = f++ + pages; f < end; f++)
		/* Its owner may have made a note in `owner`. */
		if ((f->word & FRAME_WORD(0xff, 0, 0, 0xff)) != body)
			return "P2: a head inside another block";
	if (order != 0 && (state == FRAME_CACHED || state == FRAME_RESERVED))
		return "P5: only single pages are cached or reserved";
	t->pages[state] += pages;
	if (state == FRAME_CACHED) t->cached_mix += page_mix(n);
	if (state != FRAME_FREE) return NULL;

	const uint32_t buddy = n ^ pages;
	t->zone_free[zone] += pages;
	t->blocks[zone][order]++;
	if (order < PAGE_ORDER_MAX && buddy < pool->pages && pool->frames[buddy].word == word)
		return "P4: two free buddies were not merged";
	return NULL;
}

/* From head to head, zone by zone.  Each step is as long as a block, whose order was just verified,
 * so the walk ends, and ends at each zone's last frame. */
static const char *page_check_frames(const struct page_pool *pool, struct page_tally *t)
{
	uint32_t n = 0;

	for (unsigned zone = 0; zone < ZONES; zone++) {
		while (n < pool->zone_end[zone]) {
			const uint32_t word = pool->frames[n].word;
			const char *wrong = page_check_block(pool, n, zone, word, t);

			if (wrong != NULL) return wrong;
			n += 1u << frame_word_order(word);
		}
		ASSERT(n == pool->zone_end[zone]);
	}
	return NULL;
}

/* One list against the `blocks` that the frames have for it.  No more than so many are visited, so
 * a list that runs in a circle is told of and not followed for ever. */
static const char *page_check_list(const struct page_pool *pool, unsigned zone, unsigned order,
				   uint32_t blocks)
{
	const struct page_list *list = &pool->many[zone][order];
	uint32_t count = 0, prev = FRAME_NONE;

	if (list->count != blocks) return "B1: a free block on no list";
	for (uint32_t n = list->first; n != FRAME_NONE; n = pool->frames[n].next) {
		if (n >= pool->pages) return "B1: a list leaves the pool";
		if (pool->frames[n].word != FRAME_WORD(FRAME_FREE, order, 0, zone))
			return "B1: a block on the wrong list";
		if (pool->frames[n].prev != prev) return "B1: a list's links disagree";
		if (++count > blocks) return "B1: a list with more blocks than there are";
		prev = n;
	}
	return count == blocks ? NULL : "B1: a list with fewer blocks than there are";
}

/* One block stands by itself and two or more are on a list; where there is none, neither says that
 * there is one. */
static const char *page_check_order(const struct page_pool *pool, unsigned zone, unsigned order,
				    uint32_t blocks)
{
	const uint64_t only = pool->free[zone].only[order];
	const uint64_t n = only / sizeof(struct frame);

	if ((pool->free[zone].orders >> order & 1) != (blocks != 0)) return "B1: bitmap of lists";
	if ((only != FRAME_NOWHERE) != (blocks == 1)) return "B1: which is the only block";
	if (blocks > 1) return page_check_list(pool, zone, order, blocks);
	if (pool->many[zone][order].count != 0) return "B1: a list of fewer than two blocks";
	if (blocks == 0) return NULL;
	if (n >= pool->pages || only % sizeof(struct frame) != 0)
		return "B1: an only block that is no frame's";
	return pool->frames[n].word == FRAME_WORD(FRAME_FREE, order, 0, zone)
		       ? NULL
		       : "B1: an only block of another order";
}

static const char *page_check_lists(const struct page_pool *pool, const struct page_tally *t)
{
	for (unsigned z = 0; z < ZONES; z++) {
		for (unsigned o = 0; o < PAGE_ORDERS; o++) {
			const char *wrong = page_check_order(pool, z, o, t->blocks[z][o]);
			if (wrong != NULL) return wrong;
		}
		if (t->zone_free[z] != pool->free[z].pages) return "B2: free pages of a zone";
	}
	return NULL;
}

/* What is in a stack is taken off the tally: what is left over at the end is in no stack. */
static const char *page_check_stack(const struct page_pool *pool, const struct page_cpu *c,
				    unsigned zone, struct page_tally *t)
{
	const struct page_stack *s = &c->stack[zone];
	const uint32_t shut = c->shrinking != 0 ? PAGE_STACK_SHUT : pool->stacks_shut;
	const uint32_t count = s->count.word & ~PAGE_STACK_SHUT;

	if (count > pool->cache_pages) return "C1: a cache is overfull";
	if ((s->count.word & PAGE_STACK_SHUT) != shut)
		return "C3: a cache is shut or open that should not be";
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t n = s->slot[i];

		if (n >= pool->pages) return "C2: a cached page outside the pool";
		if (pool->frames[n].word != FRAME_WORD(FRAME_CACHED, 0, 0, zone))
			return "C2: a cached page whose frame says otherwise";
		t->pages[FRAME_CACHED]--;
		t->cached_mix -= page_mix(n);
	}
	return NULL;
}

/* Every cached frame is in exactly one slot of one stack: as many slots as frames, and the same sum
 * of mixed numbers. */
static const char *page_check_caches(const struct page_pool *pool, struct page_tally *t)
{
	const uint32_t cached = t->pages[FRAME_CACHED];

	for (unsigned i = 0; i < pool->cpus; i++) {
		for (unsigned z = 0; z < ZONES; z++) {
			const char *wrong = page_check_stack(pool, &pool->cpu[i], z, t);
			if (wrong != NULL) return wrong;
		}
	}
	if (t->pages[FRAME_CACHED] != 0 || t->cached_mix != 0)
		return "P5: cached frames and caches disagree";
	t->pages[FRAME_CACHED] = cached;
	return NULL;
}

/* The queue holds what the frames say is quarantined; bounded by that, as a list is. */
static const char *page_check_quarantine(const struct page_pool *pool, uint32_t pages)
{
	uint32_t seen = 0, last = FRAME_NONE;

	for (uint32_t n = pool->quarantine_first; n != FRAME_NONE; n = pool->frames[n].next) {
		if (n >= pool->pages || pool->frames[n].state != FRAME_QUARANTINED)
			return "R1: a block in quarantine that is not";
		seen += 1u << pool->frames[n].order;
		if (seen > pages) return "R1: quarantine does not end";
		last = n;
	}
	if (last != pool->quarantine_last) return "R1: end of the quarantine";
	return seen == pages && seen == pool->quarantined_pages ? NULL : "R1: quarantined pages";
}

/* The counters against what the walk has seen. */
static const char *page_check_totals(const struct page_pool *pool, const struct page_tally *t)
{
	if (t->pages[FRAME_RESERVED] != pool->reserved_pages) return "P1: reserved pages";
	if (t->pages[FRAME_USED] + t->pages[FRAME_CACHED] != pool->out_pages)
		return "P1: pages in use or cached";
	return page_check_sums_locked(pool);
}

const char *page_check(struct page_pool *pool)
{
	struct page_tally tally = { 0 };
	const char *wrong = page_check_frames(pool, &tally);

	if (wrong == NULL) wrong = page_check_lists(pool, &tally);
	if (wrong == NULL) wrong = page_check_caches(pool, &tally);
	if (wrong == NULL) wrong = page_check_quarantine(pool, tally.pages[FRAME_QUARANTINED]);
	if (wrong == NULL) wrong = page_check_totals(pool, &tally);
	return wrong;
}

/* Words alone: they have state, order, owner and zone, and neither links nor sites. */
uint64_t page_hash(struct page_pool *pool)
{
	uint64_t hash = 0;

	for (uint32_t n = 0; n < pool->pages; n++) hash = page_mix(hash ^ pool->frames[n].word);
	return hash;
}

void page_fragmentation(struct page_pool *pool, struct page_fragmentation *out)
{
	const mach_irq_t was = lock_take(&pool->lock);

	*out = (struct page_fragmentation){ .free_pages = page_free_locked(pool) };
	/* Rising, so that the last order with a block is the largest. */
	for (unsigned o = 0; o < PAGE_ORDERS; o++) {
		for (unsigned z = 0; z < ZONES; z++)
			out->blocks[o] +=
				pool->many[z][o].count + (pool->free[z].only[o] != FRAME_NOWHERE);
		if (out->blocks[o] != 0) out->largest_pages = 1u << o;
	}
	lock_drop(&pool->lock, was);
}

bool page_sites(struct page_pool *pool, struct site_row *table, size_t room, size_t *rows)
{
	struct site_filter filter = site_filter_of(table, *rows);

	for (uint32_t n = 0; n < pool->pages; n++) {
		const struct frame *f = &pool->frames[n];

		if (f->state != FRAME_USED) continue;
		ASSERT(f->order <= PAGE_ORDER_MAX);
		const uint64_t bytes = (uint64_t)PAGE_SIZE << f->order;
		if (!site_row_add(table, room, rows, &filter, f->site, bytes)) return false;
	}
	return true;
}
