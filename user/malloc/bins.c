/*
 * bins.c -- searches in bins that hold blocks of several sizes (bins.h).
 *
 * A block that fits best leaves the least over, and what is left over of large blocks is what most
 * requests are cut from: so the whole bin is walked, up to a block of just the size.
 */
#include "user/malloc/bins.h"

/* Of a bin's blocks the smallest that is large enough. */
static struct umalloc_block *best_of(struct umalloc_block *first, uint64_t size)
{
	struct umalloc_block *best = NULL;

	for (struct umalloc_block *b = first; b != NULL; b = b->next) {
		if (block_size(b) < size) continue;
		if (best == NULL || block_size(b) < block_size(best)) best = b;
		if (block_size(best) == size) break;
	}
	return best;
}

static struct umalloc_block *first_of(struct umalloc_block *first, uint64_t size)
{
	struct umalloc_block *b = first;

	while (b != NULL && block_size(b) < size) b = b->next;
	return b;
}

struct umalloc_block *um_bin_take_large(struct umalloc *m, uint64_t size)
{
	const uint32_t bin = bin_of(m, size);
	struct umalloc_block *b = m->config.fit == UMALLOC_FIRST_FIT ? first_of(m->bins[bin], size)
								     : best_of(m->bins[bin], size);

	if (b == NULL && bin != LAST_BIN) {
		const uint32_t next = bin_next(m, bin + 1);
		if (next == UMALLOC_BINS) return NULL;
		b = m->bins[next];
	}
	if (b == NULL) return NULL;
	SOUND(m, block_is_free(b), b);
	bin_remove(m, b);
	return b;
}
