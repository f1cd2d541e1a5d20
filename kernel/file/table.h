/*
 * table.h -- descriptors: small numbers that a group of threads has for open files.
 *
 * A table is shared by the threads of a group (and by who asks for CLONE_FILES), copied by fork,
 * and given back with its last holder, which closes what is left.  It grows by need, up to the
 * limit that each call that adds is told (RLIMIT_NOFILE).
 *
 * A descriptor is free, taken (a call is about to put a file there: others find it closed), or a
 * file.  What a call looked up stays open while it works, though another thread may close the
 * descriptor meanwhile.
 *
 * From threads; the calls that close drop files, so nothing is held.
 */
#ifndef KERNEL_FILE_TABLE_H
#define KERNEL_FILE_TABLE_H

#include "kernel/file/file.h"

enum { TABLE_DESCRIPTORS_MAX = 1 << 20 }; /* Linux's fs.nr_open */

struct file_table;

/* An empty one, held once; NULL without memory. */
struct file_table *file_table_create(struct kmalloc *memory);
struct file_table *file_table_hold(struct file_table *t);
void file_table_drop(struct file_table *t);

/* The same files under the same descriptors, held once; NULL without memory. */
struct file_table *file_table_clone(struct file_table *t);

/* Whether nobody but the caller's group holds it. */
bool file_table_is_own(const struct file_table *t);

/* What execve does: closes those that are to be closed then. */
void file_table_exec(struct file_table *t);

/* Held; NULL: no such descriptor. */
struct file *file_table_get(struct file_table *t, int64_t fd);

/* The lowest free descriptor from `from` on, taken; -ERR_MFILE: none below `limit`; -ERR_NOMEM.
 * Then a file under it, whose reference becomes the table's; or it is free again. */
int file_table_take(struct file_table *t, uint64_t from, uint64_t limit, bool close_on_exec);
void file_table_put(struct file_table *t, int fd, struct file *f);
void file_table_give_back(struct file_table *t, int fd);

/* Both at once; the reference stays the caller's where it failed. */
int file_table_add(struct file_table *t, struct file *f, uint64_t from, uint64_t limit,
		   bool close_on_exec);

/* Puts `f` under `fd`, whatever was there (which is closed); its reference becomes the table's.
 * -ERR_BADF: not below the limit; -ERR_BUSY: it is taken; -ERR_NOMEM: then nothing changed. */
int file_table_replace(struct file_table *t, int64_t fd, struct file *f, uint64_t limit,
		       bool close_on_exec);

/* 0 or -ERR_BADF. */
int file_table_close(struct file_table *t, int64_t fd);

/* Closes all in [first, last], or marks them to be closed by execve. */
void file_table_close_range(struct file_table *t, uint32_t first, uint32_t last, bool mark_only);

/* 1: closed by execve; 0: not; -ERR_BADF. */
int file_table_flag(struct file_table *t, int64_t fd);
int file_table_set_flag(struct file_table *t, int64_t fd, bool close_on_exec);

/* The lowest descriptor from `from` on that is a file, or -1; for /proc and who counts. */
int file_table_next(struct file_table *t, uint32_t from);

/* NULL, or what is wrong. */
const char *file_table_check(struct file_table *t);

#endif
