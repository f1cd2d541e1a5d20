/*
 * wait.c -- waiting and waking.
 *
 * Going to sleep, in wait_sleep(), all with the queue's lock held:
 *
 *	1. look at the thread's word: killed already?  Then do not begin (nor, in a wait that heeds
 *	   signals, where there is one);
 *	2. link it in as the last;
 *	3. set its timer, which is to wake it from the word that it will have while it waits;
 *	4. sched_block(): under the lock of its run queue the word goes from RUNNING to WAITING, if
 *	   it still is that of step 1, so a kill since then is not missed; then the queue's lock is
 *	   dropped and the CPU goes on in another thread.
 *
 * Who wakes moves the word from WAITING to READY (sched_wake), and only one party can: a waker, the
 * timer, a kill.  A waker also takes the thread out of the queue; the others do not have the lock,
 * so the thread does that itself, later, when it runs and has taken the lock again.  That is how it
 * knows who woke it: not linked means a waker did.  And then it is WAIT_WOKEN, whatever else came
 * after: the wake was spent on it and nobody else will get it.
 *
 * Until it has run again, a thread that a timer or a kill woke is linked and not WAITING; a waker
 * passes it over.  It is no longer in a wait, so it needs no wake, and its result says that.
 *
 * Late timers.  A timer is taken out of its queue under that queue's lock, with its cookie, and
 * fires a moment later, without a lock.  Meanwhile its thread may have been woken, have ended, have
 * given its slot to another that waits with the same timer.  The cookie is the whole word of the
 * wait that it was set for, with the count of waits and the generation of the slot, so then it
 * wakes nobody.  fire() reads nothing of the thread but the word, and slots are never unmapped: so
 * nobody has to wait for a timer that fires.
 *
 * Always true (wait_check_locked, with the lock held):
 *   W1  links meet;
 *   W2  a linked thread is WAITING in this queue, or was woken from that and has not run on to take
 *       itself out: READY or RUNNING.
 *
 * Locks: q->lock, outside those of timers and run queues.  Cost: about 200 instructions to sleep,
 * 100 to wake, besides the switch; a wake looks at each thread that it passes over.
 */
#include "sched/wait_inside.h"

void wait_init(struct wait_queue *q, enum lock_rank rank)
{
	ASSERT(rank > RANK_NONE && rank < RANK_THREADS); /* outside of timers and run queues */
	*q = (struct wait_queue){ .entered_masked = 0 };
	lock_init(&q->lock, rank);
	list_init(&q->waiters);
}

mach_irq_t wait_enter(struct wait_queue *q)
{
	const bool masked = mach_irq_masked();
	const mach_irq_t was = lock_take(&q->lock);

	q->entered_masked = masked;
	return was;
}

void wait_leave(struct wait_queue *q, mach_irq_t was)
{
	lock_drop(&q->lock, was);
}

static struct thread *wait_thread(struct list *link)
{
	return CONTAINER_OF(link, struct thread, wait_link);
}

/* --- sleeping --------------------------------------------------------------------------------- */

void wait_must_be_allowed(const struct wait_queue *q, const struct thread *t)
{
	if (t->idle) kpanic("sleep-in-atomic", "an idle thread is to wait");
	if (q->entered_masked) kpanic("sleep-in-atomic", "a wait with interrupts masked before it");
	mach_lock_only_held(&q->lock);
}

/* fire() of a thread's timer: the deadline of the wait whose word is the cookie, or was before a
 * signal came that does not end it. */
static void wait_deadline_passed(void *arg, struct timer *timer, uint64_t cookie)
{
	struct thread *t = CONTAINER_OF(timer, struct thread, timer);

	ASSERT(thread_word_state(cookie) == THREAD_WAITING);
	if (sched_wake(arg, t, cookie, THREAD_TIMEOUT)) return;
	if (atomic_load_u64(&t->word) == (cookie | THREAD_SIGNAL))
		(void)sched_wake(arg, t, cookie | THREAD_SIGNAL, THREAD_TIMEOUT);
}

