/*
 * pipe.c -- pipes.
 *
 * The buffer is Linux's: up to PIPE_PAGES pieces, each in a page of its own.  A write begins with
 * what it has over whole pages, behind the last piece if that has room for all of it, and puts
 * the rest into pieces of their own; a piece is there until its last byte is read.  So how much a
 * pipe takes depends on how it was written, as programs know it: 16 single bytes that were written
 * one by one fit behind each other, and 16 writes of 3,000 fill it.
 *
 * The page that was emptied last is kept for the next piece, so a ball that goes to and fro takes
 * no memory.
 *
 * Bytes are copied between pieces and users' memory with the pipe's lock held, a page at most at
 * a time; between two such pieces a long transfer lets others in.  What is to be atomic stays
 * within one hold: PIPE_ATOMIC bytes, which is a page.
 *
 * Who waits is told only of what it can have waited for: readers of the first bytes in an empty
 * pipe, writers of the first piece that is free in a full one.
 *
 * The queue is one for readers and writers: a reader waits only where there is nothing to read, a
 * writer only where no piece is free, so a pipe that has either kind waiting for long has not the
 * other.
 *
 * Always true: pieces head to tail - 1, at most PIPE_PAGES, have a page and at least a byte each,
 * and `filled` in all; nobody waits for readers or writers when the last of these has gone.
 *
 * Locks: the pipe's (RANK_MUTEX).  Users' memory is touched under it (RANK_SPACE is inner).
 */
#include "kernel/file/pipe_inside.h"

#include "kernel/answer.h"

static const struct file_ops pipe_ops;

static struct pipe *pipe_of(const struct file *f)
{
	return f->object;
}

bool file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_ops || f->ops == &fifo_ops;
}

/* --- pieces ----------------------------------------------------------------------------------- */

static bool is_empty(const struct pipe *p)
{
	ASSERT((p->filled == 0) == (p->head == p->tail));
	return p->filled == 0;
}

static bool is_full(const struct pipe *p)
{
	ASSERT(p->tail - p->head <= PIPE_PAGES);
	return p->tail - p->head == PIPE_PAGES;
}

static struct pipe_piece *piece_at(struct pipe *p, uint32_t n)
{
	return &p->pieces[n % PIPE_PAGES];
}

static void page_give(struct pipe *p, paddr_t *page)
{
	if (*page == PADDR_NONE) return;
	const enum page_verdict v = page_free(p->world->vm->pages, *page, 0, PAGE_OWNER_KERNEL);
	ASSERT(v == PAGE_FREED);
	*page = PADDR_NONE;
}

/* A page for the next piece, which keeps it while there is none; false without memory. */
static bool piece_begin(struct pipe *p, struct pipe_piece *piece)
{
	piece->page = p->spare;
	p->spare = PADDR_NONE;
	piece->at = piece->bytes = 0;
	if (piece->page == PADDR_NONE)
		piece->page = page_alloc(p->world->vm->pages, 0,
					 PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL), SITE_NONE);
	return piece->page != PADDR_NONE;
}

