/*
 * fdt_test.c -- the device tree reader: what it reads from a sound tree, and that no bytes make it
 * read outside of a blob, whether cut off anywhere or changed anywhere.
 *
 * Blobs are allocated to the byte, so AddressSanitizer sees any access beyond; whatever fdt_open()
 * accepts is then walked to the end, turned into a platform and into a memory map.
 */
#include "kernel/memmap.h"
#include "kernel/tree_build.h"
#include "machine/host/expect.h"

static bool is_text(struct fdt_value value, const char *text)
{
	return value.bytes == strlen(text) + 1 && memcmp(value.at, text, value.bytes) == 0;
}

static void reads_what_was_written(void)
{
	const struct tree_board board = tree_board_default();
	uint32_t bytes;
	uint8_t *blob = tree_board(&board, &bytes);
	struct fdt tree;
	EXPECT(fdt_size(blob, bytes) == bytes && fdt_size(blob, 39) == 0);
	EXPECT(fdt_open(&tree, blob, bytes) == FDT_OK);

	const fdt_node root = fdt_root(&tree);
	EXPECT(root != FDT_NONE && *fdt_name(&tree, root) == 0);
	EXPECT(fdt_sibling(&tree, root) == FDT_NONE);
	const fdt_node cpus = fdt_child_named(&tree, root, "cpus");
	EXPECT(cpus != FDT_NONE);
	EXPECT(fdt_cell_or(fdt_property(&tree, cpus, "#address-cells"), 9) == 1);
	EXPECT(fdt_cell_or(fdt_property(&tree, cpus, "#nothing"), 9) == 9);
	const fdt_node first = fdt_child(&tree, cpus);
	const fdt_node second = fdt_sibling(&tree, first);
	EXPECT(fdt_is_named(&tree, first, "cpu") && !fdt_is_named(&tree, first, "cp"));
	EXPECT(fdt_cell_or(fdt_property(&tree, second, "reg"), 9) == 1);
	EXPECT(fdt_sibling(&tree, second) == FDT_NONE && fdt_child(&tree, second) == FDT_NONE);
	EXPECT(fdt_child_named(&tree, root, "memory@4") == FDT_NONE);

	const fdt_node uart = fdt_child_named(&tree, root, "pl011");
	const struct fdt_value compatible = fdt_property(&tree, uart, "compatible");
	EXPECT(fdt_has_string(compatible, "arm,pl011"));
	EXPECT(fdt_has_string(compatible, "arm,primecell"));
	EXPECT(!fdt_has_string(compatible, "arm") && !fdt_has_string(compatible, "primecell"));
	const fdt_node chosen = fdt_child_named(&tree, root, "chosen");
	EXPECT(is_text(fdt_property(&tree, chosen, "bootargs"), board.bootargs));
	free(blob);
}

static void refuses_by_name(void)
{
	static const struct {
		uint32_t at, word;
		enum fdt_error error;
	} changes[] = {
		{ 0, 0xd00dfeee, FDT_BAD_MAGIC },
		{ 4, 39, FDT_BAD_SIZE },
		{ 4, UINT32_MAX, FDT_BAD_SIZE },
		{ 8, 39, FDT_BAD_LAYOUT },
		{ 8, UINT32_MAX - 3, FDT_BAD_LAYOUT },
		{ 8, 58, FDT_BAD_LAYOUT },
		{ 12, UINT32_MAX, FDT_BAD_LAYOUT },
		{ 16, 44, FDT_BAD_LAYOUT },
		{ 16, UINT32_MAX - 7, FDT_BAD_LAYOUT },
		{ 20, 15, FDT_BAD_VERSION },
		{ 24, 18, FDT_BAD_VERSION },
		{ 32, UINT32_MAX, FDT_BAD_LAYOUT },
		{ 36, UINT32_MAX, FDT_BAD_LAYOUT },
		{ 36, 40, FDT_CUT_OFF },
		{ 56, 5, FDT_BAD_TOKEN },
		{ 56, 2, FDT_UNBALANCED },
		{ 56, 9, FDT_UNBALANCED },
		{ 56, 3, FDT_MISPLACED },
		{ 60, 0x41414141, FDT_OK },
		{ 68, UINT32_MAX, FDT_CUT_OFF },
		{ 72, UINT32_MAX, FDT_BAD_NAME },
	};
	const struct tree_board board = tree_board_default();
	for (unsigned i = 0; i < COUNT_OF(changes); i++) {
		uint32_t bytes;
		uint8_t *blob = tree_board(&board, &bytes);
		struct fdt tree;
		tree_word_to(blob + changes[i].at, changes[i].word);
		const enum fdt_error error = fdt_open(&tree, blob, bytes);
		/* A root with a long name swallows the tokens behind it. */
		if (changes[i].error == FDT_OK ? error == FDT_OK : error != changes[i].error) {
			fprintf(stderr, "change %u: %s\n", i, fdt_error_name(error));
			exit(1);
		}
		free(blob);
	}
}

