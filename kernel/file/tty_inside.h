/*
 * tty_inside.h -- what the files of kernel/file/tty*.c know of each other.
 */
#ifndef KERNEL_FILE_TTY_INSIDE_H
#define KERNEL_FILE_TTY_INSIDE_H

#include "kernel/file/tty.h"

enum { TTY_END = 0x100 }; /* in the ring: a line ends here, with nothing to read of it */

/* What is typed and can be read: whole lines, or all of it. */
static inline uint32_t tty_readable(const struct tty *t)
{
	return ((t->modes.lflag & ICANON) != 0 ? t->lines : t->tail) - t->head;
}

static inline uint16_t *tty_at(struct tty *t, uint32_t position)
{
	return &t->typed[position % TTY_BYTES];
}

static inline bool tty_is_console(const struct file *f)
{
	return f->ops == &tty_console_ops;
}

/* Whether its session has ended since it was opened: its offset is what tty_open() noted. */
static inline bool tty_is_hung_up(const struct tty *t, const struct file *f)
{
	return !tty_is_console(f) && (uint32_t)f->offset != atomic_load_u32(&t->hang_ups);
}

/* Out, as modes.oflag says.  _locked: with the terminal's lock held. */
void tty_put_locked(struct tty *t, uint8_t byte);

/* All that is typed and not read is forgotten. */
void tty_flush_locked(struct tty *t);

/* Somebody may have something to read. */
void tty_tell_locked(struct tty *t);

/* 0: the caller may do what sends `signal` (SIGTTIN, SIGTTOU) to the background; else what its call
 * answers, after the signal was sent. */
int64_t tty_background(struct tty *t, int signal);

/* ioctl(). */
int64_t tty_control(struct file *f, struct space *space, uint32_t request, uint64_t arg);

#endif
