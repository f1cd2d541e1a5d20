/*
 * fdt_model.h -- what the readers of device trees must answer, by our own knowledge of the tree.
 *
 * Everything here ends the run by kpanic when it disagrees.  See fdt_model.c for trees, and
 * fdt_memory.c for the memory in them.
 */
#ifndef FUZZ_FDT_MODEL_H
#define FUZZ_FDT_MODEL_H

#include "fuzz/fdt_build.h"
#include "fuzz/frame/subject.h"

/* A blob, and what is known of it. */
struct blob {
	uint8_t *at;
	uint32_t bytes;
	const struct tree
		*tree; /* what it was written from; NULL when it was damaged, or is foreign */
	enum fdt_error expected; /* what fdt_open() must say; only where `tree` is */
};

/* After fdt_open(): the right error; a header that may be believed. */
void model_opened(const struct blob *blob, const struct fdt *open, enum fdt_error error);

/* Walks all of an open tree.  Returns the number of nodes. */
uint32_t model_walk(struct run *run, const struct blob *blob, const struct fdt *open);

/* Reads the list of reservations.  Returns their number. */
uint32_t model_reservations(struct run *run, const struct blob *blob, const struct fdt *open);

/* Node number `n` of an open tree, in document order, modulo their number. */
fdt_node model_nth(const struct fdt *open, uint32_t n, uint32_t *index);

/* Looks up one property, and reads its value in every way there is. */
void model_value(struct run *run, const struct blob *blob, const struct fdt *open, uint32_t n,
		 unsigned name, uint32_t first, unsigned cells);

/* Looks for a child by name. */
void model_child(struct run *run, const struct blob *blob, const struct fdt *open, uint32_t n,
		 const char *name);

/* A number of cells 0 to 2 in a value, by our own arithmetic; false when it is not there. */
bool model_number(struct fdt_value v, uint64_t first, unsigned cells, uint64_t *number);

/* Is `text` one of the strings of the value? */
bool model_has_string(struct fdt_value v, const char *text);

/* --- memory ------------------------------------------------------------------------------- */

enum { MEMORY_RANGES_MAX = 64, MEMORY_TAKEN_MAX = 64 };

struct ranges {
	unsigned count;
	struct range at[MEMORY_RANGES_MAX];
};

/* What a tree says about memory, and what became of it. */
struct memory {
	struct ranges ram, reserved; /* as the tree has them */
	struct range initrd, image, tree;
	const char *impossible; /* why platform_read() must refuse it, or NULL */

	struct memmap map;
	bool mapped;
	struct range taken[MEMORY_TAKEN_MAX];
	bool returned[MEMORY_TAKEN_MAX]; /* a part of it was given back */
	unsigned taken_count;
	uint64_t usable_bytes; /* what must be usable */
};

/* Fills ram, reserved, initrd and impossible from the builder's lists. */
void memory_say(struct memory *m, const struct tree *t);

/* Reads the platform and makes the map of memory, for m->image and m->tree; false, and m->mapped
 * too, when it was refused, rightly. */
bool memory_build(struct run *run, const struct blob *blob, const struct fdt *open,
		  struct memory *m);

/* Takes memory; false when there was no room. */
bool memory_take(struct run *run, struct memory *m, uint64_t bytes, uint64_t align);

/* Gives back the end of what was taken as number `n`; only once of each. */
void memory_return(struct run *run, struct memory *m, unsigned n, uint64_t offset);

/* Whether a range is memory; and others of the same base, whose ends wrap. */
void memory_ask(struct run *run, const struct memory *m, struct range r);

/* Is what is usable sound?  O(ranges squared). */
void memory_check(struct run *run, const struct memory *m);

#endif