/* It is empty: its page is kept for another, unless there is one. */
static void piece_end(struct pipe *p, struct pipe_piece *piece)
{
	if (p->spare != PADDR_NONE) page_give(p, &p->spare);
	p->spare = piece->page;
	piece->page = PADDR_NONE;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* From the first piece to `to`; how much.  What cannot all be put there stays. */
static size_t take_piece(struct pipe *p, struct io *to)
{
	struct pipe_piece *first = piece_at(p, p->head);
	const size_t bytes = (size_t)min_u64(first->bytes, to->left);
	const uint8_t *from = (const uint8_t *)mach_phys(first->page) + first->at;

	ASSERT(bytes > 0 && first->at + first->bytes <= PAGE_SIZE);
	if (io_put(to, from, bytes) != bytes) return 0;
	first->at += (uint32_t)bytes;
	first->bytes -= (uint32_t)bytes;
	p->filled -= (uint32_t)bytes;
	if (first->bytes == 0) {
		piece_end(p, first);
		p->head++;
	}
	return bytes;
}

/* Waits until there is something to read; 1, or the answer: 0 is the end. */
static int64_t wait_to_read(struct pipe *p, const struct file *f)
{
	while (is_empty(p)) {
		if (p->writers == 0) return 0;
		if ((atomic_load_u32(&f->flags) & O_NONBLOCK) != 0) return -ERR_AGAIN;
		if (wait_sleep_heeding(p->world->sched, &p->queue, WAIT_FOREVER) != WAIT_WOKEN)
			return RESTART_SYS;
	}
	return 1;
}

void pipe_tell_locked(struct pipe *p)
{
	wait_wake_all(p->world->sched, &p->queue);
	poll_tell_locked(p->world->sched, &p->source);
}

/* All that there is, up to what is asked for. */
static int64_t pipe_read(struct file *f, struct io *to, uint64_t *at)
{
	struct pipe *p = pipe_of(f);
	int64_t done = 0;

	(void)at;
	if (to->left == 0) return 0;
	mach_irq_t was = wait_enter(&p->queue);
	int64_t answer = wait_to_read(p, f);
	while (answer > 0 && !is_empty(p) && to->left > 0) {
		const bool full = is_full(p);
		const size_t moved = take_piece(p, to);
		done += (int64_t)moved;
		if (moved == 0)
			answer = -ERR_FAULT;
		else if (full && !is_full(p))
			pipe_tell_locked(p);
		if (to->left == 0 || is_empty(p) || answer < 0) break;
		wait_leave(&p->queue, was);
		was = wait_enter(&p->queue);
	}
	wait_leave(&p->queue, was);
	return done > 0 ? done : answer;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* `bytes` bytes more, behind what a piece has: how many, or an error, and then there are none. */
static int64_t put_behind(struct pipe *p, struct pipe_piece *piece, struct io *from, size_t bytes)
{
	uint8_t *to = (uint8_t *)mach_phys(piece->page) + piece->at + piece->bytes;

	ASSERT(bytes > 0 && piece->at + piece->bytes + bytes <= PAGE_SIZE);
	if (io_get(from, to, bytes) != bytes) return -ERR_FAULT;
	piece->bytes += (uint32_t)bytes;
	p->filled += (uint32_t)bytes;
	return (int64_t)bytes;
}

/* What comes next, up to a page, in a piece of its own.  One is free. */
static int64_t put_apart(struct pipe *p, struct io *from)
{
	struct pipe_piece *piece = piece_at(p, p->tail);

	ASSERT(!is_full(p));
	if (!piece_begin(p, piece)) return -ERR_NOMEM;
	const int64_t answer = put_behind(p, piece, from, (size_t)min_u64(from->left, PAGE_SIZE));
	if (answer > 0)
		p->tail++;
	else
		piece_end(p, piece);
	return answer;
}

/* Waits until a piece is free; 1, or the answer. */
static int64_t wait_to_write(struct pipe *p, const struct file *f)
{
	while (p->readers > 0 && is_full(p)) {
		if ((atomic_load_u32(&f->flags) & O_NONBLOCK) != 0) return -ERR_AGAIN;
		if (wait_sleep_heeding(p->world->sched, &p->queue, WAIT_FOREVER) != WAIT_WOKEN)
			return RESTART_SYS;
	}
	return p->readers > 0 ? 1 : -ERR_PIPE;
}

/* A write's first bytes, or its next. */
static int64_t put_piece(struct pipe *p, const struct file *f, struct io *from, bool first)
{
	const size_t over = (size_t)(from->left % PAGE_SIZE);
	struct pipe_piece *last = piece_at(p, p->tail - 1);

	if (p->readers == 0) return -ERR_PIPE;
	if (first && over > 0 && !is_empty(p) && last->at + last->bytes + over <= PAGE_SIZE)
		return put_behind(p, last, from, over);
	const int64_t answer = wait_to_write(p, f);
	return answer > 0 ? put_apart(p, from) : answer;
}

/* All of it, unless something ends it before. */
static int64_t pipe_write(struct file *f, struct io *from, uint64_t *at)
{
	struct pipe *p = pipe_of(f);
	int64_t done = 0, answer = 0;

	(void)at;
	while (from->left > 0) {
		const mach_irq_t was = wait_enter(&p->queue);
		answer = put_piece(p, f, from, done == 0);
		/* Was it empty?  Now: while it waited others read. */
		if (answer > 0 && p->filled == (uint64_t)answer) pipe_tell_locked(p);
		wait_leave(&p->queue, was);
		if (answer < 0) break;
		done += answer;
	}
	return done > 0 ? done : answer;
}

/* --- the rest --------------------------------------------------------------------------------- */

static uint32_t pipe_poll(struct file *f, struct poller *who)
{
	struct pipe *p = pipe_of(f);
	uint32_t events = 0;
	const mach_irq_t was = wait_enter(&p->queue);

	poll_watch_locked(who, &p->source);
	if (file_may_read(f)) {
		if (!is_empty(p)) events |= POLLIN | POLLRDNORM;
		if (p->writers == 0 && p->came[PIPE_WRITER] != f->offset) events |= POLLHUP;
	}
	if (file_may_write(f)) {
		if (!is_full(p)) events |= POLLOUT | POLLWRNORM;
		if (p->readers == 0) events |= POLLERR;
	}
	wait_leave(&p->queue, was);
	return events;
}

static int pipe_stat(struct file *f, struct file_stat *out)
{
	(void)f;
	memset(out, 0, sizeof(*out));
	out->mode = S_IFIFO | 0600;
	out->nlink = 1;
	out->blksize = PAGE_SIZE;
	return 0;
}

static int64_t pipe_control(struct file *f, struct space *space, uint32_t request, uint64_t arg)
{
	struct pipe *p = pipe_of(f);

	if (request != FIONREAD) return -ERR_NOTTY;
	const mach_irq_t was = wait_enter(&p->queue);
	const int32_t bytes = (int32_t)p->filled;
	wait_leave(&p->queue, was);
	return user_copy_out(space, arg, &bytes, sizeof(bytes)) == 0 ? 0 : -ERR_FAULT;
}

/* --- making and ending ------------------------------------------------------------------------ */

void pipe_free(struct pipe *p)
{
	for (unsigned i = 0; i < PIPE_PAGES; i++) page_give(p, &p->pieces[i].page);
	page_give(p, &p->spare);
	const enum kmalloc_verdict v = kmalloc_free(p->world->memory, p);
	ASSERT(v == KMALLOC_FREED);
}

void pipe_leave(struct pipe *p, bool reader, bool writer)
{
	const mach_irq_t was = wait_enter(&p->queue);

	ASSERT(p->readers >= reader && p->writers >= writer);
	p->readers -= reader;
	p->writers -= writer;
	pipe_tell_locked(p);
	wait_leave(&p->queue, was);
	if (p->node != NULL)
		fifo_release(p);
	else if (atomic_fetch_add_u32(&p->holders, UINT32_MAX) == 1)
		pipe_free(p);
}

static void pipe_close(struct file *f)
{
	pipe_leave(pipe_of(f), file_may_read(f), file_may_write(f));
}

static const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.stat = pipe_stat,
	.control = pipe_control,
	.close = pipe_close,
};

/* One with a name says of itself what its node does. */
const struct file_ops fifo_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.control = pipe_control,
	.close = pipe_close,
};

