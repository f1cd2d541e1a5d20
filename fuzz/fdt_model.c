/*
 * fdt_model.c -- the reader of device trees against what the builder put in.
 *
 * Of a blob that came from the builder untouched, everything is known: whether it may be opened,
 * by which error it must be refused, and the answer to each look-up; all are compared.  Of one
 * that was damaged, only what must hold for any bytes is demanded: it is refused by an error that
 * has a name, or else the header's blocks lie inside it (added up in 64 bits), nodes come in
 * document order and end, and names and values lie inside the structure.  That nothing else is
 * read, the blob's own poisoned surroundings tell.
 *
 * Always true:
 *   M1  a walk ends: each node stands behind the one before it;
 *   M2  nothing here calls the reader to learn what the reader should say.
 *
 * Locks: none.  Cost: a walk looks up three names per node of a damaged blob, all of its
 * properties of a sound one.
 */
#include "fuzz/fdt_model.h"

#include "machine/format.h"
#include "machine/machine.h"

enum { WALK_NAMES = 3 };

static uint64_t big_endian(const uint8_t *at, unsigned bytes)
{
	uint64_t number = 0;
	while (bytes-- > 0) number = number * 256 + *at++;
	return number;
}

/* --- opening ------------------------------------------------------------------------------ */

static void block_must_fit(const struct blob *blob, const char *name, uint64_t offset,
			   uint64_t bytes)
{
	if (offset >= FDT_HEADER_BYTES && offset + bytes <= blob->bytes) return;
	kpanic(ORACLE_MUST_FAIL, "opened, with its %s at %lu, %lu bytes, in a blob of %u", name,
	       (unsigned long)offset, (unsigned long)bytes, blob->bytes);
}

/* An accepted header, word by word. */
static void header_must_fit(const struct blob *blob, const struct fdt *open)
{
	uint64_t word[FDT_HEADER_BYTES / 4];
	if (blob->bytes < FDT_HEADER_BYTES)
		kpanic(ORACLE_MUST_FAIL, "opened, though %u bytes long", blob->bytes);
	for (unsigned i = 0; i < COUNT_OF(word); i++)
		word[i] = big_endian(blob->at + (size_t)4 * i, 4);
	if (word[0] != 0xd00dfeed || word[1] != open->bytes || word[5] < 16 || word[6] > 17)
		kpanic(ORACLE_MUST_FAIL, "opened, though it is no device tree");
	block_must_fit(blob, "whole", FDT_HEADER_BYTES, open->bytes - FDT_HEADER_BYTES);
	block_must_fit(blob, "structure", word[2], word[5] >= 17 ? word[9] : 0);
	block_must_fit(blob, "strings", word[3], word[8]);
	block_must_fit(blob, "reservations", word[4], 16);
	if (open->structure != word[2] || open->structure_end < word[2] ||
	    open->structure_end > blob->bytes || open->strings != word[3] ||
	    open->strings_end > word[3] + word[8] || open->reserve != word[4])
		kpanic(ORACLE_BOUNDS, "the open tree is not where its header says");
}

void model_opened(const struct blob *blob, const struct fdt *open, enum fdt_error error)
{
	if ((unsigned)error >= FDT_ERRORS || fdt_error_name(error) == NULL)
		kpanic(ORACLE_VERDICT, "error %d has no name", error);
	if (error == FDT_OK) header_must_fit(blob, open);
	if (blob->tree == NULL || error == blob->expected) return;
	const char *oracle = error == FDT_OK            ? ORACLE_MUST_FAIL
			     : blob->expected == FDT_OK ? ORACLE_MUST_SUCCEED
							: ORACLE_VERDICT;
	kpanic(oracle, "opened with \"%s\", not \"%s\"", fdt_error_name(error),
	       fdt_error_name(blob->expected));
}

/* --- walking ------------------------------------------------------------------------------ */

/* Offset of `p` in the structure; everything handed out lies there. */
static uint32_t offset_inside(const struct fdt *open, const void *p, uint64_t bytes)
{
	const uint64_t at = (uint64_t)((uintptr_t)p - (uintptr_t)open->blob);
	if (at < open->structure || at + bytes > open->structure_end)
		kpanic(ORACLE_BOUNDS, "%lu bytes outside of the structure", (unsigned long)bytes);
	return (uint32_t)at;
}

static uint32_t name_length(const struct fdt *open, fdt_node node)
{
	const char *name = fdt_name(open, node);
	uint32_t n = 0;
	if (offset_inside(open, name, 1) != node) kpanic(ORACLE_CONTENT, "another node's name");
	while (offset_inside(open, name + n, 1), name[n] != '\0') n++;
	return n;
}