static void refuses_depth_and_second_roots(void)
{
	for (unsigned depth = FDT_DEPTH_MAX - 1; depth <= FDT_DEPTH_MAX + 1; depth++) {
		struct tree_builder *b = calloc(1, sizeof(*b));
		for (unsigned i = 0; i < depth; i++) tree_begin(b, "n");
		for (unsigned i = 0; i < depth; i++) tree_end(b);
		uint32_t bytes;
		uint8_t *blob = tree_finish(b, &bytes);
		struct fdt tree;
		EXPECT(fdt_open(&tree, blob, bytes) ==
		       (depth <= FDT_DEPTH_MAX ? FDT_OK : FDT_TOO_DEEP));
		free(blob);
		free(b);
	}
	struct tree_builder *b = calloc(1, sizeof(*b));
	for (unsigned i = 0; i < 2; i++) {
		tree_begin(b, "");
		tree_end(b);
	}
	uint32_t bytes;
	uint8_t *blob = tree_finish(b, &bytes);
	struct fdt tree;
	EXPECT(fdt_open(&tree, blob, bytes) == FDT_UNBALANCED);
	free(blob);
	free(b);
}

static void refuses_misaligned_blobs(void)
{
	const struct tree_board board = tree_board_default();
	uint32_t bytes;
	uint8_t *blob = tree_board(&board, &bytes);
	uint8_t *moved = calloc(1, bytes + 8);
	struct fdt tree;
	memcpy(moved + 4, blob, bytes);
	EXPECT(fdt_open(&tree, moved + 4, bytes) == FDT_MISALIGNED);
	free(moved);
	free(blob);
}

static void cells_have_bounds(void)
{
	static const uint8_t bytes[12] = { 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3 };
	const struct fdt_value value = { bytes, sizeof(bytes) };
	uint64_t n = 7;
	EXPECT(fdt_cells(value, 0, 2, &n) && n == 0x100000002);
	EXPECT(fdt_cells(value, 2, 1, &n) && n == 3);
	EXPECT(fdt_cells(value, 3, 0, &n) && n == 0);
	EXPECT(!fdt_cells(value, 2, 2, &n) && !fdt_cells(value, 0, 3, &n));
	EXPECT(!fdt_cells(value, UINT32_MAX, 2, &n));
	EXPECT(!fdt_has_string((struct fdt_value){ bytes, 3 + 1 }, ""));
}

/* --- any bytes ------------------------------------------------------------------------------- */

static unsigned walked;

/* Visits every node and property by every call there is; a tree has an end. */
static void walk(const struct fdt *tree, fdt_node node, unsigned depth)
{
	EXPECT(depth <= FDT_DEPTH_MAX);
	walked++;
	EXPECT(strlen(fdt_name(tree, node)) < tree->bytes);
	fdt_property(tree, node, "there is none of this name");
	for (fdt_node child = fdt_child(tree, node); child != FDT_NONE;
	     child = fdt_sibling(tree, child))
		walk(tree, child, depth + 1);
}

/* Opens it; what is accepted must bear everything else. */
static void try(const uint8_t *blob, uint32_t bytes)
{
	static const struct range image = { 0x40080000, 0x100000 };
	struct fdt tree;
	if (fdt_open(&tree, blob, bytes) != FDT_OK) return;
	walk(&tree, fdt_root(&tree), 1);
	uint64_t base, size;
	for (uint32_t n = 0; fdt_reservation(&tree, n, &base, &size); n++) continue;
	struct platform platform;
	struct memmap map;
	if (platform_read(&tree, &platform) != NULL) return;
	bootarg_number(platform.bootargs, "seed", 0);
	const struct range at = { 0x44000000, bytes };
	if (memmap_build(&map, &platform, image, at) != NULL) return;
	EXPECT(memmap_check(&map) == NULL);
	memmap_take(&map, 100000, PAGE_SIZE, "a test");
	EXPECT(memmap_check(&map) == NULL);
}

