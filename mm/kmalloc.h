/*
 * kmalloc.h -- memory for the kernel: slab caches up to 2,048 bytes, the heap above.
 *
 * Every call takes its instance; kernel/ owns one and offers the short names (kmalloc(size)).
 * Safe from any context, interrupt handlers included.  Unless `how` has KM_NO_RECLAIM, no lock of
 * rank RANK_QUARANTINE or above may be held.  All memory given is aligned to KMALLOC_ALIGN.
 * Failing is the default; panicking must be asked for.
 */
#ifndef MM_KMALLOC_H
#define MM_KMALLOC_H

#include "mm/early.h"
#include "mm/heap.h"
#include "mm/slab.h"

enum { KMALLOC_CLASSES = 24 };

/* How a request is to be met. */
enum {
	KM_ZERO = 1 << 0,                /* the bytes asked for come zeroed */
	KM_PANIC = 1 << 1,               /* panic rather than NULL: no way to go on without it */
	KM_NO_RECLAIM = PAGE_NO_RECLAIM, /* fail rather than call shrinkers */
};

/* What became of a free.  Anything but the first three changed nothing. */
enum kmalloc_verdict {
	KMALLOC_FREED = 0,
	KMALLOC_NOTHING, /* p was NULL */
	KMALLOC_EARLY,   /* a block of the boot allocator: counted, its memory stays */
	KMALLOC_DOUBLE_FREE,
	KMALLOC_WILD,    /* nothing that was given starts there */
	KMALLOC_REDZONE, /* the bytes behind the object were written to */
	KMALLOC_CORRUPT, /* the heap's note at the block or its neighbour was written to */
	KMALLOC_VERDICTS
};
const char *kmalloc_verdict_name(enum kmalloc_verdict v);

struct kmalloc_config {
	struct page_pool *pages;
	uint32_t keep_slabs; /* empty slabs each cache keeps back from the pool */
	uint32_t redzone;    /* bytes behind each slab object, a multiple of 16 */
	uint32_t quarantine; /* freed objects kept from reuse, up to KMALLOC_QUARANTINE_MAX */
	bool poison;         /* fill free slab objects; verify when handed out */
	bool sites;          /* remember who asked (needs CALL_SITES) */
	size_t window_bytes; /* the heap's quota */
	size_t grow_bytes;   /* the heap asks for this much at once */
	size_t keep_bytes;   /* free heap pages kept back from the pool */
	struct early *early; /* whose blocks may be freed here; may be NULL */
	const struct mm_listener *listener;
	/* KMALLOC_CLASSES of them for each of the pool's CPUs; NULL: CPUs have no slabs. */
	struct slab_cpu *cpus;
};

enum { KMALLOC_QUARANTINE_MAX = 64 };

/* What the kernel hands in, and what figures are measured with. */
enum {
	KMALLOC_KEEP_SLABS = 1,
	KMALLOC_GROW_BYTES = 256 << 10,
	KMALLOC_KEEP_BYTES = 1 << 20,
};

struct kmalloc {
	/* What every call reads. */
	struct frame *frames; /* the pool's, and its memory: offsets count from there */
	uint8_t *memory;
	uint64_t quick_pages;  /* of the memory, whose objects are freed the short way */
	uint64_t quick_bytes;  /* requests up to there are met the short way */
	struct slab_cpu *cpus; /* [cpu * KMALLOC_CLASSES + class] */
	uint8_t class_of[SLAB_SIZE_MAX / KMALLOC_ALIGN]; /* by (size - 1) in units of 16 */

	struct page_pool *pages;
	struct early *early;
	const struct mm_listener *listener;
	struct slab_cache caches[KMALLOC_CLASSES];
	struct heap heap;
	struct shrinker shrinker;

	struct lock quarantine_lock; /* RANK_QUARANTINE */
	uint32_t quarantine_limit;
	uint32_t quarantine_count GUARDED_BY(&quarantine_lock);
	uint32_t quarantine_next GUARDED_BY(&quarantine_lock); /* the oldest */
	void *quarantine[KMALLOC_QUARANTINE_MAX] GUARDED_BY(&quarantine_lock);
};

/* Makes an instance, and a shrinker of its pool out of it. */
void kmalloc_init(struct kmalloc *km, const struct kmalloc_config *config);

/* At least `bytes` bytes, or NULL: no memory, or bytes is 0 (which is no failure, and not told). */
void *kmalloc_alloc(struct kmalloc *km, size_t bytes, uint32_t how, site_t site);

/* The same at a multiple of `align`, a power of two up to the largest page block; any other
 * alignment is refused with NULL. */
void *kmalloc_alloc_aligned(struct kmalloc *km, size_t bytes, size_t align, uint32_t how,
			    site_t site);

/*
 * The block `p`, its contents kept up to the smaller size, in place or moved.  NULL `p`: alloc.
 * 0 bytes: free, and NULL.  When it cannot grow: NULL, and `p` is as before.  Making a block
 * smaller never fails.  KM_ZERO does not apply to what a block grows by.  A `p` that is not a
 * block is answered with NULL, and *verdict says what is wrong with it (verdict may be NULL).  When
 * a block was moved and its old place could not be freed, *verdict says why.
 * A block of the boot allocator cannot be resized, whose size nobody noted: NULL, KMALLOC_EARLY.
 */
void *kmalloc_realloc(struct kmalloc *km, void *p, size_t bytes, uint32_t how, site_t site,
		      enum kmalloc_verdict *verdict);

enum kmalloc_verdict kmalloc_free(struct kmalloc *km, void *p);

/* Bytes that `p` could hold without moving, or 0 when nothing that was given starts there. */
size_t kmalloc_usable(struct kmalloc *km, const void *p);

/* Forces all that was put off: quarantine, CPUs' slabs, empty slabs, free heap pages.  Returns the
 * pages given back to the pool. */
size_t kmalloc_drain(struct kmalloc *km);

/* --- looking ---------------------------------------------------------------------------------- */

/* The numbers of the kernel, of /proc/meminfo and of the suite: all the same. */
struct kmalloc_counts {
	struct page_counts pages;
	struct heap_counts heap;
	struct slab_counts slab[KMALLOC_CLASSES]; /* live: without what is in quarantine */
	uint64_t live_objects;                    /* users have: slab objects and heap blocks */
	uint64_t live_bytes;                      /* granted for these, heap nodes included */
	uint64_t cached_objects;                  /* free in slabs that are CPUs' */
	uint64_t quarantined;                     /* freed, kept from reuse */
	uint32_t slab_pages, heap_pages;
};
void kmalloc_count(struct kmalloc *km, struct kmalloc_counts *out);

/* NULL when counters add up.  O(CPUs x classes). */
const char *kmalloc_check_counts(struct kmalloc *km);

/* NULL when every structure down to the frames is sound.  Only at rest. */
const char *kmalloc_check(struct kmalloc *km);

/* Live objects and bytes by site, by walking; false when the table was full. */
bool kmalloc_sites(struct kmalloc *km, struct site_row *table, size_t room, size_t *rows);

#endif
