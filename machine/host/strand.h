/*
 * strand.h -- what a context is on the host: a fiber, and what goes with it.  For machine/host
 * alone; see context.c and cpu.c.
 */
#ifndef MACHINE_HOST_STRAND_H
#define MACHINE_HOST_STRAND_H

#include "machine/host/fiber.h"
#include "machine/host/lockcheck.h"
#include "machine/machine.h"

enum { STRAND_NOWHERE = CPUS_MAX + 1 }; /* no CPU is in it */

struct strand {
	struct fiber fiber;
	struct lockcheck_context checks;
	uint64_t serial; /* of this use; 0: free */
	uint32_t cpu;    /* which is in it, or STRAND_NOWHERE */
	uint32_t next;   /* of the free ones, + 1 */
	uint64_t stack;  /* what it is told its stack is; bytes 0: none */
	uint64_t bytes;
	uint64_t tls;
	struct mach_fp *fp; /* what it was given for its registers, which are there all the time */
	const struct mach_context *made_as;
	void (*entry)(void *arg);
	void *arg;
};

/* cpu.c: the one this CPU is in; the one that CPU `cpu` began in; and going on in another. */
struct strand *cpu_strand(void);
struct strand *cpu_base_strand(unsigned cpu);
void cpu_enter(struct strand *to);

/* users.c: registers of users are as new. */
void users_reset(void);

/* Every context but those that CPUs begin in is over.  Not on a CPU. */
void strands_reset(void);

#endif
