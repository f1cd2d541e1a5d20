/*
 * mutex.h -- a lock that is waited for asleep, with an owner.  First come, first served: unlocking
 * hands it to the thread that waited longest, so nobody barges in.
 */
#ifndef SCHED_MUTEX_H
#define SCHED_MUTEX_H

#include "sched/wait.h"

struct mutex {
	struct wait_queue queue; /* RANK_MUTEX */
	thread_id owner;         /* guarded by queue.lock; THREAD_NONE: nobody */
};

void mutex_init(struct mutex *m);

/*
 * WAIT_WOKEN: it is ours.  WAIT_TIMEOUT, WAIT_KILLED: it is not; a kill ends the wait at once.
 * Taking one's own is "deadlock".
 * One that is free is ours at once, also for a thread that was killed: who cleans up may need it.
 * A mutex that was handed to a waiter is its, and it is told so, even when it was killed or its
 * deadline passed before it ran.  Contexts as wait_sleep(), whether or not it has to wait.
 */
enum wait_result mutex_lock(struct sched *s, struct mutex *m, uint64_t deadline_ns);
bool mutex_try(struct sched *s, struct mutex *m);

/* By its owner; "owner" otherwise.  Goes to the one that has waited longest and still waits. */
void mutex_unlock(struct sched *s, struct mutex *m);

const char *mutex_check(struct mutex *m); /* NULL when sound */

#endif
