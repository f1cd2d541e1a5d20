/*
 * tty_control.c -- ioctl() of a terminal: its modes, its window, whose it is.
 *
 * A terminal is one session's; the session's leader takes it (TIOCSCTTY) and says which of the
 * session's process groups is in the foreground (TIOCSPGRP).  What was given to the leader of a
 * session that has ended, the next leader takes.  Modes, and what else is the same for all, are not
 * for the background to change.
 *
 * Changing modes changes what of the typed can be read: by lines again, all that is there counts
 * as one (Linux's n_tty_set_termios() does the same).
 *
 * Locks: the terminal's; the host is asked before it is taken.
 */
#include "kernel/file/tty_inside.h"

static int64_t out(struct space *space, uint64_t to, const void *from, size_t bytes)
{
	return user_copy_out(space, to, from, bytes) == 0 ? 0 : -ERR_FAULT;
}

static int64_t get_modes(struct tty *t, struct space *space, uint64_t to)
{
	const mach_irq_t was = wait_enter(&t->queue);
	const struct abi_termios modes = t->modes;
	wait_leave(&t->queue, was);
	return out(space, to, &modes, sizeof(modes));
}

static int64_t set_modes(struct tty *t, struct space *space, uint64_t from, bool flush)
{
	struct abi_termios modes;
	if (user_copy_in(space, &modes, from, sizeof(modes)) != 0) return -ERR_FAULT;
	const mach_irq_t was = wait_enter(&t->queue);
	const bool by_lines = (t->modes.lflag & ICANON) != 0;
	t->modes = modes;
	if (flush) tty_flush_locked(t);
	if (by_lines != ((modes.lflag & ICANON) != 0)) t->lines = t->tail;
	if ((modes.iflag & IXON) == 0) t->stopped = false;
	tty_tell_locked(t);
	wait_leave(&t->queue, was);
	return 0;
}

static int64_t get_window(struct tty *t, struct space *space, uint64_t to)
{
	const mach_irq_t was = wait_enter(&t->queue);
	const struct abi_winsize window = t->window;
	wait_leave(&t->queue, was);
	return out(space, to, &window, sizeof(window));
}

static int64_t set_window(struct tty *t, struct space *space, uint64_t from)
{
	struct abi_winsize window;
	if (user_copy_in(space, &window, from, sizeof(window)) != 0) return -ERR_FAULT;
	const mach_irq_t was = wait_enter(&t->queue);
	const bool changed = memcmp(&window, &t->window, sizeof(window)) != 0;
	const int32_t group = t->foreground;
	t->window = window;
	wait_leave(&t->queue, was);
	if (changed && group != 0) t->host.signal_group(t->host.arg, group, SIGWINCH);
	return 0;
}

/* --- whose it is ------------------------------------------------------------------------------ */

/* By a session's leader; again by the same one is nothing. */
static int64_t take_over(struct tty *t)
{
	int32_t pgid, sid;
	bool leads;
	t->host.caller(t->host.arg, &pgid, &sid, &leads);
	const mach_irq_t before = wait_enter(&t->queue);
	const int32_t owner = t->session;
	wait_leave(&t->queue, before);
	if (owner == sid && leads) return 0;
	if (!leads) return -ERR_PERM;
	if (owner != 0 && t->host.session_of(t->host.arg, owner) == owner) return -ERR_PERM;
	const mach_irq_t was = wait_enter(&t->queue);
	t->session = sid;
	t->foreground = pgid;
	wait_leave(&t->queue, was);
	return 0;
}

/* Whether the caller's session has the terminal; `sid` is that session. */
static bool is_callers(struct tty *t, int32_t *sid)
{
	int32_t pgid;
	bool leads;
	t->host.caller(t->host.arg, &pgid, sid, &leads);
	const mach_irq_t was = wait_enter(&t->queue);
	const bool is = t->session == *sid && *sid != 0;
	wait_leave(&t->queue, was);
	return is;
}

bool tty_is_callers(struct tty *t)
{
	int32_t sid;

	return is_callers(t, &sid);
}

/* Its leader gives it up for the whole session, and the foreground is told. */
static int64_t give_up(struct tty *t)
{
	int32_t pgid, sid;
	bool leads;
	t->host.caller(t->host.arg, &pgid, &sid, &leads);
	const mach_irq_t was = wait_enter(&t->queue);
	const bool is = t->session == sid && sid != 0;
	const int32_t group = t->foreground;
	if (is && leads) t->session = t->foreground = 0;
	wait_leave(&t->queue, was);
	if (!is) return -ERR_NOTTY;
	if (leads && group != 0) {
		t->host.signal_group(t->host.arg, group, SIGHUP);
		t->host.signal_group(t->host.arg, group, SIGCONT);
	}
	return 0;
}

