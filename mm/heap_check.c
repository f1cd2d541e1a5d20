/*
 * heap_check.c -- looking at a heap: is it sound, what is in it, and why was a pointer refused.
 *
 * heap_check trusts no word that it has not verified.  It walks every span from prologue to
 * epilogue, which finds each damaged node and each pair of sizes that disagree, and then every
 * list, which must hold exactly the free blocks that the walk saw: a list's blocks are distinct,
 * because each names its predecessor, so equal numbers mean equal sets.
 *
 * heap_accuse has a pointer that heap_free did not like, and says which it is by where the pointer
 * leads: to a node that says free, or anywhere inside a free block (its own node went when it was
 * merged), is a double free; into the middle of somebody's block, a span's own nodes or outside of
 * all spans is wild; to where a block begins but with a check word that is wrong, or behind damage
 * that hides where blocks begin, is corrupt.
 *
 * Locks: heap->lock is taken here, except in heap_accuse, whose caller has it.  Cost: O(blocks);
 * an accusation O(blocks of one span), which only misuse pays.
 */
#include "mm/heap_inside.h"

/* --- a walk over blocks ----------------------------------------------------------------------- */

struct walk {
	uint32_t span; /* the span's prologue, or 0 when there are no more */
	struct heap_node prologue;
	uint32_t at; /* the block */
	struct heap_node node;
	uint32_t left;     /* size of the block before it, as its own node says */
	const char *wrong; /* or NULL */
};

/* Ends the walk; false, for its callers to return. */
static bool walk_wrong(struct walk *w, const char *why)
{
	w->wrong = why;
	return false;
}

/* Stands on the prologue of `span`; false at 0, the end of the list.  Spans come in rising order,
 * so the list cannot lead in a circle. */
static bool walk_enter_span(const struct heap *heap, struct walk *w, uint32_t span)
{
	const uint32_t before = w->span != 0 ? w->prologue.epilogue : 0;
	w->span = span;
	if (span == 0) return false;
	if (span <= before || !heap_reaches(heap, span))
		return walk_wrong(w, "S1: spans out of order");
	w->prologue = node_load(heap, span);
	if (!node_sound(&w->prologue, span)) return walk_wrong(w, "H3: a prologue is damaged");
	const enum node_kind kind = node_kind(&w->prologue);
	if ((kind != NODE_SPAN && kind != NODE_FIXED) || node_left_bytes(&w->prologue) != 0)
		return walk_wrong(w, "S1: a prologue is something else");
	w->at = span;
	w->node = w->prologue;
	return true;
}

/* Moves to the node to the right of w->at and verifies it. */
static bool walk_step(const struct heap *heap, struct walk *w)
{
	w->left = node_bytes(&w->node);
	w->at = node_right(&w->node, w->at);
	if (w->at > w->prologue.epilogue) return walk_wrong(w, "H1: a block leaves its span");
	w->node = node_load(heap, w->at);
	if (!node_sound(&w->node, w->at)) return walk_wrong(w, "H3: a node is damaged");
	if (node_left_bytes(&w->node) != w->left)
		return walk_wrong(w, "H1: a node has its left neighbour's size wrong");
	if ((node_kind(&w->node) == NODE_END) != (w->at == w->prologue.epilogue))
		return walk_wrong(w, "S2: an epilogue is not where it should be");
	if (node_kind(&w->node) == NODE_END && w->node.prologue != w->span)
		return walk_wrong(w, "S2: an epilogue belongs to another span");
	return true;
}

/* The next block of the heap; false at the end of all spans or where something is wrong. */
static bool walk_next(const struct heap *heap, struct walk *w)
{
	if (!walk_step(heap, w)) return false;
	while (node_kind(&w->node) == NODE_END) {
		if (!walk_enter_span(heap, w, w->prologue.next_span)) return false;
		if (!walk_step(heap, w)) return false;
	}
	return true;
}

/* The first block of the heap; false when there is none. */
static bool walk_first(const struct heap *heap, struct walk *w)
{
	*w = (struct walk){ .span = 0 };
	return walk_enter_span(heap, w, heap->spans) && walk_next(heap, w);
}

/* --- heap_check ------------------------------------------------------------------------------- */

/* What a walk finds, to be compared with the counters. */
struct census {
	size_t free_bytes, free_blocks, large_bytes, granted_bytes, granted_blocks;
	size_t span_count, span_pages;
};

