/*
 * fdt.c -- the reader of flattened device trees.
 *
 * The blob has a header, a list of reserved ranges, a structure (a stream of 32-bit tokens: begin
 * node, property, end node, nothing, end) and a block of strings.  All numbers are big-endian.
 * fdt_open() walks the whole structure once, with a counter for depth in place of a stack, and
 * checks every length and every string's end on the way.  Everything later walks the same stream
 * and may therefore trust it; it still asserts that it stays inside.
 *
 * Always true after fdt_open() said FDT_OK:
 *   F1  every token, name and value lies inside [structure, structure_end), and every property's
 *       name is NUL-terminated inside [strings, strings_end);
 *   F2  begins and ends are balanced, at most FDT_DEPTH_MAX deep, with exactly one root;
 *   F3  the properties of a node precede its children;
 *   F4  the list of reservations ends inside the blob.
 *
 * Sums are of 32-bit numbers in 64 bits, so none can wrap.  Cost: fdt_open is linear; a look-up is
 * linear in the node it looks into.
 */
#include "kernel/fdt.h"

#define MAGIC 0xd00dfeedu

enum {
	VERSION_LEAST = 16,
	VERSION_OURS = 17,
	TOKEN_BEGIN = 1,
	TOKEN_END = 2,
	TOKEN_PROPERTY = 3,
	TOKEN_NOTHING = 4,
	TOKEN_LAST = 9,
	RESERVATION_BYTES = 16,
};

/* The header's words. */
enum {
	WORD_MAGIC,
	WORD_TOTAL,
	WORD_STRUCTURE,
	WORD_STRINGS,
	WORD_RESERVE,
	WORD_VERSION,
	WORD_COMPATIBLE,
	WORD_BOOT_CPU,
	WORD_STRINGS_BYTES,
	WORD_STRUCTURE_BYTES,
};

static uint32_t word_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t header(const uint8_t *blob, unsigned word)
{
	return word_at(blob + (size_t)4 * word);
}

const char *fdt_error_name(enum fdt_error error)
{
	static const char *const names[FDT_ERRORS] = {
		[FDT_OK] = "sound",
		[FDT_MISALIGNED] = "not at a multiple of 8",
		[FDT_TOO_SHORT] = "too short for a header",
		[FDT_BAD_MAGIC] = "bad magic number",
		[FDT_BAD_VERSION] = "unknown version",
		[FDT_BAD_SIZE] = "impossible total size",
		[FDT_BAD_LAYOUT] = "a block lies outside of it",
		[FDT_BAD_RESERVE] = "its list of reservations has no end",
		[FDT_CUT_OFF] = "cut off",
		[FDT_BAD_TOKEN] = "unknown token",
		[FDT_BAD_NAME] = "a name without end",
		[FDT_MISPLACED] = "a property in the wrong place",
		[FDT_UNBALANCED] = "nodes do not nest",
		[FDT_TOO_DEEP] = "too deep",
	};
	return error < FDT_ERRORS ? names[error] : "unknown error";
}

/* Offset after the NUL that ends the text at `from`, or 0 when there is none before `end`. */
static uint32_t text_end(const uint8_t *blob, uint32_t from, uint32_t end)
{
	while (from < end) {
		if (blob[from++] == 0) return from;
	}
	return 0;
}

static uint32_t padded(uint32_t offset)
{
	return (uint32_t)align_up(offset, 4);
}

/* --- opening --------------------------------------------------------------------------------- */

/* Is [offset, offset + bytes) inside the blob, behind the header? */
static bool block_fits(const struct fdt *tree, uint32_t offset, uint64_t bytes)
{
	return offset >= FDT_HEADER_BYTES && offset + bytes <= tree->bytes;
}

/* What stands behind the last NUL can be no name.  Without it every name that begins inside ends
 * inside, so nobody has to look for its end: with long names that would take time squared. */
static void cut_strings(struct fdt *tree)
{
	while (tree->strings_end > tree->strings && tree->blob[tree->strings_end - 1] != 0)
		tree->strings_end--;
}

static enum fdt_error open_header(struct fdt *tree, const uint8_t *blob, size_t room)
{
	if (!is_aligned((uintptr_t)blob, 8)) return FDT_MISALIGNED;
	if (room < FDT_HEADER_BYTES) return FDT_TOO_SHORT;
	if (header(blob, WORD_MAGIC) != MAGIC) return FDT_BAD_MAGIC;
	const uint32_t version = header(blob, WORD_VERSION);
	if (version < VERSION_LEAST || header(blob, WORD_COMPATIBLE) > VERSION_OURS)
		return FDT_BAD_VERSION;
	const uint32_t total = header(blob, WORD_TOTAL);
	if (total < FDT_HEADER_BYTES || total > FDT_BYTES_MAX || total > room) return FDT_BAD_SIZE;

