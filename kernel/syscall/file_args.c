/*
 * file_args.c -- descriptors, paths and vectors from a program's arguments.
 *
 * Everything is read from the program's memory once, into the kernel's, before anything is looked
 * at: another of its threads may be writing there.
 *
 * Locks: the task world's for the moment in which the current folder is held.
 */
#include "kernel/syscall/file_args.h"

struct file *file_arg_real(struct task *t, uint64_t fd)
{
	struct file *f = file_arg(t, fd);

	if (f == NULL || (atomic_load_u32(&f->flags) & O_PATH) == 0) return f;
	file_drop(f);
	return NULL;
}

/* --- paths ------------------------------------------------------------------------------------ */

int at_open(struct at *a, struct task *t, uint64_t fd, uint64_t path, bool empty)
{
	const int64_t bytes = user_string_in(space_of(t), a->path, path, sizeof a->path);

	if (bytes < 0) return (int)bytes;
	if (bytes == 0 && !empty) return -ERR_NOENT;
	a->file = NULL;
	if ((int32_t)fd == AT_FDCWD || a->path[0] == '/') {
		task_view(t, &a->view);
		return 0;
	}
	a->file = file_arg(t, fd);
	if (a->file == NULL) return -ERR_BADF;
	task_view(t, &a->view);
	if (a->view.cwd != NULL) node_drop(a->view.cwd);
	a->view.cwd = a->file->node == NULL ? NULL : node_hold(a->file->node);
	if (a->file->node != NULL || bytes == 0) return 0;
	at_close(a);
	return -ERR_NOTDIR;
}

void at_close(struct at *a)
{
	task_view_drop(&a->view);
	if (a->file != NULL) file_drop(a->file);
}

int at_node(struct task *t, uint64_t fd, uint64_t path, uint32_t find, struct node **out)
{
	struct at a;
	int error = at_open(&a, t, fd, path, (find & FIND_EMPTY) != 0);

	if (error != 0) return error;
	/* A file in no tree has no node that could be meant. */
	const bool nowhere = a.path[0] == 0 && a.file != NULL && a.file->node == NULL;
	error = nowhere ? -ERR_BADF : tree_node(&a.view, a.path, find, out);
	at_close(&a);
	return error;
}

/* --- vectors ---------------------------------------------------------------------------------- */

/* All lengths are ones, addresses users'; what is more than one call moves is cut off. */
static int vector_check(struct io_piece *pieces, uint32_t count)
{
	uint64_t left = RW_COUNT_MAX;

	for (uint32_t i = 0; i < count; i++)
		if (pieces[i].bytes > INT64_MAX) return -ERR_INVAL;
	for (uint32_t i = 0; i < count; i++) {
		if (!is_users(pieces[i].at, pieces[i].bytes)) return -ERR_FAULT;
		pieces[i].bytes = min_u64(pieces[i].bytes, left);
		left -= pieces[i].bytes;
	}
	return 0;
}

_Static_assert(sizeof(struct io_piece) == sizeof(struct abi_iovec), "an iovec is read as it is");

int vector_open(struct vector *v, struct task *t, uint64_t at, uint64_t count)
{
	struct io_piece *pieces = v->here;

	v->more = NULL;
	v->memory = t->group->world->config.memory;
	if (count > IO_PIECES_MAX) return -ERR_INVAL;
	const size_t bytes = count * sizeof *pieces;
	if (count > PIECES_HERE) {
		v->more = pieces = kmalloc_alloc(v->memory, bytes, 0, SITE_NONE);
		if (pieces == NULL) return -ERR_NOMEM;
	}
	int error = bytes == 0 ? 0 : from_user(t, pieces, at, bytes);
	if (error == 0) error = vector_check(pieces, (uint32_t)count);
	if (error == 0)
		io_open(&v->io, space_of(t), pieces, (uint32_t)count);
	else
		vector_close(v);
	return error;
}

void vector_close(struct vector *v)
{
	const enum kmalloc_verdict verdict = kmalloc_free(v->memory, v->more);

	ASSERT(verdict == KMALLOC_FREED || verdict == KMALLOC_NOTHING);
}