struct pipe *pipe_make(struct file_world *w)
{
	struct pipe *p = kmalloc_alloc(w->memory, sizeof(*p), KM_ZERO, SITE_NONE);
	if (p == NULL) return NULL;
	wait_init(&p->queue, RANK_MUTEX);
	poll_source_init(&p->source, &p->queue.lock);
	p->world = w;
	p->holders = 1;
	for (unsigned i = 0; i < PIPE_PAGES; i++) p->pieces[i].page = PADDR_NONE;
	p->spare = PADDR_NONE;
	return p;
}

int pipe_open(struct file_world *w, uint32_t flags, struct file **reader, struct file **writer)
{
	int error = -ERR_NOMEM;
	struct pipe *p = pipe_make(w);
	if (p == NULL) return error;
	p->holders = 2;
	p->readers = p->writers = p->came[PIPE_READER] = p->came[PIPE_WRITER] = 1;
	*reader = file_create(w, &pipe_ops, O_RDONLY | flags, NULL, p, &error);
	if (*reader == NULL) {
		pipe_free(p);
		return error;
	}
	*writer = file_create(w, &pipe_ops, O_WRONLY | flags, NULL, p, &error);
	if (*writer != NULL) return 0;
	p->holders = 1; /* nobody else knows it */
	p->writers = 0;
	file_drop(*reader);
	return error;
}
