/*
 * heap.c -- blocks of the heap: taken, put back, split and merged.
 *
 * A request takes, in this order: a block of exactly its size from a quick list; a free block that
 * fits best, cut to size; a piece of the top; the same once more, after the quick lists were
 * merged; a piece of a top that has grown.  So memory is got only when nothing that is free fits.
 *
 * A free of a block of less than 8 KiB puts it into the quick list of its size, where the next
 * request of that size finds it, as it is: most programs ask for what they just gave back, and
 * splitting and merging would be the larger part of both calls (deferred coalescing: Wilson,
 * Johnstone, Neely and Boles, "Dynamic storage allocation", 1995, section 3.5).  Larger ones are
 * merged at once with the free neighbours on both sides.
 *
 * Always true (umalloc_check):
 *   H1  two FREE blocks are never neighbours;
 *   H2  HEAD_LEFT_FREE is set exactly in the head behind a FREE block, whose last word is its size;
 *   H3  the top is the last block of the newest region and FREE, or there is none;
 *   H4  no block is smaller than BLOCK_MIN.
 *
 * Cost: a quick one some ten instructions; merging all quick lists is paid for by the frees that
 * filled them.
 */
#include "user/malloc/heap.h"

/* --- taking ----------------------------------------------------------------------------------- */

/* A free block leaves its bin, or is the top no more. */
static inline void claim(struct umalloc *m, struct umalloc_block *b)
{
	if (b == m->top)
		m->top = NULL;
	else
		bin_remove(m, b);
}

struct umalloc_block *um_heap_take_large(struct umalloc *m, uint64_t size)
{
	struct umalloc_block *b = um_bin_take_large(m, size);

	if (b == NULL) b = top_for(m, size);
	if (b != NULL) carve(m, b, size);
	return b;
}

struct umalloc_block *um_heap_take_free(struct umalloc *m, uint64_t size)
{
	return heap_take_free(m, size);
}

UMALLOC_RARE struct umalloc_block *um_heap_take_grown(struct umalloc *m, uint64_t size)
{
	struct umalloc_block *b = NULL;

	um_caches_thin(m);
	if (um_heap_merge_quick(m)) b = um_heap_take_free(m, size);
	if (b != NULL || !um_heap_grow(m, size)) return b;
	b = m->top;
	carve(m, b, size);
	return b;
}

/* Room for the alignment and for a free block before it, which is then given back. */
struct umalloc_block *um_heap_take_aligned(struct umalloc *m, uint64_t size, size_t align)
{
	struct umalloc_block *b = heap_take(m, size + align + BLOCK_MIN);
	if (b == NULL) return NULL;
	const uint64_t have = block_size(b);
	const uintptr_t payload = (uintptr_t)block_payload(b);
	uint64_t front = ((payload + align - 1) & ~(uint64_t)(align - 1)) - payload;

	if (front != 0 && front < BLOCK_MIN) front += align;
	if (front != 0) {
		struct umalloc_block *aligned = block_at((char *)b + front);
		aligned->head = head_of(have - front, BLOCK_LIVE);
		b->head = (b->head & HEAD_LEFT_FREE) | head_of(front, BLOCK_LIVE);
		um_heap_put(m, b);
		b = aligned;
	}
	um_heap_resize(m, b, size);
	return b;
}

/* --- putting back ----------------------------------------------------------------------------- */

/* What belongs to nobody, and is in no bin, becomes the top, or goes into its bin. */
static inline void keep_free(struct umalloc *m, struct umalloc_block *b, uint64_t size)
{
	block_make_free(b, size);
	if ((uintptr_t)b + size == m->regions->end - BLOCK_HEAD)
		m->top = b;
	else
		bin_add(m, b, size);
}

static inline void merge(struct umalloc *m, struct umalloc_block *b, uint64_t size)
{
	struct umalloc_block *right = block_at((char *)b + size);

	if (block_is_free(right)) {
		claim(m, right);
		size += block_size(right);
		right->head = 0;
	}
	if (b->head & HEAD_LEFT_FREE) {
		struct umalloc_block *left = block_left(b);
		SOUND(m, block_is_free(left) && block_right(left) == b, b);
		claim(m, left); /* the top where a region grows */
		size += block_size(left);
		b->head = 0;
		b = left;
	}
	keep_free(m, b, size);
}

void um_heap_put(struct umalloc *m, struct umalloc_block *b)
{
	merge(m, b, block_size(b));
}

void um_heap_put_trimming(struct umalloc *m, struct umalloc_block *b)
{
	um_heap_put(m, b);
	if (UMALLOC_UNLIKELY(m->top != NULL && block_size(m->top) > um_heap_keep(m)))
		um_heap_trim(m, um_heap_keep(m));
}

static void merge_list(struct umalloc *m, uint32_t q)
{
	struct umalloc_block *b = m->quick[q];

	m->quick[q] = NULL;
	while (b != NULL) {
		struct umalloc_block *next = b->next;
		SOUND(m, block_state(b) == BLOCK_QUICK && block_units(b) == q, b);
		merge(m, b, (uint64_t)q << UNIT_SHIFT);
		b = next;
	}
}

/* A list's bit says that it was not empty since they were merged last. */
bool um_heap_merge_quick(struct umalloc *m)
{
	bool merged = false;

	for (uint32_t i = 0; i < UMALLOC_QUICK / 64; i++) {
		if (m->quick_map[i] == 0) continue;
		for (uint64_t lists = m->quick_map[i]; lists != 0; lists &= lists - 1)
			merge_list(m, i * 64 + (uint32_t)__builtin_ctzll(lists));
		m->quick_map[i] = 0;
		merged = true;
	}
	return merged;
}

/* --- resizing --------------------------------------------------------------------------------- */

/* Whether block and what is free to its right have `size` bytes; at the break, after it moved. */
static bool reach(struct umalloc *m, const struct umalloc_block *b, uint64_t size)
{
	const struct umalloc_block *right = block_right(b);
	const uint64_t room = block_is_free(right) ? block_size(right) : 0;

	if (block_size(b) + room >= size) return true;
	if ((uintptr_t)right + room != m->regions->end - BLOCK_HEAD) return false;
	return um_heap_grow(m, size - block_size(b)) && m->top == right;
}

/* The first `size` of the `have` bytes at a live block stay; the rest is kept free. */
static void cut(struct umalloc *m, struct umalloc_block *b, uint64_t have, uint64_t size)
{
	const uint64_t rest = have - size < BLOCK_MIN ? 0 : have - size;

	b->head = (b->head & HEAD_LEFT_FREE) | head_of(have - rest, BLOCK_LIVE);
	if (rest != 0)
		keep_free(m, block_right(b), rest);
	else
		block_left_is(block_right(b), false);
}

bool um_heap_resize(struct umalloc *m, struct umalloc_block *b, uint64_t size)
{
	uint64_t have = block_size(b);

	if (size > have && !reach(m, b, size)) return false;
	struct umalloc_block *right = block_right(b);
	if (size != have && block_is_free(right)) {
		claim(m, right);
		have += block_size(right);
		right->head = 0;
	}
	cut(m, b, have, size);
	return true;
}
