/*
 * file_lock.h -- locks on files, which keep out nobody but those who ask for them too.
 *
 * Two kinds that know nothing of each other: flock's, one for an open file, on the whole; and
 * records (fcntl), on ranges of bytes, which belong to a table of descriptors, as threads of one
 * process share it, or to an open file.  Whoever owns a record may change it as it likes; others
 * may read together, or one writes.
 *
 * A file in no tree (a pipe without a name) has no place for locks: asking is heeded, and keeps
 * nobody out.
 */
#ifndef KERNEL_FILE_FILE_LOCK_H
#define KERNEL_FILE_FILE_LOCK_H

#include "kernel/file/tree.h"

struct file_lock {
	const void *owner;   /* a struct file or a struct file_table, told apart by address alone */
	int32_t pid;         /* whose it is, for who asks: -1: an open file's */
	bool whole;          /* flock's: of all of it */
	bool by_process;     /* a record of a process: those who wait for each other are refused */
	uint8_t type;        /* F_RDLCK, F_WRLCK, F_UNLCK */
	uint64_t start, end; /* its first and its last byte; INT64_MAX: and all behind */
};

void file_locks_init(struct file_locks *all);

/* Makes it so, if need be after waiting: 0, -ERR_AGAIN: somebody is in the way; -ERR_DEADLK: who is
 * waits for the caller; -ERR_NOMEM, -ERR_NOLCK; RESTART_SYS.  flock's lock of another type is given
 * up first. */
int file_lock_set(struct file *f, const struct file_lock *want, bool waits);

/* The first record that is in the way of one, if any. */
bool file_lock_find(struct file *f, const struct file_lock *want, struct file_lock *other);

/* All that `owner` has on that file is given up.  Cheap where nobody has any. */
void file_locks_end(struct file *f, const void *owner);

#endif