static void compare_value(const struct fdt_value got, const struct fdt_value wanted)
{
	if ((got.at == NULL) != (wanted.at == NULL) || got.bytes != wanted.bytes)
		kpanic(ORACLE_CONTENT, "a property of %u bytes, not %u", got.bytes, wanted.bytes);
	if (got.bytes != 0 && memcmp(got.at, wanted.at, got.bytes) != 0)
		kpanic(ORACLE_CONTENT, "a property's value is not what was put in");
}

static struct fdt_value look_up(const struct blob *blob, const struct fdt *open, fdt_node node,
				uint32_t index, unsigned name)
{
	const struct fdt_value v = fdt_property(open, node, tree_names[name]);
	if (v.at != NULL) offset_inside(open, v.at, v.bytes);
	if (v.at == NULL && v.bytes != 0)
		kpanic(ORACLE_VERDICT, "no property, and yet %u bytes", v.bytes);
	if (blob->tree != NULL) compare_value(v, tree_value(blob->tree, index, name));
	return v;
}

static void visit(struct run *run, const struct blob *blob, const struct fdt *open, fdt_node node,
		  uint32_t index, uint32_t depth)
{
	const struct tree *t = blob->tree;
	run_result(run, name_length(open, node));
	for (unsigned i = 0; i < WALK_NAMES; i++)
		run_result(run,
			   look_up(blob, open, node, index, (index + 5 * i) % TREE_NAMES).bytes);
	if (t == NULL) return;
	if (index >= t->node_count) kpanic(ORACLE_CONTENT, "more than %u nodes", t->node_count);
	if (t->nodes[index].depth != depth ||
	    !same_text(fdt_name(open, node), t->nodes[index].name))
		kpanic(ORACLE_CONTENT, "node %u is not \"%s\" at depth %u", index,
		       t->nodes[index].name, t->nodes[index].depth);
	for (unsigned i = 0; i < t->property_count; i++) {
		if (t->properties[i].node == index)
			look_up(blob, open, node, index, t->properties[i].name);
	}
}

/* A path from the root to the node a walk has come to. */
struct path {
	fdt_node open[FDT_DEPTH_MAX];
	uint32_t depth; /* nodes in it */
};

/* One node on in document order, or FDT_NONE at the end. */
static fdt_node step(const struct fdt *open, struct path *p)
{
	const fdt_node from = p->open[p->depth - 1];
	fdt_node next = fdt_child(open, from);
	while (next == FDT_NONE && p->depth > 0) next = fdt_sibling(open, p->open[--p->depth]);
	if (next == FDT_NONE) return FDT_NONE;
	if (next <= from) kpanic(ORACLE_WALK, "a walk goes back"); /* M1 */
	if (p->depth == FDT_DEPTH_MAX) kpanic(ORACLE_WALK, "too deep, and opened");
	p->open[p->depth++] = next;
	return next;
}

static struct path path_begin(const struct fdt *open)
{
	struct path p = { .depth = 1 };
	p.open[0] = fdt_root(open);
	if (p.open[0] == FDT_NONE) kpanic(ORACLE_WALK, "opened, and has no root");
	return p;
}

uint32_t model_walk(struct run *run, const struct blob *blob, const struct fdt *open)
{
	struct path p = path_begin(open);
	uint32_t count = 0;
	for (fdt_node node = p.open[0]; node != FDT_NONE; node = step(open, &p))
		visit(run, blob, open, node, count++, p.depth - 1);
	if (blob->tree != NULL && count != blob->tree->node_count)
		kpanic(ORACLE_CONTENT, "%u nodes, not %u", count, blob->tree->node_count);
	run_result(run, count);
	return count;
}

fdt_node model_nth(const struct fdt *open, uint32_t n, uint32_t *index)
{
	uint32_t count = 1;
	struct path p = path_begin(open);
	while (step(open, &p) != FDT_NONE) count++;
	*index = n % count;
	p = path_begin(open);
	fdt_node node = p.open[0];
	for (uint32_t i = 0; i < *index; i++) node = step(open, &p);
	return node;
}

