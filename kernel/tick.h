/*
 * tick.h -- the periodic timer interrupt of each CPU, every TICK_MS.
 */
#ifndef KERNEL_TICK_H
#define KERNEL_TICK_H

#include "machine/base.h"

/* Interrupts come here from now on. */
void tick_handle(void);

/* On each CPU: the first tick comes `first_ns` from now, the others TICK_MS apart. */
void tick_start(uint64_t first_ns);

/* Ticks that CPU `cpu` has taken. */
uint64_t tick_count(unsigned cpu);

/* Called at each tick, on its CPU, in exception context; NULL: nothing.  For watchdogs. */
void tick_hook_set(void (*hook)(void));

#endif
