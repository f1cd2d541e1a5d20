/*
 * alarm.h -- a group's alarm clock: SIGALRM at a time, and perhaps again and again.
 */
#ifndef KERNEL_TASK_ALARM_H
#define KERNEL_TASK_ALARM_H

#include "kernel/task/task.h"

/* What is left until it comes (0: it will not), and how long between two. */
struct alarm {
	uint64_t left_ns, every_ns;
};

/* Of the caller's group: the one before, and another one (NULL: as it is).  A thread's own context,
 * nothing held. */
struct alarm alarm_change(struct task *t, const struct alarm *to);

/* For the world's making: nobody has one. */
void alarm_begin(struct task_world *w);
void alarm_end(struct task_world *w); /* no group is left */

#endif
