/*
 * smp.h -- work for CPUs: a function on one of them, or on all at once, and a way out of it.
 *
 * The types fit struct run_machine in fuzz/subject.h.  A CPU that has nothing to do rests in WFI
 * with interrupts unmasked.  Functions are called with interrupts unmasked, on the CPU's stack.
 */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

#include "machine/machine.h"

/* Makes the CPU this runs on take interrupts and ticks; every CPU passes here once. */
void smp_enter(void);

/* On CPU 0: starts the others and waits until they have entered, a bounded time.  NULL, or what
 * went wrong, with the number of the CPU and PSCI's word in *cpu and *status. */
const char *smp_start(unsigned *cpu, int64_t *status);

/*
 * Runs fn(arg) on a CPU, which may be this one, and waits.  False when it ended by smp_escape().
 * Not from an interrupt; no lock held; any other CPU is resting, and nobody else sends to it.
 */
bool smp_run_on(unsigned cpu, void (*fn)(void *), void *arg);

/* Runs fn(arg) on all CPUs at the same time and waits for all.  False when any escaped. */
bool smp_run_all(void (*fn)(void *), void *arg);

/* Ends what smp_run_on() or smp_run_all() runs on this CPU, from wherever it is: exception
 * handlers and the panic hook included.  Locks it holds are forgotten, not given back; interrupts,
 * stack and the count of panics are as new. */
NORETURN void smp_escape(void);

#endif
