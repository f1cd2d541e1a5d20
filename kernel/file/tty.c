/*
 * tty.c -- a terminal as a file: reading what was typed, writing what is shown.
 *
 * read() in lines gives one line at most, with its newline; an end character gives what stands
 * before it, and with nothing before it 0 bytes.  Otherwise MIN and TIME say when it is enough, as
 * in termios(3): TIME alone is a patience for the first byte, with MIN it is one between bytes.
 *
 * Who is in the terminal's session but not in its foreground group may not read: it gets SIGTTIN,
 * or -ERR_IO where it does not heed that or is orphaned.
 *
 * Whose session's terminal it was finds it hung up when that ends: it reads nothing more, and
 * cannot write.  Neither concerns who opened it as the console.
 *
 * Bytes go to users' memory after the lock was dropped, from a piece on the stack; so of two that
 * read at once each byte goes to one, and a fault loses at most that piece (Linux: the same).
 *
 * Locks: the terminal's (RANK_MUTEX).
 */
#include "kernel/answer.h"
#include "kernel/file/tty_inside.h"

enum { PIECE = 64 };

#define TENTH_NS 100000000ull

static const struct abi_termios first_modes = {
	.iflag = ICRNL | IXON,
	.oflag = OPOST | ONLCR,
	.cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
	.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.cc = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0 },
};

void tty_init(struct tty *t, struct sched *s, const struct tty_host *host)
{
	memset(t, 0, sizeof(*t));
	wait_init(&t->queue, RANK_MUTEX);
	poll_source_init(&t->source, &t->queue.lock);
	t->sched = s;
	t->host = *host;
	t->modes = first_modes;
}

struct file *tty_open(struct tty *t, struct file_world *w, uint32_t flags, struct node *node,
		      bool as_console, int *error)
{
	const struct file_ops *ops = as_console ? &tty_console_ops : &tty_ops;
	struct file *f = file_create(w, ops, flags, node, t, error);

	if (f != NULL) f->offset = atomic_load_u32(&t->hang_ups);
	return f;
}

static struct tty *tty_of(const struct file *f)
{
	return f->object;
}

void tty_tell_locked(struct tty *t)
{
	wait_wake_all(t->sched, &t->queue);
	poll_tell_locked(t->sched, &t->source);
}

void tty_flush_locked(struct tty *t)
{
	t->head = t->lines = t->tail;
}

/* --- whose turn it is ------------------------------------------------------------------------- */

