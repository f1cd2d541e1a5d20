/*
 * sched_waits.c -- queues at which threads wait for units, mutexes that they own.
 *
 * A queue has units.  Who wants one takes it if there is one, else waits; who adds units wakes.
 * What must hold whenever the queue's lock is held: while somebody waits there, there are no more
 * units than threads that were woken and have not run yet.  A unit beyond these is one that a
 * sleeper should have been woken for: a lost wake-up, though a later one may hide it.
 *
 * A mutex has an owner, who touches what it guards; mutexes are taken without a deadline only in
 * the order of their numbers, so whoever waits gets on.
 *
 * Compiled without points but for those of the calls; what is guarded is touched in sched_touch.c.
 * Locks: the queues' and the mutexes'.
 */
#include "fuzz/sched_world.h"

static struct {
	struct {
		uint32_t pending; /* were woken, and have not run yet */
		uint32_t forever; /* wait without a deadline */
		uint32_t waker;   /* the CPU that woke last */
	} queue[QUEUES];
	struct {
		uint64_t entered;
		uint32_t engaged; /* threads that are at it */
		uint32_t begun;
	} owned[MUTEXES];
} world;

void waits_open(struct run *run)
{
	struct sched_state *s = sched_state_of(run);
	memset(&world, 0, sizeof(world));
	for (uint32_t n = 0; n < QUEUES; n++) {
		wait_init(&s->queue[n].wait, RANK_WAIT);
		s->queue[n].units = 0;
	}
	wait_init(&s->care.wait, RANK_WAIT);
	s->care.units = 0;
	for (uint32_t n = 0; n < MUTEXES; n++) {
		mutex_init(&s->owned[n].mutex);
		s->owned[n].value = s->owned[n].inside = 0;
	}
}

/* --- queues ----------------------------------------------------------------------------------- */

/* Woken by a deadline or a kill, and linked still: how many. */
static uint32_t judge_queue_locked(const struct queue *q, uint32_t n)
{
	const struct list *head = &q->wait.waiters;
	uint32_t raced = 0;
	for (const struct list *link = head->next; link != head; link = link->next) {
		const struct thread *t = CONTAINER_OF(link, struct thread, wait_link);
		if (thread_word_state(t->word) != THREAD_WAITING)
			raced += (t->word & THREAD_TIMEOUT) != 0;
		else if (q->units > world.queue[n].pending)
			kpanic(ORACLE_LOST_WAKE, "thread %u waits, with %lu units and %u woken",
			       t->slot, (unsigned long)q->units, world.queue[n].pending);
	}
	return raced;
}

bool queue_has_forever(struct run *run, uint32_t n)
{
	(void)run;
	return world.queue[n].forever != 0;
}

static void note_end(struct run *run, uint32_t n, enum wait_result result, uint64_t deadline_ns,
		     uint32_t from)
{
	if (result == WAIT_KILLED) run_sometimes(run, SAW_KILLED_WAITER);
	if (result != WAIT_WOKEN) return;
	if (world.queue[n].pending == 0)
		kpanic(ORACLE_VERDICT, "a thread was woken at queue %u, by nobody", n);
	world.queue[n].pending--;
	if (world.queue[n].waker != from) run_sometimes(run, SAW_WAKE_ACROSS);
	if (mach_now_ns() >= deadline_ns) run_sometimes(run, SAW_TIMEOUT_RACED);
}

/* With the queue's lock; takes no unit. */
static enum wait_result queue_sleep(struct run *run, struct life *me, uint32_t n,
				    uint64_t deadline_ns)
{
	struct queue *q = &sched_state_of(run)->queue[n];
	const uint32_t from = mach_cpu(), forever = deadline_ns == WAIT_FOREVER;
	world.queue[n].forever += forever;
	sleep_begins(me, &q->wait, deadline_ns);
	const enum wait_result result = wait_sleep(sched_of(run), &q->wait, deadline_ns);
	world.queue[n].forever -= forever;
	sleep_ended(me, result);
	note_end(run, n, result, deadline_ns, from);
	return result;
}

enum wait_result queue_wait(struct run *run, struct life *me, uint32_t n, uint64_t deadline_ns)
{
	struct queue *q = &sched_state_of(run)->queue[n];
	enum wait_result result = WAIT_WOKEN;
	struct waiting before;
	waiting_note(run, &q->wait, &before);
	const mach_irq_t was = wait_enter(&q->wait);
	bool slept = false, got;
	while (!(got = queue_take_unit(q)) && result == WAIT_WOKEN) {
		result = queue_sleep(run, me, n, deadline_ns);
		slept = true;
	}
	judge_queue_locked(q, n);
	if (got && slept && result == WAIT_WOKEN) waiting_judge(&before, "unit");
	wait_leave(&q->wait, was);
	lives_progress();
	return got ? WAIT_WOKEN : result;
}

