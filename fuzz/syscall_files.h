/*
 * syscall_files.h -- subject syscall: the model of files, pipes and descriptors, which
 * syscall_files.c (what descriptors stand for) and syscall_contents.c share.
 */
#ifndef FUZZ_SYSCALL_FILES_H
#define FUZZ_SYSCALL_FILES_H

#include "fuzz/syscall_subject.h"

enum { OPEN_MAX = 64, FILES_MAX = 64, PIPES_MAX = 32, NONE = 0xff };
enum open_kind { OPEN_NOTHING, OPEN_FILE, OPEN_READER, OPEN_WRITER };

struct files_model {
	uint8_t fd[ACTORS][DESCRIPTORS]; /* which open file, or NONE */
	uint8_t exec[ACTORS];            /* bits: descriptors that execve closes */
	struct {
		uint8_t kind, of; /* which file or pipe */
		uint32_t holders, flags;
		uint64_t offset;
	} open[OPEN_MAX];
	struct {
		bool named;
		uint32_t opens, size;
		uint8_t bytes[FILE_BYTES];
	} file[FILES_MAX];
	uint8_t name[NAMES]; /* which file, or NONE */
	struct {
		uint32_t readers, writers; /* open ends */
		uint64_t put, got;
	} pipe[PIPES_MAX];
};

extern struct files_model files_model;

/* The open file of descriptor aux, of the actor's group; NONE: there is none.  From DESCRIPTORS + 1
 * on it is the first that is open, from those less on. */
uint8_t open_of(const struct script_op *op, unsigned by, unsigned *fd);

/* What was cut off is zeroes if the file becomes longer again. */
void file_resize(uint8_t file, uint32_t size);

#endif