int64_t tty_background(struct tty *t, int signal)
{
	int32_t pgid, sid;
	bool leads;
	t->host.caller(t->host.arg, &pgid, &sid, &leads);
	const mach_irq_t was = wait_enter(&t->queue);
	const bool may =
		sid == 0 || sid != t->session || t->foreground == 0 || pgid == t->foreground;
	wait_leave(&t->queue, was);
	if (may) return 0;
	if (!t->host.caller_heeds(t->host.arg, signal)) return signal == SIGTTIN ? -ERR_IO : 0;
	if (t->host.caller_is_orphaned(t->host.arg)) return -ERR_IO;
	t->host.signal_group(t->host.arg, pgid, signal);
	return RESTART_SYS;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* How many bytes make a read() that asks for `asked` return, and how long it waits for the next
 * when it has `have`. */
static uint64_t enough(const struct tty *t, uint64_t asked)
{
	if ((t->modes.lflag & ICANON) != 0 || t->modes.cc[VMIN] == 0) return 1;
	return min_u64(t->modes.cc[VMIN], asked);
}

static uint64_t patience(const struct tty *t, uint64_t have)
{
	const uint8_t *cc = t->modes.cc;
	if ((t->modes.lflag & ICANON) != 0) return WAIT_FOREVER;
	if (cc[VMIN] > 0 && (have == 0 || cc[VTIME] == 0)) return WAIT_FOREVER;
	return mach_now_ns() + cc[VTIME] * TENTH_NS;
}

/* 1: there is something to read.  0: the time is up, or there will be no more; or an error. */
static int64_t wait_for_input(struct tty *t, const struct file *f, uint64_t have)
{
	const uint64_t until = patience(t, have);
	while (tty_readable(t) == 0) {
		if (tty_is_hung_up(t, f)) return 0;
		if ((atomic_load_u32(&f->flags) & O_NONBLOCK) != 0) return -ERR_AGAIN;
		const enum wait_result r = wait_sleep_heeding(t->sched, &t->queue, until);
		if (r == WAIT_TIMEOUT) return 0;
		if (r != WAIT_WOKEN) return RESTART_SYS;
	}
	return 1;
}

/* Up to `most` bytes that can be read; *ends: a line's last is among them. */
static size_t take(struct tty *t, uint8_t *to, size_t most, bool *ends)
{
	const bool by_lines = (t->modes.lflag & ICANON) != 0;
	size_t count = 0;
	while (count < most && tty_readable(t) > 0 && !*ends) {
		const uint16_t what = *tty_at(t, t->head++);
		*ends = by_lines &&
			(what == TTY_END || what == '\n' ||
			 (what != 0 && (what == t->modes.cc[VEOL] || what == t->modes.cc[VEOL2])));
		if (what != TTY_END) to[count++] = (uint8_t)what;
	}
	if (t->head - t->lines < TTY_BYTES) t->lines = t->head; /* it was read without lines */
	return count;
}

static int64_t tty_read(struct file *f, struct io *to, uint64_t *at)
{
	struct tty *t = tty_of(f);
	uint8_t piece[PIECE];
	int64_t answer = 0;
	uint64_t done = 0;
	bool ends = false;

	(void)at;
	if (tty_is_hung_up(t, f)) return 0;
	if (!tty_is_console(f)) answer = tty_background(t, SIGTTIN);
	if (answer != 0 || to->left == 0) return answer;
	const uint64_t asked = to->left;
	while (!ends && to->left > 0) {
		const mach_irq_t was = wait_enter(&t->queue);
		const bool more = done >= enough(t, asked);
		answer = (more && tty_readable(t) == 0) || tty_is_hung_up(t, f)
				 ? 0
				 : wait_for_input(t, f, done);
		const size_t count =
			answer > 0 ? take(t, piece, (size_t)min_u64(to->left, PIECE), &ends) : 0;
		wait_leave(&t->queue, was);
		if (answer <= 0) break;
		const size_t moved = io_put(to, piece, count);
		done += moved;
		if (moved < count) return done > 0 ? (int64_t)done : -ERR_FAULT;
	}
	if (done > 0) return (int64_t)done;
	return answer < 0 ? answer : 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

void tty_put_locked(struct tty *t, uint8_t byte)
{
	const uint32_t modes = t->modes.oflag;
	const char text[2] = { '\r', (char)byte };
	if ((modes & OPOST) != 0 && byte == '\n' && (modes & ONLCR) != 0)
		t->host.put(t->host.arg, text, 2);
	else if ((modes & OPOST) != 0 && byte == '\r' && (modes & OCRNL) != 0)
		t->host.put(t->host.arg, "\n", 1);
	else
		t->host.put(t->host.arg, text + 1, 1);
}

/* A piece, unless output is held back. */
static int64_t put_piece(struct tty *t, const struct file *f, const uint8_t *bytes, size_t count)
{
	int64_t answer = (int64_t)count;
	const mach_irq_t was = wait_enter(&t->queue);
	while (t->stopped && answer > 0 && !tty_is_hung_up(t, f)) {
		if ((atomic_load_u32(&f->flags) & O_NONBLOCK) != 0)
			answer = -ERR_AGAIN;
		else if (wait_sleep_heeding(t->sched, &t->queue, WAIT_FOREVER) != WAIT_WOKEN)
			answer = RESTART_SYS;
	}
	if (answer > 0 && tty_is_hung_up(t, f)) answer = -ERR_IO;
	for (size_t i = 0; answer > 0 && i < count; i++) tty_put_locked(t, bytes[i]);
	wait_leave(&t->queue, was);
	return answer;
}

static int64_t tty_write(struct file *f, struct io *from, uint64_t *at)
{
	struct tty *t = tty_of(f);
	uint8_t piece[PIECE];
	int64_t done = 0;
	const bool heeds = (t->modes.lflag & TOSTOP) != 0 && !tty_is_console(f);

	(void)at;
	if (tty_is_hung_up(t, f)) return -ERR_IO;
	int64_t answer = heeds ? tty_background(t, SIGTTOU) : 0;
	while (answer >= 0 && from->left > 0) {
		const size_t count = io_get(from, piece, (size_t)min_u64(from->left, PIECE));
		if (count == 0) answer = -ERR_FAULT;
		if (count == 0) break;
		answer = put_piece(t, f, piece, count);
		if (answer > 0) done += answer;
	}
	return done > 0 ? done : answer;
}

/* --- the rest --------------------------------------------------------------------------------- */

static uint32_t tty_poll(struct file *f, struct poller *who)
{
	struct tty *t = tty_of(f);
	uint32_t events = 0;
	const mach_irq_t was = wait_enter(&t->queue);

	poll_watch_locked(who, &t->source);
	if (tty_readable(t) > 0) events |= POLLIN | POLLRDNORM;
	if (!t->stopped) events |= POLLOUT | POLLWRNORM;
	if (tty_is_hung_up(t, f))
		events = POLLHUP | POLLERR | POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	wait_leave(&t->queue, was);
	return events;
}

#define OPERATIONS                                                                             \
	{                                                                                      \
		.read = tty_read, .write = tty_write, .poll = tty_poll, .control = tty_control \
	}

const struct file_ops tty_ops = OPERATIONS, tty_console_ops = OPERATIONS;
