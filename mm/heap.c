/*
 * heap.c -- granting, taking back and resizing blocks.
 *
 * A request becomes a block of a multiple of 16 bytes, node included.  bins_take finds a free
 * block; what stands in front of an aligned payload and what is left behind it become free blocks
 * of their own.  A rest too small for a node is granted along with the block: the node holds the
 * granted size, so the rest comes back when the block does.  A front too small for a node cannot
 * be, the next aligned place is taken instead (heap_front).
 *
 * Taking back trusts nothing.  The pointer may be anybody's idea; the node before it, and both
 * neighbours' nodes and links that a merge would use, are verified first, and only then anything
 * is changed.  What is wrong is worked out by heap_accuse, off the fast path.
 *
 * Always true (heap_check looks at all of it):
 *   H1  the blocks of a span lie edge to edge from its prologue to its epilogue, and each node
 *       knows the sizes of its left neighbour and itself;
 *   H2  no two free blocks are neighbours;
 *   H3  every node's check word is its node_sum; a swallowed node's is 0;
 *   H4  granted_bytes and granted_blocks are what a walk finds, and
 *       free + granted + 48 * spans = the bytes of all spans.
 *
 * Locks: heap->lock over each operation, never while pages are asked for or given back.  Memory is
 * unpoisoned after the block is ours alone and poisoned before it is anybody's, for as many bytes
 * as were asked for, rounded up to 8; nodes stay poisoned and are touched in heap_inside.h only.
 *
 * Cost: alloc and free together about 150 instructions where the first block fits.
 */
#include "mm/heap_inside.h"

const char *heap_verdict_name(enum heap_verdict v)
{
	static const char *const names[HEAP_VERDICTS] = {
		[HEAP_FREED] = "freed",
		[HEAP_DOUBLE_FREE] = "double-free",
		[HEAP_WILD] = "wild",
		[HEAP_CORRUPT] = "corrupt",
	};
	return (unsigned)v < HEAP_VERDICTS ? names[v] : "?";
}

void heap_init(struct heap *heap, const struct heap_config *config)
{
	ASSERT(is_aligned(config->window_bytes, PAGE_SIZE));
	ASSERT(config->window_bytes < HEAP_BYTES_MAX);
	*heap = (struct heap){
		.pages = config->pages,
		/* A little lower, so that a node at the base has an offset that is not 0. */
		.base = (uintptr_t)align_down(config->base, HEAP_GRAIN) - HEAP_GRAIN,
		.window_pages = config->window_bytes >> PAGE_SHIFT,
		.grow_pages = config->grow_bytes >> PAGE_SHIFT,
		.keep_bytes = config->keep_bytes,
		.listener = config->listener,
	};
	lock_init(&heap->lock, RANK_HEAP);
}

/* False for what no heap can hold.  Compares before it adds or narrows. */
static bool want_make(struct heap_want *want, size_t bytes, size_t align)
{
	ASSERT(is_power_of_two(align));
	if (bytes >= HEAP_BYTES_MAX - PAGE_SIZE || align >= HEAP_BYTES_MAX) return false;
	const size_t asked = bytes == 0 ? 1 : bytes;
	want->asked = (uint32_t)align_up(asked, 1 << HEAP_UNIT_SHIFT);
	want->block = (uint32_t)align_up(asked + HEAP_NODE_BYTES, HEAP_GRAIN);
	want->align = align < HEAP_GRAIN ? HEAP_GRAIN : (uint32_t)align;
	return true;
}

static void granted_change(struct heap *heap, int64_t bytes)
{
	heap->granted_bytes += (size_t)bytes;
	if (heap->granted_bytes > heap->peak_bytes) heap->peak_bytes = heap->granted_bytes;
}

/*
 * Makes `want` of the free block at `at`, which is off its list and whose node is `was`: front,
 * granted block, rest.  Returns the granted block's offset.
 */
