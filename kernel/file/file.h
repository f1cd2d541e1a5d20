/*
 * file.h -- an open file: what read() and write() go to, whatever it is (a file of the tree, a
 * pipe, the console, something generated).
 *
 * A struct file is Linux's open file description: descriptors of several processes may share it,
 * and then share its offset.  Each kind has its operations; an operation that is NULL answers what
 * Linux answers where it makes no sense.
 *
 * Data goes between a file and a struct io, which is a list of pieces of a user's memory (or of
 * the kernel's), so that a file never sees who calls.
 */
#ifndef KERNEL_FILE_FILE_H
#define KERNEL_FILE_FILE_H

#include "kernel/file/io.h"
#include "machine/lock.h"
#include "mm/backing.h"
#include "sched/mutex.h"

struct file;
struct node;       /* kernel/file/tree.h */
struct poller;     /* kernel/file/poll.h */
struct file_stat;  /* kernel/abi.h: Linux's struct stat */
struct file_names; /* kernel/file/names.h: one getdents64 under way */

struct file_ops {
	/* At *at, which is moved, for what has a place; else `at` is to be left alone.
	 * Bytes, or an error; fewer than asked for as Linux has it.  May sleep, unless the file is
	 * O_NONBLOCK; a signal ends that with -ERR_INTR and nothing done. */
	int64_t (*read)(struct file *f, struct io *to, uint64_t *at);
	int64_t (*write)(struct file *f, struct io *from, uint64_t *at);
	int64_t (*seek)(struct file *f, int64_t offset, unsigned whence);
	int (*stat)(struct file *f, struct file_stat *out); /* NULL: the node's */
	int64_t (*names)(struct file *f, struct file_names *out);
	/* ioctl: `arg` may be an address in `space`, the caller's. */
	int64_t (*control)(struct file *f, struct space *space, uint32_t request, uint64_t arg);
	int (*truncate)(struct file *f, uint64_t bytes);
	/* What of POLLIN ... is so now; a poller (not NULL) hears of changes from then on.  NULL:
	 * always ready to be read and written. */
	uint32_t (*poll)(struct file *f, struct poller *who);
	/* For mmap: held once for the caller; NULL and *error else. */
	struct backing *(*map)(struct file *f, bool shared, int *error);
	void (*close)(struct file *f); /* the last holder is gone: gives back what it has */
	bool has_place;                /* it has an offset: what reads and writes use in turn */
};

/* What all open files of a kernel stand on. */
struct file_world {
	struct kmalloc *memory;
	struct sched *sched; /* NULL: there is but one thread, and nobody to wait for */
	struct vm *vm;
	uint64_t (*wall_ns)(void *arg); /* CLOCK_REALTIME; NULL: always 0 */
	/* What nobody can foretell; NULL: there is no /dev/random. */
	void (*random)(void *arg, void *to, size_t bytes);
	void *arg;
	uint32_t most;  /* how many there may be; then -ERR_NFILE */
	uint32_t files; /* atomic: how many there are */
};

struct file {
	const struct file_ops *ops;
	struct file_world *world;
	uint32_t refs;     /* atomic */
	uint32_t flags;    /* atomic: O_ACCMODE, O_APPEND, O_NONBLOCK, ... */
	struct mutex turn; /* who reads or writes at `offset`, where ops->has_place */
	uint64_t offset;   /* by turn */
	struct node *node; /* held, or NULL: it is in no tree */
	void *object;      /* the kind's */
};

/* Held once.  `node`, when not NULL, is held by the file once it exists.  NULL and *error: no
 * memory, or too many. */
struct file *file_create(struct file_world *w, const struct file_ops *ops, uint32_t flags,
			 struct node *node, void *object, int *error);
struct file *file_hold(struct file *f);
void file_drop(struct file *f); /* from a thread, nothing held */

/* As the calls do it: whether it was opened for that, and at its own offset (`at` NULL) or at that
 * one.  -ERR_BADF, -ERR_SPIPE, -ERR_INVAL, or what the file answers. */
int64_t file_read(struct file *f, struct io *to, uint64_t *at);
int64_t file_write(struct file *f, struct io *from, uint64_t *at);
int64_t file_seek(struct file *f, int64_t offset, unsigned whence);

/* Where `offset` leads to from the start, from here, or from the end; for file_ops.seek. */
int64_t file_seek_plain(struct file *f, int64_t offset, unsigned whence);

/* Turns at what several threads may want to use: a file's offset, a node's contents.  False: the
 * caller was asked to end while it waited. */
bool file_turn_take(struct file_world *w, struct mutex *turn);
void file_turn_end(struct file_world *w, struct mutex *turn);

static inline bool file_may_read(const struct file *f)
{
	return (atomic_load_u32(&f->flags) & 1) == 0; /* O_RDONLY, O_RDWR */
}

static inline bool file_may_write(const struct file *f)
{
	const uint32_t mode = atomic_load_u32(&f->flags) & 3;

	return mode == 1 || mode == 2; /* O_WRONLY, O_RDWR */
}

#endif
