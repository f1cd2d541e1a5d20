/*
 * fifo.c -- pipes that have a name in the tree.
 *
 * The node leads to its pipe while anybody has it open; the first who opens it makes the pipe, and
 * with the last who closes it what is in it is lost.  Who opens one end waits until somebody opens
 * the other, unless both are open already, or it opens both itself, or must not wait: a reader then
 * has it at once, a writer is refused.  What is waited for is that somebody comes, not that anybody
 * is there: who came and has gone again counts, as in Linux (fs/pipe.c, fifo_open).
 *
 * A reader that did not wait is not told of an end (POLLHUP) before there was a writer: `offset` of
 * its file, which a stream has no other use for, is how many had come when it was opened and none
 * was there.
 *
 * Always true: a node's pipe has holders; what the node leads to is taken from it, under the tree's
 * lock, by whoever ends the last hold.
 *
 * Locks: the tree's for the way from the node; the pipe's outside of it.  Cost: a kmalloc for the
 * first, none for others but their file's.
 */
#include "kernel/answer.h"
#include "kernel/file/pipe_inside.h"
#include "kernel/file/tree_inside.h"

/* --- from the node to its pipe ---------------------------------------------------------------- */

static struct pipe *fifo_hold_locked(struct node *n) REQUIRES(&n->tree->lock)
{
	struct pipe *p = n->object;

	if (p != NULL) p->holders++;
	return p;
}

/* Held; NULL without memory. */
static struct pipe *fifo_hold(struct node *n)
{
	mach_irq_t was = lock_take(&n->tree->lock);
	struct pipe *p = fifo_hold_locked(n);
	lock_drop(&n->tree->lock, was);
	if (p != NULL) return p;
	struct pipe *fresh = pipe_make(n->tree->config.files);
	if (fresh == NULL) return NULL;
	fresh->node = n;
	was = lock_take(&n->tree->lock);
	p = fifo_hold_locked(n);
	if (p == NULL) n->object = fresh;
	lock_drop(&n->tree->lock, was);
	if (p == NULL) return fresh;
	pipe_free(fresh); /* somebody was faster */
	return p;
}

void fifo_release(struct pipe *p)
{
	struct node *n = p->node;
	const mach_irq_t was = lock_take(&n->tree->lock);

	ASSERT(p->holders != 0 && n->object == p);
	const bool last = --p->holders == 0;
	if (last) n->object = NULL;
	lock_drop(&n->tree->lock, was);
	if (last) pipe_free(p);
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Who opens it, and how. */
struct fifo_opener {
	struct pipe *p;
	bool reader, writer, waits;
};

/* Until one of those has come who were not there when the caller looked; 0 or RESTART_SYS. */
static int fifo_await_locked(struct pipe *p, unsigned who) REQUIRES(&p->queue.lock)
{
	const uint32_t before = p->came[who];
	enum wait_result result = WAIT_WOKEN;

	while (p->came[who] == before && result == WAIT_WOKEN)
		result = wait_sleep_heeding(p->world->sched, &p->queue, WAIT_FOREVER);
	return p->came[who] == before ? RESTART_SYS : 0;
}

/* The caller has its end, or ends; *before: how many writers had come and gone, or 0: some are
 * there.  Or an error, and then it is not there. */
static int fifo_enter(const struct fifo_opener *o, uint32_t *before)
{
	struct pipe *p = o->p;
	int error = 0;

	const mach_irq_t was = wait_enter(&p->queue);
	*before = p->writers == 0 ? p->came[PIPE_WRITER] : 0;
	if (o->writer && !o->reader && !o->waits && p->readers == 0) error = -ERR_NXIO;
	if (error == 0) {
		p->readers += o->reader;
		p->writers += o->writer;
		p->came[PIPE_READER] += o->reader;
		p->came[PIPE_WRITER] += o->writer;
		pipe_tell_locked(p);
		if (!o->writer && o->waits && p->writers == 0)
			error = fifo_await_locked(p, PIPE_WRITER);
		else if (!o->reader && o->waits && p->readers == 0)
			error = fifo_await_locked(p, PIPE_READER);
		if (error != 0) {
			p->readers -= o->reader;
			p->writers -= o->writer;
			pipe_tell_locked(p);
		}
	}
	wait_leave(&p->queue, was);
	return error;
}

struct file *fifo_open(struct node *n, uint32_t flags, int *error)
{
	const uint32_t mode = flags & O_ACCMODE;
	const bool waits = (flags & O_NONBLOCK) == 0;
	uint32_t before;

	*error = -ERR_INVAL;
	if (mode == O_ACCMODE) return NULL;
	*error = -ERR_NOMEM;
	const struct fifo_opener o = { fifo_hold(n), mode != O_WRONLY, mode != O_RDONLY, waits };
	if (o.p == NULL) return NULL;
	*error = fifo_enter(&o, &before);
	if (*error != 0) {
		fifo_release(o.p);
		return NULL;
	}
	struct file *f = file_create(o.p->world, &fifo_ops, flags, n, o.p, error);
	if (f == NULL)
		pipe_leave(o.p, o.reader, o.writer);
	else if (!waits)
		f->offset = before;
	return f;
}
