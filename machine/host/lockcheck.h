/*
 * lockcheck.h -- what the host remembers about locks and interrupts, for each virtual CPU.
 * For machine/host alone; the rules and their ids stand in lockcheck.c.
 */
#ifndef MACHINE_HOST_LOCKCHECK_H
#define MACHINE_HOST_LOCKCHECK_H

#include "machine/base.h"

/* Books are kept for each CPU, and one more for the code that runs on none. */
enum { LOCKCHECK_OUTSIDE = CPUS_MAX, LOCKCHECK_BOOKS };

/* From now on, what happens is entered in book `book`, and host_now is as that CPU left it. */
void lockcheck_turn_to(unsigned book);

/* What a CPU that was abandoned held, and how its interrupts were, counts no more. */
void lockcheck_forget(unsigned book);

/* Panics unless this CPU holds nothing and has given all interrupt states back: called when the
 * function it ran returns ("lock-context", "irq-order"). */
void lockcheck_at_end(void);

/* This CPU spins and nobody else can run: panics ("deadlock") and says who waits for whom. */
NORETURN void lockcheck_stuck(void);

#endif
