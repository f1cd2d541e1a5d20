/*
 * cpio_subject.h -- the state of a run of subject cpio: an archive under construction, what is
 * known of it, and the tree that the model makes of it.
 */
#ifndef FUZZ_CPIO_SUBJECT_H
#define FUZZ_CPIO_SUBJECT_H

#include "fuzz/kmalloc_world.h"
#include "kernel/abi.h"
#include "kernel/file/cpio.h"
#include "kernel/file/tree.h"

enum {
	ARCHIVE_BYTES_MAX = 96 << 10,
	ARCHIVE_ENTRIES = 96,
	CPIO_NODES = 12, /* what a tree may have, its root counted */
	MODEL_NODES = ARCHIVE_ENTRIES * 4,
	MODEL_NAMES = ARCHIVE_ENTRIES * 4,
	CPIO_NAMES = 22,
	CPIO_TEXTS = 10,
};

/* States that a campaign must reach. */
enum {
	SAW_UNPACKED,
	SAW_REFUSED,
	SAW_DAMAGED_UNPACKED,
	SAW_DAMAGED_REFUSED,
	SAW_LINKED,
	SAW_THROUGH_LINK,
	SAW_REPLACED,
	SAW_TWO_ARCHIVES,
	SAW_TOO_MANY,
	SAW_EXHAUSTION,
	SAW_STATES
};

/* One entry as it was written. */
struct cpio_written {
	uint32_t offset, name, permissions, ino, links;
	uint32_t kind;            /* S_IFREG ...; 0: one that there is none of */
	uint32_t bytes, contents; /* where these are, from the archive's start */
};

/* What the model makes of it. */
struct model_node {
	uint32_t kind, permissions, links, ino; /* ino: of several names, else 0 */
	uint32_t bytes, contents;
	uint32_t text;   /* of a link: which */
	int32_t above;   /* of a folder */
	bool many, told; /* it may have more names; its contents were there */
};

struct model_name {
	int32_t folder, node; /* -1: gone */
	char text[260];
};

struct cpio_state {
	struct pool_world world;
	struct kmalloc km;
	struct file_world files;
	struct file_tree tree;
	paddr_t squeezed; /* the first of a chain of pages taken from the pool */
	uint32_t bytes;
	bool damaged, trailer; /* something was changed by hand; the last entry is a trailer */
	uint32_t count;
	struct cpio_written written[ARCHIVE_ENTRIES];
	struct model_node nodes[MODEL_NODES];
	uint32_t node_count, nodes_live;
	struct model_name names[MODEL_NAMES];
	uint32_t name_count;
	struct slab_cpu cpus[KMALLOC_WORLD_CPUS];
	uint8_t archive[ARCHIVE_BYTES_MAX];
};

_Static_assert(sizeof(struct cpio_state) <= RUN_STATE_BYTES, "a run's state holds it");

static inline struct cpio_state *state_of(const struct run *run)
{
	return run->state;
}

/* A program without a C library has no strlen() and strcmp(). */
static inline size_t text_bytes(const char *text)
{
	size_t bytes = 0;

	while (text[bytes] != 0) bytes++;
	return bytes;
}

static inline bool text_is(const char *text, const char *other)
{
	const size_t bytes = text_bytes(other);

	return text_bytes(text) == bytes && memcmp(text, other, bytes) == 0;
}

extern const char *const cpio_names[CPIO_NAMES];
extern const char *const cpio_texts[CPIO_TEXTS];

/* --- cpio_model.c --- */

enum { MODEL_DONE = -1 };

/* Makes the model's tree of all that was written: the number of the entry that is refused, or
 * MODEL_DONE. */
int32_t model_unpack(struct run *run);

/* --- cpio_look.c --- */

/* The tree, which an undamaged archive became, against the model. */
void cpio_look(struct run *run);

/* Reads all that is in the tree, whatever it is. */
void cpio_touch(struct run *run);

#endif