static uint32_t heap_grant(struct heap *heap, uint32_t at, const struct heap_node *was,
			   const struct heap_want *want, site_t site)
{
	const uint32_t right = node_right(was, at);
	uint32_t bytes = node_bytes(was), left = was->left, edge = bytes;
	if (want->align > HEAP_GRAIN) {
		const uintptr_t address = (uintptr_t)heap_pointer(heap, at);
		const uint32_t front = (uint32_t)heap_front(address, want->align);
		if (front != 0) {
			bins_put(heap, at, front, left);
			at += front >> HEAP_UNIT_SHIFT;
			bytes -= front;
			left = edge = front;
		}
	}
	ASSERT(bytes >= want->block);
	const uint32_t rest = bytes - want->block;
	if (heap_rest_is_block(rest)) {
		bytes = want->block;
		bins_put(heap, at + (bytes >> HEAP_UNIT_SHIFT), rest, bytes);
		edge = rest;
	} else {
		edge = bytes;
	}
	if (edge != node_bytes(was)) node_set_left(heap, right, node_bytes(was), edge);
	node_put(heap, at,
		 (struct heap_node){ .size = bytes | NODE_GRANTED,
				     .left = left,
				     .next = CALL_SITES ? site : SITE_NONE,
				     .prev = want->asked });
	heap->granted_blocks++;
	granted_change(heap, bytes);
	return at;
}

static void *heap_take(struct heap *heap, const struct heap_want *want, site_t site)
{
	struct heap_node node;
	const mach_irq_t irq = lock_take(&heap->lock);
	uint32_t at = bins_take(heap, want, &node);
	if (LIKELY(at != 0)) at = heap_grant(heap, at, &node, want, site);
	lock_drop(&heap->lock, irq);
	if (UNLIKELY(at == 0)) return NULL;
	void *p = (uint8_t *)heap_pointer(heap, at) + HEAP_NODE_BYTES;
	ASSERT_SLOW(is_aligned((uintptr_t)p, want->align));
	mach_unpoison(p, want->asked);
	return p;
}

void *heap_alloc_held(struct heap *heap, size_t bytes, size_t align, site_t site)
{
	struct heap_want want;
	return want_make(&want, bytes, align) ? heap_take(heap, &want, site) : NULL;
}

/* Another CPU may take what this one grew the heap by: then it grows again, inside the window. */
static NOINLINE void *heap_alloc_growing(struct heap *heap, const struct heap_want *want,
					 uint32_t how, site_t site)
{
	while (heap_grow(heap, want, how, site)) {
		void *p = heap_take(heap, want, site);
		if (p != NULL) return p;
	}
	return NULL;
}

void *heap_alloc(struct heap *heap, size_t bytes, size_t align, uint32_t how, site_t site)
{
	struct heap_want want;
	if (UNLIKELY(!want_make(&want, bytes, align))) {
		heap_tell(heap, MM_EVENT_NO_HEAP_BLOCK, bytes, align, site);
		return NULL;
	}
	void *p = heap_take(heap, &want, site);
	return LIKELY(p != NULL) ? p : heap_alloc_growing(heap, &want, how, site);
}

/* --- taking back ------------------------------------------------------------------------------ */

/* Whether a merge with this neighbour, or none, may go ahead. */
static bool neighbour_sound(const struct heap *heap, uint32_t at, const struct heap_node *node)
{
	if (UNLIKELY(!node_sound(node, at))) return false;
	return node_kind(node) != NODE_FREE || bins_links_sound(heap, at, node);
}

/* Fills in b->at and b->node when the block whose payload is at `p` is granted and sound. */
static enum heap_verdict heap_find(const struct heap *heap, const void *p, struct heap_block *b)
{
	const uintptr_t from_base = (uintptr_t)p - HEAP_NODE_BYTES - heap->base;
	if (UNLIKELY(!is_aligned((uintptr_t)p, HEAP_GRAIN))) return HEAP_WILD;
	if (UNLIKELY(from_base >> HEAP_UNIT_SHIFT >= heap->limit)) return HEAP_WILD;
	b->at = (uint32_t)(from_base >> HEAP_UNIT_SHIFT);
	b->node = node_load(heap, b->at);
	if (UNLIKELY(node_kind(&b->node) != NODE_GRANTED || !node_sound(&b->node, b->at)))
		return heap_accuse(heap, b->at);
	return HEAP_FREED;
}

/* The same for all of `b`: neighbours that a merge would use are sound too, and their links. */
static enum heap_verdict heap_judge(const struct heap *heap, const void *p, struct heap_block *b)
{
	const enum heap_verdict verdict = heap_find(heap, p, b);
	if (UNLIKELY(verdict != HEAP_FREED)) return verdict;
	const uint32_t right = node_right(&b->node, b->at), left = node_left(&b->node, b->at);
	b->right = node_load(heap, right);
	b->left = node_load(heap, left);
	if (!neighbour_sound(heap, right, &b->right) || !neighbour_sound(heap, left, &b->left))
		return HEAP_CORRUPT;
	return HEAP_FREED;
}

