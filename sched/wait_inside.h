/*
 * wait_inside.h -- what a mutex needs of wait queues besides.  For sched/ alone.
 */
#ifndef SCHED_WAIT_INSIDE_H
#define SCHED_WAIT_INSIDE_H

#include "sched/wait.h"

/* Panics ("sleep-in-atomic") where `t`, which has entered q, may not sleep. */
void wait_must_be_allowed(const struct wait_queue *q, const struct thread *t);

/* With q->lock held: wakes the first that still waits, and says who it was; NULL: nobody.  It does
 * not get beyond taking the lock before this is dropped. */
struct thread *wait_wake_first(struct sched *s, struct wait_queue *q);

#endif
