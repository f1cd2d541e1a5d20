/*
 * fdt_subject.h -- what the files of subject fdt share: its state, and the steps that build and
 * damage trees (fdt_steps.c); those that read them are in fdt_fuzz.c.
 */
#ifndef FUZZ_FDT_SUBJECT_H
#define FUZZ_FDT_SUBJECT_H

#include "fuzz/fdt_model.h"

enum {
	FDT_BLOB_MAX = 1 << 20,
	FDT_IMAGE_AT =
		0x40200000, /* where the kernel image and the tree lie, unless a script says */
	FDT_TREE_AT = 0x48000000,
};

struct fdt_state {
	struct tree tree;       /* under construction */
	unsigned layout, shift; /* of the blob when it is made: enum tree_layout, bytes */
	struct blob blob;
	bool made;           /* there is a blob */
	bool tried, is_open; /* fdt_open() was asked since the blob last changed, and said OK */
	struct fdt open;
	struct memory memory;
};

/* States that campaigns must reach; their names are in fdt_fuzz.c. */
enum {
	SAW_OPEN,
	SAW_REFUSED,
	SAW_DAMAGED_OPEN,
	SAW_TOO_DEEP,
	SAW_MISPLACED,
	SAW_OLD_VERSION,
	SAW_MAP,
	SAW_MAP_REFUSED,
	SAW_SEVERAL_PIECES,
	SAW_RESERVED,
	SAW_INITRD,
	SAW_DAMAGED_MAP,
	SAW_TAKE_REFUSED,
	SAW_RETURN,
	SAW_STATES
};

/* It changed: what was known of it from reading is void. */
void fdt_blob_closed(struct fdt_state *s);

/* Opens the blob, if that was not tried; makes it first if there is none.  False: refused. */
bool fdt_blob_open(struct run *run);

/* The blob is gone; its bytes are nobody's. */
void fdt_blob_drop(struct fdt_state *s);

/* Room for a blob of `bytes`, foreign until told otherwise, `shift` bytes behind a multiple of 8.
 * From here on it may be read, for its length and no more. */
void fdt_blob_room(struct run *run, uint32_t bytes, unsigned shift);

/* Cuts it to `keep` bytes. */
void fdt_blob_cut(struct fdt_state *s, uint32_t keep);

/* The blob, made first if there is none, to be changed behind the model's back; NULL when it has
 * no bytes. */
struct blob *fdt_blob_to_damage(struct run *run);

/* Names in the text of scripts. */
enum { FDT_NODE_NAMES = 12, FDT_TEXTS = 16, FDT_KINDS = 4, FDT_LANDMARKS = 7, FDT_WORDS = 10 };
extern const char *const fdt_node_names[FDT_NODE_NAMES];
extern const char *const fdt_texts[FDT_TEXTS];
extern const char *const fdt_kind_names[FDT_KINDS];
extern const char *const fdt_landmark_names[FDT_LANDMARKS];

/* The range that an operation's fields mean; see fdt_fuzz.c. */
struct range fdt_range(const struct script_op *op);

typedef void fdt_step(struct run *run, const struct script_op *op);
fdt_step fdt_step_fresh, fdt_step_begin, fdt_step_end, fdt_step_end_root, fdt_step_cell,
	fdt_step_text, fdt_step_reg, fdt_step_misplace, fdt_step_nothing, fdt_step_memory,
	fdt_step_reserve, fdt_step_initrd, fdt_step_layout;
fdt_step fdt_step_header, fdt_step_lie, fdt_step_poke, fdt_step_word, fdt_step_truncate,
	fdt_step_splice, fdt_step_load;

#endif
