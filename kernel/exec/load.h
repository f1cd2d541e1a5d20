/*
 * load.h -- an ELF file's segments in an address space.
 */
#ifndef KERNEL_EXEC_LOAD_H
#define KERNEL_EXEC_LOAD_H

#include "kernel/exec/elf.h"
#include "kernel/file/file.h"
#include "mm/space.h"

enum {
	LOAD_HEAD_BYTES = 256
}; /* Linux's BINPRM_BUF_SIZE: of a file, before it is known what it is */

/* A program's file, opened and read as far as is needed to say where everything goes. */
struct load {
	struct file *file;
	bool second; /* it is an interpreter: it lies over whatever is there */
	struct elf elf;
	struct elf_layout layout;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/* Reads up to `bytes` bytes at `offset` into the kernel's memory: how many were there, or an
 * error. */
int64_t load_read(struct file *f, void *to, size_t bytes, uint64_t offset);

/* Of l->file, whose first `count` bytes are at `head`: fills the rest of *l. */
struct elf_verdict load_judge(struct load *l, const void *head, size_t count);

/*
 * Maps every segment into `s`, and zeroes what is behind the file's part.  One whose addresses are
 * free to choose goes to `place`, 0: wherever there is room; *bias is what its addresses are more
 * than in the file.  What was mapped before it failed stays: the space is of no use then.
 */
struct elf_verdict load_map(struct load *l, struct space *s, uint64_t place, site_t site,
			    uint64_t *bias);

#endif
