/*
 * mutex.c -- a lock that is waited for asleep.
 *
 * A wait queue and an owner.  Unlocking hands the mutex over: the owner becomes the thread that has
 * waited longest and still waits, before that thread runs, so nobody who comes in between gets it,
 * and each waiter waits for those before it and no longer.  (The price: the mutex is owned by a
 * thread that does not run yet.)
 *
 * The owner is an id, which is never used again: a thread that ended owning a mutex leaves it owned
 * by nobody that exists, and not by who gets the slot.  Each thread counts what it owns, so that
 * its end can be refused ("owner") for a comparison with 0.
 *
 * A waiter whose deadline passes or that is killed was either handed the mutex before, and then it
 * has it and is told so, or it was not, and then the unlocking passes it over: wait.c says which.
 *
 * Always true (mutex_check, nobody inside):
 *   M1  a mutex that nobody owns is waited for by nobody: who is linked has been woken and only has
 *       to run to take itself out;
 *   M2  the owner is not among those that wait;
 *   and what wait_check_locked() says.
 *
 * Locks: the queue's (RANK_MUTEX).  Cost: about 60 instructions each way when nobody waits.
 */
#include "sched/mutex.h"

#include "sched/wait_inside.h"

void mutex_init(struct mutex *m)
{
	wait_init(&m->queue, RANK_MUTEX);
	m->queue.is_mutex = 1;
	m->owner = THREAD_NONE;
}

static void mutex_count_one(struct thread *t)
{
	t->mutexes++;
	ASSERT(t->mutexes != 0);
}

/* If nobody owns it. */
static bool mutex_take_free_locked(struct mutex *m, struct thread *t)
{
	if (m->owner != THREAD_NONE) return false;
	m->owner = thread_id_of(t);
	mutex_count_one(t);
	return true;
}

enum wait_result mutex_lock(struct sched *s, struct mutex *m, uint64_t deadline_ns)
{
	const mach_irq_t was = wait_enter(&m->queue);
	struct thread *t = sched_current(s);
	enum wait_result result = WAIT_WOKEN;

	wait_must_be_allowed(&m->queue, t);
	if (m->owner == thread_id_of(t))
		kpanic("deadlock", "thread %u waits for a mutex that it owns", t->slot);
	if (!mutex_take_free_locked(m, t)) {
		result = wait_sleep(s, &m->queue, deadline_ns);
		ASSERT((result == WAIT_WOKEN) == (m->owner == thread_id_of(t)));
		if (result == WAIT_WOKEN) mutex_count_one(t);
	}
	wait_leave(&m->queue, was);
	return result;
}

bool mutex_try(struct sched *s, struct mutex *m)
{
	const mach_irq_t was = wait_enter(&m->queue);
	struct thread *t = sched_current(s);

	ASSERT(!t->idle);
	const bool taken = mutex_take_free_locked(m, t);
	wait_leave(&m->queue, was);
	return taken;
}

void mutex_unlock(struct sched *s, struct mutex *m)
{
	const mach_irq_t was = wait_enter(&m->queue);
	struct thread *t = sched_current(s);

	if (m->owner != thread_id_of(t))
		kpanic("owner", "thread %u unlocks a mutex that slot %u owns", t->slot,
		       (uint32_t)m->owner);
	ASSERT(t->mutexes > 0);
	t->mutexes--;
	const struct thread *next = wait_wake_first(s, &m->queue);
	ASSERT(next != t);
	m->owner = next != NULL ? thread_id_of(next) : THREAD_NONE;
	wait_leave(&m->queue, was);
}

static const char *mutex_check_locked(const struct mutex *m)
{
	const char *why = wait_check_locked(&m->queue);
	const struct list *head = &m->queue.waiters;

	for (struct list *link = head->next; why == NULL && link != head; link = link->next) {
		const struct thread *t = CONTAINER_OF(link, struct thread, wait_link);
		if (thread_word_state(atomic_load_u64(&t->word)) != THREAD_WAITING) continue;
		if (m->owner == THREAD_NONE) why = "M1: a mutex is free and somebody waits for it";
		if (m->owner == thread_id_of(t)) why = "M2: a mutex is waited for by its owner";
	}
	return why;
}

const char *mutex_check(struct mutex *m)
{
	const mach_irq_t was = wait_enter(&m->queue);
	const char *why = mutex_check_locked(m);

	wait_leave(&m->queue, was);
	return why;
}
