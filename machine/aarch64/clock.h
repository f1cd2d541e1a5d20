/*
 * clock.h -- the generic timer: the time, and one interrupt per CPU at a time of choice.
 */
#ifndef MACHINE_AARCH64_CLOCK_H
#define MACHINE_AARCH64_CLOCK_H

#include "machine/machine.h"

/* Once, on CPU 0: the number of the virtual timer's interrupt; false when the counter's rate is
 * unusable. */
bool clock_init(unsigned interrupt);

/* On every CPU: lets its timer interrupt through, with no deadline. */
void clock_cpu_init(void);

unsigned clock_interrupt(void);

/* From the dispatcher: takes the deadline back, so that the interrupt ends. */
void clock_fired(void);

/* Nanoseconds from the machine's reset, by the same counter. */
uint64_t clock_since_reset_ns(void);

#endif