void queue_post(struct run *run, uint32_t n, uint32_t units, bool all)
{
	struct queue *q = &sched_state_of(run)->queue[n];
	struct sched *s = sched_of(run);
	struct waiting asleep;
	uint32_t woken = 0;
	const mach_irq_t was = wait_enter(&q->wait);
	if (judge_queue_locked(q, n) != 0) run_sometimes(run, SAW_TIMEOUT_RACED);
	queue_add_units(q, units);
	waking_begins(&q->wait, &asleep);
	if (all) woken = wait_wake_all(s, &q->wait);
	for (uint32_t i = 0; !all && i < units; i++) woken += wait_wake_one(s, &q->wait);
	waking_ended(&asleep, all ? UINT32_MAX : units, woken);
	world.queue[n].pending += woken;
	if (woken != 0) world.queue[n].waker = mach_cpu();
	judge_queue_locked(q, n);
	wait_leave(&q->wait, was);
}

/* --- mutexes ---------------------------------------------------------------------------------- */

static void owned_got(struct run *run, struct life *me, uint32_t n)
{
	me->held |= 1u << n;
	world.owned[n].entered++;
	owned_enter(&sched_state_of(run)->owned[n], me->number);
}

enum wait_result owned_lock(struct run *run, struct life *me, uint32_t n, uint64_t deadline_ns)
{
	struct mutex *m = &sched_state_of(run)->owned[n].mutex;
	struct waiting before;
	waiting_note(run, &m->queue, &before);
	world.owned[n].engaged++;
	world.owned[n].begun++;
	const bool was_owned = m->owner != THREAD_NONE;
	if (was_owned && me->held != 0) run_sometimes(run, SAW_NESTED);
	sleep_begins(me, &m->queue, deadline_ns);
	const enum wait_result result = mutex_lock(sched_of(run), m, deadline_ns);
	me->sleeps_at = NULL;
	lives_progress();
	wait_judge(me, result, deadline_ns);
	if (result == WAIT_TIMEOUT) run_sometimes(run, SAW_MUTEX_TIMEOUT);
	if (result != WAIT_WOKEN) {
		world.owned[n].engaged--;
		return result;
	}
	if (was_owned) run_sometimes(run, SAW_HANDED_OVER);
	waiting_judge(&before, "mutex");
	owned_got(run, me, n);
	return result;
}

bool owned_try(struct run *run, struct life *me, uint32_t n)
{
	const uint32_t others = world.owned[n].engaged++, begun = ++world.owned[n].begun;
	const bool got = mutex_try(sched_of(run), &sched_state_of(run)->owned[n].mutex);
	if (got) {
		owned_got(run, me, n);
		return true;
	}
	if (others == 0 && world.owned[n].begun == begun)
		kpanic(ORACLE_MUST_SUCCEED, "mutex %u refused, and nobody has it", n);
	world.owned[n].engaged--;
	return false;
}

void owned_unlock(struct run *run, struct life *me, uint32_t n)
{
	struct owned *o = &sched_state_of(run)->owned[n];
	owned_leave(o, me->number);
	me->held &= ~(1u << n);
	mutex_unlock(sched_of(run), &o->mutex);
	world.owned[n].engaged--;
	lives_progress();
}

void owned_unlock_all(struct run *run, struct life *me)
{
	while (me->held != 0) owned_unlock(run, me, bit_lowest(me->held));
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_queue(struct run *run, uint32_t n, bool at_rest)
{
	struct queue *q = &sched_state_of(run)->queue[n];
	const mach_irq_t was = wait_enter(&q->wait);
	const char *why = wait_check_locked(&q->wait);
	judge_queue_locked(q, n);
	wait_leave(&q->wait, was);
	if (why != NULL) kpanic(ORACLE_WALK, "queue %u: %s", n, why);
	if (at_rest && (world.queue[n].pending != 0 || !list_empty(&q->wait.waiters)))
		kpanic(ORACLE_LEAK, "somebody still waits at queue %u", n);
}

static void check_mutex(struct run *run, uint32_t n, bool at_rest)
{
	struct owned *o = &sched_state_of(run)->owned[n];
	const char *why = mutex_check(&o->mutex);
	if (why != NULL) kpanic(ORACLE_WALK, "mutex %u: %s", n, why);
	if (!at_rest) return;
	if (o->mutex.owner != THREAD_NONE || world.owned[n].engaged != 0)
		kpanic(ORACLE_LEAK, "mutex %u is owned by somebody", n);
	if (o->value != world.owned[n].entered)
		kpanic(ORACLE_CONTENT, "mutex %u: %lu owners, counted %lu", n,
		       (unsigned long)world.owned[n].entered, (unsigned long)o->value);
}

void waits_check(struct run *run, bool at_rest)
{
	for (uint32_t n = 0; n < QUEUES; n++) check_queue(run, n, at_rest);
	for (uint32_t n = 0; n < MUTEXES; n++) check_mutex(run, n, at_rest);
}
