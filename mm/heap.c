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
 *       free + granted = block_bytes, the bytes of all spans without their own nodes.
 *
 * Locks: heap->lock over each operation, never while pages are asked for or given back.  Memory is
 * unpoisoned after the block is ours alone and poisoned before it is anybody's, for as many bytes
 * as were asked for, rounded up to 8; nodes stay poisoned and are touched in heap_inside.h only.
 *
 * Cost, x86-64, release: on a trace of large blocks (git, tools/bench) 156 instructions for an
 * alloc, which mostly splits a block, and 187 for a free, which mostly merges one.  Three nodes are
 * verified at each free.
 */
#include "mm/heap_inside.h"

enum { HEAP_GROWTHS_MAX = 8 }; /* for one request */

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
		.base = (uintptr_t)align_down(config->base, HEAP_GRAIN) - HEAP_LOWEST,
		.window_pages = config->window_bytes >> PAGE_SHIFT,
		.grow_pages = config->grow_bytes >> PAGE_SHIFT,
		.keep_bytes = config->keep_bytes,
		/* A page that is free but for the nodes of a span of its own counts as one. */
		.give_bytes = config->pages != NULL ? config->keep_bytes + HEAP_LARGE : SIZE_MAX,
		.listener = config->listener,
	};
	lock_init(&heap->lock, RANK_HEAP);
}

/* False for what no heap can hold.  Compares before it adds or narrows. */
HOT bool want_make(struct heap_want *want, size_t bytes, size_t align)
{
	ASSERT_SLOW(is_power_of_two(align));
	if (UNLIKELY(bytes >= HEAP_BYTES_MAX - PAGE_SIZE || align >= HEAP_BYTES_MAX)) return false;
	const size_t asked = bytes == 0 ? 1 : bytes;
	want->asked = (uint32_t)align_up(asked, 1 << HEAP_UNIT_SHIFT);
	want->block = (uint32_t)align_up(asked + HEAP_NODE_BYTES, HEAP_GRAIN);
	want->align = align < HEAP_GRAIN ? HEAP_GRAIN : (uint32_t)align;
	return true;
}

/* Granted bytes went from `was` to `now`, for one block; 0 is no block. */
HOT void granted_change(struct heap *heap, uint32_t was, uint32_t now)
{
	heap->granted_bytes += (size_t)now - was;
	ASSERT_SLOW(heap->granted_bytes <= heap->block_bytes);
	if (heap->granted_bytes > heap->peak_bytes) heap->peak_bytes = heap->granted_bytes;
}

/* Writes the node of a granted block.  What is behind the bytes asked for, up to the next block,
 * goes and comes with it. */
HOT void granted_put(const struct heap *heap, uint32_t at, uint32_t bytes, uint32_t left,
		     uint32_t asked, site_t site)
{
	ASSERT_SLOW(asked + HEAP_NODE_BYTES <= bytes);
	node_put(heap, at, node_sizes(bytes, NODE_GRANTED, left), CALL_SITES ? site : SITE_NONE,
		 asked);
}

/* Grants from the start of the free block at `at`, whose node is `was`; the rest stays free. */
HOT void grant_front(struct heap *heap, uint32_t at, const struct heap_node *was,
		     const struct heap_want *want, site_t site)
{
	const uint32_t had = node_bytes(was), rest = had - want->block;
	uint32_t bytes = had;
	ASSERT_SLOW(had >= want->block);
	if (LIKELY(heap_rest_is_block(rest))) {
		bytes = want->block;
		bins_move(heap, was, at + (bytes >> HEAP_UNIT_SHIFT), rest, bytes);
		node_set_left(heap, node_right(was, at), had, rest);
	} else {
		bins_drop(heap, was);
	}
	granted_put(heap, at, bytes, node_left_bytes(was), want->asked, site);
	heap->granted_blocks++;
	granted_change(heap, 0, bytes);
}

/* Makes the first `front` bytes of the free block at `at` a free block, and a free block of what
 * is behind them.  Returns where that is. */
static uint32_t split_front(struct heap *heap, uint32_t at, uint32_t front)
{
	const struct heap_node node = node_load(heap, at);
	const uint32_t had = node_bytes(&node), right = node_right(&node, at);
	const uint32_t behind = at + (front >> HEAP_UNIT_SHIFT);
	ASSERT(heap_rest_is_block(front) && front < had && is_aligned(front, HEAP_GRAIN));
	bins_move(heap, &node, at, front, node_left_bytes(&node));
	bins_put(heap, behind, had - front, front);
	node_set_left(heap, right, had, had - front);
	return behind;
}

