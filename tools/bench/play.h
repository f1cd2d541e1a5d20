/*
 * play.h -- plays a trace against kmalloc, and pages against the page allocator.
 *
 * What is measured from outside are the functions named bench_: instructions inside them, and in
 * what they call, are the figure.  Freestanding.
 */
#ifndef TOOLS_BENCH_PLAY_H
#define TOOLS_BENCH_PLAY_H

#include "tools/bench/trace.h"
#include "tools/bench/world.h"

/* Requests of at most this size are slab objects, and counted apart. */
enum { BENCH_SMALL_BYTES = SLAB_SIZE_MAX };

struct play_result {
	uint32_t small_ops; /* calls of bench_small_*: old and new size both small */
	uint32_t large_ops;
	uint32_t failed;  /* requests that got no memory */
	uint32_t damaged; /* blocks misaligned, or with a byte that changed; only when looked for */
};

enum play_how { PLAY_QUIETLY, PLAY_AND_LOOK, PLAY_UNTIL_FAILURE };

/* Plays all of `trace`; `blocks`, trace->ids of them, are zero.  What is live at the end stays. */
struct play_result play_trace(const struct trace *trace, struct trace_block *blocks,
			      struct kmalloc *km, enum play_how how);

/* `pairs` times: takes one page and gives it back.  False when one was not to be had. */
bool bench_page_pairs(struct page_pool *pool, uint32_t pairs);

#endif
