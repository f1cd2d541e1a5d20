/*
 * heap_model.c -- areas, blocks and holes of a heap, by addresses.
 *
 * Areas are rows of pages that the frames call the heap's, and the memory given for good; two that
 * touch and are of one kind are one.  Blocks are kept in order of address.  A hole is what lies
 * between the end of one block, or an area's first node, and the start of the next block's node,
 * or the area's last node.
 *
 * What a heap promises about placing a block is arithmetic on a hole: the payload at a multiple of
 * its alignment, in front of it nothing or room for a node, behind it nothing, room for a node, or
 * less than a node that goes with the block.  Anything else would be lost bytes.
 *
 * Always true between operations: areas do not overlap; every block lies in one area, outside of
 * its nodes; no two blocks overlap; granted_bytes is the sum of all extents.
 *
 * Cost: heap_model_see O(pages of the pool), called when the heap's pages have changed; the rest
 * O(areas + blocks).
 */
#include "fuzz/heap_model.h"

#include "machine/machine.h"

enum { LARGE = PAGE_SIZE - 2 * MODEL_NODE };

/* --- areas ------------------------------------------------------------------------------------ */

static void area_add(struct heap_model *m, uintptr_t start, uintptr_t end, bool fixed)
{
	struct heap_area *last = m->area_count != 0 ? &m->areas[m->area_count - 1] : NULL;
	m->area_bytes += end - start;
	if (last != NULL && last->end == start && last->fixed == fixed) {
		last->end = end;
		return;
	}
	ASSERT(m->area_count < MODEL_AREAS_MAX);
	ASSERT(last == NULL || last->end <= start);
	m->areas[m->area_count++] = (struct heap_area){ start, end, fixed };
}

static bool frame_is_heaps(const struct page_pool *pool, uint32_t n)
{
	return pool->frames[n].state == FRAME_USED && pool->frames[n].owner == PAGE_OWNER_HEAP;
}

void heap_model_see(struct heap_model *m)
{
	uint32_t fixed = 0;
	m->area_count = 0;
	m->area_bytes = 0;
	m->span_pages = 0;
	for (uint32_t n = 0; n < m->pages->pages; n++) {
		const uintptr_t page = (uintptr_t)mach_phys(page_address(m->pages, n));
		for (; fixed < m->fixed_count && m->fixed[fixed].start < page; fixed++)
			area_add(m, m->fixed[fixed].start, m->fixed[fixed].end, true);
		if (!frame_is_heaps(m->pages, n)) continue;
		area_add(m, page, page + PAGE_SIZE, false);
		m->span_pages++;
	}
	for (; fixed < m->fixed_count; fixed++)
		area_add(m, m->fixed[fixed].start, m->fixed[fixed].end, true);
}

void heap_model_give(struct heap_model *m, void *memory, size_t bytes)
{
	const uintptr_t start = ((uintptr_t)memory + MODEL_GRAIN - 1) / MODEL_GRAIN * MODEL_GRAIN;
	const uintptr_t end = ((uintptr_t)memory + bytes) / MODEL_GRAIN * MODEL_GRAIN;
	uint32_t i = m->fixed_count++;
	ASSERT(m->fixed_count <= MODEL_FIXED_MAX);
	for (; i > 0 && m->fixed[i - 1].start > start; i--) m->fixed[i] = m->fixed[i - 1];
	m->fixed[i] = (struct heap_area){ start, end, true };
	heap_model_see(m);
}

/* --- holes ------------------------------------------------------------------------------------ */

struct gap_walk {
	uint32_t area, block;
	uintptr_t at; /* where the next hole could start; 0: at the area's beginning */
};

/* The next hole that is not empty. */
static bool gap_next(const struct heap_model *m, struct gap_walk *w, struct heap_gap *gap)
{
	while (w->area < m->area_count) {
		const struct heap_area *area = &m->areas[w->area];
		gap->area = area;
		gap->start = w->at != 0 ? w->at : area->start + MODEL_NODE;
		if (w->block < m->block_count && m->blocks[w->block].node < area->end) {
			gap->end = m->blocks[w->block].node;
			w->at = m->blocks[w->block++].end;
		} else {
			gap->end = area->end - MODEL_NODE;
			w->at = 0;
			w->area++;
		}
		if (gap->start < gap->end) return true;
	}
	return false;
}

