/*
 * heap_span.c -- spans: memory taken in, joined, and cut out again.
 *
 * A span is a run of memory between a prologue and an epilogue node.  What is taken in where a
 * span of the same kind ends or begins makes that one longer: the nodes at the seam become free
 * space, and so an allocation can reach across pages that came at different times.  Cutting is the
 * reverse: pages that lie wholly in one free block leave; what stays in front of them gets an
 * epilogue, what stays behind gets a prologue, and neither when nothing stays.
 *
 * Memory that heap_add gave (NODE_FIXED) is never cut and never joined with pages (NODE_SPAN).
 *
 * Always true (heap_check):
 *   S1  the list of prologues rises by address, and spans do not overlap;
 *   S2  a prologue names its epilogue (prev) and the epilogue its prologue (next);
 *   S3  two spans of one kind never touch;
 *   S4  span_pages is the number of pages in spans of kind NODE_SPAN.
 *
 * Locks: heap->lock is held by the caller of everything here.  Cost: in the number of spans, which
 * merging keeps small; nothing here is on the way of an ordinary alloc or free.
 */
#include "mm/heap_inside.h"

enum { NODE_UNITS = HEAP_NODE_BYTES >> HEAP_UNIT_SHIFT };

uint32_t span_before(const struct heap *heap, uint32_t at, struct heap_node *prologue)
{
	uint32_t found = 0;
	for (uint32_t next = heap->spans; next != 0 && next < at;) {
		found = next;
		*prologue = node_load(heap, found);
		ASSERT(node_sound(prologue, found));
		next = prologue->next_span;
	}
	return found;
}

/* A prologue's left size is 0, so nothing to its left is ever looked for. */
static void prologue_put(const struct heap *heap, uint32_t at, enum node_kind kind, uint32_t next,
			 uint32_t epilogue)
{
	ASSERT(kind == NODE_SPAN || kind == NODE_FIXED);
	ASSERT(at < epilogue && (next == 0 || next > epilogue));
	node_put(heap, at, node_sizes(HEAP_NODE_BYTES, kind, 0), next, epilogue);
}

/* An epilogue knows its span, for whoever comes from the right. */
static void epilogue_put(const struct heap *heap, uint32_t at, uint32_t left, uint32_t prologue)
{
	ASSERT(prologue < at);
	node_put(heap, at, node_sizes(HEAP_NODE_BYTES, NODE_END, left), prologue, 0);
}

/* The size of what stands to the left of the node at `at`. */
static uint32_t node_left_of(const struct heap *heap, uint32_t at)
{
	const struct heap_node node = node_load(heap, at);
	ASSERT(node_sound(&node, at));
	return node_left_bytes(&node);
}

/* Makes `next` the span after the one at `at`, or the first when that is 0. */
static void span_link(struct heap *heap, uint32_t at, uint32_t next)
{
	if (at == 0) {
		heap->spans = next;
		return;
	}
	struct heap_node prologue = node_load(heap, at);
	ASSERT(node_sound(&prologue, at));
	prologue_put(heap, at, node_kind(&prologue), next, prologue.epilogue);
}

/* Verifies a block's neighbour.  A free one whose links somebody has written to is left alone. */
static struct heap_node neighbour_load(const struct heap *heap, uint32_t at)
{
	struct heap_node node = node_load(heap, at);
	ASSERT(node_sound(&node, at));
	if (node_kind(&node) == NODE_FREE && !bins_links_sound(heap, at, &node))
		node.sizes ^= NODE_FREE ^ NODE_GRANTED;
	return node;
}

/* Makes [at, end) between two sound nodes free; the block to the left has `left` bytes. */
static void space_free(struct heap *heap, uint32_t at, uint32_t end, uint32_t left)
{
	const uint32_t bytes = (end - at) << HEAP_UNIT_SHIFT;
	ASSERT(at < end);
	struct heap_block b = { .at = at,
				.node = { .sizes = node_sizes(bytes, NODE_GRANTED, left) } };
	b.left = neighbour_load(heap, node_left(&b.node, at));
	b.right = neighbour_load(heap, end);
	heap->block_bytes += bytes;
	heap_merge(heap, &b);
}

/* Six places decide: whether the memory begins where a span ends (then that span goes on), whether
 * it ends where one begins (then that one is swallowed), and from where to where there is free
 * space then, which includes the nodes that stood at a seam. */
void span_adopt(struct heap *heap, uintptr_t memory, size_t bytes, enum node_kind kind)
{
	const uint32_t start = heap_offset(heap, memory), end = heap_offset(heap, memory + bytes);
	struct heap_node left = { .sizes = 0 }, right = { .sizes = 0 };
	const uint32_t left_at = span_before(heap, start, &left);
	const uint32_t right_at = left_at != 0 ? left.next_span : heap->spans;
	uint32_t span = start, from = start + NODE_UNITS, edge = HEAP_NODE_BYTES;
	uint32_t to = end - NODE_UNITS, epilogue = to, next = right_at;

	ASSERT(memory > heap->base &&
	       (memory + bytes - heap->base) >> HEAP_UNIT_SHIFT < UINT32_MAX);
	ASSERT(right_at == 0 || right_at >= end);
	if (right_at != 0) right = node_load(heap, right_at);
	if (left_at != 0 && node_kind(&left) == kind && left.epilogue + NODE_UNITS == start) {
		span = left_at;
		from = left.epilogue;
		edge = node_left_of(heap, from);
	} else {
		heap->span_count++;
	}
	if (right_at == end && right_at != 0 && node_kind(&right) == kind) {
		to = right_at + NODE_UNITS;
		epilogue = right.epilogue;
		next = right.next_span;
		node_set_left(heap, to, HEAP_NODE_BYTES, (to - from) << HEAP_UNIT_SHIFT);
		node_scrub(heap, right_at);
		epilogue_put(heap, epilogue, node_left_of(heap, epilogue), span);
		heap->span_count--;
	} else {
		epilogue_put(heap, epilogue, (to - from) << HEAP_UNIT_SHIFT, span);
	}
	if (span == start) span_link(heap, left_at, span);
	prologue_put(heap, span, kind, next, epilogue);
	heap->reach = (uint32_t)max_u64(heap->reach, end - HEAP_BINS);
	if (kind == NODE_SPAN) heap->span_pages += bytes >> PAGE_SHIFT;
	space_free(heap, from, to, edge);
}

