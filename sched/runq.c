/*
 * runq.c -- which thread runs next on one CPU.
 *
 * A list for each priority (0 is the most urgent) and a bitmap of those that are not empty, so the
 * next thread is found in constant time.  Within a priority: first in, first out.  Everybody who
 * becomes ready goes last, the woken and the new as well as the preempted and who yields, and the
 * first is taken, by this CPU and by one that steals.  So nobody can be passed: the thread in
 * place n of its list is taken after n - 1 others, whatever those that run do.  (Searching round
 * robin from the slot of the thread that runs, as schedulers with a table do, has no such bound:
 * two threads that wake each other can keep the search away from the rest for ever.)
 *
 * Always true (runq_check_locked):
 *   R1  bit p of `busy` is set exactly when list p is not empty;
 *   R2  a thread in a list is READY, of that priority, of this CPU and may run on it;
 *   R3  `count` threads are in the lists, and links meet.
 *
 * Locks: rq->lock (RANK_RUNQ) guards all; `count` may be read without.
 * Cost: adding, removing and taking the next about 25 instructions; stealing looks at each thread
 * that may not run on the CPU that asks.
 */
#include "sched/runq.h"

static struct thread *runq_thread(struct list *link)
{
	return CONTAINER_OF(link, struct thread, run_link);
}

void runq_init(struct runq *rq, uint32_t cpu)
{
	ASSERT(cpu < CPUS_MAX);
	*rq = (struct runq){ .cpu = cpu };
	lock_init(&rq->lock, RANK_RUNQ);
	for (unsigned p = 0; p < PRIORITIES; p++) list_init(&rq->queue[p]);
}

void runq_add_locked(struct runq *rq, struct thread *t)
{
	ASSERT(t->priority < PRIORITIES && (t->affinity >> rq->cpu & 1) != 0);
	ASSERT(!t->idle && !list_linked(&t->run_link));
	ASSERT_SLOW(thread_word_state(atomic_load_u64(&t->word)) == THREAD_READY);
	ASSERT_SLOW(atomic_load_u32(&t->cpu) == rq->cpu);
	list_add_last(&rq->queue[t->priority], &t->run_link);
	rq->busy |= 1u << t->priority;
	atomic_store_u32(&rq->count, rq->count + 1);
}

void runq_remove_locked(struct runq *rq, struct thread *t)
{
	struct list *queue = &rq->queue[t->priority];

	ASSERT(rq->count > 0 && list_linked(&t->run_link));
	ASSERT_SLOW(atomic_load_u32(&t->cpu) == rq->cpu);
	list_remove(&t->run_link);
	if (list_empty(queue)) rq->busy &= ~(1u << t->priority);
	atomic_store_u32(&rq->count, rq->count - 1);
	ASSERT((rq->count == 0) == (rq->busy == 0));
}

struct thread *runq_next_locked(struct runq *rq)
{
	return runq_next_of_locked(rq, PRIORITIES - 1);
}

struct thread *runq_next_of_locked(struct runq *rq, unsigned priority)
{
	const unsigned urgent = runq_most_urgent_locked(rq);

	if (urgent > priority || urgent == PRIORITIES) return NULL;
	struct thread *t = runq_thread(rq->queue[urgent].next);
	ASSERT(t->priority == urgent);
	runq_remove_locked(rq, t);
	return t;
}

/* The first of a list that may run on `cpu`, or NULL. */
static struct thread *runq_first_for_locked(struct list *queue, uint32_t cpu)
{
	for (struct list *link = queue->next; link != queue; link = link->next)
		if ((runq_thread(link)->affinity >> cpu & 1) != 0) return runq_thread(link);
	return NULL;
}

struct thread *runq_steal_locked(struct runq *rq, uint32_t cpu)
{
	ASSERT(cpu < CPUS_MAX && cpu != rq->cpu);
	for (uint32_t busy = rq->busy; busy != 0; busy &= busy - 1) {
		struct thread *t = runq_first_for_locked(&rq->queue[bit_lowest(busy)], cpu);
		if (t == NULL) continue;
		runq_remove_locked(rq, t);
		return t;
	}
	return NULL;
}

/* The last of a list that may run on `cpu` and may be moved, or NULL. */
static struct thread *runq_last_for_locked(struct list *queue, uint32_t cpu)
{
	for (struct list *link = queue->prev; link != queue; link = link->prev) {
		struct thread *t = runq_thread(link);
		if ((t->affinity >> cpu & 1) != 0 && t->moved_at != t->switches + 1) return t;
	}
	return NULL;
}

struct thread *runq_spare_locked(struct runq *rq, uint32_t cpu, unsigned urgent)
{
	ASSERT(cpu < CPUS_MAX && cpu != rq->cpu && urgent <= PRIORITY_IDLE);
	for (unsigned p = min_u64(urgent, PRIORITIES - 1) + 1; p-- > 0;) {
		struct thread *t = runq_last_for_locked(&rq->queue[p], cpu);
		if (t == NULL) continue;
		runq_remove_locked(rq, t);
		return t;
	}
	return NULL;
}

/* --- check ------------------------------------------------------------------------------------ */

static const char *runq_check_one_locked(const struct runq *rq, const struct thread *t, unsigned p)
{
	if (thread_word_state(atomic_load_u64(&t->word)) != THREAD_READY)
		return "R2: a thread in a run queue is not ready";
	if (t->priority != p) return "R2: a thread is in the list of another priority";
	if (atomic_load_u32(&t->cpu) != rq->cpu)
		return "R2: a thread is in the run queue of another CPU";
	if ((t->affinity >> rq->cpu & 1) == 0)
		return "R2: a thread is in the run queue of a CPU that it may not run on";
	return t->idle ? "R2: an idle thread is in a run queue" : NULL;
}

const char *runq_check_locked(const struct runq *rq)
{
	uint32_t seen = 0;

	for (unsigned p = 0; p < PRIORITIES; p++) {
		const struct list *head = &rq->queue[p];
		if (head->next->prev != head || head->prev->next != head)
			return "R3: the links of a list's head do not meet";
		if (list_empty(head) != ((rq->busy >> p & 1) == 0))
			return "R1: the bitmap disagrees with a list";
		for (struct list *link = head->next; link != head; link = link->next) {
			const char *why = runq_check_one_locked(rq, runq_thread(link), p);
			if (why != NULL) return why;
			if (link->next->prev != link) return "R3: links of threads do not meet";
			if (++seen > rq->count) return "R3: the count disagrees with the lists";
		}
	}
	if (rq->busy >> PRIORITIES != 0) return "R1: the bitmap has a bit for no list";
	return seen == rq->count ? NULL : "R3: the count disagrees with the lists";
}
