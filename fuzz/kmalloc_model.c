/*
 * kmalloc_model.c -- bounds on what an allocator of small and large blocks may answer.
 *
 * An allocator that always says no is perfectly safe, so refusing needs a limit: what is live pins
 * at most so many pages however unluckily it lies (a small object: the largest slab there is; a
 * large block: its pages and one at each end), zones cut what is free in so many pieces, and
 * everything else can be had back, because a request that is about to fail must first reclaim.
 * Of F pages that nothing pins, cut into pieces by P pinned places, one piece has at least
 * F / (P + 1) pages.
 *
 * None of this arithmetic is taken from mm/: a copied rule would copy its mistake.
 */
#include "fuzz/kmalloc_model.h"

enum { MODEL_PAGE = 4096, MODEL_SMALL = 2048, MODEL_NODE = 24, MODEL_SLAB_PAGES = 8 };

static uint64_t pages_of(uint64_t bytes)
{
	return bytes / MODEL_PAGE + (bytes % MODEL_PAGE != 0);
}

struct pinned {
	uint64_t all;    /* pages, at most */
	uint64_t large;  /* of these, the heap's */
	uint64_t places; /* pieces of memory that cut the rest up */
};

static struct pinned pinned_by(const struct block_model *m, const struct kmalloc_limits *limits)
{
	struct pinned sum = { 0 };

	for (uint32_t i = 0; i < m->live_count; i++) {
		const size_t bytes = m->blocks[m->live[i]].bytes;
		/* In a slab of its own; or, when slabs found no page, in a span of the heap. */
		uint64_t pages = limits->redzone == 0 && bytes <= 1024 ? 1 : MODEL_SLAB_PAGES;
		if (bytes > MODEL_SMALL) pages = pages_of(bytes + MODEL_NODE) + 2;
		/* A small one may sit in the heap, or a larger class may hold it. */
		sum.all += pages + 2;
		sum.large += pages + 2;
		sum.places++;
	}
	return sum;
}

bool kmalloc_model_must_succeed(const struct block_model *m, const struct kmalloc_limits *limits,
				size_t bytes, size_t align)
{
	const struct pinned p = pinned_by(m, limits);
	uint64_t need, piece;

	if (bytes == 0 || bytes > (uint64_t)limits->pages * MODEL_PAGE || align > MODEL_PAGE)
		return false;
	if (p.all >= limits->pages) return false;
	piece = (limits->pages - p.all) / (p.places + limits->cuts + 1);
	if (bytes <= 512 && align <= 16 && limits->redzone == 0) return true;
	/* The heap's nodes at both ends of a span, one for the block, one for a front piece. */
	need = pages_of(bytes + align + 4 * MODEL_NODE) + 1;
	return need <= piece && p.large + need <= limits->window_pages;
}

bool kmalloc_model_must_fail(const struct block_model *m, const struct kmalloc_limits *limits,
			     size_t bytes, size_t align)
{
	const uint64_t all = (uint64_t)limits->pages * MODEL_PAGE;

	(void)align;
	if (bytes == 0 || bytes > all || m->live_bytes + bytes > all) return true;
	return bytes > MODEL_SMALL && bytes > (uint64_t)limits->window_pages * MODEL_PAGE;
}
