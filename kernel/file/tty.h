/*
 * tty.h -- a terminal: lines edited as they are typed, or every byte as it comes; signals by key;
 * whose terminal it is.
 *
 * What is typed comes in by tty_input(), from an interrupt, say; what programs write goes out
 * through the host's `put`.  Line editing, echo, special characters and the answers of read() are
 * those of Linux's N_TTY, as far as the flags named in tty.c go; every other flag is kept and has
 * no effect.
 */
#ifndef KERNEL_FILE_TTY_H
#define KERNEL_FILE_TTY_H

#include "kernel/abi.h"
#include "kernel/file/file.h"
#include "kernel/file/poll.h"

enum {
	TTY_BYTES = 4096, /* typed and not read yet; what does not fit is lost (Linux: the same) */
};

/* What a terminal asks of who owns it.  Called with no lock of the terminal's held but by `put`,
 * which may be called in an interrupt. */
struct tty_host {
	void (*put)(void *arg, const char *text, size_t bytes);
	void (*signal_group)(void *arg, int32_t pgid, int signal);
	/* The session that process group is in, or 0: there is none. */
	int32_t (*session_of)(void *arg, int32_t pgid);
	/* Process group and session of the task that calls, and whether it leads the session. */
	void (*caller)(void *arg, int32_t *pgid, int32_t *sid, bool *leads);
	/* Whether the caller heeds that signal: it is neither blocked nor ignored. */
	bool (*caller_heeds)(void *arg, int signal);
	/* Whether nobody could let the caller's process group go on, once it is stopped. */
	bool (*caller_is_orphaned)(void *arg);
	void *arg;
};

struct tty {
	struct wait_queue queue; /* RANK_MUTEX; guards all below */
	struct poll_source source;
	struct sched *sched;
	struct tty_host host;
	struct abi_termios modes;
	struct abi_winsize window;
	int32_t session, foreground; /* 0: nobody's */
	uint32_t hang_ups;           /* how often its session ended */
	bool next_literal;           /* after VLNEXT */
	bool stopped;                /* after VSTOP, until VSTART */
	/* Positions in the ring `typed`: what is read, how far whole lines reach, what is typed. */
	uint32_t head, lines, tail;
	uint16_t typed[TTY_BYTES]; /* a byte, or TTY_END */
};

/* No session has it; modes as Linux's on a serial line. */
void tty_init(struct tty *t, struct sched *s, const struct tty_host *host);

/* The leader of session `sid` has ended.  Where the terminal is the session's, it is nobody's from
 * now on, the foreground gets SIGHUP, and who has it open reads no more and writes nothing, but by
 * the console.  From a thread. */
void tty_session_over(struct tty *t, int32_t sid);

/* Bytes have come, in any context that may take a lock of rank RANK_MUTEX. */
void tty_input(struct tty *t, const uint8_t *bytes, size_t count);

/*
 * As a file, held once: by a name of its own, or as the console, which is nobody's, so that it
 * works from the background and when a session has ended.  NULL and *error as file_create().
 */
struct file *tty_open(struct tty *t, struct file_world *w, uint32_t flags, struct node *node,
		      bool as_console, int *error);

/* Whether the terminal is the session's that the caller is in. */
bool tty_is_callers(struct tty *t);

extern const struct file_ops tty_ops, tty_console_ops;

#endif
