/*
 * wait.h -- waiting for a condition, without lost wake-ups.
 *
 * A wait queue is a monitor: its lock guards the condition too.  Who waits looks at the condition
 * with the lock held and sleeps in one step with dropping it; who changes the condition does so
 * with the lock held and wakes.  A wake finds every waiter that was there, in the order they came;
 * a waiter that a deadline or a kill has already woken is passed over and the next one is taken.
 * A waiter that a wake has taken has got it, whatever comes before it runs: it is told WAIT_WOKEN
 * even when it is killed or its deadline passes meanwhile, so no wake is lost with it.
 */
#ifndef SCHED_WAIT_H
#define SCHED_WAIT_H

#include "sched/sched.h"

enum wait_result { WAIT_WOKEN, WAIT_TIMEOUT, WAIT_KILLED, WAIT_SIGNALLED };

struct wait_queue {
	struct lock lock; /* RANK_WAIT unless said otherwise */
	struct list waiters GUARDED_BY(&lock);
	uint32_t entered_masked GUARDED_BY(&lock); /* by who holds the lock: he may not sleep */
	uint32_t is_mutex;                         /* fixed: it is the queue of a struct mutex */
};

#define WAIT_FOREVER UINT64_MAX

/* Its lock is of that rank, which is below RANK_THREADS. */
void wait_init(struct wait_queue *q, enum lock_rank rank);

/* Take and give back its lock; what it returns goes to the other. */
mach_irq_t wait_enter(struct wait_queue *q);
void wait_leave(struct wait_queue *q, mach_irq_t was);

/*
 * With q->lock held, as the only lock: sleeps until woken, until mach_now_ns() reaches deadline_ns
 * (WAIT_FOREVER: never) or until killed; the lock is held again on return.  A thread that was
 * killed before does not sleep, nor one whose deadline has passed.  The condition is to be looked
 * at again: another may have come first.  Not in an interrupt or with interrupts masked before
 * wait_enter(), not in an idle thread, not with another lock held ("sleep-in-atomic").
 */
enum wait_result wait_sleep(struct sched *s, struct wait_queue *q, uint64_t deadline_ns);

/* The same, but a signal (sched_signal) ends it, too: WAIT_SIGNALLED; a thread that has one does
 * not sleep. */
enum wait_result wait_sleep_heeding(struct sched *s, struct wait_queue *q, uint64_t deadline_ns);

/* With q->lock held: wakes the first that still waits, or all; how many. */
uint32_t wait_wake_one(struct sched *s, struct wait_queue *q);
uint32_t wait_wake_all(struct sched *s, struct wait_queue *q);

/* The same for that one, which waits there or did a moment ago; false: it was woken otherwise. */
bool wait_wake_thread(struct sched *s, struct wait_queue *q, struct thread *t);

const char *wait_check_locked(const struct wait_queue *q); /* NULL when sound */

/* Sleeps until mach_now_ns() reaches deadline_ns: WAIT_TIMEOUT, or WAIT_KILLED. */
enum wait_result sched_sleep_until(struct sched *s, uint64_t deadline_ns);

/* The same, or WAIT_SIGNALLED. */
enum wait_result sched_sleep_heeding(struct sched *s, uint64_t deadline_ns);

#endif
