/*
 * sched_calls.c -- conditions that stay: calls of lanes, and ends of threads.
 *
 * A call is for a lane: it stays until a thread of that lane has come for it, and nobody else takes
 * it.  Who calls wakes all that wait there; those who were not meant wait again at once, with the
 * deadline that they had or another.  An end stays for ever: who waits for that of a thread that is
 * gone does not sleep, and whoever reaps one wakes all that wait for any.
 *
 * What must hold whenever the lock of a queue of calls is held and no call is being made: nobody
 * sleeps there who has been called.
 *
 * Compiled without points but for those of the calls; what is guarded is touched in sched_touch.c.
 * Locks: the queues'.
 */
#include "fuzz/sched_world.h"

static struct {
	uint32_t forever[CALLS]; /* wait there without a deadline */
	bool joins;              /* somebody has waited for an end, ever */
} world;

void calls_open(struct run *run)
{
	struct sched_state *s = sched_state_of(run);
	memset(&world, 0, sizeof(world));
	for (uint32_t n = 0; n < CALLS; n++) {
		wait_init(&s->calls[n].wait, RANK_WAIT);
		s->calls[n].lanes = 0;
	}
	wait_init(&s->ends, RANK_WAIT);
}

/* With its lock. */
static void judge_calls_locked(const struct calls *c, uint32_t n)
{
	const struct list *head = &c->wait.waiters;
	for (const struct list *link = head->next; link != head; link = link->next) {
		const struct thread *t = CONTAINER_OF(link, struct thread, wait_link);
		const struct life *life = t->owner;
		if (thread_word_state(t->word) != THREAD_WAITING) continue;
		if ((c->lanes >> life->lane & 1) != 0)
			kpanic(ORACLE_LOST_WAKE, "lane %u was called at %u, and waits", life->lane,
			       n);
	}
}

static void wake_all(struct run *run, struct wait_queue *q)
{
	struct waiting asleep;
	waking_begins(q, &asleep);
	waking_ended(&asleep, UINT32_MAX, wait_wake_all(sched_of(run), q));
}

/* --- calls ------------------------------------------------------------------------------------ */

enum wait_result calls_wait(struct run *run, struct life *me, uint32_t n, uint64_t deadline_ns)
{
	struct calls *c = &sched_state_of(run)->calls[n];
	const uint32_t forever = deadline_ns == WAIT_FOREVER;
	enum wait_result result = WAIT_WOKEN;
	bool got, slept = false;
	const mach_irq_t was = wait_enter(&c->wait);
	judge_calls_locked(c, n);
	while (!(got = calls_take(c, me->lane)) && result == WAIT_WOKEN) {
		if (slept) run_sometimes(run, SAW_CALLED_ANOTHER);
		sleep_begins(me, &c->wait, deadline_ns);
		world.forever[n] += forever;
		result = wait_sleep(sched_of(run), &c->wait, deadline_ns);
		world.forever[n] -= forever;
		sleep_ended(me, result);
		slept = true;
	}
	if (got && !slept) run_sometimes(run, SAW_CALLED_BEFORE);
	judge_calls_locked(c, n);
	wait_leave(&c->wait, was);
	lives_progress();
	return got ? WAIT_WOKEN : result;
}

void calls_make(struct run *run, uint32_t n, uint32_t lanes)
{
	struct calls *c = &sched_state_of(run)->calls[n];
	const mach_irq_t was = wait_enter(&c->wait);
	judge_calls_locked(c, n);
	calls_add(c, lanes);
	wake_all(run, &c->wait);
	judge_calls_locked(c, n);
	wait_leave(&c->wait, was);
}

bool calls_have_forever(struct run *run, uint32_t n)
{
	(void)run;
	return world.forever[n] != 0;
}

/* --- ends ------------------------------------------------------------------------------------- */

enum wait_result ends_wait(struct run *run, struct life *me, thread_id id, uint64_t deadline_ns)
{
	struct wait_queue *q = &sched_state_of(run)->ends;
	enum wait_result result = WAIT_WOKEN;
	bool gone, slept = false;
	world.joins = true;
	me->joins = id;
	const mach_irq_t was = wait_enter(q);
	while (!(gone = life_with(id) == NULL) && result == WAIT_WOKEN) {
		sleep_begins(me, q, deadline_ns);
		result = wait_sleep(sched_of(run), q, deadline_ns);
		sleep_ended(me, result);
		slept = true;
	}
	wait_leave(q, was);
	me->joins = THREAD_NONE;
	if (gone && slept) run_sometimes(run, SAW_JOINED);
	if (result == WAIT_TIMEOUT) run_sometimes(run, SAW_JOIN_TIMEOUT);
	lives_progress();
	return gone ? WAIT_WOKEN : result;
}

/* A thread was reaped, and is not among the living any more. */
void ends_told(struct run *run)
{
	struct wait_queue *q = &sched_state_of(run)->ends;
	if (!world.joins) return;
	const mach_irq_t was = wait_enter(q);
	wake_all(run, q);
	wait_leave(q, was);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_queue(struct wait_queue *q, bool at_rest)
{
	const mach_irq_t was = wait_enter(q);
	const char *why = wait_check_locked(q);
	const bool empty = list_empty(&q->waiters);
	wait_leave(q, was);
	if (why != NULL) kpanic(ORACLE_WALK, "a queue of calls or ends: %s", why);
	if (at_rest && !empty) kpanic(ORACLE_LEAK, "somebody still waits for a call or an end");
}

void calls_check(struct run *run, bool at_rest)
{
	struct sched_state *s = sched_state_of(run);
	for (uint32_t n = 0; n < CALLS; n++) {
		check_queue(&s->calls[n].wait, at_rest);
		judge_calls_locked(&s->calls[n], n);
	}
	check_queue(&s->ends, at_rest);
}