/* --- cutting ---------------------------------------------------------------------------------- */

/* A free block that pages are to be cut out of, and what surrounds it. */
struct cut_place {
	uint32_t at, end;          /* the block */
	struct heap_node node;     /* its node */
	uint32_t span;             /* the span it is in */
	struct heap_node prologue; /* that span's */
	uintptr_t from, to;        /* addresses of the pages that could go */
};

/* Whether `bytes` can stay beside a cut: nothing, or a block. */
static bool stays_whole(uintptr_t bytes)
{
	return bytes == 0 || heap_rest_is_block(bytes);
}

/* Finds out which pages of the block could go: those of the whole span when it is all free; else
 * each side that stays needs a node of the span's, and what is left beside that must be a block. */
static void cut_range(const struct heap *heap, struct cut_place *c)
{
	const uintptr_t block = (uintptr_t)heap_pointer(heap, c->at);
	const uintptr_t end = (uintptr_t)heap_pointer(heap, c->end);
	c->from = block - HEAP_NODE_BYTES;
	if (node_left(&c->node, c->at) != c->span) {
		c->from = align_up(block + HEAP_NODE_BYTES, PAGE_SIZE);
		if (!stays_whole(c->from - HEAP_NODE_BYTES - block)) c->from += PAGE_SIZE;
	}
	c->to = end + HEAP_NODE_BYTES;
	if (c->end != c->prologue.epilogue) {
		c->to = align_down(end - HEAP_NODE_BYTES, PAGE_SIZE);
		if (!stays_whole(end - c->to - HEAP_NODE_BYTES)) c->to -= PAGE_SIZE;
	}
}

/* Finds the block's span and which of its pages could go; false when none can. */
static bool cut_find(const struct heap *heap, uint32_t at, struct cut_place *c)
{
	c->at = at;
	c->node = node_load(heap, at);
	ASSERT(node_sound(&c->node, at) && node_kind(&c->node) == NODE_FREE);
	c->end = node_right(&c->node, at);
	c->span = span_before(heap, at, &c->prologue);
	ASSERT(c->span != 0);
	if (node_kind(&c->prologue) != NODE_SPAN) return false;
	cut_range(heap, c);
	return c->from < c->to;
}

/* What is left beside a cut, if anything, is a free block. */
static void rest_put(struct heap *heap, uint32_t at, uint32_t bytes, uint32_t left)
{
	if (bytes == 0) return;
	bins_put(heap, at, bytes, left);
	heap->block_bytes += bytes;
}

/* What stays behind the cut becomes a span of its own.  Returns its prologue, or the next span's
 * when nothing stays. */
static uint32_t cut_right(struct heap *heap, const struct cut_place *c)
{
	const uint32_t was = node_bytes(&c->node), epilogue = c->prologue.epilogue;
	const uint32_t span = heap_offset(heap, c->to), first = span + NODE_UNITS;
	if (c->end == epilogue) {
		node_scrub(heap, epilogue);
		return c->prologue.next_span;
	}
	const uint32_t rest = (c->end - first) << HEAP_UNIT_SHIFT;
	prologue_put(heap, span, NODE_SPAN, c->prologue.next_span, epilogue);
	rest_put(heap, first, rest, HEAP_NODE_BYTES);
	node_set_left(heap, c->end, was, rest != 0 ? rest : HEAP_NODE_BYTES);
	epilogue_put(heap, epilogue, node_left_of(heap, epilogue), span);
	heap->span_count++;
	return span;
}

/* What stays before the cut gets an epilogue; when nothing stays, the span is gone. */
static void cut_left(struct heap *heap, const struct cut_place *c, uint32_t next)
{
	const uint32_t edge = heap_offset(heap, c->from);
	if (edge == c->span) {
		struct heap_node before;
		span_link(heap, span_before(heap, c->span, &before), next);
		node_scrub(heap, c->span);
		heap->span_count--;
		return;
	}
	const uint32_t epilogue = edge - NODE_UNITS;
	const uint32_t rest = (epilogue - c->at) << HEAP_UNIT_SHIFT;
	epilogue_put(heap, epilogue, rest != 0 ? rest : node_left_bytes(&c->node), c->span);
	rest_put(heap, c->at, rest, node_left_bytes(&c->node));
	prologue_put(heap, c->span, NODE_SPAN, next, epilogue);
}

/* From the right end of what could go: low addresses are what stays in use. */
void span_cut(struct heap *heap, uint32_t at, size_t pages, struct heap_cut *cut)
{
	struct cut_place c;
	if (pages == 0 || !cut_find(heap, at, &c)) return;
	const size_t most = (c.to - c.from) >> PAGE_SHIFT;
	cut->pages = pages < most ? pages : most;
	cut->memory = c.from = c.to - (cut->pages << PAGE_SHIFT);
	ASSERT(is_aligned(cut->memory, PAGE_SIZE));
	bins_drop(heap, &c.node);
	heap->block_bytes -= node_bytes(&c.node);
	node_scrub(heap, at);
	cut_left(heap, &c, cut_right(heap, &c));
	ASSERT(heap->span_pages >= cut->pages);
	heap->span_pages -= cut->pages;
}
