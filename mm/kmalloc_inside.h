/*
 * kmalloc_inside.h -- shared by kmalloc's own files; nobody else's.
 */
#ifndef MM_KMALLOC_INSIDE_H
#define MM_KMALLOC_INSIDE_H

#include "mm/kmalloc.h"
#include "mm/slab_inside.h"

/* --- kmalloc_quarantine.c --------------------------------------------------------------------- */

void quarantine_init(struct kmalloc *km, uint32_t limit);

/* Keeps the object `p` of *cache from reuse, and returns what leaves instead, with its cache in
 * *cache; NULL when nothing has to. */
void *quarantine_swap(struct kmalloc *km, void *p, struct slab_cache **cache);

/* How many objects of each class are kept. */
void quarantine_census(struct kmalloc *km, uint32_t by_class[KMALLOC_CLASSES]);

/* Frees everything that is kept. */
void quarantine_drain(struct kmalloc *km);

/* The pool's shrinker: a bounded pass over quarantine, caches and heap. */
size_t kmalloc_shrink(void *context, size_t pages);

#endif
