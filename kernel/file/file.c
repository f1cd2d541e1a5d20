/*
 * file.c -- open files: made, shared, given back; reading and writing as the calls have it.
 *
 * A file that has a place is read and written at its offset by one thread at a time (`turn`), so
 * that two that share it never get the same bytes, nor write over each other's; who gives a place
 * of its own takes no turn.  Streams have none: their own lock orders them.
 *
 * Always true: a file is given back when its last reference is dropped, and then once; `files` of
 * the world is how many there are.
 *
 * Locks: turn is a mutex, held while the file's operation works; operations take locks inside of
 * it.  Cost: create and the last drop one kmalloc each; reading at the offset two mutex calls.
 */
#include "kernel/file/file.h"

#include "kernel/abi.h"
#include "kernel/file/file_lock.h"

struct file *file_create(struct file_world *w, const struct file_ops *ops, uint32_t flags,
			 struct node *node, void *object, int *error)
{
	*error = -ERR_NFILE;
	if (atomic_fetch_add_u32(&w->files, 1) >= w->most) goto refused;
	struct file *f = kmalloc_alloc(w->memory, sizeof *f, KM_ZERO, SITE_NONE);
	*error = -ERR_NOMEM;
	if (f == NULL) goto refused;
	f->ops = ops;
	f->world = w;
	f->refs = 1;
	f->flags = flags;
	if (ops->has_place) mutex_init(&f->turn);
	f->node = node == NULL ? NULL : node_hold(node);
	f->object = object;
	*error = 0;
	return f;
refused:
	atomic_fetch_add_u32(&w->files, UINT32_MAX);
	return NULL;
}

struct file *file_hold(struct file *f)
{
	const uint32_t was = atomic_fetch_add_u32(&f->refs, 1);

	ASSERT(was != 0 && was != UINT32_MAX);
	return f;
}

void file_drop(struct file *f)
{
	struct file_world *w = f->world;
	const uint32_t was = atomic_fetch_add_u32(&f->refs, UINT32_MAX);

	ASSERT(was != 0);
	if (was != 1) return;
	file_locks_end(f, f);
	if (f->ops->close != NULL) f->ops->close(f);
	if (f->node != NULL) node_drop(f->node);
	const enum kmalloc_verdict v = kmalloc_free(w->memory, f);
	ASSERT(v == KMALLOC_FREED);
	atomic_fetch_add_u32(&w->files, UINT32_MAX);
}

bool file_turn_take(struct file_world *w, struct mutex *turn)
{
	return w->sched == NULL || mutex_lock(w->sched, turn, WAIT_FOREVER) == WAIT_WOKEN;
}

void file_turn_end(struct file_world *w, struct mutex *turn)
{
	if (w->sched != NULL) mutex_unlock(w->sched, turn);
}

/* --- reading and writing -------------------------------------------------------------------- */

typedef int64_t file_move(struct file *f, struct io *io, uint64_t *at);

/* Nothing is asked for, or told, that ends behind the last place there is. */
static int64_t file_move_at(struct file *f, file_move *move, struct io *io, uint64_t *at)
{
	const uint64_t most = INT64_MAX;

	return *at > most || io->left > most - *at ? -ERR_INVAL : move(f, io, at);
}

/* At the file's own offset, in turn. */
static int64_t file_in_turn(struct file *f, file_move *move, struct io *io)
{
	if (!file_turn_take(f->world, &f->turn)) return -ERR_INTR;
	const int64_t answer = file_move_at(f, move, io, &f->offset);
	file_turn_end(f->world, &f->turn);
	return answer;
}

static int64_t file_do(struct file *f, file_move *move, struct io *io, uint64_t *at)
{
	uint64_t nowhere = 0;

	if (at != NULL && !f->ops->has_place) return -ERR_SPIPE;
	if (move == NULL) return -ERR_INVAL;
	if (at != NULL) return file_move_at(f, move, io, at);
	return f->ops->has_place ? file_in_turn(f, move, io) : move(f, io, &nowhere);
}

int64_t file_read(struct file *f, struct io *to, uint64_t *at)
{
	if (!file_may_read(f)) return -ERR_BADF;
	return file_do(f, f->ops->read, to, at);
}

int64_t file_write(struct file *f, struct io *from, uint64_t *at)
{
	if (!file_may_write(f)) return -ERR_BADF;
	return file_do(f, f->ops->write, from, at);
}

int64_t file_seek_plain(struct file *f, int64_t offset, unsigned whence)
{
	int64_t from = 0, to;

	if (whence == WHENCE_CUR) from = (int64_t)f->offset;
	if (whence == WHENCE_END && f->node != NULL) from = (int64_t)node_size(f->node);
	if (whence > WHENCE_END) return -ERR_INVAL;
	if (__builtin_add_overflow(from, offset, &to) || to < 0) return -ERR_INVAL;
	return to;
}

int64_t file_seek(struct file *f, int64_t offset, unsigned whence)
{
	if (!f->ops->has_place) return -ERR_SPIPE;
	if (!file_turn_take(f->world, &f->turn)) return -ERR_INTR;
	const int64_t to = f->ops->seek != NULL ? f->ops->seek(f, offset, whence)
						: file_seek_plain(f, offset, whence);
	if (to >= 0) f->offset = (uint64_t)to;
	file_turn_end(f->world, &f->turn);
	return to;
}
