/*
 * fdt_fuzz.c -- subject fdt: device trees, the memory they tell of, and what lies in it.
 *
 * A script builds a tree piece by piece, damages it, and reads it.  There is always a tree under
 * construction (at first a board with 256 MiB) and at most one blob.  An operation that reads
 * makes the blob first when there is none, and opens it when it is not open; one that builds
 * throws the blob away; one that damages changes the blob and closes it.  So any order of
 * operations reads something, and a short script suffices for a whole board.
 *
 * The blob lies in the arena's poisoned memory, unpoisoned for exactly its length: whatever reads
 * a byte too far is seen.  `load` makes a blob of the script's data, `splice` writes that data
 * over a part of one; both are how QEMU's own trees come in.
 *
 * Ranges are written as at=NAME offset=BYTES length=CODE: a landmark, a signed distance from it,
 * and a length of which the low three bits count units and the others choose the unit: pages, then
 * each time four times as many, and from 26 on bytes (length=1 a page, length=57 64 MiB, length=73
 * 1 GiB, length=209 a byte, length=207 all but the last quarter of 2^64).
 *
 * Results in the digest: errors, counts, sizes, numbers and verdicts; no address of the host.
 */
#include "fuzz/fdt_subject.h"
#include "machine/machine.h"

enum {
	ORDERS = 12,
};

_Static_assert(sizeof(struct fdt_state) <= RUN_STATE_BYTES, "a run's state holds it");

