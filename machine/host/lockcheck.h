/*
 * lockcheck.h -- what the host remembers about locks and interrupts, for each virtual CPU.
 * For machine/host alone; the rules and their ids stand in lockcheck.c.
 */
#ifndef MACHINE_HOST_LOCKCHECK_H
#define MACHINE_HOST_LOCKCHECK_H

#include "machine/machine.h"

/* Books are kept for each CPU, and one more for the code that runs on none. */
enum { LOCKCHECK_OUTSIDE = CPUS_MAX, LOCKCHECK_BOOKS };

/* From now on, what happens is entered in book `book`, and host_now is as that CPU left it. */
void lockcheck_turn_to(unsigned book);

/* What a CPU that was abandoned held, and how its interrupts were, counts no more. */
void lockcheck_forget(unsigned book);

/* Panics unless this CPU holds nothing and has given all interrupt states back: called when the
 * function it ran returns ("lock-context", "irq-order"). */
void lockcheck_at_end(void);

/* What goes with a context while no CPU is in it; those that CPUs begin in have the CPUs' ids. */
struct lockcheck_context {
	uint32_t id;
	uint32_t saved;    /* interrupt states not given back */
	const void *tried; /* the latch it got by trying, or NULL */
	const void *aside; /* in an interrupt's handler: what it interrupted had got so, or NULL */
	struct lockcheck_context *next;
};

/* A context that is new, whose number no other has at the same time; this CPU goes from one into
 * another; one that will not go on. */
void lockcheck_context_init(struct lockcheck_context *c, uint32_t number);
void lockcheck_switch(struct lockcheck_context *from, struct lockcheck_context *to);
void lockcheck_context_end(const struct lockcheck_context *c);

/* The same for one that ends in good order: panics ("owner") when it has a latch that it tried. */
void lockcheck_context_done(const struct lockcheck_context *c);

/* Around the handlers of interrupts: they come with interrupts masked, and take locks whatever the
 * interrupted code had got by trying; and leave none behind ("lock-context"). */
mach_irq_t lockcheck_interrupt(void);
void lockcheck_resume(mach_irq_t was);

/* If this CPU waits for a lock: panics ("deadlock") and says who has it. */
void lockcheck_blame(void);

/* This CPU spins and nobody else can run: panics ("deadlock") and says who waits for whom. */
NORETURN void lockcheck_stuck(void);

#endif