/* The first block of list `bin` becomes [to, to + rest), which is the end of it; or leaves the
 * lists, where rest is 0.  `node` is its node, and it and its links are sound. */
HOT void head_shrink(struct heap *heap, unsigned bin, const struct heap_node *node, uint32_t to,
		     uint32_t rest, uint32_t left)
{
	uint32_t next = node->next;
	unsigned now = bin;
	if (UNLIKELY(rest < bin_floor[bin])) { /* so is a rest of 0 */
		if (next != 0)
			node_set_prev(heap, next, bin);
		else
			heap->bins ^= 1ull << bin;
		heap->first[bin] = next;
		if (rest == 0) return;
		now = heap_bin(rest);
		next = heap->first[now];
		heap->bins |= 1ull << now;
	}
	if (next != 0) node_set_prev(heap, next, to);
	heap->first[now] = to;
	node_put_free(heap, to, node_sizes(rest, NODE_FREE, left), next, now);
}

/* The way of most requests, with no alignment but the usual: the first block of the first list that
 * is not empty.  NULL, with nothing changed, when it will not do. */
HOT void *heap_take_first(struct heap *heap, uint32_t asked, uint32_t block, site_t site)
{
	void *p = NULL;
	const mach_irq_t irq = lock_take(&heap->lock);
	const uint64_t bins = heap->bins & ~0ull << heap_bin(block);
	const unsigned bin = bit_lowest(bins | 1ull << 63);
	const uint32_t at = heap->first[bin];
	if (LIKELY(bins != 0)) {
		const struct heap_node node = node_load(heap, at);
		const uint32_t had = node_bytes(&node);
		if (LIKELY(had >= block && head_sound(heap, at, &node, bin))) {
			uint32_t bytes = block, rest = had - block;
			if (UNLIKELY(!heap_rest_is_block(rest))) {
				bytes = had;
				rest = 0;
				heap->free_blocks--;
			}
			head_shrink(heap, bin, &node, at + (bytes >> HEAP_UNIT_SHIFT), rest, bytes);
			bins_count_large(heap, had, rest);
			if (rest != 0) node_set_left(heap, node_right(&node, at), had, rest);
			granted_put(heap, at, bytes, node_left_bytes(&node), asked, site);
			heap->granted_blocks++;
			granted_change(heap, 0, bytes);
			p = (uint8_t *)heap_pointer(heap, at) + HEAP_NODE_BYTES;
		}
	}
	lock_drop(&heap->lock, irq);
	if (LIKELY(p != NULL)) mach_unpoison(p, asked);
	return p;
}

