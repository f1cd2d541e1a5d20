/*
 * fdt_build.c -- a device tree from pieces, sound unless its pieces are not.
 *
 * Structure and strings grow as two byte arrays in the blob's own encoding; beside them grow the
 * lists of nodes, properties and reservations that the model asks.  Writing the blob puts header,
 * reservations, structure and strings together and closes what is open, so a tree can be read at
 * any moment and built on afterwards.
 *
 * Pieces in a wrong place (a property behind a child, a second root, an end too many, too deep)
 * are put in all the same; the first of them is noted as the fault that the reader must report.
 * From then on the lists no longer matter: nobody compares a tree that must be refused.
 *
 * Always true:
 *   B1  the structure has room for the ends of all open nodes and the last token;
 *   B2  while there is no fault, nodes and properties stand in the lists in document order.
 *
 * Locks: none.  Cost: a piece is a few words; strings are written once per name.
 */
#include "fuzz/fdt_build.h"

#include "machine/machine.h"

enum {
	TOKEN_BEGIN = 1,
	TOKEN_END = 2,
	TOKEN_PROPERTY = 3,
	TOKEN_NOTHING = 4,
	TOKEN_LAST = 9,
	CLOSING_BYTES = 4 * (TREE_DEPTH_MAX + 1), /* B1 */
	HEADER_WORDS = FDT_HEADER_BYTES / 4,
	PADDING_BYTES = 61,
	BOARD_RAM = 0x40000000,
	BOARD_RAM_BYTES = 256 << 20,
};

const char *const tree_names[TREE_NAMES + 1] = {
	[NAME_ADDRESS_CELLS] = "#address-cells",
	[NAME_SIZE_CELLS] = "#size-cells",
	[NAME_DEVICE_TYPE] = "device_type",
	[NAME_REG] = "reg",
	[NAME_STATUS] = "status",
	[NAME_COMPATIBLE] = "compatible",
	[NAME_METHOD] = "method",
	[NAME_ENABLE_METHOD] = "enable-method",
	[NAME_INTERRUPT_CELLS] = "#interrupt-cells",
	[NAME_INTERRUPTS] = "interrupts",
	[NAME_INITRD_START] = "linux,initrd-start",
	[NAME_INITRD_END] = "linux,initrd-end",
	[NAME_BOOTARGS] = "bootargs",
	[NAME_REGIONS] = "#redistributor-regions",
	[NAME_CPU_ON] = "cpu_on",
	[NAME_OTHER] = "re", /* the beginning of another name */
	[NAME_EMPTY] = "",
};

static uint32_t text_bytes(const char *text)
{
	uint32_t n = 1;
	while (*text++ != '\0') n++;
	return n;
}

static void put_word(uint8_t *at, uint32_t word)
{
	for (unsigned i = 0; i < 4; i++) at[i] = (uint8_t)(word >> (24 - 8 * i));
}

static void put_long(uint8_t *at, uint64_t number)
{
	put_word(at, (uint32_t)(number >> 32));
	put_word(at + 4, (uint32_t)number);
}

/* --- pieces ------------------------------------------------------------------------------- */

static bool has_room(const struct tree *t, uint32_t bytes)
{
	return bytes <= TREE_STRUCTURE_MAX - CLOSING_BYTES - t->bytes;
}

static void add_word(struct tree *t, uint32_t word)
{
	put_word(t->structure + t->bytes, word);
	t->bytes += 4;
}

/* Bytes, and zeroes up to the next word. */
static void add_bytes(struct tree *t, const void *bytes, uint32_t count)
{
	if (count != 0) memcpy(t->structure + t->bytes, bytes, count);
	t->bytes += count;
	while (t->bytes % 4 != 0) t->structure[t->bytes++] = 0;
}

static void note_fault(struct tree *t, enum fdt_error fault)
{
	if (t->fault == FDT_OK) t->fault = fault;
}