uint32_t heap_merge(struct heap *heap, const struct heap_block *b)
{
	uint32_t at = b->at, left = b->node.left, bytes = node_bytes(&b->node), edge = bytes;
	if (node_kind(&b->right) == NODE_FREE) {
		const uint32_t right = node_right(&b->node, at);
		bins_drop(heap, right, &b->right);
		node_scrub(heap, right);
		edge = node_bytes(&b->right);
		bytes += edge;
	}
	if (node_kind(&b->left) == NODE_FREE) {
		node_scrub(heap, at);
		at = node_left(&b->node, at);
		/* Its links may have changed with the right neighbour's going. */
		const struct heap_node now = node_load(heap, at);
		bins_drop(heap, at, &now);
		left = b->left.left;
		bytes += node_bytes(&b->left);
	}
	bins_put(heap, at, bytes, left);
	node_set_left(heap, at + (bytes >> HEAP_UNIT_SHIFT), edge, bytes);
	return at;
}

enum heap_verdict heap_free(struct heap *heap, void *p)
{
	struct heap_block b;
	struct heap_cut cut = { .pages = 0 };
	const mach_irq_t irq = lock_take(&heap->lock);
	const enum heap_verdict verdict = heap_judge(heap, p, &b);
	if (LIKELY(verdict == HEAP_FREED)) {
		mach_poison(p, b.node.prev);
		heap->granted_blocks--;
		heap->granted_bytes -= node_bytes(&b.node);
		const uint32_t at = heap_merge(heap, &b);
		if (heap_excess(heap) != 0) heap_cut_excess(heap, at, &cut);
	}
	lock_drop(&heap->lock, irq);
	if (UNLIKELY(cut.pages != 0)) heap_return(heap, &cut);
	return verdict;
}

size_t heap_usable(struct heap *heap, const void *p)
{
	struct heap_block b;
	const mach_irq_t irq = lock_take(&heap->lock);
	const bool granted = heap_find(heap, p, &b) == HEAP_FREED;
	lock_drop(&heap->lock, irq);
	return granted ? b.node.prev : 0;
}

/* --- resizing in place ------------------------------------------------------------------------ */

/* Makes block `b` into one for `want`, with its right neighbour's help where that is free; true
 * when that can be.  *tail is the free block left behind it, or 0. */
static bool heap_refit(struct heap *heap, const struct heap_block *b, const struct heap_want *want,
		       uint32_t *tail)
{
	const uint32_t had = node_bytes(&b->node);
	const bool joins = node_kind(&b->right) == NODE_FREE && want->block != had;
	const uint32_t edge = joins ? node_bytes(&b->right) : had;
	const uint32_t room = joins ? had + edge : had;
	uint32_t bytes = room, after = room;
	if (want->block > room) return false;
	if (joins) {
		bins_drop(heap, node_right(&b->node, b->at), &b->right);
		node_scrub(heap, node_right(&b->node, b->at));
	}
	*tail = 0;
	if (heap_rest_is_block(room - want->block)) {
		bytes = want->block;
		after = room - bytes;
		*tail = b->at + (bytes >> HEAP_UNIT_SHIFT);
		bins_put(heap, *tail, after, bytes);
	}
	node_set_left(heap, b->at + (room >> HEAP_UNIT_SHIFT), edge, after);
	struct heap_node now = b->node;
	now.size = bytes | NODE_GRANTED;
	now.prev = want->asked;
	node_put(heap, b->at, now);
	granted_change(heap, (int64_t)bytes - had);
	return true;
}

/* The user's part of a block went from `was` to `now` bytes, both multiples of 8. */
static void payload_resize(uint8_t *payload, size_t was, size_t now)
{
	if (now > was)
		mach_unpoison(payload + was, now - was);
	else
		mach_poison(payload + now, was - now);
}

bool heap_resize(struct heap *heap, void *p, size_t bytes)
{
	struct heap_block b;
	struct heap_want want;
	struct heap_cut cut = { .pages = 0 };
	uint32_t tail = 0;
	if (!want_make(&want, bytes, HEAP_GRAIN)) return false;
	const mach_irq_t irq = lock_take(&heap->lock);
	const bool done =
		heap_judge(heap, p, &b) == HEAP_FREED && heap_refit(heap, &b, &want, &tail);
	if (done) payload_resize(p, b.node.prev, want.asked);
	if (tail != 0 && heap_excess(heap) != 0) heap_cut_excess(heap, tail, &cut);
	lock_drop(&heap->lock, irq);
	if (cut.pages != 0) heap_return(heap, &cut);
	return done;
}