uint32_t model_reservations(struct run *run, const struct blob *blob, const struct fdt *open)
{
	const struct tree *t = blob->tree;
	const uint32_t most = (open->bytes - open->reserve) / 16;
	uint64_t base, bytes;
	uint32_t n = 0;
	for (; fdt_reservation(open, n, &base, &bytes); n++) {
		if (n >= most) kpanic(ORACLE_BOUNDS, "more than %u reservations", most);
		run_result(run, base ^ bytes);
		if (t == NULL) continue;
		if (n >= t->reservation_count || t->reservations[n].base != base ||
		    t->reservations[n].bytes != bytes)
			kpanic(ORACLE_CONTENT, "reservation %u is not what was put in", n);
	}
	/* A reservation of nothing at 0 ends the list early. */
	if (t != NULL && n < t->reservation_count &&
	    (t->reservations[n].base | t->reservations[n].bytes) != 0)
		kpanic(ORACLE_CONTENT, "reservation %u is missing", n);
	return n;
}

/* --- values ------------------------------------------------------------------------------- */

bool model_number(struct fdt_value v, uint64_t first, unsigned cells, uint64_t *number)
{
	if (cells > 2 || first + cells > v.bytes / 4) return false;
	*number = cells == 0 ? 0 : big_endian(v.at + 4 * first, 4 * cells);
	return true;
}

bool model_has_string(struct fdt_value v, const char *text)
{
	uint32_t begin = 0;
	if (v.bytes == 0 || v.at[v.bytes - 1] != 0) return false;
	for (uint32_t i = 0; i < v.bytes; i++) {
		if (v.at[i] != 0) continue;
		if (same_text((const char *)v.at + begin, text)) return true;
		begin = i + 1;
	}
	return false;
}

static void compare_number(struct run *run, struct fdt_value v, uint32_t first, unsigned cells)
{
	uint64_t got = 0, wanted = 0;
	const bool is = fdt_cells(v, first, cells, &got);
	const bool should = model_number(v, first, cells, &wanted);
	run_result(run, is ? got : 0);
	if (is != should || (is && got != wanted))
		kpanic(ORACLE_CONTENT, "%u cells from %u on of %u bytes", cells, first, v.bytes);
}

/* Where the script says, at the value's end, and where sums and products of 32 bits wrap. */
static void compare_numbers(struct run *run, struct fdt_value v, uint32_t first, unsigned cells)
{
	const uint32_t end = v.bytes / 4;
	const uint32_t places[] = { first, 0, end - 1, end, UINT32_MAX, 1u << 30, 0u - cells };
	for (unsigned i = 0; i < COUNT_OF(places); i++) compare_number(run, v, places[i], cells);
	const uint32_t one = v.bytes == 4 ? (uint32_t)big_endian(v.at, 4) : 77;
	if (fdt_cell_or(v, 77) != one) kpanic(ORACLE_CONTENT, "one cell of %u bytes", v.bytes);
}

static void compare_texts(struct run *run, struct fdt_value v)
{
	static const char *const texts[] = { "memory", "okay", "cpu", "", "mem" };
	for (unsigned i = 0; i < COUNT_OF(texts); i++) {
		const bool is = fdt_has_string(v, texts[i]);
		run_result(run, is);
		if (is != model_has_string(v, texts[i]))
			kpanic(ORACLE_CONTENT, "\"%s\" in %u bytes", texts[i], v.bytes);
	}
	if (fdt_is_text(v) != (v.bytes != 0 && v.at[v.bytes - 1] == 0))
		kpanic(ORACLE_CONTENT, "text or not, of %u bytes", v.bytes);
}

void model_value(struct run *run, const struct blob *blob, const struct fdt *open, uint32_t n,
		 unsigned name, uint32_t first, unsigned cells)
{
	uint32_t index;
	const fdt_node node = model_nth(open, n, &index);
	const struct fdt_value v = look_up(blob, open, node, index, name);
	compare_numbers(run, v, first, cells);
	compare_texts(run, v);
}

void model_child(struct run *run, const struct blob *blob, const struct fdt *open, uint32_t n,
		 const char *name)
{
	uint32_t index;
	const fdt_node node = model_nth(open, n, &index);
	const fdt_node child = fdt_child_named(open, node, name);
	run_result(run, child != FDT_NONE);
	if (child != FDT_NONE && !fdt_is_named(open, child, name))
		kpanic(ORACLE_CONTENT, "a child of another name");
	if (blob->tree == NULL) return;
	const unsigned wanted = tree_child_named(blob->tree, index, name);
	if ((child != FDT_NONE) != (wanted != TREE_ABSENT))
		kpanic(ORACLE_CONTENT, "child \"%s\" of node %u is%s there", name, index,
		       child != FDT_NONE ? "" : " not");
	if (child != FDT_NONE && !same_text(fdt_name(open, child), blob->tree->nodes[wanted].name))
		kpanic(ORACLE_CONTENT, "not the first child \"%s\"", name);
}
