/*
 * sched_sleepers.c -- who sleeps, and who was woken by whom.
 *
 * A thread says before it sleeps where it will, and until when, and who wakes notes whom it took
 * out of the queue, all with the queue's lock.  So what a wait answers is known: WAIT_WOKEN is told
 * to those who were taken out, and to nobody else; a wake that finds nobody leaves nobody asleep;
 * one that takes somebody passes over none who came before and sleeps still.
 *
 * Deadlines.  A thread that sleeps with one has its timer in the queue of the CPU on which it fell
 * asleep, unless that CPU is about to fire it, with interrupts masked: so whenever a CPU changes
 * threads or idles, all those that fell asleep on it have theirs.  A thread that goes on by its
 * deadline does not before that.  The count of its waits does not go back.  Who was killed does not
 * sleep.
 *
 * Among those who want the same, who waited before somebody else came is woken before: once that
 * one has what it came for, none of those that it found waiting is still in the same wait.
 *
 * At rest, when all sleep and none by a deadline of its own, each is linked where it said it would
 * be, nobody was woken, and mutexes are owned by who has them.
 *
 * Compiled without points, and no atomic operation among what is done: so what is looked at stands
 * still meanwhile.  Locks: none.
 */
#include "fuzz/sched_world.h"

static struct {
	uint64_t id;
	uint32_t waits;
} counted[SLOTS_MAX];

void sleepers_open(void)
{
	memset(counted, 0, sizeof(counted));
}

static bool sleeps(const struct thread *t)
{
	return thread_word_state(t->word) == THREAD_WAITING;
}

/* --- one thread ------------------------------------------------------------------------------- */

void sleep_begins(struct life *me, const struct wait_queue *q, uint64_t deadline_ns)
{
	me->sleeps_at = q;
	me->until_ns = deadline_ns;
	me->woken = false;
}

void sleep_ended(struct life *me, enum wait_result result)
{
	if (result == WAIT_WOKEN && !me->woken)
		kpanic(ORACLE_VERDICT, "thread %u was woken by nobody", me->number);
	if (result != WAIT_WOKEN && me->woken)
		kpanic(ORACLE_LOST_WAKE, "thread %u was woken, and knows nothing of it",
		       me->number);
	wait_judge(me, result, me->until_ns);
	me->sleeps_at = NULL;
	me->woken = false;
}

void sleeper_goes_on(const struct thread *t)
{
	const uint64_t id = (uint64_t)thread_word_generation(t->word) << 32 | t->slot;
	const uint32_t waits = (uint32_t)t->word >> 16;
	if ((t->word & THREAD_TIMEOUT) != 0 && t->waits_in != 0 && t->wait_until_ns > mach_now_ns())
		kpanic(ORACLE_VERDICT,
		       "thread %u's deadline is %lu ns away, and is said to be over", t->slot,
		       (unsigned long)(t->wait_until_ns - mach_now_ns()));
	if (counted[t->slot].id == id && waits < counted[t->slot].waits)
		kpanic(ORACLE_THREAD_STATE, "thread %u was in wait %u, and is back in wait %u",
		       t->slot, counted[t->slot].waits, waits);
	counted[t->slot].id = id;
	counted[t->slot].waits = waits;
}

void sleepers_judge(const struct run *run)
{
	const struct sched_state *s = sched_state_of(run);
	for (uint32_t i = 0; i < s->sched.config.slots; i++) {
		const struct thread *t = &s->threads[i];
		if (!sleeps(t)) continue;
		if ((t->word & THREAD_KILLED) != 0)
			kpanic(ORACLE_LOST_WAKE, "thread %u was killed, and sleeps", t->slot);
		if (t->wait_until_ns == WAIT_FOREVER) continue;
		if (t->timer.cpu != mach_cpu() || t->timer.deadline_ns == t->wait_until_ns)
			continue;
		kpanic(ORACLE_LOST_WAKE, "thread %u sleeps until %lu, and no timer is set for it",
		       t->slot, (unsigned long)t->wait_until_ns);
	}
}

/* --- at rest ---------------------------------------------------------------------------------- */

static bool is_linked(const struct wait_queue *q, const struct thread *t)
{
	const struct list *link = q->waiters.next;
	while (link != &q->waiters && link != &t->wait_link) link = link->next;
	return link != &q->waiters;
}