void tty_session_over(struct tty *t, int32_t sid)
{
	const mach_irq_t was = wait_enter(&t->queue);
	const bool is = t->session == sid && sid != 0;
	const int32_t group = t->foreground;
	if (is) {
		t->session = t->foreground = 0;
		atomic_store_u32(&t->hang_ups, t->hang_ups + 1);
		tty_flush_locked(t);
		tty_tell_locked(t);
	}
	wait_leave(&t->queue, was);
	if (is && group != 0) t->host.signal_group(t->host.arg, group, SIGHUP);
}

static int64_t get_owner(struct tty *t, struct space *space, uint64_t to, bool session)
{
	int32_t sid;
	if (!is_callers(t, &sid)) return -ERR_NOTTY;
	const mach_irq_t was = wait_enter(&t->queue);
	const int32_t number = session ? t->session : t->foreground;
	wait_leave(&t->queue, was);
	return out(space, to, &number, sizeof(number));
}

static int64_t set_foreground(struct tty *t, struct space *space, uint64_t from)
{
	int32_t group, sid;
	if (!is_callers(t, &sid)) return -ERR_NOTTY;
	const int64_t may = tty_background(t, SIGTTOU);
	if (may != 0) return may;
	if (user_copy_in(space, &group, from, sizeof(group)) != 0) return -ERR_FAULT;
	if (group < 0) return -ERR_INVAL;
	const int32_t its = t->host.session_of(t->host.arg, group);
	if (its == 0) return -ERR_SRCH;
	if (its != sid) return -ERR_PERM;
	const mach_irq_t was = wait_enter(&t->queue);
	t->foreground = group;
	wait_leave(&t->queue, was);
	return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

static int64_t count_input(struct tty *t, struct space *space, uint64_t to)
{
	const mach_irq_t was = wait_enter(&t->queue);
	const int32_t bytes = (int32_t)tty_readable(t);
	wait_leave(&t->queue, was);
	return out(space, to, &bytes, sizeof(bytes));
}

/* Output is never kept back but by ^S, so there is none to throw away. */
static int64_t flush(struct tty *t, uint64_t which)
{
	if (which > TCIOFLUSH) return -ERR_INVAL;
	if (which == TCOFLUSH) return 0;
	const mach_irq_t was = wait_enter(&t->queue);
	tty_flush_locked(t);
	wait_leave(&t->queue, was);
	return 0;
}

static int64_t hold(struct tty *t, uint64_t how)
{
	if (how > TCION) return -ERR_INVAL;
	if (how > TCOON) return 0; /* there is nobody to send ^S or ^Q to */
	const mach_irq_t was = wait_enter(&t->queue);
	t->stopped = how == TCOOFF;
	tty_tell_locked(t);
	wait_leave(&t->queue, was);
	return 0;
}

/* What changes the terminal for all is not for the background. */
static bool is_change(uint32_t request)
{
	switch (request) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCFLSH:
	case TCXONC:
	case TCSBRK: return true;
	default: return false;
	}
}

int64_t tty_control(struct file *f, struct space *space, uint32_t request, uint64_t arg)
{
	static const int32_t nothing;
	struct tty *t = f->object;

	if (tty_is_hung_up(t, f)) return request == TIOCSPGRP ? -ERR_NOTTY : -ERR_IO;
	const int64_t may = is_change(request) ? tty_background(t, SIGTTOU) : 0;
	if (may != 0) return may;
	switch (request) {
	case TCGETS: return get_modes(t, space, arg);
	case TCSETS:
	case TCSETSW: return set_modes(t, space, arg, false);
	case TCSETSF: return set_modes(t, space, arg, true);
	case TIOCGWINSZ: return get_window(t, space, arg);
	case TIOCSWINSZ: return set_window(t, space, arg);
	case TIOCSCTTY: return take_over(t);
	case TIOCNOTTY: return give_up(t);
	case TIOCGPGRP: return get_owner(t, space, arg, false);
	case TIOCGSID: return get_owner(t, space, arg, true);
	case TIOCSPGRP: return set_foreground(t, space, arg);
	case FIONREAD: return count_input(t, space, arg);
	case TIOCOUTQ: return out(space, arg, &nothing, sizeof(nothing));
	case TCFLSH: return flush(t, arg);
	case TCXONC: return hold(t, arg);
	case TCSBRK:
	case TIOCEXCL:
	case TIOCNXCL: return 0;
	default: return -ERR_NOTTY;
	}
}
