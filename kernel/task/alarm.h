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

/* The next of those that are due at due_ns and then every so long (0: once), which is over, after
 * now_ns; 0: there is none. */
uint64_t alarm_again(uint64_t due_ns, uint64_t every_ns, uint64_t now_ns);

/* What a group has that is due has changed. */
void alarm_set_locked(struct task_world *w) REQUIRES(&w->lock);

/* For the world's making: nobody has one. */
void alarm_begin(struct task_world *w);
void alarm_end(struct task_world *w); /* no group is left */

#endif
