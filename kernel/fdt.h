/*
 * fdt.h -- reads a flattened device tree (devicetree.org specification, version 0.4, chapter 5).
 *
 * A blob is a stranger's: fdt_open() looks at all of it once and refuses it by name, or accepts
 * it; after that no call here can fail for the blob's sake, and none reads outside of it.  Portable
 * and freestanding; no state but the struct, no locks, no recursion.
 */
#ifndef KERNEL_FDT_H
#define KERNEL_FDT_H

#include "machine/base.h"

enum {
	FDT_HEADER_BYTES = 40,
	FDT_BYTES_MAX = 2 << 20, /* the arm64 boot protocol's limit */
	FDT_DEPTH_MAX = 32,
	FDT_NONE = 0, /* no node */
};

enum fdt_error {
	FDT_OK = 0,
	FDT_MISALIGNED, /* the blob is not at a multiple of 8 */
	FDT_TOO_SHORT,  /* no room for a header */
	FDT_BAD_MAGIC,
	FDT_BAD_VERSION, /* older than 16, or not compatible with 17 */
	FDT_BAD_SIZE,    /* total size below a header, over the limit, or over the room */
	FDT_BAD_LAYOUT,  /* a block lies outside of the blob, in the header or is misaligned */
	FDT_BAD_RESERVE, /* the list of reservations does not end inside the blob */
	FDT_CUT_OFF,     /* the structure ends in the middle of something */
	FDT_BAD_TOKEN,
	FDT_BAD_NAME,   /* a node's or property's name is not there or does not end */
	FDT_MISPLACED,  /* a property after a child, or outside of any node */
	FDT_UNBALANCED, /* more ends than begins, or fewer, or two roots */
	FDT_TOO_DEEP,
	FDT_ERRORS
};
const char *fdt_error_name(enum fdt_error error);

struct fdt {
	const uint8_t *blob;
	uint32_t bytes;
	uint32_t structure, structure_end; /* offsets */
	uint32_t strings, strings_end;
	uint32_t reserve;
	uint32_t boot_cpu;
};

/* A property's value: bytes in the blob, not aligned. */
struct fdt_value {
	const uint8_t *at; /* NULL: there is no such property */
	uint32_t bytes;
};

/* A node is the offset of its name; FDT_NONE is none. */
typedef uint32_t fdt_node;

/* Checks the `room` bytes at `blob` in one pass; time is linear in the blob's size. */
enum fdt_error fdt_open(struct fdt *tree, const void *blob, size_t room);

/* Total size of the blob, if its first bytes look like one; else 0.  To find how much to map. */
uint32_t fdt_size(const void *blob, size_t room);

/* Entry `n` of the list of reservations; false past its end. */
bool fdt_reservation(const struct fdt *tree, uint32_t n, uint64_t *base, uint64_t *bytes);

fdt_node fdt_root(const struct fdt *tree);
fdt_node fdt_child(const struct fdt *tree, fdt_node node);   /* the first, or FDT_NONE */
fdt_node fdt_sibling(const struct fdt *tree, fdt_node node); /* the next, or FDT_NONE */

/* The name with its unit address, NUL-terminated. */
const char *fdt_name(const struct fdt *tree, fdt_node node);

/* Is `name` the node's name without its unit address? */
bool fdt_is_named(const struct fdt *tree, fdt_node node, const char *name);

/* The child of that name (without unit address), or FDT_NONE. */
fdt_node fdt_child_named(const struct fdt *tree, fdt_node node, const char *name);

struct fdt_value fdt_property(const struct fdt *tree, fdt_node node, const char *name);

/* --- values; total for any bytes ------------------------------------------------------------- */

/* The number in cells [first, first + cells) of 32 bits, cells 0, 1 or 2; false if not there. */
bool fdt_cells(struct fdt_value value, uint32_t first, unsigned cells, uint64_t *number);

/* One cell, or `otherwise` when the property is not there or has another length. */
uint32_t fdt_cell_or(struct fdt_value value, uint32_t otherwise);

/* Is `text` one of the NUL-terminated strings in the value? */
bool fdt_has_string(struct fdt_value value, const char *text);

/* Is the value NUL-terminated text?  Then it may be used as such. */
bool fdt_is_text(struct fdt_value value);

#endif