/* The hole that `at` lies in. */
static bool gap_around(const struct heap_model *m, uintptr_t at, struct heap_gap *gap)
{
	struct gap_walk w = { .at = 0 };
	while (gap_next(m, &w, gap)) {
		if (gap->start <= at && at < gap->end) return true;
	}
	return false;
}

/* Bytes left free in front of a block that starts in a hole at `start`. */
static size_t front_bytes(uintptr_t start, size_t align)
{
	size_t front = (align - (start + MODEL_NODE) % align) % align;
	while (front != 0 && front < MODEL_NODE) front += align;
	return front;
}

static size_t align_least(size_t align)
{
	return align < MODEL_GRAIN ? MODEL_GRAIN : align;
}

size_t heap_model_need(size_t bytes)
{
	const size_t whole = (bytes == 0 ? 1 : bytes) + MODEL_NODE;
	return (whole + MODEL_GRAIN - 1) / MODEL_GRAIN * MODEL_GRAIN;
}

static bool too_large(size_t bytes, size_t align)
{
	return bytes > (size_t)1 << 30 || align > (size_t)1 << 30;
}

bool heap_model_fits(const struct heap_model *m, size_t bytes, size_t align)
{
	struct gap_walk w = { .at = 0 };
	struct heap_gap gap;
	if (too_large(bytes, align)) return false;
	while (gap_next(m, &w, &gap)) {
		const size_t front = front_bytes(gap.start, align_least(align));
		if (front + heap_model_need(bytes) <= gap.end - gap.start) return true;
	}
	return false;
}

/* The longest row of free pages inside one zone. */
static size_t longest_row(const struct page_pool *pool)
{
	size_t row = 0, longest = 0;
	unsigned zone = 0;
	for (uint32_t n = 0; n < pool->pages;) {
		const struct frame *f = &pool->frames[n];
		for (; n >= pool->zone_end[zone]; zone++) row = 0;
		row = f->state == FRAME_FREE ? row + ((size_t)1 << f->order) : 0;
		longest = row > longest ? row : longest;
		n += 1u << f->order;
	}
	return longest;
}

