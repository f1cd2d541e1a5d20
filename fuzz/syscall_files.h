/*
 * syscall_files.h -- subject syscall: the model of files, pipes and descriptors, which
 * syscall_files.c (what descriptors stand for) and syscall_contents.c share.
 */
#ifndef FUZZ_SYSCALL_FILES_H
#define FUZZ_SYSCALL_FILES_H

#include "fuzz/syscall_subject.h"

enum {
	OPEN_MAX = 64,
	NODES_MAX = 96,
	NAMED_MOST = 20, /* no more are made, */
	PIPES_MAX = 32,
	PIPE_PIECES = 16,
	OWNERS = ACTORS + OPEN_MAX, /* of locks: groups, and open files */
	PATHS = PATH_CODES / 2,     /* that there are */
	ROOT = 0,                   /* the root's node */
	TEXT_BYTES = 256,           /* more than a path of a folder takes */
	NONE = 0xff,
};
enum open_kind { OPEN_NOTHING, OPEN_FILE, OPEN_PIPE, OPEN_FOLDER };
enum model_kind { NODE_NONE, NODE_FILE, NODE_FOLDER, NODE_FIFO, NODE_LINK };

/* Something in the tree, or that was.  Locks are on bytes: bit n is byte n, the last one stands for
 * all from there on. */
struct model_node {
	uint8_t kind;
	uint8_t up;           /* of a folder: the one that it is or was in */
	uint8_t entry[NAMES]; /* of a folder: nodes, or NONE */
	uint8_t pipe;         /* of a fifo, while it is open; or NONE */
	uint8_t path;         /* a link's text, by its code */
	uint8_t there;        /* of a file: pages that were written to, by bits */
	uint32_t links;       /* names; of a folder 1, while it has one */
	uint32_t holds;       /* open files, groups that are there, folders below */
	uint64_t size;        /* of a file; behind FILE_BYTES are zeroes */
	uint32_t reads[OWNERS], writes[OWNERS], came[OWNERS];
	uint32_t arrivals;       /* owners that have come */
	uint8_t whole[OPEN_MAX]; /* flock: LOCK_SH, LOCK_EX or 0 */
	uint8_t bytes[FILE_BYTES];
};

struct files_model {
	uint8_t fd[ACTORS][DESCRIPTORS]; /* which open file, or NONE */
	uint8_t exec[ACTORS];            /* bits: descriptors that execve closes */
	uint8_t cwd[ACTORS];             /* where the group is */
	struct {
		uint8_t kind, of; /* which node or pipe */
		uint8_t node;     /* or NONE: a pipe's that has no name */
		uint32_t holders, flags;
		uint64_t offset;
	} open[OPEN_MAX];
	struct model_node node[NODES_MAX];
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

/* The same for newer operations, where all but DESCRIPTORS mean one that is open; `named`: not a
 * pipe without a name, if there is another. */
uint8_t open_near(const struct script_op *op, unsigned by, bool named, unsigned *fd);

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

/* Bytes of a file that an operation writes. */
uint8_t file_byte(uint32_t seed, uint64_t n);

/* Whether so much from there on ends behind the last place there is. */
static inline bool too_far(uint64_t at, uint64_t bytes)
{
	return bytes > (uint64_t)INT64_MAX - at;
}

/* What reading or writing so much there comes to, and what it changes. */
uint64_t file_reads(uint8_t node, uint64_t at, uint64_t bytes, uint8_t *to);
void file_writes(uint8_t node, uint64_t at, const uint8_t *from, uint64_t bytes);

/* What was cut off is zeroes if the file becomes longer again. */
void file_resize(uint8_t node, uint64_t size);

/* Whether a write there stays within what the model keeps. */
bool fits(uint8_t n, uint64_t at, uint64_t bytes);

/* Calls that fail leave the offset where it was. */
void judge_offset(struct run *run, unsigned by, unsigned fd, uint8_t n);

/* --- syscall_files.c -------------------------------------------------------------------------- */

/* openat of a path: what it should answer, as descriptors of the group are. */
int64_t open_meant(struct run *run, unsigned group, unsigned path, uint32_t flags);

/* A descriptor's copy of an open file. */
void copy_fd(unsigned group, int64_t fd, uint8_t n, bool exec);

/* What execve will do with a descriptor. */
void judge_flag(struct run *run, unsigned by, int64_t fd);

/* --- syscall_pipes.c again ------------------------------------------------------------------- */

unsigned pipe_new(void); /* nobody has it open */

/* --- syscall_tree.c --------------------------------------------------------------------------- */

/* A path that an operation names, in 8 bytes, and how many it has. */
uint64_t path_text(unsigned path);
size_t text_length(unsigned path);

/* The path that an operation means: below PATHS that one; from there on the next that leads to
 * something that has a name, or (`there` false) to a name that is free. */
unsigned path_near(unsigned group, unsigned code, bool there);

/* Where it leads: `node` NONE: there is no such last name in `folder`. */
struct walked {
	uint8_t folder, node, name;
	bool dots; /* the last name is none: ".." */
	uint32_t links;
};
int tree_walk(struct run *run, unsigned group, unsigned path, bool follow, struct walked *w);

/* To something that is there; to a name that is free. */
int walk_to(struct run *run, unsigned group, unsigned path, bool follow, uint8_t *node);
int walk_free(struct run *run, unsigned group, unsigned path, struct walked *w);

uint8_t node_new(enum model_kind kind);
void node_enter(const struct walked *w, uint8_t node); /* under that name */
void node_leave(uint8_t folder, unsigned name);        /* it has that name no more */
void node_let_go(uint8_t node);                        /* one hold less */
bool is_kind(uint8_t node, enum model_kind kind);
void folder_moves(uint8_t node, uint8_t up); /* it is below that one from now on */
bool folder_dead(uint8_t node);
bool folder_empty(uint8_t node);
bool tree_crowded(void);
void cwd_forked(unsigned from, unsigned to);
void cwd_gone(unsigned group);

/* A folder's path, with its end, to TEXT_BYTES bytes; how long it is, or an error. */
int64_t path_of(uint8_t node, char *to);

/* --- syscall_locks.c -------------------------------------------------------------------------- */

void locks_end(uint8_t node, unsigned owner);
void locks_of_open_end(uint8_t node, uint8_t open);

#endif