static struct tree_board full_board(void)
{
	struct tree_board board = tree_board_default();
	board.reserved[0] = 0x41000000;
	board.reserved[1] = 0x1234;
	board.reserved_numbers = 2;
	board.initrd[0] = 0x42000000;
	board.initrd[1] = 0x42001001;
	return board;
}

static void every_cut_is_refused(void)
{
	const struct tree_board board = full_board();
	uint32_t bytes;
	uint8_t *blob = tree_board(&board, &bytes);
	try(blob, bytes);
	EXPECT(walked > 8);
	for (uint32_t cut = 0; cut < bytes; cut++) {
		uint8_t *part = malloc(cut > 0 ? cut : 1);
		struct fdt tree;
		memcpy(part, blob, cut);
		EXPECT(fdt_open(&tree, part, cut) != FDT_OK);
		if (cut >= FDT_HEADER_BYTES) {
			tree_word_to(part + 4, cut); /* and with a header that agrees */
			try(part, cut);
		}
		free(part);
	}
	free(blob);
}

static void every_changed_byte_is_borne(void)
{
	static const uint8_t flips[] = { 0x01, 0x02, 0x04, 0x80, 0xff };
	const struct tree_board board = full_board();
	uint32_t bytes;
	uint8_t *blob = tree_board(&board, &bytes);
	for (uint32_t at = 0; at < bytes; at++) {
		for (unsigned i = 0; i < COUNT_OF(flips); i++) {
			blob[at] ^= flips[i];
			try(blob, bytes);
			blob[at] ^= flips[i];
		}
	}
	free(blob);
}

static void many_changes_are_borne(void)
{
	const struct tree_board board = full_board();
	uint64_t random = 88172645463325252ull;
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t bytes;
		uint8_t *blob = tree_board(&board, &bytes);
		for (unsigned change = 0; change <= round % 4; change++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			const uint32_t at = (uint32_t)(random >> 20) % (bytes - 4);
			if (random & 1)
				tree_word_to(blob + align_down(at, 4),
					     (uint32_t)(random >> 40) % 48);
			else
				blob[at] = (uint8_t)(random >> 50);
		}
		try(blob, bytes);
		free(blob);
	}
}

/* Each of very many properties has a name that goes on to the end of the blob.  Looking for the
 * end of each took half a minute, and minutes under the sanitizers. */
static void opens_in_linear_time(void)
{
	enum { HALF = FDT_BYTES_MAX / 2, FIRST = 64 };
	static const uint32_t header[] = { 0xd00dfeed, FDT_BYTES_MAX, FIRST,       HALF, 40, 17, 16,
					   0,          HALF,          HALF - FIRST };
	uint8_t *blob = aligned_alloc(8, FDT_BYTES_MAX);
	struct fdt tree;
	memset(blob, 0, HALF);
	memset(blob + HALF, 'a', HALF - 1);
	blob[FDT_BYTES_MAX - 1] = 0;
	for (unsigned i = 0; i < COUNT_OF(header); i++)
		tree_word_to(blob + (size_t)4 * i, header[i]);
	uint32_t at = FIRST;
	tree_word_to(blob + at, 1); /* begin the root, whose name is empty */
	for (at += 8; at < HALF - 24; at += 12) tree_word_to(blob + at, 3); /* no value, name 0 */
	tree_word_to(blob + at, 2);
	tree_word_to(blob + at + 4, 9);
	EXPECT(fdt_open(&tree, blob, FDT_BYTES_MAX) == FDT_OK);
	blob[FDT_BYTES_MAX - 1] = 'a';
	EXPECT(fdt_open(&tree, blob, FDT_BYTES_MAX) == FDT_BAD_NAME);
	free(blob);
}

int main(void)
{
	reads_what_was_written();
	refuses_by_name();
	refuses_depth_and_second_roots();
	refuses_misaligned_blobs();
	cells_have_bounds();
	every_cut_is_refused();
	every_changed_byte_is_borne();
	many_changes_are_borne();
	opens_in_linear_time();
	return 0;
}