bool heap_model_could_grow(const struct heap_model *m, size_t bytes, size_t align)
{
	if (too_large(bytes, align)) return false;
	/* An alignment beyond a page finds its place only after the pages are known. */
	const size_t front = align > PAGE_SIZE ? align - 2 * MODEL_NODE
					       : front_bytes(MODEL_NODE, align_least(align));
	const size_t span = 2 * MODEL_NODE + front + heap_model_need(bytes);
	const size_t pages = (span + PAGE_SIZE - 1) / PAGE_SIZE;
	return m->span_pages + pages <= m->window_pages && pages <= longest_row(m->pages);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static uint32_t block_find(const struct heap_model *m, unsigned slot)
{
	uint32_t i = 0;
	while (i < m->block_count && m->blocks[i].slot != slot) i++;
	ASSERT(i < m->block_count);
	return i;
}

/* Where free memory behind block `i` ends. */
static uintptr_t block_limit(const struct heap_model *m, uint32_t i)
{
	uint32_t a = 0;
	while (m->areas[a].end <= m->blocks[i].node) a++;
	ASSERT(a < m->area_count && m->areas[a].start < m->blocks[i].node);
	const uintptr_t end = m->areas[a].end - MODEL_NODE;
	if (i + 1 == m->block_count || m->blocks[i + 1].node > end) return end;
	return m->blocks[i + 1].node;
}

unsigned heap_model_add(struct heap_model *m, unsigned slot, const void *p, size_t bytes)
{
	const uintptr_t node = (uintptr_t)p - MODEL_NODE;
	const size_t need = heap_model_need(bytes);
	struct heap_gap gap;
	if (!gap_around(m, node, &gap) || need > gap.end - node)
		kpanic(ORACLE_OVERLAP, "a block of %zu bytes where there is no such hole", bytes);
	const size_t front = node - gap.start, rest = gap.end - node - need;
	if (front != 0 && front < MODEL_NODE)
		kpanic(ORACLE_ACCOUNT, "%zu bytes are lost in front of a block", front);
	uint32_t i = m->block_count++;
	for (; i > 0 && m->blocks[i - 1].node > node; i--) m->blocks[i] = m->blocks[i - 1];
	m->blocks[i] = (struct heap_extent){
		.node = node,
		.end = node + need + (rest < MODEL_NODE ? rest : 0),
		.asked = (uint32_t)((bytes == 0 ? 8 : bytes + 7) / 8 * 8),
		.slot = (uint8_t)slot,
	};
	m->granted_bytes += m->blocks[i].end - node;
	return (front != 0 ? GRANT_FRONT : 0u) | (rest != 0 && rest < MODEL_NODE ? GRANT_REST : 0u);
}

bool heap_model_room(const struct heap_model *m, unsigned slot, size_t bytes)
{
	const uint32_t i = block_find(m, slot);
	return !too_large(bytes, 1) &&
	       heap_model_need(bytes) <= block_limit(m, i) - m->blocks[i].node;
}

unsigned heap_model_resize(struct heap_model *m, unsigned slot, size_t bytes)
{
	if (!heap_model_room(m, slot, bytes))
		kpanic(ORACLE_MUST_FAIL, "a block was resized to %zu bytes that are not there",
		       bytes);
	const uint32_t i = block_find(m, slot);
	struct heap_extent *b = &m->blocks[i];
	const size_t need = heap_model_need(bytes), had = b->end - b->node;
	const uintptr_t limit = block_limit(m, i);
	const size_t rest = limit - b->node - need;
	const bool keeps = need == had || rest < MODEL_NODE;
	b->asked = (uint32_t)((bytes == 0 ? 8 : bytes + 7) / 8 * 8);
	if (need != had) b->end = rest < MODEL_NODE ? limit : b->node + need;
	m->granted_bytes += b->end - b->node - had;
	return keeps && rest != 0 && need != had ? GRANT_REST : 0u;
}

unsigned heap_model_sides(const struct heap_model *m, unsigned slot)
{
	const struct heap_extent *b = &m->blocks[block_find(m, slot)];
	struct heap_gap gap;
	return (gap_around(m, b->node - 1, &gap) ? SIDE_LEFT : 0u) |
	       (gap_around(m, b->end, &gap) ? SIDE_RIGHT : 0u);
}

void heap_model_remove(struct heap_model *m, unsigned slot)
{
	uint32_t i = block_find(m, slot);
	m->granted_bytes -= m->blocks[i].end - m->blocks[i].node;
	for (m->block_count--; i < m->block_count; i++) m->blocks[i] = m->blocks[i + 1];
}

enum heap_verdict heap_model_verdict(const struct heap_model *m, const void *p)
{
	const uintptr_t node = (uintptr_t)p - MODEL_NODE;
	struct heap_gap gap;
	if ((uintptr_t)p % MODEL_GRAIN != 0) return HEAP_WILD;
	for (uint32_t i = 0; i < m->block_count; i++) {
		if (m->blocks[i].node == node) return HEAP_FREED;
	}
	return gap_around(m, node, &gap) ? HEAP_DOUBLE_FREE : HEAP_WILD;
}

/* --- pages that could go ---------------------------------------------------------------------- */

/* Whether `bytes` may stay between a hole's edge and the first page that goes. */
static bool may_stay(uintptr_t bytes)
{
	return bytes == MODEL_NODE || bytes >= 2 * MODEL_NODE;
}

static size_t gap_idle_pages(const struct heap_gap *gap)
{
	const bool first = gap->start == gap->area->start + MODEL_NODE;
	const bool last = gap->end == gap->area->end - MODEL_NODE;
	if (gap->area->fixed) return 0;
	uintptr_t from = gap->area->start, to = gap->area->end;
	while (!first && (from < gap->start || !may_stay(from - gap->start))) from += PAGE_SIZE;
	while (!last && to > from && (to > gap->end || !may_stay(gap->end - to))) to -= PAGE_SIZE;
	return from < to ? (to - from) / PAGE_SIZE : 0;
}

size_t heap_model_idle_pages(const struct heap_model *m, uintptr_t at)
{
	struct gap_walk w = { .at = 0 };
	struct heap_gap gap;
	size_t pages = 0;
	while (gap_next(m, &w, &gap)) {
		if (at == 0 || (gap.start <= at && at < gap.end)) pages += gap_idle_pages(&gap);
	}
	return pages;
}

size_t heap_model_large_bytes(const struct heap_model *m)
{
	struct gap_walk w = { .at = 0 };
	struct heap_gap gap;
	size_t bytes = 0;
	while (gap_next(m, &w, &gap)) {
		if (gap.end - gap.start >= LARGE) bytes += gap.end - gap.start;
	}
	return bytes;
}

/* --- comparing -------------------------------------------------------------------------------- */

static void expect(const char *oracle, const char *what, uint64_t is, uint64_t model)
{
	if (is != model)
		kpanic(oracle, "%s: the heap says %lu, the model %lu", what, (unsigned long)is,
		       (unsigned long)model);
}

void heap_model_compare_counts(const struct heap_model *m, const struct heap *heap)
{
	const size_t nodes = m->area_count * 2 * MODEL_NODE;
	if (heap->span_pages > m->window_pages)
		kpanic(ORACLE_MUST_FAIL, "the heap has %zu pages, its window is %zu",
		       heap->span_pages, m->window_pages);
	expect(ORACLE_ACCOUNT, "pages", heap->span_pages, m->span_pages);
	expect(ORACLE_ACCOUNT, "pages asked for", heap->asked_pages, 0);
	expect(ORACLE_ACCOUNT, "spans", heap->span_count, m->area_count);
	expect(ORACLE_ACCOUNT, "bytes in blocks", heap->block_bytes, m->area_bytes - nodes);
	expect(ORACLE_ACCOUNT, "granted bytes", heap->granted_bytes, m->granted_bytes);
	expect(ORACLE_ACCOUNT, "granted blocks", heap->granted_blocks, m->block_count);
}

/* The list for a hole of `bytes`: below 512 bytes one for each 128, then four for each doubling. */
static unsigned class_of(uint64_t bytes)
{
	unsigned class = 0;
	uint64_t floor = 0, step = 128;
	while (class + 1 < HEAP_BINS && bytes >= floor + step) {
		floor += step;
		class ++;
		if (class % 4 == 0 && class > 4) step *= 2;
	}
	return class;
}

void heap_model_compare(const struct heap_model *m, struct heap *heap)
{
	struct heap_fragmentation want = { .free_bytes = 0 }, is;
	struct heap_counts counts;
	struct gap_walk w = { .at = 0 };
	struct heap_gap gap;
	size_t holes = 0;
	for (; gap_next(m, &w, &gap); holes++) {
		const uint64_t bytes = gap.end - gap.start;
		want.blocks[class_of(bytes)]++;
		want.bytes[class_of(bytes)] += bytes;
		want.free_bytes += bytes;
		if (bytes > want.largest_bytes) want.largest_bytes = bytes;
	}
	heap_count(heap, &counts);
	expect(ORACLE_ACCOUNT, "free blocks", counts.free_blocks, holes);
	expect(ORACLE_ACCOUNT, "free bytes", counts.free_bytes, want.free_bytes);
	expect(ORACLE_ACCOUNT, "lists cut short", counts.cut_chains, 0);
	expect(ORACLE_FRAGMENTATION, "largest free", counts.largest_free,
	       want.largest_bytes == 0 ? 0 : want.largest_bytes - MODEL_NODE);
	heap_fragmentation(heap, &is);
	expect(ORACLE_FRAGMENTATION, "free bytes", is.free_bytes, want.free_bytes);
	expect(ORACLE_FRAGMENTATION, "largest hole", is.largest_bytes, want.largest_bytes);
	for (unsigned c = 0; c < HEAP_BINS; c++) {
		expect(ORACLE_FRAGMENTATION, "holes of a class", is.blocks[c], want.blocks[c]);
		expect(ORACLE_FRAGMENTATION, "bytes of a class", is.bytes[c], want.bytes[c]);
	}
}
