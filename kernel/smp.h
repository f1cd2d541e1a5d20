/*
 * smp.h -- starting CPUs; and work for them: a function on one of them, or on all at once, and a
 * way out of it.
 *
 * Each CPU has a thread of its own for such functions, which stays on it; a thread that may run on
 * one CPU alone, like program_main()'s, calls functions for that CPU itself.  The types fit struct
 * run_machine in fuzz/frame/subject.h.  Functions are called with interrupts unmasked, and may be
 * preempted by other threads of their CPU, if there are any.
 */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

#include "machine/machine.h"

/* Makes the CPU this runs on take interrupts; every CPU passes here once. */
void smp_enter(void);

/*
 * From a thread of CPU 0: starts CPUs until `cpus` are on, or all there are, and waits a bounded
 * time until they take part in the scheduler.  NULL, or what went wrong, with the number of the CPU
 * and PSCI's word in *cpu and *status.
 */
const char *smp_start(unsigned cpus, unsigned *cpu, int64_t *status);

/* CPUs that are on: 0 to smp_count() - 1. */
unsigned smp_count(void);

/* Runs fn(arg) on a CPU that is on and waits.  False when it ended by smp_escape().  From a thread
 * that nobody kills; no lock held. */
bool smp_run_on(unsigned cpu, void (*fn)(void *), void *arg);

/* Runs fn(arg) on all CPUs that are on at the same time and waits for all.  False when any
 * escaped. */
bool smp_run_all(void (*fn)(void *), void *arg);

/*
 * Calls fn(arg) on CPU `cpu`, in an interrupt of it: interrupts masked, nothing waited for.  For
 * what cannot wait for that CPU's threads.  False, with a line that says what is known of the CPU,
 * when it has not begun within `timeout_ns`: then it will not be called.  Interrupts unmasked, no
 * lock held.
 */
bool smp_call(unsigned cpu, void (*fn)(void *), void *arg, uint64_t timeout_ns);

/* Ends what smp_run_on() or smp_run_all() runs on this CPU, from wherever its thread is: exception
 * handlers and the panic hook included.  Locks it holds are forgotten, not given back; interrupts,
 * stack and the count of panics are as new. */
NORETURN void smp_escape(void);

#endif
