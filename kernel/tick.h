/*
 * tick.h -- a beat on each CPU, every TICK_MS, while somebody wants one; timer interrupts counted.
 */
#ifndef KERNEL_TICK_H
#define KERNEL_TICK_H

#include "machine/base.h"

/* Called every TICK_MS on each CPU, in exception context, which it may leave by smp_escape(); NULL:
 * nobody wants one.  For watchdogs.  From a thread. */
void tick_hook_set(void (*hook)(void));

/* From the handler of the timer's interrupt, before anything else; may not return. */
void tick_came(void);

/* Timer interrupts that CPU `cpu` has taken. */
uint64_t tick_count(unsigned cpu);

#endif
