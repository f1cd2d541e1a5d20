/*
 * trace.h -- what some program asked of its allocator: a list of alloc, realloc and free.
 *
 * As text: any number of lines that begin with a digit (headers), then `a ID BYTES`,
 * `r ID BYTES`, `f ID`, one a line.  An ID names a block from its alloc to its free.
 * Freestanding: the caller hands in all memory.
 */
#ifndef TOOLS_BENCH_TRACE_H
#define TOOLS_BENCH_TRACE_H

#include "machine/base.h"

enum trace_kind { TRACE_ALLOC, TRACE_REALLOC, TRACE_FREE };

struct trace_op {
	uint8_t kind; /* enum trace_kind */
	uint32_t id;
	uint64_t bytes; /* asked for; a free's are 0 */
};

/* What is known of one ID while a trace is read or played. */
struct trace_block {
	void *p;
	uint64_t bytes;
	bool live; /* between alloc and free, even where the alloc gave nothing (0 bytes) */
};

struct trace {
	const struct trace_op *ops;
	uint32_t count;
	uint32_t ids;        /* all IDs are below */
	uint64_t peak_bytes; /* most bytes live at one time, as asked for */
};

/* Lines in `text`: neither operations nor IDs can be more. */
uint32_t trace_lines(const char *text, size_t bytes);

/*
 * Reads `text` into `trace`, whose operations go to `ops`; `blocks` is for its own use.  Both have
 * trace_lines() elements, `blocks` all zero, before and after.  Returns 0, or the number of the
 * first line that is no operation, or one on a block that is not (for an alloc: is already) live.
 */
uint32_t trace_parse(struct trace *trace, const char *text, size_t bytes, struct trace_op *ops,
		     struct trace_block *blocks);

#endif