/* Takes a block for `want` from the lists: its payload; or NULL. */
static void *heap_take(struct heap *heap, const struct heap_want *want, site_t site)
{
	struct heap_node node;
	const mach_irq_t irq = lock_take(&heap->lock);
	uint32_t at = bins_find(heap, want, &node);
	if (UNLIKELY(at == 0)) {
		lock_drop(&heap->lock, irq);
		return NULL;
	}
	if (UNLIKELY(want->align > HEAP_GRAIN)) {
		/* The block was chosen with room for this. */
		const size_t front = heap_front((uintptr_t)heap_pointer(heap, at), want->align);
		if (front != 0) {
			at = split_front(heap, at, (uint32_t)front);
			node = node_load(heap, at);
		}
	}
	grant_front(heap, at, &node, want, site);
	lock_drop(&heap->lock, irq);
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

/* Another CPU may take what this one grew the heap by: then it grows again, but not for ever. */
static NOINLINE void *heap_alloc_hard(struct heap *heap, size_t bytes, size_t align, uint32_t how,
				      site_t site)
{
	struct heap_want want;
	if (!want_make(&want, bytes, align)) {
		heap_tell(heap, MM_EVENT_NO_HEAP_BLOCK, bytes, align, site);
		return NULL;
	}
	/* The first block of its class was not the one: all that there are, before any growth. */
	void *held = heap_take(heap, &want, site);
	if (held != NULL) return held;
	ASSERT(want.block >= HEAP_NODE_BYTES + want.asked);
	for (int tries = 0; tries < HEAP_GROWTHS_MAX; tries++) {
		if (!heap_grow(heap, &want, how, site)) return NULL;
		void *p = heap_take(heap, &want, site);
		if (p != NULL) return p;
	}
	heap_tell(heap, MM_EVENT_PAGES_AT_GROWTH, want.asked, want.align, site);
	return NULL;
}

/* The usual way is tried here in line; whatever it is that stands in its way, a second attempt out
 * of line finds out. */
void *heap_alloc(struct heap *heap, size_t bytes, size_t align, uint32_t how, site_t site)
{
	struct heap_want want;
	if (LIKELY(align <= HEAP_GRAIN && want_make(&want, bytes, HEAP_GRAIN))) {
		void *p = heap_take_first(heap, want.asked, want.block, site);
		if (LIKELY(p != NULL)) return p;
	}
	return heap_alloc_hard(heap, bytes, align, how, site);
}

/* --- taking back ------------------------------------------------------------------------------ */

/* Whether a merge with this neighbour, or none, may go ahead. */
HOT bool neighbour_sound(const struct heap *heap, uint32_t at, const struct heap_node *node)
{
	if (node_kind(node) != NODE_FREE) return node_sound_granted(node, at);
	return node_sound_free(node, at) && bins_links_sound(heap, at, node);
}

/* Fills in b->at and b->node when the block whose payload is at `p` is granted and sound. */
HOT enum heap_verdict heap_find(const struct heap *heap, const void *p, struct heap_block *b)
{
	const uintptr_t from_lowest = (uintptr_t)p - HEAP_NODE_BYTES - HEAP_LOWEST - heap->base;
	if (UNLIKELY(!is_aligned((uintptr_t)p, HEAP_GRAIN))) return HEAP_WILD;
	if (UNLIKELY(from_lowest >> HEAP_UNIT_SHIFT >= heap->reach)) return HEAP_WILD;
	b->at = (uint32_t)(from_lowest >> HEAP_UNIT_SHIFT) + HEAP_BINS;
	b->node = node_load(heap, b->at);
	if (UNLIKELY(node_kind(&b->node) != NODE_GRANTED || !node_sound_granted(&b->node, b->at)))
		return heap_accuse(heap, b->at);
	return HEAP_FREED;
}

/* The same for all of `b`: neighbours that a merge would use are sound too, and their links. */
HOT enum heap_verdict heap_judge(const struct heap *heap, const void *p, struct heap_block *b)
{
	const enum heap_verdict verdict = heap_find(heap, p, b);
	if (UNLIKELY(verdict != HEAP_FREED)) return verdict;
	const uint32_t right = node_right(&b->node, b->at), left = node_left(&b->node, b->at);
	b->right = node_load(heap, right);
	b->left = node_load(heap, left);
	if (UNLIKELY(!neighbour_sound(heap, right, &b->right) ||
		     !neighbour_sound(heap, left, &b->left)))
		return HEAP_CORRUPT;
	return HEAP_FREED;
}

/* Makes block `b` free, one with its free neighbours, and returns where that block begins.  The
 * left node is read again when the right one left its list: it may have stood beside it there. */
HOT uint32_t merge(struct heap *heap, const struct heap_block *b)
{
	const uint32_t right = node_right(&b->node, b->at);
	uint32_t at = b->at, bytes = node_bytes(&b->node), left = node_left_bytes(&b->node);
	uint32_t end = right, last = bytes; /* where it ends; what the node there has to its left */
	const bool joins_left = node_kind(&b->left) == NODE_FREE;
	struct heap_node before = b->left;
	if (node_kind(&b->right) == NODE_FREE) {
		bins_drop(heap, &b->right);
		node_scrub(heap, right);
		end = node_right(&b->right, right);
		last = node_bytes(&b->right);
		bytes += last;
		if (joins_left) before = node_load(heap, node_left(&b->node, at));
	}
	if (joins_left) {
		bins_drop(heap, &before);
		node_scrub(heap, at);
		at = node_left(&b->node, at);
		bytes += node_bytes(&before);
		left = node_left_bytes(&before);
	}
	ASSERT_SLOW(bytes >= last && at <= b->at);
	bins_put(heap, at, bytes, left);
	if (bytes != last) node_set_left(heap, end, last, bytes);
	return at;
}

uint32_t heap_merge(struct heap *heap, const struct heap_block *b)
{
	return merge(heap, b);
}

/* The end of a free or resize that left the free block at `at`: gives the heap's lock back, and
 * pages that are too many. */
static NOINLINE void heap_leave_cutting(struct heap *heap, uint32_t at, mach_irq_t irq)
{
	struct heap_cut cut = { .pages = 0 };
	heap_cut_excess(heap, at, &cut);
	lock_drop(&heap->lock, irq);
	if (cut.pages != 0) heap_return(heap, &cut);
}

HOT void heap_leave(struct heap *heap, uint32_t at, mach_irq_t irq)
{
	if (UNLIKELY(heap->large_bytes >= heap->give_bytes))
		heap_leave_cutting(heap, at, irq);
	else
		lock_drop(&heap->lock, irq);
}

enum heap_verdict heap_free(struct heap *heap, void *p)
{
	struct heap_block b;
	const mach_irq_t irq = lock_take(&heap->lock);
	const enum heap_verdict verdict = heap_judge(heap, p, &b);
	if (UNLIKELY(verdict != HEAP_FREED)) {
		lock_drop(&heap->lock, irq);
		return verdict;
	}
	ASSERT_SLOW(heap->granted_blocks != 0 && heap->granted_bytes >= node_bytes(&b.node));
	mach_poison(p, b.node.asked);
	heap->granted_blocks--;
	heap->granted_bytes -= node_bytes(&b.node);
	heap_leave(heap, merge(heap, &b), irq);
	return HEAP_FREED;
}

enum heap_verdict heap_look(struct heap *heap, const void *p, size_t *usable)
{
	struct heap_block b;
	const mach_irq_t irq = lock_take(&heap->lock);
	const enum heap_verdict verdict = heap_find(heap, p, &b);
	lock_drop(&heap->lock, irq);
	*usable = verdict == HEAP_FREED ? b.node.asked : 0;
	return verdict;
}

size_t heap_usable(struct heap *heap, const void *p)
{
	size_t usable;
	heap_look(heap, p, &usable);
	return usable;
}

/* --- resizing in place ------------------------------------------------------------------------ */

/* Makes block `b` into one for `want`, with its right neighbour's help where that is free; true
 * when that can be.  *tail is the free block left behind it, or 0. */
static bool heap_refit(struct heap *heap, const struct heap_block *b, const struct heap_want *want,
		       uint32_t *tail)
{
	const uint32_t had = node_bytes(&b->node);
	const bool joins = node_kind(&b->right) == NODE_FREE && want->block != had;
	const uint32_t last = joins ? node_bytes(&b->right) : had;
	const uint32_t room = joins ? had + last : had;
	uint32_t bytes = room, after = room;
	if (want->block > room) return false;
	/* Off the list before anything is put on one: the tail may be listed beside it. */
	if (joins) {
		bins_drop(heap, &b->right);
		node_scrub(heap, node_right(&b->node, b->at));
	}
	if (heap_rest_is_block(room - want->block)) {
		bytes = want->block;
		after = room - bytes;
		*tail = b->at + (bytes >> HEAP_UNIT_SHIFT);
		bins_put(heap, *tail, after, bytes);
	}
	node_set_left(heap, b->at + (room >> HEAP_UNIT_SHIFT), last, after);
	ASSERT_SLOW(bytes + (after == room ? 0 : after) == room);
	granted_put(heap, b->at, bytes, node_left_bytes(&b->node), want->asked, b->node.site);
	granted_change(heap, had, bytes);
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

/* Judged as a free is, though less is at stake: the node to the right is about to be changed. */
bool heap_resize(struct heap *heap, void *p, size_t bytes)
{
	struct heap_block b;
	struct heap_want want;
	uint32_t tail = 0;
	if (!want_make(&want, bytes, HEAP_GRAIN)) return false;
	const mach_irq_t irq = lock_take(&heap->lock);
	const bool done =
		heap_judge(heap, p, &b) == HEAP_FREED && heap_refit(heap, &b, &want, &tail);
	if (done) payload_resize(p, b.node.asked, want.asked);
	if (tail != 0)
		heap_leave(heap, tail, irq);
	else
		lock_drop(&heap->lock, irq);
	return done;
}
