/*
 * fdt_steps.c -- subject fdt: the operations that build a tree, and those that damage its blob.
 *
 * Building adds one piece where the tree is open and throws the blob away.  Properties go where
 * the reader accepts them, else nowhere: only `misplace` and `end-root` put in what must be
 * refused, so that most scripts make trees that can be compared in full.
 *
 * Damage changes the blob's bytes, or how many there are, and makes it foreign: from then on only
 * what holds for any bytes is demanded.
 *
 * Always true: a step that finds no room changes nothing.
 *
 * Locks: none.  Cost: see fdt_build.c.
 */
#include "fuzz/fdt_subject.h"
#include "machine/machine.h"

static struct fdt_state *state_of(const struct run *run)
{
	return run->state;
}

/* --- building ----------------------------------------------------------------------------- */

static struct tree *tree_to_build(struct run *run)
{
	struct fdt_state *s = state_of(run);
	fdt_blob_drop(s);
	return &s->tree;
}

const char *const fdt_node_names[FDT_NODE_NAMES] = {
	"memory", "reserved-memory", "chosen", "cpus", "cpu", "psci",
	"intc",   "timer",           "pl011",  "node", "mem", "",
};

const char *const fdt_texts[FDT_TEXTS] = {
	"memory",   "cpu",        "okay",        "disabled",    "ok",
	"psci",     "hvc",        "smc",         "arm,pl011",   "arm,psci-1.0",
	"arm,psci", "simple-bus", "arm,gic-400", "semihosting", "arm,armv8-timer",
	"",
};

const char *const fdt_kind_names[FDT_KINDS] = { "board", "board-3", "root", "nothing" };

enum { AT_RAM, AT_IMAGE, AT_TREE, AT_RAM_END, AT_HIGH, AT_LIMIT, AT_TOP };
const char *const fdt_landmark_names[FDT_LANDMARKS] = { "ram",  "image", "tree", "ram-end",
							"high", "limit", "top" };

struct range fdt_range(const struct script_op *op)
{
	static const uint64_t landmarks[FDT_LANDMARKS] = {
		[AT_RAM] = 0x40000000,
		[AT_IMAGE] = FDT_IMAGE_AT,
		[AT_TREE] = FDT_TREE_AT,
		[AT_RAM_END] = 0x50000000,
		[AT_HIGH] = 1ull << 32,
		[AT_LIMIT] = 1ull << 47,
		[AT_TOP] = 0,
	};
	const unsigned unit = (PAGE_SHIFT + 2 * (op->aux >> 3)) % 64;
	return (struct range){
		.base = landmarks[op->slot] + field_size(op->arg),
		.bytes = (uint64_t)(op->aux & 7) << unit,
	};
}

void fdt_step_fresh(struct run *run, const struct script_op *op)
{
	tree_begin_new(tree_to_build(run), (enum tree_kind)op->aux);
}

void fdt_step_begin(struct run *run, const struct script_op *op)
{
	run_result(run, tree_node_begin(tree_to_build(run), fdt_node_names[op->aux], op->arg));
}

/* Of the root only by `end-root`: a script that closes it too early says little more. */
void fdt_step_end(struct run *run, const struct script_op *op)
{
	struct tree *t = tree_to_build(run);
	(void)op;
	if (t->depth > 1) tree_node_end(t);
}

void fdt_step_end_root(struct run *run, const struct script_op *op)
{
	(void)op;
	tree_node_end(tree_to_build(run));
}

void fdt_step_cell(struct run *run, const struct script_op *op)
{
	struct tree *t = tree_to_build(run);
	const uint32_t cells[2] = { op->slot == 2 ? 0 : op->arg, op->arg };
	if (tree_takes_properties(t)) run_result(run, tree_cells_add(t, op->aux, cells, op->slot));
}

void fdt_step_text(struct run *run, const struct script_op *op)
{
	struct tree *t = tree_to_build(run);
	const uint8_t *text = (const uint8_t *)fdt_texts[op->slot];
	uint32_t bytes = 0;
	if (!tree_takes_properties(t)) return;
	while (text[bytes] != 0) bytes++;
	/* With its end, without, or with two, which makes an empty string in the list. */
	static const uint8_t ends[2] = { 0 };
	uint8_t value[32];
	memcpy(value, text, bytes);
	memcpy(value + bytes, ends, 2);
	run_result(run, tree_property_add(t, op->aux, value, bytes + (op->arg + 1) % 3));
}

void fdt_step_reg(struct run *run, const struct script_op *op)
{
	struct tree *t = tree_to_build(run);
	if (tree_takes_properties(t)) run_result(run, tree_reg_add(t, fdt_range(op)));
}

void fdt_step_misplace(struct run *run, const struct script_op *op)
{
	run_result(run, tree_cells_add(tree_to_build(run), op->aux, &op->arg, 1));
}

