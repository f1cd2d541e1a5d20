/*
 * tree_build.h -- makes flattened device trees, for tests of those who read them.
 *
 * Include it in a test's one source file.  A builder has fixed room and ends the program when that
 * is not enough.  tree_board() makes a small board in the manner of QEMU's virt.
 */
#ifndef KERNEL_TREE_BUILD_H
#define KERNEL_TREE_BUILD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/fdt.h"

enum { TREE_ROOM = 8192, TREE_RESERVATIONS = 4 };

struct tree_builder {
	uint8_t structure[TREE_ROOM];
	uint32_t structure_bytes;
	char strings[TREE_ROOM];
	uint32_t strings_bytes;
	uint64_t reserved[TREE_RESERVATIONS][2];
	uint32_t reserved_count;
};

static inline void tree_word_to(uint8_t *at, uint32_t word)
{
	for (unsigned i = 0; i < 4; i++) at[i] = (uint8_t)(word >> (24 - 8 * i));
}

static inline void tree_bytes(struct tree_builder *b, const void *bytes, uint32_t count)
{
	if (TREE_ROOM - b->structure_bytes < count + 8) abort();
	if (count > 0) memcpy(b->structure + b->structure_bytes, bytes, count);
	b->structure_bytes += count;
	while (b->structure_bytes % 4 != 0) b->structure[b->structure_bytes++] = 0;
}

static inline void tree_word(struct tree_builder *b, uint32_t word)
{
	uint8_t bytes[4];
	tree_word_to(bytes, word);
	tree_bytes(b, bytes, 4);
}

static inline void tree_begin(struct tree_builder *b, const char *name)
{
	tree_word(b, 1);
	tree_bytes(b, name, (uint32_t)strlen(name) + 1);
}

static inline void tree_end(struct tree_builder *b)
{
	tree_word(b, 2);
}

static inline void tree_property(struct tree_builder *b, const char *name, const void *value,
				 uint32_t bytes)
{
	const uint32_t length = (uint32_t)strlen(name) + 1;
	if (TREE_ROOM - b->strings_bytes < length) abort();
	tree_word(b, 3);
	tree_word(b, bytes);
	tree_word(b, b->strings_bytes);
	memcpy(b->strings + b->strings_bytes, name, length);
	b->strings_bytes += length;
	tree_bytes(b, value, bytes);
}

static inline void tree_text(struct tree_builder *b, const char *name, const char *text)
{
	tree_property(b, name, text, (uint32_t)strlen(text) + 1);
}

static inline void tree_cell(struct tree_builder *b, const char *name, uint32_t cell)
{
	uint8_t bytes[4];
	tree_word_to(bytes, cell);
	tree_property(b, name, bytes, 4);
}

/* Numbers of 64 bits, as pairs of cells. */
static inline void tree_pairs(struct tree_builder *b, const char *name, const uint64_t *numbers,
			      unsigned count)
{
	uint8_t bytes[128];
	if (count > 16) abort();
	for (unsigned i = 0; i < count; i++) {
		tree_word_to(bytes + 8 * i, (uint32_t)(numbers[i] >> 32));
		tree_word_to(bytes + 8 * i + 4, (uint32_t)numbers[i]);
	}
	tree_property(b, name, bytes, 8 * count);
}

/* The blob, at a multiple of 8 and exactly as long as it says: an access beyond it is found. */
static inline uint8_t *tree_finish(struct tree_builder *b, uint32_t *bytes)
{
	const uint32_t reserve = FDT_HEADER_BYTES;
	const uint32_t structure = reserve + 16 * (b->reserved_count + 1);
	tree_word(b, 9);
	const uint32_t strings = structure + b->structure_bytes;
	*bytes = strings + b->strings_bytes;
	uint8_t *blob = calloc(1, *bytes);
	const uint32_t words[] = {
		0xd00dfeed, *bytes, structure, strings,          reserve,
		17,         16,     0,         b->strings_bytes, b->structure_bytes
	};
	if (blob == NULL) abort();
	for (unsigned i = 0; i < COUNT_OF(words); i++) tree_word_to(blob + 4 * i, words[i]);
	for (unsigned i = 0; i < 2 * b->reserved_count; i++) {
		const uint64_t number = b->reserved[i / 2][i % 2];
		tree_word_to(blob + reserve + 8 * i, (uint32_t)(number >> 32));
		tree_word_to(blob + reserve + 8 * i + 4, (uint32_t)number);
	}
	memcpy(blob + structure, b->structure, b->structure_bytes);
	memcpy(blob + strings, b->strings, b->strings_bytes);
	return blob;
}

