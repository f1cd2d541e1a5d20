/*
 * timer.h -- what is to happen at a time: one queue for each CPU.
 *
 * A pairing heap (Fredman, Sedgewick, Sleator and Tarjan 1986): adding is constant time, taking the
 * earliest and cancelling logarithmic amortised; nothing is allocated.  The scheduler runs the
 * queues of its CPUs with itself as `arg`: fire() of a timer in one of them gets the struct sched.
 */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include "sched/thread.h"

struct timer_queue {
	struct lock lock; /* RANK_TIMERS */
	uint32_t cpu;
	uint32_t count GUARDED_BY(&lock);
	struct timer *first GUARDED_BY(&lock); /* earliest, or NULL */
	uint64_t added GUARDED_BY(&lock);      /* how many ever were */
	uint64_t next_ns;                      /* atomic: when the earliest is due */
};

void timer_queue_init(struct timer_queue *q, uint32_t cpu);

/* A timer in no queue, that will call fire(arg, timer, cookie) -- see struct timer. */
void timer_init(struct timer *timer, void (*fire)(void *arg, struct timer *timer, uint64_t cookie));

/* Fires at `deadline_ns` (less than UINT64_MAX) or as soon after as q is run.  True: it is the
 * earliest now, so the CPU's clock has to be set anew.  It is in no queue yet. */
bool timer_add(struct timer_queue *q, struct timer *timer, uint64_t deadline_ns, uint64_t cookie);

/* Takes it out; false when it is in no queue: it fires, has fired, or was never added.  Whoever
 * gives away the memory of a timer that may be firing must know by other means that it is over, or
 * that its fire() looks at nothing but the cookie and what outlives it. */
bool timer_cancel(struct timer_queue *q, struct timer *timer);

/* When the earliest is due; UINT64_MAX: never.  Takes no lock. */
uint64_t timer_next_ns(const struct timer_queue *q);

/* Takes out and fires all that are due at `now_ns`, earliest first, equal ones as they were added;
 * how many.  Interrupts masked, no lock held; fire() gets `arg`, and adds no timer that is due at
 * `now_ns` too: this would never end. */
uint32_t timer_run(struct timer_queue *q, uint64_t now_ns, void *arg);

const char *timer_check(struct timer_queue *q); /* NULL when sound */

#endif
