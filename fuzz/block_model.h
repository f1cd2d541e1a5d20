/*
 * block_model.h -- the allocation model: what a user of an allocator may rely on.
 *
 * A table of blocks by handle.  Each is filled with a pattern of its own when it is got and looked
 * at again before it is changed or given back.  Nothing here knows how any allocator works.
 */
#ifndef FUZZ_BLOCK_MODEL_H
#define FUZZ_BLOCK_MODEL_H

#include "fuzz/frame/subject.h"

/*
 * For loops over the model's own arrays, or over memory that mach_may_touch() has looked at:
 * compiled without what watches every access, so that many words are taken at once.
 */
#define UNWATCHED_LOOP __attribute__((no_sanitize("address", "undefined", "coverage")))

struct block {
	uint8_t *at;    /* NULL: the handle is free */
	size_t bytes;   /* asked for */
	uint64_t seed;  /* of its pattern */
	site_t site;    /* operation that made it */
	uint8_t *stale; /* where its last one was, or NULL: for double frees */
};

struct block_model {
	const uint8_t *low, *high; /* memory that blocks may come from */
	struct block blocks[SCRIPT_SLOTS];
	uint8_t live[SCRIPT_SLOTS];  /* handles in use, in no order */
	uint8_t place[SCRIPT_SLOTS]; /* of each handle in live[] */
	uint32_t from[SCRIPT_SLOTS]; /* by index of live[]: where it starts, from `low` on, */
	uint32_t to[SCRIPT_SLOTS];   /* where it ends, */
	site_t site[SCRIPT_SLOTS];   /* and the operation that made it */
	uint32_t live_count;
	uint64_t live_bytes;
};

void block_model_init(struct block_model *m, const void *low, size_t bytes);

/* A new block: checks bounds, alignment and overlap, fills it.  `zeroed`: it must be all zero. */
void block_add(struct block_model *m, unsigned slot, void *p, size_t bytes, size_t align,
	       bool zeroed, site_t site);

/* The block's pattern is intact, all of it that a fill wrote in its first `bytes`. */
void block_verify(const struct block_model *m, unsigned slot, size_t bytes);

/* The block is given up; the handle remembers where it was. */
void block_remove(struct block_model *m, unsigned slot);

/* The block was moved or resized: its contents up to the smaller size must be as they were. */
void block_move(struct block_model *m, unsigned slot, void *p, size_t bytes, site_t site);

/* The same in two halves, for when others may be given its old place in between: it is given up;
 * then it is at `p`, where there must be room for it, or (NULL) was freed. */
void block_leave(struct block_model *m, unsigned slot);
void block_moved(struct block_model *m, unsigned slot, void *p, size_t bytes, site_t site);

/* How many live blocks operation `site` made. */
uint32_t block_count_at(const struct block_model *m, site_t site);

/* Whether any live block starts at, or covers, `p`. */
bool block_covers(const struct block_model *m, const void *p);

#endif
