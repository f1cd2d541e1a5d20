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
	MODEL_WAYS = ARCHIVE_ENTRIES * 2,
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
	uint32_t trailers;        /* that stand before it */
};

/* What the model makes of it. */
struct model_node {
	uint32_t kind, permissions, links, ino; /* ino: of several names, else 0 */
	uint32_t bytes, contents;
	uint32_t text;   /* of a link: which */
	int32_t above;   /* of a folder */
	bool many, told; /* it may have more names; its contents were there */
	/* Of one with several names: its first, whether that led through a link, and as above. */
	uint32_t first, trailers;
	bool through;
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
	struct model_way {
		uint32_t entry, name; /* for which it was made; its first */
	} ways[MODEL_WAYS];
	uint32_t way_count;
	uint32_t nodes_most; /* that there may be */
	uint32_t trailers;   /* in the archive so far */
	/* The first entry, or MODEL_DONE, of which Linux makes something else than we do. */
	int32_t apart;
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

enum { MODEL_DONE = -1, MODEL_ROOT = 0 };

/* Makes the model's tree of the first `count` entries: the number of the one that is refused, or
 * MODEL_DONE; and s->apart. */
int32_t model_unpack(struct run *run, uint32_t count);

/* --- cpio_look.c --- */

/* The tree, which an undamaged archive became, against the model. */
void cpio_look(struct run *run);

/* --- cpio_score.c: the archive, and what it becomes, for a program to look at ----------------- */

/*
 * A score (score.h) that begins with the line "player tree":
 *
 *	entry NAME MODE LINKS INO BYTES  the archive has one more; BYTES in hexadecimal, or "-"
 *	trailer                          and a trailer,
 *	zeroes COUNT                     and so many bytes
 *	fresh                            it is empty again
 *	unpack COUNT WHERE               what its first COUNT entries become: on all kernels, or
 *	                                 "ours", where Linux has other rules
 *	way NUMBER NAME                  which on all kernels needs this folder before that entry
 *	there NAME MODE LINKS SIZE SUM   all names that there are then, and what they have; LINKS 0:
 *	                                 whatever it is; SUM is of the contents (FNV-1a), or a
 *	                                 link's text in hexadecimal
 *	unpacked                         that was all
 *	boot BYTES = OFFSET WHY          ours refuses an archive of these bytes, there, for that
 */
void cpio_score_opens(struct run *run);
void cpio_score_entry(struct run *run, const struct cpio_written *w, const void *contents);
void cpio_score_trailer(struct run *run);
void cpio_score_zeroes(struct run *run, uint32_t bytes);
void cpio_score_fresh(struct run *run);
void cpio_score_unpack(struct run *run);
void cpio_score_refused(struct run *run, const struct cpio_fault *fault);

/* --- cpio_look.c --- */

/* Reads all that is in the tree, whatever it is. */
void cpio_touch(struct run *run);

#endif
