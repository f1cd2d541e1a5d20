/*
 * timer.h -- the generic timer: the time, and one interrupt per CPU at a time of choice.
 */
#ifndef MACHINE_AARCH64_TIMER_H
#define MACHINE_AARCH64_TIMER_H

#include "machine/machine.h"

/* Once, on CPU 0: the number of the virtual timer's interrupt; false when the counter's rate is
 * unusable.  `handler` is called for it, in exception context, with its CPU's deadline passed and
 * taken back. */
bool timer_init(unsigned interrupt, void (*handler)(void));

/* On every CPU: lets its timer interrupt through, with no deadline. */
void timer_cpu_init(void);

/* This CPU's interrupt comes at `deadline_ns` of mach_now_ns(), or as soon as possible when that
 * has passed; UINT64_MAX is never.  Replaces any earlier deadline. */
void timer_set(uint64_t deadline_ns);

unsigned timer_interrupt(void);
void timer_fired(void); /* from the dispatcher */

/* Nanoseconds from the machine's reset, by the same counter. */
uint64_t timer_since_reset_ns(void);

#endif
