/*
 * early.h -- the allocator of early boot: a bump pointer over EARLY_HEAP_BYTES, before there are
 * pages to ask for.  It never takes memory back; after the hand-over to kmalloc it refuses to give
 * any, and kmalloc routes frees of its blocks here by address, where they are counted.
 *
 * From any CPU and any context; no locks.
 */
#ifndef MM_EARLY_H
#define MM_EARLY_H

#include "machine/base.h"

/* In `used`: nothing is handed out any more. */
#define EARLY_CLOSED (1ull << 63)

struct early {
	uint8_t *base;
	size_t bytes;
	uint64_t used;     /* atomic: from base, padding included; and EARLY_CLOSED */
	uint32_t blocks;   /* atomic: handed out */
	uint32_t released; /* atomic: of these, freed later */
};

void early_init(struct early *e, void *base, size_t bytes);

/* `bytes` at a multiple of `align` (a power of two), zeroed; NULL when full or closed.
 * 0 bytes is NULL.  No arithmetic here can wrap. */
void *early_alloc(struct early *e, size_t bytes, size_t align);

/* The hand-over, once: no more is given.  Returns the bytes at the end, from a multiple of
 * PAGE_SIZE on, that were never handed out: they are the caller's, for the page pool. */
size_t early_close(struct early *e, void **rest);

bool early_owns(const struct early *e, const void *p);

/* A block of this heap was freed at run time.  Counted; its memory is not used again.  False, and
 * not counted, when more were freed than there are: one of them was freed twice. */
bool early_release(struct early *e, const void *p);

#endif