/* "name@unit" to `out`, which has TREE_NAME_BYTES; names of the table are shorter by enough. */
static void write_name(char *out, const char *name, uint32_t unit)
{
	while (*name != '\0') *out++ = *name++;
	if (unit != 0) {
		*out++ = '@';
		for (unsigned i = (bit_highest(unit) / 4 + 1) * 4; i > 0; i -= 4)
			*out++ = "0123456789abcdef"[unit >> (i - 4) & 15];
	}
	*out = '\0';
}

bool tree_node_begin(struct tree *t, const char *name, uint32_t unit)
{
	char full[TREE_NAME_BYTES];
	write_name(full, name, unit);
	const uint32_t bytes = text_bytes(full);
	if (t->node_count == TREE_NODES_MAX || t->depth == TREE_DEPTH_MAX ||
	    !has_room(t, 4 + (uint32_t)align_up(bytes, 4)))
		return false;
	if (t->depth == 0 && t->node_count != 0) note_fault(t, FDT_UNBALANCED);
	if (t->depth == FDT_DEPTH_MAX) note_fault(t, FDT_TOO_DEEP);
	add_word(t, TOKEN_BEGIN);
	add_bytes(t, full, bytes);
	struct tree_node *node = &t->nodes[t->node_count];
	node->parent = t->depth == 0 ? TREE_ABSENT : t->open[t->depth - 1];
	node->depth = (uint16_t)t->depth;
	memcpy(node->name, full, bytes);
	t->open[t->depth++] = (uint16_t)t->node_count++;
	t->childless = true;
	return true;
}

void tree_node_end(struct tree *t)
{
	if (!has_room(t, 4)) return;
	add_word(t, TOKEN_END);
	t->childless = false;
	if (t->depth == 0)
		note_fault(t, FDT_UNBALANCED);
	else
		t->depth--;
}

bool tree_takes_properties(const struct tree *t)
{
	return t->depth > 0 && t->childless;
}

static uint32_t string_offset(struct tree *t, unsigned name)
{
	if (t->string_at[name] == 0) {
		const uint32_t bytes = text_bytes(tree_names[name]);
		ASSERT(t->strings_bytes + bytes <= TREE_STRINGS_MAX);
		memcpy(t->strings + t->strings_bytes, tree_names[name], bytes);
		t->string_at[name] = t->strings_bytes + 1;
		t->strings_bytes += bytes;
	}
	return t->string_at[name] - 1;
}

bool tree_property_add(struct tree *t, unsigned name, const uint8_t *value, uint32_t bytes)
{
	if (t->property_count == TREE_PROPERTIES_MAX ||
	    !has_room(t, 12 + (uint32_t)align_up(bytes, 4)))
		return false;
	if (!tree_takes_properties(t)) note_fault(t, FDT_MISPLACED);
	add_word(t, TOKEN_PROPERTY);
	add_word(t, bytes);
	add_word(t, string_offset(t, name));
	t->properties[t->property_count++] = (struct tree_property){
		.node = t->depth == 0 ? TREE_ABSENT : t->open[t->depth - 1],
		.name = (uint16_t)name,
		.at = t->bytes,
		.bytes = bytes,
	};
	add_bytes(t, value, bytes);
	return true;
}

bool tree_cells_add(struct tree *t, unsigned name, const uint32_t *cells, unsigned count)
{
	uint8_t value[64];
	ASSERT(count <= sizeof(value) / 4);
	for (unsigned i = 0; i < count; i++) put_word(value + (size_t)4 * i, cells[i]);
	return tree_property_add(t, name, value, 4 * count);
}

bool tree_text_add(struct tree *t, unsigned name, const char *text)
{
	return tree_property_add(t, name, (const uint8_t *)text, text_bytes(text));
}

bool tree_nothing_add(struct tree *t, unsigned count)
{
	if (!has_room(t, 4 * count)) return false;
	while (count-- > 0) add_word(t, TOKEN_NOTHING);
	return true;
}

bool tree_reserve(struct tree *t, struct range r)
{
	if (t->reservation_count == TREE_RESERVATIONS_MAX) return false;
	t->reservations[t->reservation_count++] = r;
	return true;
}

