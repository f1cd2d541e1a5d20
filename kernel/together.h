/*
 * together.h -- functions on CPUs that take turns, in images under test (machine/aarch64/baton.h):
 * the types fit struct run_machine in fuzz/frame/subject.h.
 */
#ifndef KERNEL_TOGETHER_H
#define KERNEL_TOGETHER_H

#include "machine/turns.h"

/*
 * Runs fn(arg) on CPUs 0 to `cpus` - 1, which take turns as the planner says, and waits for all;
 * false when one ended by smp_escape(), which abandons them all.  From the thread of CPU 0.
 */
bool together_run(unsigned cpus, void (*fn)(void *), void *arg, const struct turns_planner *planner,
		  uint64_t limit);

/* As smp_run_on(), but by the time and the interrupts of plays. */
bool together_run_on(unsigned cpu, void (*fn)(void *), void *arg);

#endif