void fdt_step_nothing(struct run *run, const struct script_op *op)
{
	run_result(run, tree_nothing_add(tree_to_build(run), op->arg));
}

/* A whole node of memory. */
void fdt_step_memory(struct run *run, const struct script_op *op)
{
	struct tree *t = tree_to_build(run);
	const struct range r = fdt_range(op);
	if (!tree_node_begin(t, "memory", (uint32_t)(r.base >> 4))) return;
	tree_text_add(t, NAME_DEVICE_TYPE, "memory");
	run_result(run, tree_reg_add(t, r));
	tree_node_end(t);
}

void fdt_step_reserve(struct run *run, const struct script_op *op)
{
	run_result(run, tree_reserve(tree_to_build(run), fdt_range(op)));
}

void fdt_step_initrd(struct run *run, const struct script_op *op)
{
	struct tree *t = tree_to_build(run);
	const struct range r = fdt_range(op);
	const uint64_t end = r.base + r.bytes; /* may wrap: then the tree lies */
	if (!tree_node_begin(t, "chosen", 0)) return;
	tree_cells_add(t, NAME_INITRD_START,
		       (uint32_t[]){ (uint32_t)(r.base >> 32), (uint32_t)r.base }, 2);
	tree_cells_add(t, NAME_INITRD_END, (uint32_t[]){ (uint32_t)(end >> 32), (uint32_t)end }, 2);
	tree_node_end(t);
}

void fdt_step_layout(struct run *run, const struct script_op *op)
{
	struct fdt_state *s = state_of(run);
	fdt_blob_drop(s);
	s->layout = op->aux;
	s->shift = op->slot;
}

/* --- damage ------------------------------------------------------------------------------- */

static void put_word(struct blob *b, uint32_t at, uint32_t word)
{
	for (unsigned i = 0; i < 4 && at + i < b->bytes; i++)
		b->at[at + i] = (uint8_t)(word >> (24 - 8 * i));
}

void fdt_step_header(struct run *run, const struct script_op *op)
{
	struct blob *b = fdt_blob_to_damage(run);
	const uint32_t at = 4u * op->aux;
	if (b == NULL || at + 4 > b->bytes) return;
	const struct fdt_value word = { b->at + at, 4 };
	uint64_t was = 0;
	if (op->slot == 1) model_number(word, 0, 1, &was);
	put_word(b, at, op->slot == 2 ? 0 - op->arg : (uint32_t)was + op->arg);
}

/* One of the first properties' three words: its token, length and name. */
void fdt_step_lie(struct run *run, const struct script_op *op)
{
	static const struct {
		uint8_t back; /* bytes before the value */
		bool minus;
	} words[] = { { 8, false }, { 8, true }, { 4, false }, { 4, true }, { 12, false } };
	const struct tree *t = &state_of(run)->tree;
	uint64_t structure;
	struct blob *b = fdt_blob_to_damage(run);
	if (b == NULL || t->property_count == 0) return;
	const struct fdt_value head = { b->at, b->bytes };
	if (!model_number(head, 2, 1, &structure)) return;
	const uint64_t at =
		structure + t->properties[op->slot % t->property_count].at - words[op->aux].back;
	if (at < b->bytes) put_word(b, (uint32_t)at, words[op->aux].minus ? 0 - op->arg : op->arg);
}

void fdt_step_poke(struct run *run, const struct script_op *op)
{
	struct blob *b = fdt_blob_to_damage(run);
	if (b != NULL) b->at[op->arg % b->bytes] = op->aux;
}

/* A word of the blob, its number in slot and aux. */
void fdt_step_word(struct run *run, const struct script_op *op)
{
	struct blob *b = fdt_blob_to_damage(run);
	const uint32_t at = 4 * (op->slot + 64u * op->aux);
	if (b != NULL) put_word(b, at % b->bytes, op->arg);
}

void fdt_step_truncate(struct run *run, const struct script_op *op)
{
	struct blob *b = fdt_blob_to_damage(run);
	if (b == NULL) return;
	const uint32_t keep =
		op->slot == 0 ? op->arg % b->bytes : b->bytes - 1 - op->arg % b->bytes;
	fdt_blob_cut(state_of(run), keep);
}

void fdt_step_splice(struct run *run, const struct script_op *op)
{
	const struct script *script = run->script;
	struct blob *b = fdt_blob_to_damage(run);
	if (b == NULL) return;
	const uint32_t at = op->arg % b->bytes;
	memcpy(b->at + at, script->body + script->data_at,
	       min_u64(script->data_bytes, b->bytes - at));
}

void fdt_step_load(struct run *run, const struct script_op *op)
{
	const struct script *script = run->script;
	(void)op;
	if (script->data_bytes == 0) return;
	fdt_blob_room(run, (uint32_t)script->data_bytes, 0);
	memcpy(state_of(run)->blob.at, script->body + script->data_at, script->data_bytes);
}