/* --- registers ---------------------------------------------------------------------------- */

/* A property of one cell, 0 to 2, or `otherwise`; more than 2 count as 2: it has to be some. */
static unsigned cells_of(const struct tree *t, unsigned node, unsigned name, unsigned otherwise)
{
	const struct fdt_value v = tree_value(t, node, name);
	if (v.bytes != 4) return otherwise;
	const bool small = (v.at[0] | v.at[1] | v.at[2]) == 0 && v.at[3] <= 2;
	return small ? v.at[3] : 2;
}

static unsigned put_cells(uint8_t *at, unsigned cells, uint64_t number)
{
	if (cells == 2) put_long(at, number);
	if (cells == 1) put_word(at, (uint32_t)number);
	return 4 * cells;
}

bool tree_reg_add(struct tree *t, struct range r)
{
	uint8_t value[16];
	const unsigned parent = t->depth > 1 ? t->open[t->depth - 2] : TREE_ABSENT;
	uint32_t bytes = put_cells(value, cells_of(t, parent, NAME_ADDRESS_CELLS, 2), r.base);
	bytes += put_cells(value + bytes, cells_of(t, parent, NAME_SIZE_CELLS, 1), r.bytes);
	struct tree_property *last =
		t->property_count == 0 ? NULL : &t->properties[t->property_count - 1];
	if (last == NULL || last->name != NAME_REG || !tree_takes_properties(t) ||
	    last->at + last->bytes != t->bytes || last->node != t->open[t->depth - 1])
		return tree_property_add(t, NAME_REG, value, bytes);
	if (!has_room(t, bytes)) return false;
	add_bytes(t, value, bytes);
	last->bytes += bytes;
	put_word(t->structure + last->at - 8, last->bytes);
	return true;
}

/* --- boards ------------------------------------------------------------------------------- */

static void add_device(struct tree *t, const char *name, uint32_t base, const char *compatible)
{
	tree_node_begin(t, name, base);
	tree_text_add(t, NAME_COMPATIBLE, compatible);
	if (base != 0) tree_reg_add(t, (struct range){ base, 0x10000 });
}

static void add_cpu(struct tree *t)
{
	tree_node_begin(t, "cpus", 0);
	tree_cells_add(t, NAME_ADDRESS_CELLS, (uint32_t[]){ 1 }, 1);
	tree_cells_add(t, NAME_SIZE_CELLS, (uint32_t[]){ 0 }, 1);
	tree_node_begin(t, "cpu", 0);
	tree_text_add(t, NAME_DEVICE_TYPE, "cpu");
	tree_reg_add(t, (struct range){ 0, 0 });
	tree_text_add(t, NAME_ENABLE_METHOD, "psci");
	tree_node_end(t);
	tree_node_end(t);
}

/* All that platform_read() wants besides memory, in the order it looks for it. */
static void add_board(struct tree *t, bool three)
{
	static const uint32_t interrupts[] = { 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4 };
	add_device(t, "psci", 0, "arm,psci-1.0");
	tree_text_add(t, NAME_METHOD, "hvc");
	tree_node_end(t);
	add_device(t, "pl011", 0x9000000, "arm,pl011");
	tree_node_end(t);
	add_cpu(t);
	add_device(t, "intc", 0x8000000, three ? "arm,gic-v3" : "arm,cortex-a15-gic");
	tree_reg_add(t, (struct range){ 0x80a0000, 0x20000 });
	tree_cells_add(t, NAME_INTERRUPT_CELLS, (uint32_t[]){ 3 }, 1);
	tree_node_end(t);
	add_device(t, "timer", 0, "arm,armv8-timer");
	tree_cells_add(t, NAME_INTERRUPTS, interrupts, COUNT_OF(interrupts));
	tree_node_end(t);
}

