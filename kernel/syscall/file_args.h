/*
 * file_args.h -- what the calls on files have in common: descriptors, paths and vectors from a
 * program's arguments.
 */
#ifndef KERNEL_SYSCALL_FILE_ARGS_H
#define KERNEL_SYSCALL_FILE_ARGS_H

#include "kernel/file/rights.h"
#include "kernel/file/table.h"
#include "kernel/file/tree.h"
#include "kernel/syscall/user.h"
#include "kernel/task/files.h"
#include "kernel/task/look.h"

static inline struct file_tree *tree_of(const struct task *t)
{
	return config_of(t)->tree;
}

/* CLOCK_REALTIME, as files' times have it. */
static inline uint64_t wall_of(const struct task *t)
{
	const struct task_machine *m = &config_of(t)->machine;

	return m->wall_ns == NULL ? 0 : m->wall_ns(m->arg);
}

/* The open file of a descriptor, held; NULL: -ERR_BADF. */
static inline struct file *file_arg(struct task *t, uint64_t fd)
{
	return file_table_get(task_files(t), (int32_t)fd);
}

/* The same, but not one that was opened with O_PATH. */
struct file *file_arg_real(struct task *t, uint64_t fd);

/* The caller changes the contents of `n`: who runs that is no more than who it is. */
static inline void lend_no_more(const struct task *t, struct node *n)
{
	const uint32_t mode = atomic_load_u32(&n->mode);

	if (LIKELY((mode & (S_ISUID | S_ISGID)) == 0)) return;
	const struct ids who = task_ids(t);
	const uint32_t lent = node_lent_by_writer(n, &who);
	if (lent != 0) node_clear_mode(n, lent);
}

/* How many descriptors the caller may have. */
static inline uint64_t descriptors_most(const struct task *t)
{
	return t->group->limits[RLIMIT_NOFILE].soft;
}

/* --- paths ------------------------------------------------------------------------------------ */

/* A path, and from where it counts. */
struct at {
	struct view view;
	struct file *file; /* of the descriptor that was given, held, or NULL */
	char path[PATH_BYTES];
};

/* The path at `path` in the caller's memory, relative to `fd` (AT_FDCWD: where the caller is).
 * `empty`: "" is no error.  0, or -ERR_FAULT, -ERR_NAMETOOLONG, -ERR_NOENT, -ERR_BADF; then there
 * is nothing to close. */
int at_open(struct at *a, struct task *t, uint64_t fd, uint64_t path, bool empty);
void at_close(struct at *a);

/* at_open(), tree_find(), and both closed again: the node, held. */
int at_node(struct task *t, uint64_t fd, uint64_t path, uint32_t find, struct node **out);

/* --- what a file says of itself --------------------------------------------------------------- */

enum {
	AT_STATX_SYNC = 0x6000,
	STAT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC,
};

/* What struct stat has no place for. */
struct stat_more {
	bool in_memory, mount_root;
	uint64_t born_ns;
};

/* Of a path or, where that is "" and may be, of the descriptor. */
int stat_at(struct task *t, uint64_t fd, uint64_t path, uint32_t flags, struct file_stat *out,
	    struct stat_more *more);

/* --- vectors ---------------------------------------------------------------------------------- */

/* Whether [at, at + bytes) is a user's: Linux's access_ok(). */
static inline bool is_users(uint64_t at, uint64_t bytes)
{
	return bytes <= USER_END && at <= USER_END - bytes;
}

enum { PIECES_HERE = 8 };

/* The pieces of an iovec, and an io over them. */
struct vector {
	struct io io;
	struct io_piece here[PIECES_HERE];
	struct io_piece *more; /* memory for more than these, or NULL */
	struct kmalloc *memory;
};

/* 0, or -ERR_INVAL, -ERR_FAULT, -ERR_NOMEM; then there is nothing to close. */
int vector_open(struct vector *v, struct task *t, uint64_t at, uint64_t count);
void vector_close(struct vector *v);

#endif