/* Step 3: `word` is what the thread's word will be. */
static void wait_set_timer(struct sched *s, struct thread *t, uint64_t deadline_ns, uint64_t word)
{
	atomic_store_u64(&t->wait_until_ns, deadline_ns);
	if (deadline_ns == WAIT_FOREVER) return;
	ASSERT(t->timer.deadline_ns == UINT64_MAX);
	t->timer.fire = wait_deadline_passed;
	if (timer_add(&s->cpu[mach_cpu()].timers, &t->timer, deadline_ns, word))
		sched_timers_changed(s);
}

/* It waits no more, with the lock held. */
static void wait_over(struct sched *s, struct thread *t, uint64_t deadline_ns)
{
	if (list_linked(&t->wait_link)) list_remove(&t->wait_link);
	if (deadline_ns != WAIT_FOREVER)
		(void)timer_cancel(&s->cpu[t->timer.cpu].timers, &t->timer);
	atomic_store_u64(&t->waits_in, 0);
}

/* The thread runs again, with the lock held: what woke it. */
static enum wait_result wait_end(struct sched *s, struct thread *t, uint64_t deadline_ns)
{
	const bool woken = !list_linked(&t->wait_link);
	const uint64_t word = atomic_load_u64(&t->word);

	ASSERT(thread_word_state(word) == THREAD_RUNNING);
	wait_over(s, t, deadline_ns);
	if (woken) return WAIT_WOKEN;
	if ((word & THREAD_KILLED) != 0) return WAIT_KILLED;
	if ((word & THREAD_TIMEOUT) == 0) {
		ASSERT((word & THREAD_SIGNAL) != 0 && (word & THREAD_HEEDS) != 0);
		return WAIT_SIGNALLED;
	}
	ASSERT(deadline_ns <= mach_now_ns());
	return WAIT_TIMEOUT;
}

/* Steps 1 to 4; WAIT_WOKEN: it has slept, and the lock is not held. */
static enum wait_result wait_try(struct sched *s, struct wait_queue *q, struct thread *t,
				 uint64_t deadline_ns, uint32_t heeds)
{
	for (;;) {
		const uint64_t was = atomic_load_u64(&t->word);
		ASSERT(thread_word_state(was) == THREAD_RUNNING);
		if ((was & THREAD_KILLED) != 0) return WAIT_KILLED;
		if ((was & THREAD_SIGNAL) != 0 && heeds != 0) return WAIT_SIGNALLED;
		if (deadline_ns != WAIT_FOREVER && deadline_ns <= mach_now_ns())
			return WAIT_TIMEOUT;
		ASSERT(!list_linked(&t->wait_link) && t->timer.deadline_ns == UINT64_MAX);
		list_add_last(&q->waiters, &t->wait_link);
		atomic_store_u64(&t->waits_in, (uintptr_t)q);
		wait_set_timer(s, t, deadline_ns,
			       thread_word_after(was, THREAD_WAITING, heeds,
						 THREAD_TIMEOUT | THREAD_HEEDS));
		if (sched_block(s, &q->lock, was, heeds)) return WAIT_WOKEN;
		wait_over(s, t, deadline_ns);
	}
}

static enum wait_result wait_sleep_as(struct sched *s, struct wait_queue *q, uint64_t deadline_ns,
				      uint32_t heeds)
{
	struct thread *t = sched_current(s);

	wait_must_be_allowed(q, t);
	const enum wait_result result = wait_try(s, q, t, deadline_ns, heeds);
	if (result != WAIT_WOKEN) return result;
	lock_take_masked(&q->lock); /* wait_leave() has the state to go back to */
	q->entered_masked = 0;      /* as it was when we came */
	return wait_end(s, t, deadline_ns);
}

