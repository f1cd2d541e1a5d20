/*
 * slab_object.c -- one object: what stands inside it, and what is known of it.
 *
 * Careful caches fill free objects with a pattern (poison) and verify it when one is handed out;
 * fill the bytes behind an object (redzone) and verify them when it is freed; and note in an array
 * at the slab's end who asked for it (site).  All of that takes time in which the object is neither
 * free nor anybody's, so these caches have a second bit for each object, and an object goes
 *
 *	free -> not free, no user's -> a user's -> not free, no user's -> free
 *
 * where plain caches know free and a user's only.  The second bit is changed atomically: of two
 * frees of one object exactly one finds it set, and only that one writes to the object.
 *
 * Always true:
 *	O1  a user's object is not free;
 *	O2  in a cache with poison every byte of a free object is the pattern's.
 *
 * Locks: none.
 */
#include "mm/slab_inside.h"

METADATA_ACCESS static void fill(uint64_t *from, uint32_t bytes, uint8_t byte)
{
	for (uint32_t i = 0; i < bytes / sizeof *from; i++) from[i] = byte * 0x0101010101010101ull;
}

METADATA_ACCESS static bool filled(const uint64_t *from, uint32_t bytes, uint8_t byte)
{
	for (uint32_t i = 0; i < bytes / sizeof *from; i++)
		if (from[i] != byte * 0x0101010101010101ull) return false;
	return true;
}

METADATA_ACCESS static void site_set(site_t *at, site_t site)
{
	*at = site;
}

void object_fill_all(const struct slab_cache *cache, uint8_t *base)
{
	ASSERT_SLOW(cache->poison && cache->stride >= cache->size);
	for (uint32_t i = 0; i < cache->per_slab; i++, base += cache->stride)
		fill((uint64_t *)(void *)base, cache->size, SLAB_POISON_BYTE);
}

/* How far into its slab an address of a slab lies, in bytes. */
static uint32_t offset_inside(const struct slab_cache *cache, uint64_t offset)
{
	const struct frame *frame = frame_at(cache, (uint32_t)(offset >> PAGE_SHIFT));

	ASSERT_SLOW(frame->owner == PAGE_OWNER_SLAB && frame->slab.cache == cache->number);
	return ((uint32_t)frame->slab.head_back << PAGE_SHIFT) +
	       (uint32_t)(offset & (PAGE_SIZE - 1));
}

static bool object_starts(const struct slab_cache *cache, uint64_t offset)
{
	const uint32_t inside = offset_inside(cache, offset);

	return inside % cache->stride == 0 && inside / cache->stride < cache->per_slab;
}

enum slab_verdict object_verdict(const struct slab_cache *cache, uint64_t offset)
{
	return object_starts(cache, offset) ? SLAB_DOUBLE_FREE : SLAB_WILD;
}

bool object_is_live(const struct slab_cache *cache, uint64_t offset)
{
	const uint32_t handle = (uint32_t)(offset >> SLAB_GRANULE_SHIFT);

	if (!is_aligned(offset, KMALLOC_ALIGN)) return false;
	/* Without notes all bits that are set are objects'. */
	if (cache->careful && !object_starts(cache, offset)) return false;
	return bit_is_set(cache->frames, object_note(cache, handle));
}

site_t *object_site(const struct slab_cache *cache, const void *p)
{
	const uint64_t offset = object_offset(cache, p);
	struct frame *head = slab_head(frame_at(cache, (uint32_t)(offset >> PAGE_SHIFT)));
	uint8_t *end = slab_base(cache, head) + ((size_t)PAGE_SIZE << cache->order);
	const uint32_t index = offset_inside(cache, offset) / cache->stride;

	ASSERT(index < cache->per_slab);
	return (site_t *)(void *)end - cache->per_slab + index;
}

void object_prepare(struct slab_cache *cache, void *p, site_t site)
{
	const uint32_t note = object_note(cache, object_handle(cache, p));
	uint8_t *end = (uint8_t *)p + cache->size;

	ASSERT(cache->careful);
	if (cache->poison && !filled(p, cache->size, SLAB_POISON_BYTE))
		kpanic("use-after-free", "a free object of %u bytes was written to", cache->size);
	fill((uint64_t *)(void *)end, cache->stride - cache->size, SLAB_REDZONE_BYTE);
	if (CALL_SITES && cache->sites) site_set(object_site(cache, p), site);
	const bool was = atomic_bit_set(frame_of(cache->frames, note)->slab.taken, taken_bit(note));
	ASSERT(!was); /* O1 */
}

static bool redzone_whole(const struct slab_cache *cache, const void *p)
{
	const uint8_t *end = (const uint8_t *)p + cache->size;

	return filled((const uint64_t *)(const void *)end, cache->stride - cache->size,
		      SLAB_REDZONE_BYTE);
}

enum slab_verdict object_take_back(struct slab_cache *cache, uint64_t offset, void *p)
{
	const uint32_t note = object_note(cache, (uint32_t)(offset >> SLAB_GRANULE_SHIFT));

	ASSERT(cache->careful);
	/* Only a start has a note: between two starts lie bits that say other things. */
	if (!object_starts(cache, offset)) return SLAB_WILD;
	if (bit_is_set(cache->frames, note) && !redzone_whole(cache, p)) return SLAB_REDZONE;
	if (!atomic_bit_clear(frame_of(cache->frames, note)->slab.taken, taken_bit(note)))
		return SLAB_DOUBLE_FREE;
	if (cache->poison) fill(p, cache->size, SLAB_POISON_BYTE);
	mach_poison(p, cache->size);
	return SLAB_FREED;
}
