/*
 * kmalloc_model.h -- what kmalloc must grant and what it must refuse, by arithmetic of our own.
 */
#ifndef FUZZ_KMALLOC_MODEL_H
#define FUZZ_KMALLOC_MODEL_H

#include "fuzz/block_model.h"

/* The limits of a world, as the script's header gave them. */
struct kmalloc_limits {
	uint32_t pages;        /* all the pool has */
	uint32_t window_pages; /* the heap's quota */
	uint32_t redzone;
	uint32_t cuts; /* places where zones meet: no run of pages goes across */
};

/* Whether a request that was refused should have been granted: there is room for certain, however
 * what is live may lie. */
bool kmalloc_model_must_succeed(const struct block_model *m, const struct kmalloc_limits *limits,
				size_t bytes, size_t align);

/* Whether there cannot be room for it, however well everything is packed. */
bool kmalloc_model_must_fail(const struct block_model *m, const struct kmalloc_limits *limits,
			     size_t bytes, size_t align);

#endif
