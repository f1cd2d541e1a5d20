/*
 * heap_names.h -- the figures of an allocator (struct umalloc_stats) by name, in their order.
 */
#ifndef USER_REPLAY_HEAP_NAMES_H
#define USER_REPLAY_HEAP_NAMES_H

#include "user/malloc/malloc.h"

enum { HEAP_FIGURES = sizeof(struct umalloc_stats) / sizeof(uint64_t) };

static const char *const heap_figures[] = {
	"allocated-bytes",
	"allocated",
	"live-bytes",
	"live",
	"peak-bytes",
	"cached-bytes",
	"cached",
	"queued-bytes",
	"queued",
	"released-bytes",
	"released",
	"heap-bytes",
	"mapped-bytes",
	"peak-held-bytes",
	"free-bytes",
	"largest-free",
	"fragmentation",
	"flushed-full",
	"flushed-by-free",
	"flushed-by-alloc",
	"flushed-by-pressure",
	"flushed-on-demand",
	"flushed-at-exit",
};

_Static_assert(sizeof(heap_figures) / sizeof(*heap_figures) == HEAP_FIGURES, "a name for each");

/* What a figure is; `i` below HEAP_FIGURES. */
static inline uint64_t heap_figure(const struct umalloc_stats *s, unsigned i)
{
	const char *const at = (const char *)s + i * sizeof(uint64_t);
	uint64_t value;

	__builtin_memcpy(&value, at, sizeof value);
	return value;
}

#endif