static void judge_sleeper(const struct thread *t)
{
	const struct life *life = t->owner;
	if (life->woken) kpanic(ORACLE_LOST_WAKE, "thread %u was woken, and sleeps", life->number);
	if (life->joins != THREAD_NONE && life_with(life->joins) == NULL)
		kpanic(ORACLE_LOST_WAKE, "thread %u waits for the end of one who is gone",
		       life->number);
	if (life->sleeps_at == NULL) return;
	if (t->waits_in != (uintptr_t)life->sleeps_at || !is_linked(life->sleeps_at, t))
		kpanic(ORACLE_WALK, "thread %u sleeps where it does not wait", life->number);
	if (t->wait_until_ns != life->until_ns)
		kpanic(ORACLE_WALK, "thread %u sleeps until %lu, not %lu", life->number,
		       (unsigned long)t->wait_until_ns, (unsigned long)life->until_ns);
}

static void judge_owner(const struct sched_state *s, uint32_t n)
{
	const struct mutex *m = &s->owned[n].mutex;
	const struct life *owner = m->owner == THREAD_NONE ? NULL : life_with(m->owner);
	if (m->owner != THREAD_NONE && (owner == NULL || (owner->held >> n & 1) == 0))
		kpanic(ORACLE_OWNER, "mutex %u is owned by slot %u, who does not have it", n,
		       (uint32_t)m->owner);
	if (m->owner == THREAD_NONE && !list_empty(&m->queue.waiters))
		kpanic(ORACLE_LOST_WAKE, "mutex %u is free, and somebody waits for it", n);
}

void sleepers_at_rest(const struct run *run)
{
	const struct sched_state *s = sched_state_of(run);
	for (uint32_t i = 0; i < s->sched.config.slots; i++)
		if (sleeps(&s->threads[i])) judge_sleeper(&s->threads[i]);
	for (uint32_t n = 0; n < MUTEXES; n++) judge_owner(s, n);
}

/* --- among them ----------------------------------------------------------------------------- */

void waiting_note(const struct run *run, const struct wait_queue *q, struct waiting *w)
{
	const struct sched_state *s = sched_state_of(run);
	w->count = 0;
	for (uint32_t i = 0; i < s->sched.config.slots; i++) {
		const struct thread *t = &s->threads[i];
		if (t->waits_in != (uintptr_t)q) continue;
		if (thread_word_state(t->word) != THREAD_WAITING) continue;
		w->thread[w->count] = t;
		w->word[w->count++] = t->word;
	}
}

void waiting_judge(const struct waiting *w, const char *what)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->thread[i]->word == w->word[i])
			kpanic(ORACLE_STARVATION, "thread %u waited for a %s before this one",
			       w->thread[i]->slot, what);
}

void wait_judge(const struct life *me, enum wait_result result, uint64_t deadline_ns)
{
	if (result == WAIT_TIMEOUT && mach_now_ns() < deadline_ns)
		kpanic(ORACLE_VERDICT, "a wait ended %lu ns early",
		       (unsigned long)(deadline_ns - mach_now_ns()));
	if (result == WAIT_KILLED && me->told == 0)
		kpanic(ORACLE_VERDICT, "thread %u was killed by nobody", me->number);
}

/* --- wakes ------------------------------------------------------------------------------------ */

void waking_begins(const struct wait_queue *q, struct waiting *w)
{
	w->count = 0;
	for (const struct list *link = q->waiters.next; link != &q->waiters; link = link->next) {
		const struct thread *t = CONTAINER_OF(link, struct thread, wait_link);
		if (!sleeps(t)) continue;
		w->thread[w->count] = t;
		w->word[w->count++] = t->word;
	}
}

void waking_ended(const struct waiting *w, uint32_t most, uint32_t woken)
{
	const struct thread *asleep = NULL;
	uint32_t taken = 0;
	for (uint32_t i = 0; i < w->count; i++) {
		const struct thread *t = w->thread[i];
		struct life *life = t->owner;
		if (t->word == w->word[i]) {
			asleep = asleep == NULL ? t : asleep;
		} else if (!list_linked(&t->wait_link)) {
			if (asleep != NULL)
				kpanic(ORACLE_STARVATION,
				       "thread %u was woken, and %u waits longer", t->slot,
				       asleep->slot);
			life->woken = true;
			taken++;
		}
	}
	if (taken != woken)
		kpanic(ORACLE_VERDICT, "%u were woken, and %u are said to be", taken, woken);
	if (asleep != NULL && woken < most)
		kpanic(ORACLE_LOST_WAKE, "thread %u waits, %u of %u were woken", asleep->slot,
		       woken, most);
}
