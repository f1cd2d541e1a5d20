/*
 * sched_check.c -- whether a scheduler at rest is as it should be.
 *
 * At rest nothing moves: each CPU is offline, in its idle thread, or in the thread that asks.  Then
 * all of these hold:
 *
 *   Q1  each run queue and each timer queue is sound;
 *   Q2  a thread is READY exactly when it is in a run queue;
 *   Q3  a thread is RUNNING exactly when it is its CPU's current one; an idle thread is RUNNING
 *       when it is that, else READY; nothing is left over from a switch;
 *   Q4  a thread is TERMINATED exactly when it is in a queue of the dead;
 *   Q5  no CPU waits for work while a thread is ready that it could run: a wake-up was lost;
 *   Q6  while a thread of the running one's priority is ready, that has a slice: nobody is starved;
 *   Q7  the slots are sound (thread_table_check).
 *
 * Locks: each run queue's in turn, then the table's.  Cost: every slot once, every queue once.
 */
#include "sched/sched_inside.h"

/* How many threads are where, by the queues. */
struct sched_found {
	uint32_t ready, running, dead;
	uint32_t wanted; /* bits of CPUs that some ready thread may run on */
};

static const char *sched_check_current(const struct sched_cpu *c, struct sched_found *found)
{
	const struct thread *t = c->current;
	const enum thread_state idle = thread_word_state(atomic_load_u64(&c->idle.word));

	if (c->left != NULL) return "Q3: a switch was not settled";
	if ((t != NULL) != (atomic_load_u32(&c->online) != 0))
		return "Q3: a CPU that is offline runs a thread, or one that is online does not";
	if (idle != (t == &c->idle ? THREAD_RUNNING : THREAD_READY))
		return "Q3: an idle thread is in the wrong state";
	if (t == NULL || t == &c->idle) return NULL;
	if (thread_word_state(atomic_load_u64(&t->word)) != THREAD_RUNNING)
		return "Q3: a CPU's current thread is not running";
	if (atomic_load_u32(&t->cpu) != c->runq.cpu)
		return "Q3: a CPU's current thread is another's";
	found->running++;
	if (runq_most_urgent_locked(&c->runq) == t->priority &&
	    atomic_load_u64(&c->slice_end_ns) == UINT64_MAX)
		return "Q6: a thread of the same priority is ready and nothing ends a turn";
	return NULL;
}

static void sched_find_wanted(const struct runq *rq, struct sched_found *found)
{
	for (unsigned p = 0; p < PRIORITIES; p++) {
		const struct list *head = &rq->queue[p];
		for (const struct list *link = head->next; link != head; link = link->next)
			found->wanted |= CONTAINER_OF(link, struct thread, run_link)->affinity;
	}
}

static const char *sched_check_cpu(struct sched_cpu *c, struct sched_found *found)
{
	const mach_irq_t was = lock_take(&c->runq.lock);
	const char *why = runq_check_locked(&c->runq);

	if (why == NULL) why = sched_check_current(c, found);
	if (why == NULL) {
		found->ready += c->runq.count;
		sched_find_wanted(&c->runq, found);
	}
	lock_drop(&c->runq.lock, was);
	return why != NULL ? why : timer_check(&c->timers);
}

static const char *sched_check_dead(struct sched *s, struct sched_cpu *c, struct sched_found *found)
{
	const char *why = NULL;
	uint32_t count = 0;
	const mach_irq_t was = lock_take(&s->table.lock);

	for (struct list *link = c->dead.next; link != &c->dead && why == NULL; link = link->next) {
		const struct thread *t = CONTAINER_OF(link, struct thread, slot_link);
		if (thread_word_state(atomic_load_u64(&t->word)) != THREAD_TERMINATED)
			why = "Q4: a thread in a queue of the dead is not";
		else if (link->next->prev != link || ++count > s->config.slots)
			why = "Q4: links of the dead do not meet";
	}
	if (why == NULL && count != c->dead_count)
		why = "Q4: the count of the dead disagrees with their queue";
	lock_drop(&s->table.lock, was);
	found->dead += count;
	return why;
}

/* Every slot, against what was found in the queues. */
static const char *sched_check_slots(struct sched *s, const struct sched_found *found)
{
	uint32_t in[THREAD_STATES] = { 0 };

	for (uint32_t i = 0; i < s->config.slots; i++) {
		const struct thread *t = &s->table.threads[i];
		const enum thread_state state = thread_word_state(atomic_load_u64(&t->word));
		if ((uint32_t)state >= THREAD_STATES) return "Q3: a thread is in no state at all";
		in[state]++;
		if ((state == THREAD_READY) != list_linked(&t->run_link))
			return state == THREAD_READY ? "Q2: a ready thread is in no run queue"
						     : "Q2: a thread in a run queue is not ready";
	}
	if (in[THREAD_READY] != found->ready) return "Q2: ready threads and queues disagree";
	if (in[THREAD_RUNNING] != found->running) return "Q3: a thread runs on no CPU";
	if (in[THREAD_TERMINATED] != found->dead) return "Q4: a dead thread is in no queue";
	return NULL;
}

const char *sched_check(struct sched *s)
{
	struct sched_found found = { 0 };
	const char *why = NULL;

	for (uint32_t i = 0; i < s->config.cpus && why == NULL; i++) {
		why = sched_check_cpu(&s->cpu[i], &found);
		if (why == NULL) why = sched_check_dead(s, &s->cpu[i], &found);
	}
	for (uint32_t i = 0; i < s->config.cpus && why == NULL; i++)
		if (atomic_load_u32(&s->cpu[i].receives) != 0) why = "Q6: a CPU waits for a gift";
	if (why == NULL) why = sched_check_slots(s, &found);
	if (why == NULL && (atomic_load_u64(&s->idle_cpus) & found.wanted) != 0)
		why = "Q5: a CPU waits for work while there is some";
	return why != NULL ? why : thread_table_check(&s->table);
}
