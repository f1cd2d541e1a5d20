/*
 * mapping.c -- large blocks: a mapping each.
 *
 * A block is whole pages, the larger of its size and its alignment rounded up, and nothing of ours
 * lies in them: what is known of a mapping is a note in the heap, found by the block's address in a
 * hash table.  So an address that somebody frees is never followed before it is known, and notes
 * cannot be overwritten from the block.
 *
 * An alignment beyond a page is met by mapping more and cutting off what stands before and behind;
 * what cannot be cut off stays, and is known.  Linux refuses to unmap where that would make more
 * mappings than a process may have.  A block whose mapping cannot be taken away is stuck: it counts
 * as queued, a second free of it is seen, and every flush tries again.
 *
 * Growth.  With `remaps` a mapping grows with its pages, which the kernel moves by their entries in
 * the page table, and no byte is copied: its note then has another address.
 *
 * Always true (umalloc_check): every note is in the bucket of its block; `stuck` says how many are.
 *
 * Cost: one call of the kernel's and a few instructions, as long as mappings are not many times as
 * many as buckets.
 */
#include "user/malloc/heap.h"

static struct umalloc_mapping **link_of(struct umalloc *m, const struct umalloc_mapping *map)
{
	struct umalloc_mapping **link = &m->mappings[mapping_bucket(map->at)];

	while (*link != map) link = &(*link)->next;
	return link;
}

static bool unmap(struct umalloc *m, char *at, size_t bytes)
{
	if (bytes == 0) return true;
	if (!m->calls->unmap(m->calls->context, at, bytes)) return false;
	m->mapped_bytes -= bytes;
	return true;
}

struct umalloc_mapping *um_mapping_find(const struct umalloc *m, const void *at)
{
	struct umalloc_mapping *map = m->mappings[mapping_bucket(at)];

	while (map != NULL && map->at != at) map = map->next;
	return map;
}

/* `bytes` at a multiple of `align`, in a mapping that had to be larger. */
static void cut_to(struct umalloc *m, struct umalloc_mapping *map, size_t bytes, size_t align)
{
	char *at = (char *)(((uintptr_t)map->base + align - 1) & ~(uintptr_t)(align - 1));
	const size_t before = (size_t)(at - map->base), behind = map->bytes - before - bytes;

	if (unmap(m, at + bytes, behind)) map->bytes -= behind;
	if (unmap(m, map->base, before)) {
		map->base += before;
		map->bytes -= before;
	}
	map->at = at;
}

static void note_add(struct umalloc *m, struct umalloc_mapping *map)
{
	map->next = m->mappings[mapping_bucket(map->at)];
	m->mappings[mapping_bucket(map->at)] = map;
}

static struct umalloc_mapping *note_take(struct umalloc *m)
{
	struct umalloc_block *b = heap_take(m, block_size_for(sizeof(struct umalloc_mapping)));

	if (b == NULL) return NULL;
	b->head |= HEAD_OURS;
	return block_payload(b);
}

static void note_put(struct umalloc *m, struct umalloc_mapping *map)
{
	struct umalloc_block *b = block_of(map);

	b->head &= ~(uint64_t)HEAD_OURS;
	heap_put_back(m, b);
}

struct umalloc_mapping *um_mapping_take(struct umalloc *m, size_t bytes, size_t align)
{
	const size_t want = page_up(bytes > align ? bytes : align);
	const size_t more = align > UMALLOC_PAGE ? align - UMALLOC_PAGE : 0;
	struct umalloc_mapping *map = note_take(m);

	if (map == NULL) return NULL;
	map->bytes = want + more;
	map->base = m->calls->map(m->calls->context, map->bytes);
	if (map->base == UMALLOC_NO_MEMORY) {
		note_put(m, map);
		return NULL;
	}
	m->mapped_bytes += map->bytes;
	um_count_held(m);
	cut_to(m, map, want, align);
	map->state = MAPPING_LIVE;
	note_add(m, map);
	return map;
}

/* Its pages go, and then so does the note. */
static bool take_away(struct umalloc *m, struct umalloc_mapping **link)
{
	struct umalloc_mapping *map = *link;

	if (!unmap(m, map->base, map->bytes)) return false;
	*link = map->next;
	note_put(m, map);
	return true;
}

void um_mapping_release(struct umalloc *m, struct umalloc_mapping *map)
{
	const uint64_t units = mapping_units(map);

	if (take_away(m, link_of(m, map))) {
		count_released(m, units);
		return;
	}
	map->state = MAPPING_STUCK;
	m->stuck++;
	count_queued(m, units);
}

void um_mapping_retry(struct umalloc *m)
{
	for (uint32_t i = 0; i < UMALLOC_BUCKETS && m->stuck != 0; i++) {
		struct umalloc_mapping **link = &m->mappings[i];
		while (*link != NULL) {
			const uint64_t units = mapping_units(*link);
			if ((*link)->state != MAPPING_STUCK || !take_away(m, link)) {
				link = &(*link)->next;
				continue;
			}
			m->stuck--;
			count_unqueued(m, units);
			count_released(m, units);
		}
	}
}

void um_mapping_shrink(struct umalloc *m, struct umalloc_mapping *map, size_t bytes)
{
	const size_t gone = mapping_granted(map) - page_up(bytes);

	if (unmap(m, map->base + map->bytes - gone, gone)) map->bytes -= gone;
}

bool um_mapping_grow(struct umalloc *m, struct umalloc_mapping *map, size_t bytes)
{
	if (!m->config.remaps || map->base != map->at || bytes > UMALLOC_BYTES_MAX) return false;
	const size_t want = page_up(bytes);
	void *at = m->calls->remap(m->calls->context, map->base, map->bytes, want);
	if (at == UMALLOC_NO_MEMORY) return false;
	*link_of(m, map) = map->next;
	map->at = map->base = at;
	note_add(m, map);
	m->mapped_bytes += want - map->bytes;
	um_count_held(m);
	map->bytes = want;
	return true;
}