static const char *const saw_names[] = {
	"open",        "refused",     "damaged-open", "too-deep",       "misplaced",
	"old-version", "map",         "map-refused",  "several-pieces", "reserved",
	"initrd",      "damaged-map", "take-refused", "return",         NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static struct fdt_state *state_of(const struct run *run)
{
	return run->state;
}

/* --- reading ------------------------------------------------------------------------------ */

static void step_open(struct run *run, const struct script_op *op)
{
	struct fdt_state *s = state_of(run);
	(void)op;
	fdt_blob_open(run);
	const uint32_t size = fdt_size(s->blob.at, s->blob.bytes);
	run_result(run, size);
	if (s->blob.tree != NULL && size != s->blob.bytes)
		kpanic(ORACLE_CONTENT, "a blob of %u bytes says %u", s->blob.bytes, size);
}

static void step_walk(struct run *run, const struct script_op *op)
{
	struct fdt_state *s = state_of(run);
	(void)op;
	if (fdt_blob_open(run)) model_walk(run, &s->blob, &s->open);
}

static void step_reservations(struct run *run, const struct script_op *op)
{
	struct fdt_state *s = state_of(run);
	(void)op;
	if (fdt_blob_open(run)) run_result(run, model_reservations(run, &s->blob, &s->open));
}

static void step_value(struct run *run, const struct script_op *op)
{
	struct fdt_state *s = state_of(run);
	if (fdt_blob_open(run))
		model_value(run, &s->blob, &s->open, op->arg, op->aux, op->arg >> 8, op->slot);
}

static void step_child(struct run *run, const struct script_op *op)
{
	struct fdt_state *s = state_of(run);
	if (fdt_blob_open(run))
		model_child(run, &s->blob, &s->open, op->arg, fdt_node_names[op->aux]);
}

static bool is_map(struct run *run)
{
	struct fdt_state *s = state_of(run);
	struct memory *m = &s->memory;
	if (!fdt_blob_open(run)) return false;
	if (m->mapped) return true;
	m->tree.bytes = s->open.bytes;
	if (!memory_build(run, &s->blob, &s->open, m)) {
		run_sometimes(run, SAW_MAP_REFUSED);
		return false;
	}
	run_sometimes(run, SAW_MAP);
	if (m->ram.count > 1) run_sometimes(run, SAW_SEVERAL_PIECES);
	if (m->reserved.count != 0) run_sometimes(run, SAW_RESERVED);
	if (m->initrd.bytes != 0) run_sometimes(run, SAW_INITRD);
	if (s->blob.tree == NULL) run_sometimes(run, SAW_DAMAGED_MAP);
	memory_check(run, m);
	return true;
}

static void step_map(struct run *run, const struct script_op *op)
{
	(void)op;
	run_result(run, is_map(run));
}

/* Where the kernel image or the tree lies; only places that are possible. */
static void step_place(struct run *run, const struct script_op *op, struct range *what)
{
	struct range r = fdt_range(op);
	r.base &= ((1ull << 46) - 1) & ~7ull;
	r.bytes = 1 + r.bytes % (1 << 30);
	*what = r;
	state_of(run)->memory.mapped = false;
}

static void step_image(struct run *run, const struct script_op *op)
{
	step_place(run, op, &state_of(run)->memory.image);
}

static void step_tree(struct run *run, const struct script_op *op)
{
	step_place(run, op, &state_of(run)->memory.tree);
}

static void step_take(struct run *run, const struct script_op *op)
{
	struct memory *m = &state_of(run)->memory;
	if (!is_map(run)) return;
	if (!memory_take(run, m, field_size(op->arg), (uint64_t)PAGE_SIZE << op->aux))
		run_sometimes(run, SAW_TAKE_REFUSED);
	memory_check(run, m);
}

static void step_return(struct run *run, const struct script_op *op)
{
	struct memory *m = &state_of(run)->memory;
	if (!m->mapped || m->taken_count == 0) return;
	memory_return(run, m, op->slot, op->arg);
	run_sometimes(run, SAW_RETURN);
	memory_check(run, m);
}

static void step_ask(struct run *run, const struct script_op *op)
{
	if (is_map(run)) memory_ask(run, &state_of(run)->memory, fdt_range(op));
}

/* --- the table ---------------------------------------------------------------------------- */

/* As tree_names has them, but in words that can stand in the text of a script. */
static const char *const property_names[TREE_NAMES] = {
	"address-cells",
	"size-cells",
	"device_type",
	"reg",
	"status",
	"compatible",
	"method",
	"enable-method",
	"interrupt-cells",
	"interrupts",
	"linux,initrd-start",
	"linux,initrd-end",
	"bootargs",
	"regions",
	"cpu_on",
	"re",
	"empty",
};
static const char *const layout_names[] = { "version-16", "strings-first", "padded" };
static const char *const how_names[] = { "set", "add", "minus" };
static const char *const lie_names[] = { "length", "minus-length", "name", "minus-name", "token" };
static const char *const cut_names[] = { "to", "by" };
static const char *const word_names[FDT_WORDS] = {
	"magic",   "total",      "structure", "strings",       "reservations",
	"version", "compatible", "boot-cpu",  "strings-bytes", "structure-bytes",
};

#define PROPERTY                                                       \
	{                                                              \
		"name", IN_AUX, FORM_NAMES, TREE_NAMES, property_names \
	}
#define NODE                                                               \
	{                                                                  \
		"name", IN_AUX, FORM_NAMES, FDT_NODE_NAMES, fdt_node_names \
	}
#define ANY(field)                                  \
	{                                           \
		field, IN_ARG, FORM_NUMBER, 0, NULL \
	}
#define SIZE(field)                               \
	{                                         \
		field, IN_ARG, FORM_SIZE, 0, NULL \
	}
#define AT                                                                   \
	{                                                                    \
		"at", IN_SLOT, FORM_NAMES, FDT_LANDMARKS, fdt_landmark_names \
	}
#define LENGTH                                         \
	{                                              \
		"length", IN_AUX, FORM_NUMBER, 0, NULL \
	}
#define BARE(field, limit)                               \
	{                                                \
		field, IN_SLOT, FORM_NUMBER, limit, NULL \
	}
#define NO_FIELDS                           \
	{                                   \
		{                           \
			NULL, 0, 0, 0, NULL \
		}                           \
	}

static const struct op_kind operations[] = {
	{ "fresh",
	  2,
	  { { "kind", IN_AUX, FORM_NAMES, FDT_KINDS, fdt_kind_names } },
	  fdt_step_fresh },
	{ "begin", 8, { NODE, ANY("unit") }, fdt_step_begin },
	{ "end", 8, { { NULL, 0, 0, 0, NULL } }, fdt_step_end },
	{ "end-root", 1, NO_FIELDS, fdt_step_end_root },
	{ "cells", 8, { PROPERTY, BARE("count", 3), ANY("value") }, fdt_step_cell },
	{ "text",
	  8,
	  { PROPERTY, { "text", IN_SLOT, FORM_NAMES, FDT_TEXTS, fdt_texts }, ANY("ends") },
	  fdt_step_text },
	{ "reg", 6, { AT, SIZE("offset"), LENGTH }, fdt_step_reg },
	{ "misplace", 1, { PROPERTY, ANY("value") }, fdt_step_misplace },
	{ "nothing", 2, { { "count", IN_ARG, FORM_NUMBER, 16, NULL } }, fdt_step_nothing },
	{ "memory", 8, { AT, SIZE("offset"), LENGTH }, fdt_step_memory },
	{ "reserve", 8, { AT, SIZE("offset"), LENGTH }, fdt_step_reserve },
	{ "initrd", 3, { AT, SIZE("offset"), LENGTH }, fdt_step_initrd },
	{ "layout",
	  3,
	  { { "how", IN_AUX, FORM_FLAGS, 3, layout_names }, BARE("shift", 8) },
	  fdt_step_layout },
	{ "header",
	  4,
	  { { "how", IN_SLOT, FORM_NAMES, 3, how_names },
	    { "word", IN_AUX, FORM_NAMES, FDT_WORDS, word_names },
	    SIZE("value") },
	  fdt_step_header },
	{ "poke", 4, { ANY("offset"), { "byte", IN_AUX, FORM_NUMBER, 0, NULL } }, fdt_step_poke },
	{ "word",
	  4,
	  { BARE("number", 0), { "more", IN_AUX, FORM_NUMBER, 0, NULL }, SIZE("value") },
	  fdt_step_word },
	{ "truncate",
	  2,
	  { { "how", IN_SLOT, FORM_NAMES, 2, cut_names }, ANY("bytes") },
	  fdt_step_truncate },
	{ "splice", 3, { ANY("offset") }, fdt_step_splice },
	{ "load", 1, NO_FIELDS, fdt_step_load },
	{ "open", 4, NO_FIELDS, step_open },
	{ "walk", 8, NO_FIELDS, step_walk },
	{ "reservations", 4, NO_FIELDS, step_reservations },
	{ "value", 8, { PROPERTY, BARE("count", 4), ANY("node") }, step_value },
	{ "child", 5, { NODE, ANY("node") }, step_child },
	{ "map", 12, NO_FIELDS, step_map },
	{ "image", 2, { AT, SIZE("offset"), LENGTH }, step_image },
	{ "tree", 2, { AT, SIZE("offset"), LENGTH }, step_tree },
	{ "take", 6, { SIZE("bytes"), { "order", IN_AUX, FORM_NUMBER, ORDERS, NULL } }, step_take },
	{ "return", 4, { BARE("taken", 0), ANY("page") }, step_return },
	{ "lie",
	  4,
	  { BARE("property", 0), { "about", IN_AUX, FORM_NAMES, 5, lie_names }, SIZE("value") },
	  fdt_step_lie },
	{ "ask", 4, { AT, SIZE("offset"), LENGTH }, step_ask },
};

/* --- the subject -------------------------------------------------------------------------- */

static void fdt_subject_open(struct run *run)
{
	struct fdt_state *s = state_of(run);
	s->made = false;
	s->layout = s->shift = 0;
	fdt_blob_closed(s);
	s->memory.image = (struct range){ FDT_IMAGE_AT, 1 << 20 };
	s->memory.tree = (struct range){ FDT_TREE_AT, 0 };
	tree_begin_new(&s->tree, TREE_BOARD);
}

/* Whatever stands open or mapped stays right while others build and read. */
static void fdt_subject_check(struct run *run, enum check_depth depth)
{
	struct fdt_state *s = state_of(run);
	if (depth == CHECK_WALK && s->memory.mapped) memory_check(run, &s->memory);
}

static void fdt_subject_close(struct run *run)
{
	struct fdt_state *s = state_of(run);
	if (fdt_blob_open(run)) {
		model_walk(run, &s->blob, &s->open);
		run_result(run, is_map(run));
	}
	fdt_blob_drop(s);
}

const struct subject fdt_subject = {
	.name = "fdt",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = fdt_subject_open,
	.check = fdt_subject_check,
	.close = fdt_subject_close,
	.reads_data = true,
};
