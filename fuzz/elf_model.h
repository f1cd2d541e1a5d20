/*
 * elf_model.h -- subject elf: the files that a script has made, and what must become of them.
 *
 * The model reads the files' bytes by itself, and shares no line with what it judges.
 */
#ifndef FUZZ_ELF_MODEL_H
#define FUZZ_ELF_MODEL_H

#include "machine/base.h"

enum {
	MODEL_FILE_PAGES = 12,
	MODEL_FILE_BYTES = MODEL_FILE_PAGES * PAGE_SIZE,
	MODEL_SCRIPT_BYTES = 400,
	MODEL_STRINGS = 24, /* arguments and environment */
	MODEL_SEGMENTS = 73,
	MODEL_PARTS = MODEL_SEGMENTS * 8,
};

/* No fixed address below this. */
#define MODEL_LOWEST 0x10000ull

/* "/program" and "/script", and what they are to be called with. */
struct elf_files {
	uint8_t program[MODEL_FILE_BYTES];
	uint32_t program_bytes;
	uint32_t segments; /* that were put in */
	char script[MODEL_SCRIPT_BYTES];
	uint32_t script_bytes;
	/* Strings, each `length` times the same letter. */
	struct model_string {
		uint32_t length;
		char letter;
		bool environment;
	} strings[MODEL_STRINGS];
	uint32_t string_count;
};

/* A range of addresses and what is there. */
struct model_part {
	uint64_t from, end; /* pages */
	uint64_t offset;    /* in the file at `from` */
	bool zeroes;        /* nothing of the file */
	bool private_page;  /* a page of its own: of the file up to `zero`, then zeroes */
	uint64_t zero;
	uint32_t rights; /* 1 read, 2 write, 4 execute */
};

struct elf_expected {
	int error; /* 0: it is built; positive */
	bool late;
	bool movable, interpreter, script;
	bool overlap, beyond; /* seen on the way */
	bool zeroes;
	bool maybe_memory;  /* so large that there may be no room */
	bool unsure;        /* it lies where stacks are, or starts there: it may be built, or die */
	uint64_t from, end; /* of the program, as in the file */
	uint64_t entry, table;
	uint32_t segments;
	/* Strings that stand before those of the script's caller: what runs it, its argument. */
	char runner[MODEL_SCRIPT_BYTES], argument[MODEL_SCRIPT_BYTES];
	bool has_argument;
};

/* What is known before it is tried: of "/program", or of "/script" (`script`). */
void elf_expect(const struct elf_files *files, bool script, struct elf_expected *out);

/* Where everything is, once the bias of program and interpreter is known. */
struct elf_map {
	struct model_part parts[MODEL_PARTS];
	uint32_t count;
	int error; /* of mapping it: positive, always late */
};
void elf_map_begin(struct elf_map *m);
/* `fixed`: its first segment may not lie over anything. */
void elf_map_program(struct elf_map *m, const struct elf_files *files, bool fixed, uint64_t bias);

/* The part that holds `va`, or NULL; and the byte there: 256 means that reading it faults. */
const struct model_part *elf_map_at(const struct elf_map *m, uint64_t va);
unsigned elf_map_byte(const struct elf_map *m, const struct elf_files *files, uint64_t va);

uint64_t elf_number(const uint8_t *at, unsigned bytes);

#endif
