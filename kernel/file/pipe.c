/*
 * pipe.c -- pipes.
 *
 * The buffer is a ring of bytes over PIPE_PAGES pages: `head` counts bytes ever read, `tail` bytes
 * ever written, and byte n lies in page n / PAGE_SIZE % PIPE_PAGES.  A page is asked for when the
 * first byte of it is written and goes back when its last is read; so a ball that goes to and fro
 * stays in one page.
 *
 * Bytes are copied between the ring and users' memory with the pipe's lock held, a page at most at
 * a time; between two such pieces a long transfer lets others in.  Only what is to be atomic stays
 * within one hold: PIPE_ATOMIC bytes, which is a page.
 *
 * Who waits is told only of what it can have waited for: readers of the first bytes in an empty
 * ring, writers of room where there was not enough for any of them.
 *
 * The queue is one for readers and writers: a reader waits only where there is nothing to read, a
 * writer only where there is no room for it, so a pipe that has either kind waiting for long has
 * not the other.
 *
 * Always true: 0 <= tail - head <= PIPE_BYTES; a page is there for each byte between them; nobody
 * waits for readers or writers when the last of these has gone.
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

/* --- the ring --------------------------------------------------------------------------------- */

static uint64_t filled(const struct pipe *p)
{
	ASSERT(p->tail - p->head <= PIPE_BYTES);
	return p->tail - p->head;
}

static uint64_t room(const struct pipe *p)
{
	return PIPE_BYTES - filled(p);
}

static paddr_t *page_at(struct pipe *p, uint64_t position)
{
	return &p->pages[position / PAGE_SIZE % PIPE_PAGES];
}

/* Where byte `position` lies; NULL without memory. */
static uint8_t *byte_at(struct pipe *p, uint64_t position)
{
	paddr_t *page = page_at(p, position);
	if (*page == PADDR_NONE)
		*page = page_alloc(p->world->vm->pages, 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL),
				   SITE_NONE);
	if (*page == PADDR_NONE) return NULL;
	return (uint8_t *)mach_phys(*page) + position % PAGE_SIZE;
}

static void page_give(struct pipe *p, paddr_t *page)
{
	if (*page == PADDR_NONE) return;
	const enum page_verdict v = page_free(p->world->vm->pages, *page, 0, PAGE_OWNER_KERNEL);
	ASSERT(v == PAGE_FREED);
	*page = PADDR_NONE;
}

/* `bytes` bytes of one page have been read: where they were its last it goes back, unless the ring
 * is so full that its end lies in the same page again. */
static void consume(struct pipe *p, size_t bytes)
{
	paddr_t *page = page_at(p, p->head);
	p->head += bytes;
	const bool emptied = p->head % PAGE_SIZE == 0 && bytes > 0;
	if (emptied && filled(p) <= PIPE_BYTES - PAGE_SIZE) page_give(p, page);
}

/* How much of `bytes` from `position` on lies in one page. */
static size_t in_page(uint64_t position, uint64_t bytes)
{
	return (size_t)min_u64(bytes, PAGE_SIZE - position % PAGE_SIZE);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* From the ring to `to`, up to the end of a page; how much. */
static size_t take_piece(struct pipe *p, struct io *to)
{
	const size_t bytes = in_page(p->head, min_u64(filled(p), to->left));
	const size_t moved = io_put(to, byte_at(p, p->head), bytes);
	consume(p, moved);
	return moved;
}

/* Waits until there is something to read; 1, or the answer: 0 is the end. */
static int64_t wait_to_read(struct pipe *p, const struct file *f)
{
	while (filled(p) == 0) {
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
	while (answer > 0 && filled(p) > 0 && to->left > 0) {
		const bool scarce = room(p) < PIPE_ATOMIC;
		const size_t moved = take_piece(p, to);
		done += (int64_t)moved;
		if (moved == 0)
			answer = -ERR_FAULT;
		else if (scarce)
			pipe_tell_locked(p);
		if (to->left == 0 || filled(p) == 0 || answer < 0) break;
		wait_leave(&p->queue, was);
		was = wait_enter(&p->queue);
	}
	wait_leave(&p->queue, was);
	return done > 0 ? done : answer;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* From `from` into the ring, `bytes` bytes or, where those are not atomic, up to the end of a page.
 * How much, or an error; then the ring is as before. */
static int64_t put_piece(struct pipe *p, struct io *from, size_t bytes)
{
	size_t moved = 0;
	while (moved < bytes) {
		const uint64_t position = p->tail + moved;
		uint8_t *to = byte_at(p, position);
		if (to == NULL) return -ERR_NOMEM;
		const size_t piece = in_page(position, bytes - moved);
		if (io_get(from, to, piece) != piece) return -ERR_FAULT;
		moved += piece;
	}
	p->tail += moved;
	return (int64_t)moved;
}

/* Waits until `need` bytes fit; 1, or the answer. */
static int64_t wait_to_write(struct pipe *p, const struct file *f, uint64_t need)
{
	while (p->readers > 0 && room(p) < need) {
		if ((atomic_load_u32(&f->flags) & O_NONBLOCK) != 0) return -ERR_AGAIN;
		if (wait_sleep_heeding(p->world->sched, &p->queue, WAIT_FOREVER) != WAIT_WOKEN)
			return RESTART_SYS;
	}
	return p->readers > 0 ? 1 : -ERR_PIPE;
}

/* All of it, unless something ends it before. */
static int64_t pipe_write(struct file *f, struct io *from, uint64_t *at)
{
	struct pipe *p = pipe_of(f);
	const uint64_t need = from->left <= PIPE_ATOMIC ? from->left : 1;
	int64_t done = 0, answer = 0;

	(void)at;
	while (from->left > 0) {
		const mach_irq_t was = wait_enter(&p->queue);
		answer = wait_to_write(p, f, need);
		const bool empty = filled(p) == 0; /* now: while it waited others read */
		if (answer > 0) {
			const uint64_t bytes = min_u64(from->left, PIPE_ATOMIC);
			answer = put_piece(p, from, (size_t)min_u64(bytes, room(p)));
		}
		if (answer > 0 && empty) pipe_tell_locked(p);
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
		if (filled(p) > 0) events |= POLLIN | POLLRDNORM;
		if (p->writers == 0 && p->came[PIPE_WRITER] != f->offset) events |= POLLHUP;
	}
	if (file_may_write(f)) {
		/* As Linux: while a page of it is free. */
		if (room(p) >= PIPE_ATOMIC) events |= POLLOUT | POLLWRNORM;
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
	const int32_t bytes = (int32_t)filled(p);
	wait_leave(&p->queue, was);
	return user_copy_out(space, arg, &bytes, sizeof(bytes)) == 0 ? 0 : -ERR_FAULT;
}

/* --- making and ending ------------------------------------------------------------------------ */

void pipe_free(struct pipe *p)
{
	for (unsigned i = 0; i < PIPE_PAGES; i++) page_give(p, &p->pages[i]);
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
	for (unsigned i = 0; i < PIPE_PAGES; i++) p->pages[i] = PADDR_NONE;
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
