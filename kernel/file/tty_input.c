/*
 * tty_input.c -- what is typed at a terminal: characters that mean something, lines that are
 * edited, and what is shown of it.
 *
 * In lines (ICANON) what is typed after `lines` can still be erased; a newline, or the end
 * character, moves `lines` up to here, and then it is there to be read.  Otherwise every byte is
 * there at once.  Where the ring is full a byte is lost, but for one place that is kept for what
 * ends a line, so that a line that is too long can be ended (Linux keeps that one, too).
 *
 * A key that makes a signal (ISIG) goes into no line: it throws away what was typed and is told to
 * the foreground process group, after the lock was dropped.
 *
 * A tab that is erased is rubbed out as one column (Linux counts how far it went).
 *
 * Always true: head <= lines <= tail <= head + TTY_BYTES, as counts that wrap.
 *
 * Locks: the terminal's, byte by byte.  Cost: O(1) a byte, O(line) to kill one.
 */
#include "kernel/file/tty_inside.h"

enum { ERASED = 0x7f };

/* --- what is shown ---------------------------------------------------------------------------- */

static bool is_control(uint16_t byte)
{
	return byte < ' ' || byte == ERASED;
}

static bool has(const struct tty *t, uint32_t flags)
{
	return (t->modes.lflag & flags) == flags;
}

/* Whether it is shown as two characters, like ^C. */
static bool is_pair(const struct tty *t, uint16_t byte)
{
	return is_control(byte) && byte != '\n' && byte != '\t' && has(t, ECHOCTL);
}

static void show(struct tty *t, uint8_t byte)
{
	if (!has(t, ECHO) && !(byte == '\n' && has(t, ECHONL | ICANON))) return;
	if (!is_pair(t, byte)) {
		tty_put_locked(t, byte);
		return;
	}
	tty_put_locked(t, '^');
	tty_put_locked(t, byte ^ 0x40);
}

static void rub_out(struct tty *t, unsigned columns)
{
	while (columns-- > 0) {
		tty_put_locked(t, '\b');
		tty_put_locked(t, ' ');
		tty_put_locked(t, '\b');
	}
}

/* --- editing ---------------------------------------------------------------------------------- */

static bool can_erase(struct tty *t)
{
	return t->tail != t->lines;
}

static void erase_one(struct tty *t)
{
	t->tail--;
	const uint16_t byte = *tty_at(t, t->tail);
	const bool shown = !is_control(byte) || byte == '\t';
	if (has(t, ECHO | ECHOE)) rub_out(t, is_pair(t, byte) ? 2 : shown);
}

static void erase_word(struct tty *t)
{
	while (can_erase(t) && *tty_at(t, t->tail - 1) == ' ') erase_one(t);
	while (can_erase(t) && *tty_at(t, t->tail - 1) != ' ') erase_one(t);
}

static void erase_line(struct tty *t)
{
	const bool visibly = has(t, ECHOKE | ECHOE);
	while (can_erase(t)) {
		if (visibly)
			erase_one(t);
		else
			t->tail--;
	}
	if (!visibly && has(t, ECHO | ECHOK)) tty_put_locked(t, '\n');
}

/* --- taking in -------------------------------------------------------------------------------- */

/* `keep`: how many places are for others. */
static bool add(struct tty *t, uint16_t what, uint32_t keep)
{
	if (t->tail - t->head >= TTY_BYTES - keep) return false;
	*tty_at(t, t->tail++) = what;
	return true;
}

static void end_line(struct tty *t, uint16_t with)
{
	add(t, with, 0);
	t->lines = t->tail;
	tty_tell_locked(t);
}

static bool is_key(const struct tty *t, unsigned which, uint8_t byte)
{
	return t->modes.cc[which] == byte && byte != 0;
}

/* Signal of that key, or 0. */
static int signal_of(const struct tty *t, uint8_t byte)
{
	if (!has(t, ISIG)) return 0;
	if (is_key(t, VINTR, byte)) return SIGINT;
	if (is_key(t, VQUIT, byte)) return SIGQUIT;
	return is_key(t, VSUSP, byte) ? SIGTSTP : 0;
}

/* True: it was a key that edits a line. */
static bool edit(struct tty *t, uint8_t byte)
{
	if (is_key(t, VERASE, byte)) {
		if (can_erase(t)) erase_one(t);
	} else if (is_key(t, VKILL, byte)) {
		erase_line(t);
	} else if (is_key(t, VWERASE, byte) && has(t, IEXTEN)) {
		erase_word(t);
	} else if (is_key(t, VLNEXT, byte) && has(t, IEXTEN)) {
		t->next_literal = true;
	} else {
		return false;
	}
	return true;
}

static void take_in_line(struct tty *t, uint8_t byte, bool literal)
{
	if (!literal && edit(t, byte)) return;
	if (!literal && is_key(t, VEOF, byte)) {
		end_line(t, TTY_END);
		return;
	}
	const bool ends = !literal && (byte == '\n' || is_key(t, VEOL, byte) ||
				       (is_key(t, VEOL2, byte) && has(t, IEXTEN)));
	if (ends || add(t, byte, 1)) show(t, byte);
	if (ends) end_line(t, byte);
}

static void take_at_once(struct tty *t, uint8_t byte)
{
	if (!add(t, byte, 0)) return;
	t->lines = t->tail;
	show(t, byte);
	tty_tell_locked(t);
}

/* What modes.iflag makes of it; -1: nothing is left. */
static int translated(const struct tty *t, uint8_t byte)
{
	const uint32_t modes = t->modes.iflag;
	if ((modes & ISTRIP) != 0) byte &= 0x7f;
	if (byte == '\r' && (modes & IGNCR) != 0) return -1;
	if (byte == '\r' && (modes & ICRNL) != 0) return '\n';
	if (byte == '\n' && (modes & INLCR) != 0) return '\r';
	return byte;
}

/* True: it was a key that holds output back or lets it go on. */
static bool hold(struct tty *t, uint8_t byte)
{
	if ((t->modes.iflag & IXON) == 0) return false;
	const bool stops = is_key(t, VSTOP, byte);
	if (!stops && !is_key(t, VSTART, byte)) return false;
	t->stopped = stops;
	wait_wake_all(t->sched, &t->queue);
	return true;
}

/* The signal that the foreground is to get, or 0. */
static int take(struct tty *t, uint8_t raw)
{
	const int byte = translated(t, raw);
	const bool literal = t->next_literal;
	if (byte < 0 || (!literal && hold(t, (uint8_t)byte))) return 0;
	t->next_literal = false;
	const int signal = literal ? 0 : signal_of(t, (uint8_t)byte);
	if (signal != 0) {
		if (!has(t, NOFLSH)) tty_flush_locked(t);
		show(t, (uint8_t)byte);
		return signal;
	}
	if (has(t, ICANON))
		take_in_line(t, (uint8_t)byte, literal);
	else
		take_at_once(t, (uint8_t)byte);
	return 0;
}

void tty_input(struct tty *t, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const mach_irq_t was = wait_enter(&t->queue);
		const int signal = take(t, bytes[i]);
		const int32_t group = t->foreground;
		ASSERT(t->tail - t->head <= TTY_BYTES && t->lines - t->head <= t->tail - t->head);
		wait_leave(&t->queue, was);
		if (signal != 0 && group != 0) t->host.signal_group(t->host.arg, group, signal);
	}
}
