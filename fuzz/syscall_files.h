/*
 * syscall_files.h -- subject syscall: the model of files, pipes and descriptors, which
 * syscall_files.c (what descriptors stand for) and syscall_contents.c share.
 */
#ifndef FUZZ_SYSCALL_FILES_H
#define FUZZ_SYSCALL_FILES_H

#include "fuzz/syscall_subject.h"

enum { OPEN_MAX = 64, FILES_MAX = 64, PIPES_MAX = 32, PIPE_PIECES = 16, NONE = 0xff };
enum open_kind { OPEN_NOTHING, OPEN_FILE, OPEN_PIPE };

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
		uint64_t put, got;         /* bytes, ever */
		uint32_t pieces;           /* that are not read to their ends, in order: */
		uint32_t from[PIPE_PIECES], to[PIPE_PIECES]; /* where in its page is each */
		bool odd; /* a write failed, after which Linux has a piece without bytes */
	} pipe[PIPES_MAX];
};

extern struct files_model files_model;

/* Whether it was opened for that. */
static inline bool can(uint8_t n, bool write)
{
	const uint32_t access = files_model.open[n].flags & O_ACCMODE;

	return write ? access != O_RDONLY : access != O_WRONLY;
}

/* The open file of descriptor aux, of the actor's group; NONE: there is none.  From DESCRIPTORS + 1
 * on it is the first that is open, from those less on. */
uint8_t open_of(const struct script_op *op, unsigned by, unsigned *fd);

/* The lowest descriptor from one on that is free, or an error; it stands for something else now; a
 * new open file, which one has. */
int lowest_free(unsigned group, unsigned from);
void put_fd(unsigned group, int64_t fd, uint8_t open, bool exec);
uint8_t open_new(enum open_kind kind, unsigned of, uint32_t flags);

/* --- syscall_pipes.c -------------------------------------------------------------------------- */

/* Byte `n` of all that is ever written into a pipe. */
uint8_t pipe_byte(unsigned pipe, uint64_t n);

/* What a call that moves `bytes` bytes answers, and what it changes; `faults`: to or from where
 * nothing is. */
int64_t pipe_takes(struct run *run, unsigned pipe, uint32_t bytes, bool faults);
int64_t pipe_gives(struct run *run, unsigned pipe, uint32_t bytes, uint8_t *to);

/* --- syscall_contents.c ----------------------------------------------------------------------- */

#define HERE UINT64_MAX

/* read() or, arg[4] not HERE, pread(); and write(): descriptor, address, bytes, buffer. */
act_fn read_act, write_act;

/* act() of something that writes into a pipe. */
int64_t act_into(struct run *run, unsigned by, unsigned pipe, act_fn *fn, const uint64_t *arg);

/* --- syscall_files.c -------------------------------------------------------------------------- */

/* What was cut off is zeroes if the file becomes longer again. */
void file_resize(uint8_t file, uint32_t size);

#endif