	tree->blob = blob;
	tree->bytes = total;
	tree->structure = header(blob, WORD_STRUCTURE);
	tree->strings = header(blob, WORD_STRINGS);
	tree->reserve = header(blob, WORD_RESERVE);
	tree->boot_cpu = header(blob, WORD_BOOT_CPU);
	if (!block_fits(tree, tree->structure, 0)) return FDT_BAD_LAYOUT;
	/* Version 16 does not say how long the structure is: to the end, at most. */
	const uint32_t structure_bytes = version >= VERSION_OURS
						 ? header(blob, WORD_STRUCTURE_BYTES)
						 : total - tree->structure;
	const uint32_t strings_bytes = header(blob, WORD_STRINGS_BYTES);
	if (!block_fits(tree, tree->structure, structure_bytes) ||
	    !block_fits(tree, tree->strings, strings_bytes) ||
	    !block_fits(tree, tree->reserve, RESERVATION_BYTES) ||
	    !is_aligned(tree->structure, 4) || !is_aligned(tree->reserve, 8))
		return FDT_BAD_LAYOUT;
	tree->structure_end = (uint32_t)align_down(tree->structure + structure_bytes, 4);
	tree->strings_end = tree->strings + strings_bytes;
	cut_strings(tree);
	return FDT_OK;
}

static enum fdt_error check_reservations(const struct fdt *tree) /* F4 */
{
	for (uint64_t at = tree->reserve; at + RESERVATION_BYTES <= tree->bytes;
	     at += RESERVATION_BYTES) {
		uint32_t any = 0;
		for (unsigned i = 0; i < RESERVATION_BYTES; i++) any |= tree->blob[at + i];
		if (any == 0) return FDT_OK;
	}
	return FDT_BAD_RESERVE;
}

/* Checks the property whose token ends at *at, and steps over it. */
static enum fdt_error check_property(const struct fdt *tree, uint32_t *at)
{
	if (tree->structure_end - *at < 8) return FDT_CUT_OFF;
	const uint32_t bytes = word_at(tree->blob + *at);
	const uint64_t name = (uint64_t)tree->strings + word_at(tree->blob + *at + 4);
	*at += 8;
	if (bytes > tree->structure_end - *at) return FDT_CUT_OFF;
	if (name >= tree->strings_end) return FDT_BAD_NAME; /* F1: the last byte before it is NUL */
	*at = padded(*at + bytes);
	return FDT_OK;
}

static enum fdt_error check_structure(const struct fdt *tree) /* F1, F2, F3 */
{
	unsigned depth = 0;
	bool properties = false; /* may the node that is open still have some? */
	uint32_t at = tree->structure;
	while (at < tree->structure_end) {
		const uint32_t token = word_at(tree->blob + at);
		at += 4;
		if (token == TOKEN_BEGIN) {
			/* A second root would begin at depth 0, behind the first. */
			if (depth == 0 && at != fdt_root(tree)) return FDT_UNBALANCED;
			if (depth++ == FDT_DEPTH_MAX) return FDT_TOO_DEEP;
			at = padded(text_end(tree->blob, at, tree->structure_end));
			if (at == 0) return FDT_BAD_NAME;
			properties = true;
		} else if (token == TOKEN_END) {
			if (depth-- == 0) return FDT_UNBALANCED;
			properties = false;
		} else if (token == TOKEN_PROPERTY) {
			if (!properties) return FDT_MISPLACED;
			const enum fdt_error error = check_property(tree, &at);
			if (error != FDT_OK) return error;
		} else if (token == TOKEN_LAST) {
			return depth == 0 && fdt_root(tree) != FDT_NONE ? FDT_OK : FDT_UNBALANCED;
		} else if (token != TOKEN_NOTHING) {
			return FDT_BAD_TOKEN;
		}
	}
	return FDT_CUT_OFF;
}

enum fdt_error fdt_open(struct fdt *tree, const void *blob, size_t room)
{
	*tree = (struct fdt){ 0 };
	enum fdt_error error = open_header(tree, blob, room);
	if (error == FDT_OK) error = check_reservations(tree);
	if (error == FDT_OK) error = check_structure(tree);
	return error;
}

uint32_t fdt_size(const void *blob, size_t room)
{
	const uint8_t *bytes = blob;
	if (room < FDT_HEADER_BYTES || header(bytes, WORD_MAGIC) != MAGIC) return 0;
	return header(bytes, WORD_TOTAL);
}

bool fdt_reservation(const struct fdt *tree, uint32_t n, uint64_t *base, uint64_t *bytes)
{
	const uint64_t at = tree->reserve + (uint64_t)n * RESERVATION_BYTES;
	if (at + RESERVATION_BYTES > tree->bytes) return false;
	const struct fdt_value entry = { tree->blob + at, RESERVATION_BYTES };
	fdt_cells(entry, 0, 2, base);
	fdt_cells(entry, 2, 2, bytes);
	return *base != 0 || *bytes != 0;
}

