/*
 * kwatch.h -- the kernel's watchdog: warns of what does not go on, and ends a run that hangs.
 *
 * Four kinds are told apart (sched/watch.h): a CPU that takes no interrupts, a CPU that waits for a
 * lock and who has it, a thread that is ready and does not run, a thread whose time has come and
 * that does not go on.  Beyond the first limit a line is printed; beyond the second the run ends
 * with "panic: hang KIND", a report of all CPUs, threads, locks and queues, and STATUS_HANG.
 *
 * Boot arguments: watch=off; watch-warn=MS and watch-critical=MS, the limits (WATCH_WARN_MS and
 * WATCH_CRITICAL_MS).
 */
#ifndef KERNEL_KWATCH_H
#define KERNEL_KWATCH_H

#include "sched/watch.h"

/* Once, after sched_init(); NULL, or why it cannot be done. */
const char *kwatch_start(const char *bootargs);

/* This CPU looks now and then from now on.  Before its sched_run(). */
void kwatch_begin(void);

/* From the handler of the timer's interrupt, before the scheduler hears of it; may not return. */
void kwatch_came(void);

/* How often CPU `cpu` has looked: a timer interrupt each, where nothing else was due. */
uint64_t kwatch_looks(unsigned cpu);

/* The report of a hang, and on request: the scheduler as text (sched/dump.h), and what the trace
 * has (kernel/ktrace.h).  Without locks, any context. */
void kwatch_print(void);

/* After the line of a panic: what hangs, for people. */
void kwatch_print_hang(void);

#endif
