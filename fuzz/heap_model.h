/*
 * heap_model.h -- what a heap must look like, worked out from addresses alone.
 *
 * The model knows which pages the pool's frames say are the heap's, which memory was given to it
 * for good, and where the blocks are that users have.  From these follow all spans, every hole and
 * every figure.  Nothing is read from a node; the constants are the model's own.
 */
#ifndef FUZZ_HEAP_MODEL_H
#define FUZZ_HEAP_MODEL_H

#include "fuzz/frame/subject.h"
#include "mm/heap.h"

enum { MODEL_NODE = 24, MODEL_GRAIN = 16, MODEL_FIXED_MAX = 4 };
enum { MODEL_AREAS_MAX = SCRIPT_PAGES_MAX / 2 + MODEL_FIXED_MAX + 1 };

/* Memory of the heap in one piece: a span, with its node at either end. */
struct heap_area {
	uintptr_t start, end;
	bool fixed; /* given for good */
};

/* A block that a user has, with its node and what was granted beyond the need. */
struct heap_extent {
	uintptr_t node, end;
	uint32_t asked;
	uint8_t slot;
};

/* Free memory between two nodes that are not free. */
struct heap_gap {
	uintptr_t start, end;
	const struct heap_area *area;
};

struct heap_model {
	const struct page_pool *pages;
	size_t window_pages, grow_pages, keep_bytes;
	struct heap_area fixed[MODEL_FIXED_MAX];
	uint32_t fixed_count;
	struct heap_area areas[MODEL_AREAS_MAX]; /* rising */
	uint32_t area_count;
	size_t span_pages, area_bytes;
	struct heap_extent blocks[SCRIPT_SLOTS]; /* rising */
	uint32_t block_count;
	size_t granted_bytes;
};

/* Looks at the frames again: the heap may have other pages now. */
void heap_model_see(struct heap_model *m);

/* Memory was given for good; it is aligned inward as the heap must.  Ends with heap_model_see. */
void heap_model_give(struct heap_model *m, void *memory, size_t bytes);

/* The bytes of a block that was asked for as `bytes`, node included. */
size_t heap_model_need(size_t bytes);

/* Whether some hole has room for a block. */
bool heap_model_fits(const struct heap_model *m, size_t bytes, size_t align);

/* Whether it could be had by growing: the window has room for a span of its own, and the pool has
 * so many free pages in a row. */
bool heap_model_could_grow(const struct heap_model *m, size_t bytes, size_t align);

enum heap_model_grant {
	GRANT_FRONT = 1, /* a hole is left in front of it */
	GRANT_REST = 2,  /* a rest that is no block came with it */
};

/* A user got a block at `p`: fails unless it lies in a hole, leaving nothing lost on either side.
 * Returns flags of enum heap_model_grant. */
unsigned heap_model_add(struct heap_model *m, unsigned slot, const void *p, size_t bytes);

/* The block of `slot` now holds `bytes`; fails when it cannot.  The same flags. */
unsigned heap_model_resize(struct heap_model *m, unsigned slot, size_t bytes);

/* Whether the block of `slot` could hold `bytes` where it is. */
bool heap_model_room(const struct heap_model *m, unsigned slot, size_t bytes);

enum heap_model_side { SIDE_LEFT = 1, SIDE_RIGHT = 2 };

/* The holes that touch the block of `slot`: flags of enum heap_model_side. */
unsigned heap_model_sides(const struct heap_model *m, unsigned slot);

void heap_model_remove(struct heap_model *m, unsigned slot);

/* What heap_free must say to `p`. */
enum heap_verdict heap_model_verdict(const struct heap_model *m, const void *p);

/* Pages of the hole around `at` that could go back; all holes when `at` is 0. */
size_t heap_model_idle_pages(const struct heap_model *m, uintptr_t at);

/* Bytes of holes in which a page could be. */
size_t heap_model_large_bytes(const struct heap_model *m);

/* Fails ("account", "must-fail") unless the counters are the model's.  O(1). */
void heap_model_compare_counts(const struct heap_model *m, const struct heap *heap);

/* Fails unless all figures are the model's. */
void heap_model_compare(const struct heap_model *m, struct heap *heap);

#endif
