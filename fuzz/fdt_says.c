/*
 * fdt_says.c -- what a tree says about memory, by the builder's lists.
 *
 * Pieces of memory, reservations of both kinds and the initrd are collected as the devicetree
 * specification has them, from lists that no reader made.  What cannot be true (a range beyond the
 * board's addresses, cells of a strange width, more ranges than the kernel keeps, an initrd that
 * ends before it starts, no memory at all) is noted: platform_read() must refuse such a tree.
 *
 * Always true: the lists are in the order of the tree, without empty ranges.
 *
 * Locks: none.  Cost: the tree's properties for each question.
 */
#include "fuzz/fdt_ranges.h"
#include "machine/machine.h"

static void must_refuse(struct memory *m, const char *why)
{
	if (m->impossible == NULL) m->impossible = why;
}

static void add_range(struct memory *m, struct ranges *to, struct range r, unsigned most)
{
	if (r.bytes == 0) return;
	if (!range_is_possible(r)) must_refuse(m, "a range beyond the address space");
	if (to->count >= most)
		must_refuse(m, "too many ranges");
	else
		to->at[to->count++] = r;
}

static unsigned cells_of(struct memory *m, const struct tree *t, unsigned node, unsigned name,
			 unsigned otherwise)
{
	uint64_t cells;
	const struct fdt_value v = tree_value(t, node, name);
	if (v.bytes != 4 || !model_number(v, 0, 1, &cells)) return otherwise;
	if (cells > 2) must_refuse(m, "strange cells");
	return cells > 2 ? 0 : (unsigned)cells;
}

/* The entries of a node's "reg". */
static void add_reg(struct memory *m, struct ranges *to, const struct tree *t, unsigned node,
		    unsigned most)
{
	const unsigned parent = t->nodes[node].parent;
	const unsigned a = cells_of(m, t, parent, NAME_ADDRESS_CELLS, 2);
	const unsigned s = cells_of(m, t, parent, NAME_SIZE_CELLS, 1);
	const struct fdt_value reg = tree_value(t, node, NAME_REG);
	struct range r;
	for (uint64_t at = 0; a + s > 0 && model_number(reg, at, a, &r.base) &&
			      model_number(reg, at + a, s, &r.bytes);
	     at += a + s)
		add_range(m, to, r, most);
}

static bool is_enabled(const struct tree *t, unsigned node)
{
	const struct fdt_value status = tree_value(t, node, NAME_STATUS);
	return status.at == NULL || model_has_string(status, "okay") ||
	       model_has_string(status, "ok");
}

static void read_reservations(struct memory *m, const struct tree *t)
{
	for (unsigned i = 0; i < t->reservation_count; i++) {
		const struct range r = t->reservations[i];
		if (r.base == 0 && r.bytes == 0) break;
		add_range(m, &m->reserved, r, PLATFORM_RESERVED_MAX);
	}
	const unsigned parent = tree_child_named(t, 0, "reserved-memory");
	if (parent == TREE_ABSENT) return;
	cells_of(m, t, parent, NAME_ADDRESS_CELLS, 2);
	cells_of(m, t, parent, NAME_SIZE_CELLS, 1);
	for (unsigned i = 0; i < t->node_count; i++) {
		if (t->nodes[i].parent == parent)
			add_reg(m, &m->reserved, t, i, PLATFORM_RESERVED_MAX);
	}
}

static bool address(struct fdt_value v, uint64_t *out)
{
	return (v.bytes == 4 || v.bytes == 8) && model_number(v, 0, v.bytes / 4, out);
}

static void read_initrd(struct memory *m, const struct tree *t)
{
	const unsigned chosen = tree_child_named(t, 0, "chosen");
	uint64_t start = 0, end = 0;
	if (chosen == TREE_ABSENT) return;
	const struct fdt_value from = tree_value(t, chosen, NAME_INITRD_START);
	const struct fdt_value to = tree_value(t, chosen, NAME_INITRD_END);
	if (from.at == NULL && to.at == NULL) return;
	if (!address(from, &start) || !address(to, &end) || end < start) {
		must_refuse(m, "an initrd that ends before it starts");
		return;
	}
	m->initrd = (struct range){ start, end - start };
	if (!range_is_possible(m->initrd)) must_refuse(m, "an initrd beyond the address space");
}

void memory_say(struct memory *m, const struct tree *t)
{
	m->ram.count = m->reserved.count = 0;
	m->initrd = (struct range){ 0 };
	m->impossible = NULL;
	cells_of(m, t, 0, NAME_ADDRESS_CELLS, 2);
	cells_of(m, t, 0, NAME_SIZE_CELLS, 1);
	for (unsigned i = 0; i < t->node_count; i++) {
		const struct fdt_value type = tree_value(t, i, NAME_DEVICE_TYPE);
		if (t->nodes[i].parent == 0 && model_has_string(type, "memory") && is_enabled(t, i))
			add_reg(m, &m->ram, t, i, PLATFORM_RAM_MAX);
	}
	if (m->ram.count == 0) must_refuse(m, "no memory");
	read_reservations(m, t);
	read_initrd(m, t);
}
