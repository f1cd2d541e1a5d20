/*
 * fiber.h -- stacks that take turns in one thread.  See fiber.c.
 */
#ifndef MACHINE_HOST_FIBER_H
#define MACHINE_HOST_FIBER_H

#include "machine/base.h"

/* An ASan report is written on the stack of the fiber that made the mistake: 8 KiB are too few. */
enum { FIBER_STACK_BYTES = 64 << 10 };

struct fiber {
	void *sp;       /* where it stands, while it does not run */
	uint8_t *stack; /* lowest byte */
	size_t stack_bytes;
	void *fake; /* ASan's: its stack-use-after-return frames, while it does not run */
	void (*entry)(void *arg);
	void *arg;
};

/* Makes `f` stand for the stack that the caller runs on: the one the system gave the program. */
void fiber_adopt(struct fiber *f);

/* Gives `f` a stack; the first switch to it calls entry(arg), which never returns.  The program
 * ends (status 4) when there is no memory for it. */
void fiber_open(struct fiber *f, void (*entry)(void *arg), void *arg);

/* The same stack from its start again; `f` has left or was buried. */
void fiber_restart(struct fiber *f);

/* Stops `from`, which runs, and lets `to` go on; returns when somebody switches back. */
void fiber_switch(struct fiber *from, struct fiber *to);

/* The same for the last time: `from` does not go on again. */
NORETURN void fiber_leave(struct fiber *from, struct fiber *to);

/* `f` is stopped and will not go on again. */
void fiber_bury(struct fiber *f);

/* Takes the stack back; `f` has left or was buried. */
void fiber_close(struct fiber *f);

#endif
