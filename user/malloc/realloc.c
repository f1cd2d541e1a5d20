/*
 * realloc.c -- resizing.
 *
 * Where the block's own memory, or free memory to its right, has room, it stays where it is.
 * Otherwise: a new block, a copy of what both can hold, and the old one goes to the queue of
 * deferred frees.  The lock is free while contents are copied, as both blocks are the caller's.
 *
 * A mapping stays while it has as many pages as are wanted, or more, which are then cut off; where
 * the kernel moves pages, it grows with them (mapping.c).
 *
 * In place, and where pages move, bytes are counted as allocated or released, and blocks are not.
 */
#include "user/malloc/inside.h"

/* The same block takes other than it did. */
static void recount(struct umalloc *m, uint64_t had, uint64_t has)
{
	if (has < had) {
		m->counts.live.units -= had - has;
		m->counts.released.units += had - has;
	} else {
		m->counts.live.blocks--;
		count_allocated(m, has - had);
	}
}

static bool resize_block(struct umalloc *m, struct umalloc_block *b, size_t bytes)
{
	const uint64_t had = block_units(b);

	if (bytes > block_granted(b) && bytes >= m->config.map_bytes) return false;
	if (block_size_for(bytes) == block_size(b)) return true;
	if (!um_heap_resize(m, b, block_size_for(bytes))) return false;
	recount(m, had, block_units(b));
	return true;
}

static bool resize_mapping(struct umalloc *m, struct umalloc_mapping *map, size_t bytes)
{
	const uint64_t had = mapping_units(map);

	if (bytes <= mapping_granted(map))
		um_mapping_shrink(m, map, bytes);
	else if (!um_mapping_grow(m, map, bytes))
		return false;
	recount(m, had, mapping_units(map));
	return true;
}

/* The block as it is then, with no other in its place; or NULL. */
static void *resize(struct umalloc *m, struct user_block u, size_t bytes)
{
	if (u.block != NULL) return resize_block(m, u.block, bytes) ? block_payload(u.block) : NULL;
	return resize_mapping(m, u.map, bytes) ? u.map->at : NULL;
}

static void *move(struct umalloc *m, void *p, struct user_block u, size_t bytes)
{
	const size_t had = user_granted(u);
	void *q = um_user_take(m, bytes);

	if (q == NULL) return NULL;
	umalloc_unlock(m);
	memcpy(q, p, had < bytes ? had : bytes);
	umalloc_lock(m);
	um_deferred_push(m, u);
	return q;
}

void *umalloc_realloc(struct umalloc *m, void *p, size_t bytes)
{
	if (p == NULL) return umalloc_alloc(m, bytes);
	if (bytes == 0) {
		umalloc_free(m, p);
		return NULL;
	}
	umalloc_lock(m);
	const struct user_block u = um_user_find(m, p);
	const bool known = u.block != NULL || u.map != NULL;
	const enum umalloc_verdict verdict = known ? UMALLOC_WILD : um_bad_free(m, p);
	void *q = NULL;
	if (known) q = resize(m, u, bytes);
	if (known && q == NULL) q = move(m, p, u, bytes);
	umalloc_unlock(m);
	if (UMALLOC_UNLIKELY(!known))
		m->calls->misused(m->calls->context, p, verdict);
	else if (UMALLOC_UNLIKELY(q == NULL))
		m->calls->refused(m->calls->context);
	return q;
}