/* Counts the block that the walk stands on. */
static const char *census_add(struct census *c, const struct walk *w, bool after_free)
{
	const uint32_t bytes = node_bytes(&w->node);
	if (!heap_rest_is_block(bytes) || !is_aligned(bytes, HEAP_GRAIN))
		return "H1: a block of impossible size";
	switch (node_kind(&w->node)) {
	case NODE_FREE:
		if (after_free) return "H2: two free blocks are neighbours";
		c->free_blocks++;
		c->free_bytes += bytes;
		if (bytes >= HEAP_LARGE) c->large_bytes += bytes;
		return NULL;
	case NODE_GRANTED:
		if (w->node.asked > bytes - HEAP_NODE_BYTES)
			return "H1: a block holds more than it has";
		c->granted_blocks++;
		c->granted_bytes += bytes;
		return NULL;
	default: return "H1: a node of unknown kind among blocks";
	}
}

/* Counts the span that the walk has come into, by its ends. */
static void census_add_span(const struct heap *heap, struct census *c, const struct walk *w)
{
	const size_t units = w->prologue.epilogue - w->span;
	ASSERT(w->prologue.epilogue > w->span);
	c->span_count++;
	if (node_kind(&w->prologue) == NODE_SPAN)
		c->span_pages += ((units << HEAP_UNIT_SHIFT) + HEAP_NODE_BYTES) >> PAGE_SHIFT;
	ASSERT(heap_reaches(heap, w->prologue.epilogue));
}

/* Each block of each span, from left to right. */
static const char *check_blocks(const struct heap *heap, struct census *c)
{
	struct walk w;
	uint32_t span = 0;
	bool after_free = false;
	for (bool more = walk_first(heap, &w); more; more = walk_next(heap, &w)) {
		if (w.span != span) census_add_span(heap, c, &w);
		const char *wrong = census_add(c, &w, after_free && w.span == span);
		if (wrong != NULL) return wrong;
		span = w.span;
		after_free = node_kind(&w.node) == NODE_FREE;
	}
	return w.wrong;
}

/* One list, each link verified before it is followed.  It cannot lead in a circle: a block that
 * came up twice would need two predecessors, and its back link names one. */
static const char *check_list(const struct heap *heap, unsigned bin, struct census *c)
{
	uint32_t prev = bin;
	if ((heap->first[bin] != 0) != ((heap->bins >> bin & 1) != 0))
		return "B1: a bit disagrees with its list";
	for (uint32_t at = heap->first[bin]; at != 0; c->free_blocks++) {
		if (!heap_reaches(heap, at)) return "B2: a link leaves the heap";
		const struct heap_node node = node_load(heap, at);
		if (!node_sound(&node, at) || node_kind(&node) != NODE_FREE)
			return "B2: what is on a list is not a free block";
		if (node.prev != prev) return "B2: a back link is wrong";
		if (heap_bin(node_bytes(&node)) != bin)
			return "B2: a free block is on the wrong list";
		c->free_bytes += node_bytes(&node);
		prev = at;
		at = node.next;
	}
	return NULL;
}

/* What was walked, what is listed and what was counted all along are three accounts of one heap. */
static const char *check_counters(const struct heap *heap, const struct census *walked,
				  const struct census *listed)
{
	if (walked->free_blocks != listed->free_blocks || walked->free_bytes != listed->free_bytes)
		return "B2: a free block is on no list";
	if (heap->free_blocks != walked->free_blocks) return "B3: free_blocks is wrong";
	if (heap->large_bytes != walked->large_bytes) return "B3: large_bytes is wrong";
	if (heap->granted_blocks != walked->granted_blocks ||
	    heap->granted_bytes != walked->granted_bytes)
		return "H4: the counters of granted blocks are wrong";
	if (heap->block_bytes != walked->granted_bytes + walked->free_bytes)
		return "H4: free and granted bytes are not all";
	if (heap->peak_bytes < walked->granted_bytes)
		return "H4: the peak is below what is granted";
	if (heap->span_count != walked->span_count) return "S4: span_count is wrong";
	if (heap->span_pages != walked->span_pages) return "S4: span_pages is wrong";
	if (heap->span_pages + heap->asked_pages > heap->window_pages)
		return "G1: more pages than the window allows";
	return NULL;
}