/* --- walking --------------------------------------------------------------------------------- */

/* The token at or after *at that is not "nothing"; *at then stands behind it. */
static uint32_t next_token(const struct fdt *tree, uint32_t *at)
{
	uint32_t token = TOKEN_NOTHING;
	while (token == TOKEN_NOTHING && *at < tree->structure_end) {
		token = word_at(tree->blob + *at);
		*at += 4;
	}
	return token;
}

/* Behind the name of a node. */
static uint32_t inside(const struct fdt *tree, fdt_node node)
{
	const uint32_t end = text_end(tree->blob, node, tree->structure_end);
	ASSERT(node != FDT_NONE && end != 0); /* F1 */
	return padded(end);
}

/* Behind the property whose token ends at `at`. */
static uint32_t behind_property(const struct fdt *tree, uint32_t at)
{
	return padded(at + 8 + word_at(tree->blob + at));
}

fdt_node fdt_root(const struct fdt *tree)
{
	uint32_t at = tree->structure;
	return next_token(tree, &at) == TOKEN_BEGIN ? at : FDT_NONE;
}

fdt_node fdt_child(const struct fdt *tree, fdt_node node)
{
	uint32_t at = inside(tree, node);
	for (;;) {
		const uint32_t token = next_token(tree, &at);
		if (token == TOKEN_BEGIN) return at;
		if (token != TOKEN_PROPERTY) return FDT_NONE;
		at = behind_property(tree, at);
	}
}

fdt_node fdt_sibling(const struct fdt *tree, fdt_node node)
{
	uint32_t at = inside(tree, node);
	unsigned depth = 1;
	while (depth > 0) {
		const uint32_t token = next_token(tree, &at);
		if (token == TOKEN_BEGIN) {
			depth++;
			at = inside(tree, at);
		} else if (token == TOKEN_PROPERTY) {
			at = behind_property(tree, at);
		} else {
			ASSERT(token == TOKEN_END); /* F2 */
			depth--;
		}
	}
	return next_token(tree, &at) == TOKEN_BEGIN ? at : FDT_NONE;
}

const char *fdt_name(const struct fdt *tree, fdt_node node)
{
	return (const char *)tree->blob + node;
}

/* Does `text` begin with all of `start`?  Returns what follows, or NULL. */
static const char *after(const char *text, const char *start)
{
	while (*start != 0) {
		if (*text++ != *start++) return NULL;
	}
	return text;
}

bool fdt_is_named(const struct fdt *tree, fdt_node node, const char *name)
{
	const char *rest = after(fdt_name(tree, node), name);
	return rest != NULL && (*rest == 0 || *rest == '@');
}

fdt_node fdt_child_named(const struct fdt *tree, fdt_node node, const char *name)
{
	for (fdt_node child = fdt_child(tree, node); child != FDT_NONE;
	     child = fdt_sibling(tree, child)) {
		if (fdt_is_named(tree, child, name)) return child;
	}
	return FDT_NONE;
}

struct fdt_value fdt_property(const struct fdt *tree, fdt_node node, const char *name)
{
	uint32_t at = inside(tree, node);
	while (next_token(tree, &at) == TOKEN_PROPERTY) {
		const uint32_t its = tree->strings + word_at(tree->blob + at + 4);
		const char *rest = after((const char *)tree->blob + its, name);
		if (rest != NULL && *rest == 0)
			return (struct fdt_value){ tree->blob + at + 8, word_at(tree->blob + at) };
		at = behind_property(tree, at);
	}
	return (struct fdt_value){ NULL, 0 };
}

/* --- values ---------------------------------------------------------------------------------- */

bool fdt_cells(struct fdt_value value, uint32_t first, unsigned cells, uint64_t *number)
{
	if (cells > 2 || ((uint64_t)first + cells) * 4 > value.bytes) return false;
	*number = 0;
	for (unsigned i = 0; i < cells; i++)
		*number = *number << 32 | word_at(value.at + 4 * ((size_t)first + i));
	return true;
}

uint32_t fdt_cell_or(struct fdt_value value, uint32_t otherwise)
{
	uint64_t number = 0;
	if (value.bytes != 4 || !fdt_cells(value, 0, 1, &number)) return otherwise;
	return (uint32_t)number;
}

bool fdt_is_text(struct fdt_value value)
{
	return value.bytes > 0 && value.at[value.bytes - 1] == 0;
}

bool fdt_has_string(struct fdt_value value, const char *text)
{
	if (!fdt_is_text(value)) return false;
	uint32_t at = 0;
	while (at < value.bytes) {
		const char *rest = after((const char *)value.at + at, text);
		if (rest != NULL && *rest == 0) return true;
		at = text_end(value.at, at, value.bytes);
	}
	return false;
}