void tree_begin_new(struct tree *t, enum tree_kind kind)
{
	t->bytes = t->strings_bytes = 0;
	t->node_count = t->property_count = t->reservation_count = t->depth = 0;
	t->childless = false;
	t->fault = FDT_OK;
	t->board = kind == TREE_BOARD || kind == TREE_BOARD_3;
	memset(t->string_at, 0, sizeof(t->string_at));
	if (kind == TREE_NOTHING) return;
	tree_node_begin(t, "", 0);
	tree_cells_add(t, NAME_ADDRESS_CELLS, (uint32_t[]){ 2 }, 1);
	tree_cells_add(t, NAME_SIZE_CELLS, (uint32_t[]){ 2 }, 1);
	if (t->board) add_board(t, kind == TREE_BOARD_3);
	if (kind != TREE_BOARD) return;
	tree_node_begin(t, "memory", BOARD_RAM);
	tree_text_add(t, NAME_DEVICE_TYPE, "memory");
	tree_reg_add(t, (struct range){ BOARD_RAM, BOARD_RAM_BYTES });
	tree_node_end(t);
}

/* --- the blob ----------------------------------------------------------------------------- */

static uint32_t write_structure(const struct tree *t, uint8_t *out)
{
	uint32_t bytes = t->bytes;
	memcpy(out, t->structure, bytes);
	for (unsigned i = 0; i < t->depth; i++, bytes += 4) put_word(out + bytes, TOKEN_END);
	put_word(out + bytes, TOKEN_LAST);
	return bytes + 4;
}

static uint32_t write_reservations(const struct tree *t, uint8_t *out)
{
	for (unsigned i = 0; i < t->reservation_count; i++, out += 16) {
		put_long(out, t->reservations[i].base);
		put_long(out + 8, t->reservations[i].bytes);
	}
	memset(out, 0, 16);
	return 16 * (t->reservation_count + 1);
}

uint32_t tree_write(const struct tree *t, unsigned layout, uint8_t *out)
{
	uint32_t at = FDT_HEADER_BYTES + write_reservations(t, out + FDT_HEADER_BYTES);
	uint32_t structure = at, strings = at;
	if (layout & LAYOUT_STRINGS_FIRST) {
		memcpy(out + at, t->strings, t->strings_bytes);
		structure = (uint32_t)align_up(at + t->strings_bytes, 4);
		memset(out + at + t->strings_bytes, 0, structure - at - t->strings_bytes);
	}
	const uint32_t structure_bytes = write_structure(t, out + structure);
	at = structure + structure_bytes;
	if (!(layout & LAYOUT_STRINGS_FIRST)) {
		strings = at;
		memcpy(out + at, t->strings, t->strings_bytes);
		at += t->strings_bytes;
	}
	if (layout & LAYOUT_PADDED) {
		memset(out + at, 0xee, PADDING_BYTES);
		at += PADDING_BYTES;
	}
	const uint32_t version = layout & LAYOUT_VERSION_16 ? 16 : 17;
	const uint32_t header[HEADER_WORDS] = {
		0xd00dfeed,
		at,
		structure,
		strings,
		FDT_HEADER_BYTES,
		version,
		16,
		0,
		t->strings_bytes,
		version == 16 ? 0 : structure_bytes, /* not a field before 17 */
	};
	for (unsigned i = 0; i < HEADER_WORDS; i++) put_word(out + (size_t)4 * i, header[i]);
	return at;
}

/* --- what is in it ------------------------------------------------------------------------ */

struct fdt_value tree_value(const struct tree *t, unsigned node, unsigned name)
{
	for (unsigned i = 0; i < t->property_count; i++) {
		const struct tree_property *p = &t->properties[i];
		if (p->node == node && p->name == name)
			return (struct fdt_value){ t->structure + p->at, p->bytes };
	}
	return (struct fdt_value){ NULL, 0 };
}

static bool is_named(const char *full, const char *name)
{
	while (*name != '\0' && *full == *name) full++, name++;
	return *name == '\0' && (*full == '\0' || *full == '@');
}

unsigned tree_child_named(const struct tree *t, unsigned parent, const char *name)
{
	for (unsigned i = 0; i < t->node_count; i++) {
		if (t->nodes[i].parent == parent && is_named(t->nodes[i].name, name)) return i;
	}
	return TREE_ABSENT;
}
