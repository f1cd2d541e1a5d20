/*
 * runq.h -- the threads that are ready on one CPU, and which comes next.  Never blocks.
 *
 * A list for each priority and a bitmap of those that are not empty.  Within a priority: first in,
 * first out, and a preempted or yielding thread goes last, so a ready thread runs within as many
 * switches as there are ready threads at its priority, whatever the running one does.
 */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include "sched/thread.h"

struct runq {
	struct lock lock; /* RANK_RUNQ */
	uint32_t cpu;
	uint32_t busy GUARDED_BY(&lock);  /* bit p: queue[p] is not empty */
	uint32_t count GUARDED_BY(&lock); /* atomic reads, for a look from outside */
	struct list queue[PRIORITIES] GUARDED_BY(&lock);
};

void runq_init(struct runq *rq, uint32_t cpu);

/* All below: with rq->lock held. */
void runq_add_locked(struct runq *rq, struct thread *t);    /* READY, in no queue, may run here */
void runq_remove_locked(struct runq *rq, struct thread *t); /* is in this queue */

/* The priority of the most urgent; PRIORITIES: none is ready. */
static inline unsigned runq_most_urgent_locked(const struct runq *rq)
{
	return rq->busy != 0 ? bit_lowest(rq->busy) : PRIORITIES;
}

/* The most urgent, removed, or NULL; the second form only one at least as urgent as `priority`
 * (what a running thread yields to). */
struct thread *runq_next_locked(struct runq *rq);
struct thread *runq_next_of_locked(struct runq *rq, unsigned priority);

/* What another CPU may take: the most urgent that may run on CPU `cpu`, that which waited longest
 * first; removed; NULL: none.  The caller holds no other run queue's lock. */
struct thread *runq_steal_locked(struct runq *rq, uint32_t cpu);

/* What this CPU may give to CPU `cpu`, where nothing is more urgent than `urgent`: of those that
 * are at least as urgent the least urgent, that which came last first, and that has run since it
 * was last given away; removed; NULL: none.  The caller holds no other run queue's lock. */
struct thread *runq_spare_locked(struct runq *rq, uint32_t cpu, unsigned urgent);

/* NULL when sound, else what is wrong. */
const char *runq_check_locked(const struct runq *rq);

#endif