/* --- a board --------------------------------------------------------------------------------- */

struct tree_board {
	uint64_t ram[8];
	unsigned ram_numbers; /* pairs of base and size */
	uint64_t reserved[4];
	unsigned reserved_numbers;
	uint64_t initrd[2]; /* start and end; end 0: none */
	uint64_t uart[2], gic[6];
	unsigned gic_numbers;
	unsigned gic_version, cpus;
	uint32_t timer[12];
	const char *bootargs, *psci_method;
};

static inline struct tree_board tree_board_default(void)
{
	return (struct tree_board){
		.ram = { 0x40000000, 0x8000000 },
		.ram_numbers = 2,
		.uart = { 0x9000000, 0x1000 },
		.gic = { 0x8000000, 0x10000, 0x80a0000, 0xf60000 },
		.gic_numbers = 4,
		.gic_version = 3,
		.cpus = 2,
		.timer = { 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4 },
		.bootargs = "semihosting seed=7",
		.psci_method = "hvc",
	};
}

static inline void tree_board_chosen(struct tree_builder *b, const struct tree_board *board)
{
	tree_begin(b, "chosen");
	tree_text(b, "bootargs", board->bootargs);
	if (board->initrd[1] != 0) {
		tree_pairs(b, "linux,initrd-start", &board->initrd[0], 1);
		tree_pairs(b, "linux,initrd-end", &board->initrd[1], 1);
	}
	tree_end(b);
}

static inline void tree_board_memory(struct tree_builder *b, const struct tree_board *board)
{
	tree_begin(b, "memory@40000000");
	tree_text(b, "device_type", "memory");
	tree_pairs(b, "reg", board->ram, board->ram_numbers);
	tree_end(b);
	if (board->reserved_numbers == 0) return;
	tree_begin(b, "reserved-memory");
	tree_cell(b, "#address-cells", 2);
	tree_cell(b, "#size-cells", 2);
	tree_begin(b, "firmware@0");
	tree_pairs(b, "reg", board->reserved, board->reserved_numbers);
	tree_end(b);
	tree_end(b);
}

static inline void tree_board_cpus(struct tree_builder *b, const struct tree_board *board)
{
	tree_begin(b, "cpus");
	tree_cell(b, "#address-cells", 1);
	tree_cell(b, "#size-cells", 0);
	for (unsigned i = 0; i < board->cpus; i++) {
		tree_begin(b, "cpu@0");
		tree_text(b, "device_type", "cpu");
		tree_text(b, "enable-method", "psci");
		tree_cell(b, "reg", i);
		tree_end(b);
	}
	tree_end(b);
}

static inline void tree_board_devices(struct tree_builder *b, const struct tree_board *board)
{
	uint8_t timer[sizeof(board->timer)];
	for (unsigned i = 0; i < COUNT_OF(board->timer); i++)
		tree_word_to(timer + 4 * i, board->timer[i]);
	tree_begin(b, "psci");
	tree_text(b, "compatible", "arm,psci-1.0");
	tree_text(b, "method", board->psci_method);
	tree_end(b);
	tree_begin(b, "timer");
	tree_text(b, "compatible", "arm,armv8-timer");
	tree_property(b, "interrupts", timer, sizeof(timer));
	tree_end(b);
	tree_begin(b, "intc@8000000");
	tree_text(b, "compatible", board->gic_version == 3 ? "arm,gic-v3" : "arm,cortex-a15-gic");
	tree_cell(b, "#interrupt-cells", 3);
	tree_pairs(b, "reg", board->gic, board->gic_numbers);
	tree_end(b);
	tree_begin(b, "pl011@9000000");
	tree_property(b, "compatible", "arm,pl011\0arm,primecell", 24);
	tree_pairs(b, "reg", board->uart, 2);
	tree_end(b);
}

static inline uint8_t *tree_board(const struct tree_board *board, uint32_t *bytes)
{
	struct tree_builder *b = calloc(1, sizeof(*b));
	if (b == NULL) abort();
	tree_begin(b, "");
	tree_cell(b, "#address-cells", 2);
	tree_cell(b, "#size-cells", 2);
	tree_board_chosen(b, board);
	tree_board_memory(b, board);
	tree_board_cpus(b, board);
	tree_board_devices(b, board);
	tree_end(b);
	uint8_t *blob = tree_finish(b, bytes);
	free(b);
	return blob;
}

#endif
