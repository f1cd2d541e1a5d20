/*
 * cpu_alarm.h -- what is due after so much CPU time of a group: ITIMER_VIRTUAL (SIGVTALRM),
 * ITIMER_PROF (SIGPROF), and the limit RLIMIT_CPU (SIGXCPU each second, then SIGKILL).
 *
 * Signals come at most a look too late (1 ms), and never too early.
 */
#ifndef KERNEL_TASK_CPU_ALARM_H
#define KERNEL_TASK_CPU_ALARM_H

#include "kernel/task/alarm.h"

/* Of the caller's group: number `which`, below CPU_ALARMS, as it was, and another one (NULL: as it
 * is).  A thread's own context, nothing held. */
struct alarm cpu_alarm_change(struct task *t, unsigned which, const struct alarm *to);

/* A group's limit of CPU time may have changed, or the group is new. */
void cpu_alarm_limit_locked(struct task_group *g) REQUIRES(&g->world->lock);

/* For the world's timer: sends what is due, and says when to look again (g->look_ns). */
void cpu_alarm_look_locked(struct task_group *g, uint64_t now_ns) REQUIRES(&g->world->lock);

/* One of a group's tasks is about to go on in its program, and the group rests. */
void cpu_alarm_wake(struct task_group *g);

#endif