/* Blocks first: lists are believed only when every node is. */
static const char *heap_check_locked(const struct heap *heap)
{
	struct census walked = { .free_bytes = 0 }, listed = { .free_bytes = 0 };
	const char *wrong = check_blocks(heap, &walked);
	for (unsigned bin = 0; wrong == NULL && bin < HEAP_BINS; bin++)
		wrong = check_list(heap, bin, &listed);
	return wrong != NULL ? wrong : check_counters(heap, &walked, &listed);
}

const char *heap_check(struct heap *heap)
{
	const mach_irq_t irq = lock_take(&heap->lock);
	const char *wrong = heap_check_locked(heap);
	lock_drop(&heap->lock, irq);
	return wrong;
}

/* --- figures ---------------------------------------------------------------------------------- */

/* The largest block of the highest class. */
static size_t largest_free(const struct heap *heap)
{
	uint32_t most = 0;
	if (heap->bins == 0) return 0;
	uint32_t at = heap->first[bit_highest(heap->bins)];
	for (size_t n = 0; at != 0 && heap_reaches(heap, at) && n < heap->free_blocks; n++) {
		const struct heap_node node = node_load(heap, at);
		if (node_bytes(&node) > most) most = node_bytes(&node);
		at = node.next;
	}
	return sub_or_zero(most, HEAP_NODE_BYTES);
}

void heap_count(struct heap *heap, struct heap_counts *out)
{
	const mach_irq_t irq = lock_take(&heap->lock);
	*out = (struct heap_counts){
		.span_count = heap->span_count,
		.span_pages = heap->span_pages,
		.free_bytes = heap->block_bytes - heap->granted_bytes,
		.free_blocks = heap->free_blocks,
		.granted_bytes = heap->granted_bytes,
		.granted_blocks = heap->granted_blocks,
		.peak_bytes = heap->peak_bytes,
		.growths = heap->growths,
		.cut_chains = heap->cut_chains,
		.largest_free = largest_free(heap),
	};
	lock_drop(&heap->lock, irq);
}

void heap_fragmentation(struct heap *heap, struct heap_fragmentation *out)
{
	struct walk w;
	*out = (struct heap_fragmentation){ .free_bytes = 0 };
	const mach_irq_t irq = lock_take(&heap->lock);
	for (bool more = walk_first(heap, &w); more; more = walk_next(heap, &w)) {
		const uint32_t bytes = node_bytes(&w.node);
		if (node_kind(&w.node) != NODE_FREE) continue;
		out->blocks[heap_bin(bytes)]++;
		out->bytes[heap_bin(bytes)] += bytes;
		out->free_bytes += bytes;
		if (bytes > out->largest_bytes) out->largest_bytes = bytes;
	}
	lock_drop(&heap->lock, irq);
}

/* With nodes included, so that all sites together come to granted_bytes. */
bool heap_sites(struct heap *heap, struct site_row *table, size_t room, size_t *rows)
{
	struct site_filter filter = site_filter_of(table, *rows);
	struct walk w;
	bool fits = true;
	const mach_irq_t irq = lock_take(&heap->lock);
	for (bool more = walk_first(heap, &w); more; more = walk_next(heap, &w)) {
		if (node_kind(&w.node) != NODE_GRANTED) continue;
		fits &= site_row_add(table, room, rows, &filter, w.node.site, node_bytes(&w.node));
	}
	lock_drop(&heap->lock, irq);
	return fits;
}

/* --- accusing --------------------------------------------------------------------------------- */

/* Only the span that the pointer lies in is walked, up to the block that has it. */
enum heap_verdict heap_accuse(const struct heap *heap, uint32_t at)
{
	struct walk w = { .span = 0 };
	struct heap_node prologue;
	const uint32_t span = span_before(heap, at, &prologue);
	ASSERT(span <= at);
	if (span == 0 || at >= prologue.epilogue) return HEAP_WILD;
	if (!walk_enter_span(heap, &w, span)) return HEAP_CORRUPT;
	while (walk_step(heap, &w)) {
		if (node_right(&w.node, w.at) <= at) continue;
		if (w.at > at) return HEAP_WILD; /* between the prologue and the first block */
		if (node_kind(&w.node) == NODE_FREE) return HEAP_DOUBLE_FREE;
		ASSERT(w.at != at); /* or nobody had asked */
		return HEAP_WILD;
	}
	return HEAP_CORRUPT;
}
