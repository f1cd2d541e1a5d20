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

struct file;
struct poller;     /* kernel/file/poll.h */
struct file_stat;  /* kernel/abi.h: Linux's struct stat */
struct file_names; /* one getdents64 under way */

struct file_ops {
	/* At *at, which is moved, for what has a place; else `at` is to be left alone.
	 * Bytes, or an error; fewer than asked for as Linux has it.  May sleep, unless the file is
	 * O_NONBLOCK; a signal ends that with -ERR_INTR and nothing done. */
	int64_t (*read)(struct file *f, struct io *to, uint64_t *at);
	int64_t (*write)(struct file *f, struct io *from, uint64_t *at);
	int64_t (*seek)(struct file *f, int64_t offset, unsigned whence);
	int (*stat)(struct file *f, struct file_stat *out);
	int64_t (*names)(struct file *f, struct file_names *out);
	/* ioctl: `arg` may be an address in `space`, the caller's. */
	int64_t (*control)(struct file *f, struct space *space, uint32_t request, uint64_t arg);
	int (*truncate)(struct file *f, uint64_t bytes);
	/* What of POLLIN ... is so now; a poller (not NULL) hears of changes from then on. */
	uint32_t (*poll)(struct file *f, struct poller *who);
	/* For mmap: held once for the caller; NULL and *error else. */
	struct backing *(*map)(struct file *f, bool shared, int *error);
	void (*close)(struct file *f); /* the last holder is gone: gives back what it has */
};

struct file {
	const struct file_ops *ops;
	uint32_t refs;    /* atomic */
	uint32_t flags;   /* atomic: O_ACCMODE, O_APPEND, O_NONBLOCK, ... */
	struct lock lock; /* RANK_FILE */
	uint64_t offset GUARDED_BY(&lock);
	void *object; /* the kind's */
};

struct file *file_hold(struct file *f);
void file_drop(struct file *f);

#endif
