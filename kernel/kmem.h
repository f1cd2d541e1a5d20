/*
 * kmem.h -- the kernel's own memory: one page pool and one kmalloc, and the short names for them.
 *
 * The short names remember who called.  What mm/ answers with a verdict is a bug of the kernel
 * here, and ends in a panic: "double-free" or "wild-free" (or "redzone", "use-after-free" where
 * mm/ is told to look for them).  Safe from any context; see mm/page.h and mm/kmalloc.h.
 */
#ifndef KERNEL_KMEM_H
#define KERNEL_KMEM_H

#include "kernel/memmap.h"
#include "mm/kmalloc.h"

extern struct page_pool kernel_pages;
extern struct kmalloc kernel_memory;

/*
 * Makes both out of what `map` has left; what is needed for that comes from the map too.  `hard`
 * fills what is freed with patterns and looks at them again, keeps red zones and a quarantine.
 * NULL, or why it cannot be done.
 */
const char *kmem_start(struct memmap *map, unsigned cpus, bool hard);

/* 2^order pages, or PADDR_NONE; `how` as for page_alloc(). */
paddr_t kpage_alloc(unsigned order, uint32_t how);
void kpage_free(paddr_t pa, unsigned order, uint32_t how);

/* At least `bytes` bytes, aligned to KMALLOC_ALIGN, or NULL. */
void *kmalloc(size_t bytes);
void *kzalloc(size_t bytes);

/* The same for a caller that cannot go on without: never NULL; panics with "out-of-memory". */
void *kmalloc_or_panic(size_t bytes);

void *kmalloc_aligned(size_t bytes, size_t align);
void *krealloc(void *p, size_t bytes);
void kfree(void *p);

#endif
