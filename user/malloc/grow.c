/*
 * grow.c -- the break: the heap's memory, got and given back in multiples of 4,096 bytes.
 *
 * Regions.  While nobody else moves the break, all of the heap is one region, which grows and
 * shrinks at its end.  Where somebody has, the old region stays as it is, for good, and a new one
 * begins where the break now is.  Each begins with its record and ends with a head of size 0, a
 * block that is never free, so that no merge runs out of it.
 *
 * How much.  The need, and a thirty-second of what there is: so that growth to n bytes takes about
 * as many calls as n has doublings, times twenty, and what is got and not used is little.  The
 * first region is one page, if that is enough.
 *
 * Giving back.  When the top is larger than a 16th of the heap and 128 KiB, frees give back what is
 * beyond that; a drain gives back every whole page of it.  A heap that is free altogether keeps
 * its record, and with it its first page.
 *
 * Each growth asks once for all and, refused, once more for just the need.  Nothing here recurses.
 */
#include "user/malloc/bins.h"

enum { GROW_SHIFT = 5, KEEP_SHIFT = 4, KEEP_BYTES = 128 << 10 };

/* What a region takes for itself, aligned. */
#define REGION_OWN (sizeof(struct umalloc_region) + BLOCK_HEAD + 2 * UMALLOC_ALIGN)

_Static_assert(sizeof(struct umalloc_region) % UMALLOC_ALIGN == BLOCK_HEAD,
	       "behind a record payloads are aligned");

void um_count_held(struct umalloc *m)
{
	const uint64_t held = m->heap_bytes + m->mapped_bytes;
	if (held > m->peak_held_bytes) m->peak_held_bytes = held;
}

static void *move_break(const struct umalloc *m, ptrdiff_t bytes)
{
	return m->calls->sbrk(m->calls->context, bytes);
}

static void put_end(struct umalloc_region *r, uintptr_t end)
{
	r->end = end;
	block_at((void *)(end - BLOCK_HEAD))->head = head_of(0, BLOCK_LIVE) | HEAD_OURS;
}

/* The short ways are for who finds nothing waiting, and knows blocks by one comparison: where there
 * is one region.  Its first block never moves. */
void um_short_ways(struct umalloc *m)
{
	const struct umalloc_region *r = m->regions;
	const bool open = short_ways_are_open(m);
	const uint64_t quick = open ? m->config.quick_bytes : 0;

	m->short_bytes = quick;
	port_poke(&m->cached_bytes, quick <= CACHED_BYTES ? quick : CACHED_BYTES + 1);
	if (r != NULL && r->older == NULL)
		port_poke(&m->low, (uintptr_t)block_payload(region_first(r)));
	port_poke(&m->span, open && r->older == NULL ? r->end - m->low : 0);
}

struct umalloc_region *um_heap_region(const struct umalloc *m, const void *p)
{
	struct umalloc_region *r = m->regions;

	while (r != NULL && ((uintptr_t)p <= (uintptr_t)region_first(r) || (uintptr_t)p >= r->end))
		r = r->older;
	return r;
}

/* `bytes` more at the end of the newest region: the old end mark becomes a block of them. */
static void region_extend(struct umalloc *m, uintptr_t bytes)
{
	struct umalloc_region *r = m->regions;
	struct umalloc_block *b = block_at((void *)(r->end - BLOCK_HEAD));

	r->break_at += bytes;
	put_end(r, r->end + bytes);
	b->head = (b->head & HEAD_LEFT_FREE) | head_of(bytes, BLOCK_LIVE);
	um_short_ways(m);
	um_heap_put(m, b);
}

/* A new region of `bytes` at `at`, where the break was: perhaps not aligned to anything. */
static void region_begin(struct umalloc *m, void *at, uintptr_t bytes)
{
	const uintptr_t break_at = (uintptr_t)at + bytes;
	const uintptr_t start =
		((uintptr_t)at + UMALLOC_ALIGN - 1) & ~(uintptr_t)(UMALLOC_ALIGN - 1);
	struct umalloc_region *r = (struct umalloc_region *)start;
	struct umalloc_block *b = region_first(r);

	if (m->top != NULL)
		bin_add(m, m->top, block_size(m->top)); /* of the region that ends here */
	m->top = NULL;
	r->older = m->regions;
	r->break_at = break_at;
	put_end(r, break_at & ~(uintptr_t)(UMALLOC_ALIGN - 1));
	m->regions = r;
	um_short_ways(m);
	b->head = head_of(r->end - BLOCK_HEAD - (uintptr_t)b, BLOCK_LIVE);
	um_heap_put(m, b);
}

static bool grow_by(struct umalloc *m, uint64_t bytes)
{
	if (bytes > HEAP_BYTES_MAX - m->heap_bytes) return false;
	void *at = move_break(m, (ptrdiff_t)bytes);
	if (at == UMALLOC_NO_MEMORY) return false;
	m->heap_bytes += bytes;
	um_count_held(m);
	if (m->regions != NULL && m->regions->break_at == (uintptr_t)at)
		region_extend(m, bytes);
	else
		region_begin(m, at, bytes);
	return true;
}

/* That the break is where the top ends shows only when it has moved: where somebody else has moved
 * it, what was got is a region of its own, and may be too little for its own words and the block;
 * then it grows once more. */
bool um_heap_grow(struct umalloc *m, uint64_t size)
{
	for (uint32_t turn = 0; turn < 2; turn++) {
		const uint64_t top = m->top != NULL ? block_size(m->top) : 0;
		const uint64_t own = m->regions == NULL ? REGION_OWN : 0;
		const uint64_t need = page_up(size + own - top);
		const uint64_t more = page_up(need + (m->heap_bytes >> GROW_SHIFT));
		if (!grow_by(m, more) && !grow_by(m, need)) return false;
		if (block_size(m->top) >= size) return true;
	}
	return false;
}

uint64_t um_heap_keep(const struct umalloc *m)
{
	const uint64_t share = m->heap_bytes >> KEEP_SHIFT;
	return share > KEEP_BYTES ? share : KEEP_BYTES;
}

/* The top shrinks by whole pages, and stays a block: or the region would end in nothing. */
void um_heap_trim(struct umalloc *m, uint64_t keep)
{
	struct umalloc_block *b = m->top;

	if (b == NULL || block_size(b) < keep + BLOCK_MIN) return;
	struct umalloc_region *r = m->regions;
	const uint64_t bytes = (block_size(b) - keep - BLOCK_MIN) & ~(uint64_t)(UMALLOC_PAGE - 1);
	if (bytes == 0 || move_break(m, 0) != (void *)r->break_at) return;
	if (move_break(m, -(ptrdiff_t)bytes) == UMALLOC_NO_MEMORY) return;
	const uint64_t size = block_size(b) - bytes;
	m->heap_bytes -= bytes;
	r->break_at -= bytes;
	put_end(r, r->end - bytes);
	block_make_free(b, size);
	um_short_ways(m);
}
