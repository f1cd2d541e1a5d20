/*
 * elf.h -- ELF files for AArch64 as the ELF specification has them, read and judged before anything
 * is mapped.
 *
 * A file is a stranger's: nothing in it is believed.  The answers are Linux's (fs/binfmt_elf.c of
 * 6.1), and so is the time at which they come: what Linux finds before the point of no return is an
 * error of execve; what it finds later kills the program (`late`), though here both are found
 * before anything has happened.  Pure functions of bytes, without memory of their own.
 */
#ifndef KERNEL_EXEC_ELF_H
#define KERNEL_EXEC_ELF_H

#include "machine/base.h"

enum {
	ELF_HEAD_BYTES = 64,
	ELF_SEGMENT_BYTES = 56,
	ELF_TABLE_BYTES = 4096, /* the longest table of segments, as on Linux */
	ELF_SEGMENTS_MAX = ELF_TABLE_BYTES / ELF_SEGMENT_BYTES,
	ELF_PATH_BYTES = 4096, /* of an interpreter, its end counted */
};

/* A program header: one for each segment. */
struct elf_segment {
	uint32_t type;  /* ELF_LOAD, ... */
	uint32_t flags; /* ELF_READ, ... */
	uint64_t offset, at, physical;
	uint64_t file_bytes, bytes, align;
};
_Static_assert(sizeof(struct elf_segment) == ELF_SEGMENT_BYTES, "as it lies in the file");

enum { ELF_LOAD = 1, ELF_INTERPRETER = 3 };
enum { ELF_EXECUTE = 1, ELF_WRITE = 2, ELF_READ = 4 };

/* Why a file is no program, or what became of one. */
struct elf_verdict {
	int error;       /* 0, or -ERR_... */
	bool late;       /* Linux has given the old program up by then: it dies of SIGSEGV */
	const char *why; /* one line; NULL: nothing is wrong */
};

/* What the head says. */
struct elf {
	bool movable; /* ET_DYN: its addresses count from wherever it is put */
	uint64_t entry;
	uint64_t table_offset; /* of the segments, in the file */
	uint32_t segments;     /* 1 to ELF_SEGMENTS_MAX */
};

/* The first `count` bytes of a file. */
struct elf_verdict elf_read_head(const void *bytes, size_t count, struct elf *e);

/* What the segments say together.  Addresses as in the file. */
struct elf_layout {
	uint64_t from, end;         /* all that ELF_LOAD segments occupy; `from` at a page */
	uint64_t table;             /* where the table of segments is mapped, 0: nowhere */
	uint64_t align;             /* the largest that any asks for; a page at least */
	uint64_t interpreter;       /* its path's offset in the file and length; */
	uint32_t interpreter_bytes; /* 0: there is none */
};

/* `table` has e->segments entries. */
struct elf_verdict elf_read_segments(const struct elf *e, const struct elf_segment *table,
				     struct elf_layout *out);

/* The rights of its pages: PROT_* of mm/mman.h.  Both writing and executing are granted to who asks
 * for both, as by mmap; stacks are never executable, whatever PT_GNU_STACK says. */
uint32_t elf_rights(const struct elf_segment *segment);

/* Where the file's part of a segment lies: whole pages of the file at whole pages of memory. */
struct elf_piece {
	uint64_t at, offset; /* multiples of a page */
	uint64_t bytes;      /* 0: nothing of the file */
	uint64_t zeroes;     /* where zeroes begin: behind the file's last byte */
	uint64_t end;        /* of the segment; not rounded */
};
struct elf_piece elf_piece(const struct elf_segment *segment);

#endif
