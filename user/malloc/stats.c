/*
 * stats.c -- figures: how much is live, queued, held, and in how many pieces the rest is.
 *
 * Counters are kept by those who change what they count.  What is free is looked up when asked
 * for: one walk over all free blocks.
 */
#include "user/malloc/inside.h"

static void add_free(struct umalloc_stats *s, const struct umalloc_block *b)
{
	const uint64_t bytes = block_granted(b);

	s->free_bytes += bytes;
	if (bytes > s->largest_free) s->largest_free = bytes;
}

static void add_list(struct umalloc_stats *s, const struct umalloc_block *first)
{
	for (const struct umalloc_block *b = first; b != NULL; b = b->next) add_free(s, b);
}

static void find_free(const struct umalloc *m, struct umalloc_stats *s)
{
	if (m->top != NULL) add_free(s, m->top);
	for (uint32_t bin = 0; bin < UMALLOC_BINS; bin++) add_list(s, m->bins[bin]);
	for (uint32_t i = 0; i < UMALLOC_QUICK / 64; i++)
		for (uint64_t lists = m->quick_map[i]; lists != 0; lists &= lists - 1)
			add_list(s, m->quick[i * 64 + (uint32_t)__builtin_ctzll(lists)]);
}

void umalloc_stats(struct umalloc *m, struct umalloc_stats *stats)
{
	struct umalloc_stats s = { .largest_free = 0 };

	umalloc_lock(m);
	um_caches_stop(m);
	struct umalloc_counts c = m->counts;
	const struct umalloc_count cached = um_caches_count(m, &c.released);
	s.heap_bytes = m->heap_bytes;
	s.mapped_bytes = m->mapped_bytes;
	s.peak_held_bytes = m->peak_held_bytes;
	memcpy(s.flushes, m->flushes, sizeof(s.flushes));
	find_free(m, &s);
	um_caches_go(m);
	umalloc_unlock(m);
	s.live_bytes = (c.live.units - cached.units) << UNIT_SHIFT;
	s.live = c.live.blocks - cached.blocks;
	s.cached_bytes = cached.units << UNIT_SHIFT;
	s.cached = cached.blocks;
	s.peak_bytes = c.peak_units << UNIT_SHIFT;
	s.queued_bytes = c.queued.units << UNIT_SHIFT;
	s.queued = c.queued.blocks;
	s.released_bytes = c.released.units << UNIT_SHIFT;
	s.released = c.released.blocks;
	s.allocated_bytes = s.live_bytes + s.queued_bytes + s.released_bytes;
	s.allocated = s.live + s.queued + s.released;
	if (s.free_bytes != 0)
		s.fragmentation = (s.free_bytes - s.largest_free) * 1000 / s.free_bytes;
	*stats = s;
}