enum wait_result wait_sleep(struct sched *s, struct wait_queue *q, uint64_t deadline_ns)
{
	return wait_sleep_as(s, q, deadline_ns, 0);
}

enum wait_result wait_sleep_heeding(struct sched *s, struct wait_queue *q, uint64_t deadline_ns)
{
	return wait_sleep_as(s, q, deadline_ns, THREAD_HEEDS);
}

static enum wait_result sleep_until(struct sched *s, uint64_t deadline_ns, uint32_t heeds)
{
	struct wait_queue nobody_wakes;

	wait_init(&nobody_wakes, RANK_WAIT);
	const mach_irq_t was = wait_enter(&nobody_wakes);
	const enum wait_result result = wait_sleep_as(s, &nobody_wakes, deadline_ns, heeds);
	wait_leave(&nobody_wakes, was);
	ASSERT(result != WAIT_WOKEN && list_empty(&nobody_wakes.waiters));
	return result;
}

enum wait_result sched_sleep_until(struct sched *s, uint64_t deadline_ns)
{
	return sleep_until(s, deadline_ns, 0);
}

enum wait_result sched_sleep_heeding(struct sched *s, uint64_t deadline_ns)
{
	return sleep_until(s, deadline_ns, THREAD_HEEDS);
}

/* --- waking ----------------------------------------------------------------------------------- */

/* Wakes the thread of `link` unless somebody else has; it is out of the queue then.  While it is in
 * this wait only a signal changes its word, once. */
static bool wait_wake(struct sched *s, struct list *link)
{
	struct thread *t = wait_thread(link);
	uint64_t word;

	ASSERT_SLOW(atomic_load_u64(&t->waits_in) != 0);
	do {
		word = atomic_load_u64(&t->word);
		if (thread_word_state(word) != THREAD_WAITING) return false;
	} while (!sched_wake(s, t, word, 0));
	list_remove(link);
	return true;
}

struct thread *wait_wake_first(struct sched *s, struct wait_queue *q)
{
	ASSERT(mach_irq_masked());
	for (struct list *link = q->waiters.next; link != &q->waiters; link = link->next)
		if (wait_wake(s, link)) return wait_thread(link);
	return NULL;
}

bool wait_wake_thread(struct sched *s, struct wait_queue *q, struct thread *t)
{
	ASSERT(mach_irq_masked() && list_linked(&t->wait_link));
	ASSERT_SLOW(atomic_load_u64(&t->waits_in) == (uintptr_t)q);
	(void)q;
	return wait_wake(s, &t->wait_link);
}

uint32_t wait_wake_one(struct sched *s, struct wait_queue *q)
{
	return wait_wake_first(s, q) != NULL ? 1 : 0;
}

uint32_t wait_wake_all(struct sched *s, struct wait_queue *q)
{
	uint32_t woken = 0;

	ASSERT(mach_irq_masked());
	for (struct list *link = q->waiters.next, *next; link != &q->waiters; link = next) {
		next = link->next;
		woken += wait_wake(s, link) ? 1 : 0;
	}
	return woken;
}

/* --- check ------------------------------------------------------------------------------------ */

const char *wait_check_locked(const struct wait_queue *q)
{
	const struct list *head = &q->waiters;

	if (head->next->prev != head || head->prev->next != head)
		return "W1: the head's links do not meet";
	for (struct list *link = head->next; link != head; link = link->next) {
		const struct thread *t = wait_thread(link);
		const enum thread_state state = thread_word_state(atomic_load_u64(&t->word));
		if (link->next->prev != link) return "W1: links of waiters do not meet";
		if (t->idle) return "W2: an idle thread waits";
		if (atomic_load_u64(&t->waits_in) != (uintptr_t)q)
			return "W2: a thread that waits elsewhere, or nowhere, is linked";
		if (state != THREAD_WAITING && state != THREAD_READY && state != THREAD_RUNNING)
			return "W2: a thread that can be in no wait is linked";
	}
	return NULL;
}
