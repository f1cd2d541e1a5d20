/*
 * fdt_build.h -- builds device trees piece by piece, and keeps a list of what it put in.
 *
 * The list is the subject's independent knowledge: nodes and properties in document order, with
 * values as bytes.  Nothing here reads a blob.  Freestanding; all state in the struct.
 */
#ifndef FUZZ_FDT_BUILD_H
#define FUZZ_FDT_BUILD_H

#include "kernel/memmap.h"

enum {
	TREE_STRUCTURE_MAX = 24 << 10, /* bytes */
	TREE_STRINGS_MAX = 512,
	TREE_NODES_MAX = 256,
	TREE_PROPERTIES_MAX = 640,
	TREE_RESERVATIONS_MAX = 48,
	TREE_DEPTH_MAX = FDT_DEPTH_MAX + 2, /* deeper than the reader goes */
	TREE_NAME_BYTES = 64,               /* with its NUL */
	TREE_ABSENT = 0xffff,               /* no node */
};

/* Names of properties that trees have, and that are asked for; ended by NULL. */
enum {
	NAME_ADDRESS_CELLS,
	NAME_SIZE_CELLS,
	NAME_DEVICE_TYPE,
	NAME_REG,
	NAME_STATUS,
	NAME_COMPATIBLE,
	NAME_METHOD,
	NAME_ENABLE_METHOD,
	NAME_INTERRUPT_CELLS,
	NAME_INTERRUPTS,
	NAME_INITRD_START,
	NAME_INITRD_END,
	NAME_BOOTARGS,
	NAME_REGIONS,
	NAME_CPU_ON,
	NAME_OTHER,
	NAME_EMPTY,
	TREE_NAMES
};
extern const char *const tree_names[TREE_NAMES + 1];

struct tree_node {
	uint16_t parent; /* TREE_ABSENT for the root */
	uint16_t depth;  /* the root's is 0 */
	char name[TREE_NAME_BYTES];
};

struct tree_property {
	uint16_t node;
	uint16_t name;
	uint32_t at, bytes; /* its value, in `structure` */
};

struct tree {
	uint8_t structure[TREE_STRUCTURE_MAX];
	uint8_t strings[TREE_STRINGS_MAX];
	uint32_t bytes, strings_bytes;
	uint32_t string_at[TREE_NAMES]; /* one more than the offset; 0: not there yet */
	struct tree_node nodes[TREE_NODES_MAX];
	struct tree_property properties[TREE_PROPERTIES_MAX];
	struct range reservations[TREE_RESERVATIONS_MAX];
	unsigned node_count, property_count, reservation_count;
	uint16_t open[TREE_DEPTH_MAX]; /* the nodes that are open, outermost first */
	unsigned depth;
	bool childless; /* the innermost open node has no child yet */
	enum fdt_error
		fault; /* what the reader must find first, by what was put in; FDT_OK: none */
	bool board;    /* begun as one that lacks nothing but memory */
};

enum tree_kind { TREE_BOARD, TREE_BOARD_3, TREE_ROOT, TREE_NOTHING };

/* A new tree: a board with 256 MiB at 1 GiB and GICv2; one with GICv3 and no memory; a root of two
 * cells each; nothing at all.  The root stays open. */
void tree_begin_new(struct tree *t, enum tree_kind kind);

/* Each does nothing and returns false when there is no room. */
bool tree_node_begin(struct tree *t, const char *name, uint32_t unit); /* unit 0: no address */
bool tree_property_add(struct tree *t, unsigned name, const uint8_t *value, uint32_t bytes);
bool tree_cells_add(struct tree *t, unsigned name, const uint32_t *cells, unsigned count);
bool tree_text_add(struct tree *t, unsigned name, const char *text);
bool tree_nothing_add(struct tree *t, unsigned count);
void tree_node_end(struct tree *t); /* also where none is open: then the tree is at fault */
bool tree_reserve(struct tree *t, struct range r);

/* A range in the cells of the innermost node's parent, as "reg"; right after another one of the
 * same node it becomes a further entry of it.  What does not fit in the cells is cut off. */
bool tree_reg_add(struct tree *t, struct range r);

/* May properties be added to the innermost open node? */
bool tree_takes_properties(const struct tree *t);

/* How the blob is laid out. */
enum tree_layout {
	LAYOUT_VERSION_16 = 1 << 0,
	LAYOUT_STRINGS_FIRST = 1 << 1,
	LAYOUT_PADDED = 1 << 2, /* bytes behind the last block */
};

enum { TREE_BLOB_MAX = TREE_STRUCTURE_MAX + TREE_STRINGS_MAX + 1024 };

/* Writes the blob, open nodes closed, and returns its length, at most TREE_BLOB_MAX. */
uint32_t tree_write(const struct tree *t, unsigned layout, uint8_t *out);

/* --- what is in it ------------------------------------------------------------------------ */

/* The value of the node's first property of that name; at NULL when it has none. */
struct fdt_value tree_value(const struct tree *t, unsigned node, unsigned name);

/* The first child of `parent` with that name before its unit address, or TREE_ABSENT. */
unsigned tree_child_named(const struct tree *t, unsigned parent, const char *name);

#endif
