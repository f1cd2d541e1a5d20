/*
 * process_wait.c -- waiting for children.
 *
 * The condition, that a child has ended, is guarded by the table's lock, but a thread sleeps with
 * another one, its process's own, so that an end wakes who waits for it and nobody else.  Between
 * the two stands a number, `news`, that counts what there was to tell: it is read before the look
 * at the children, and who finds it changed when about to sleep looks again instead.  So an end
 * that falls between the look and the sleep is not missed (an eventcount: Reed and Kanodia,
 * "Synchronization with eventcounts and sequencers", 1979).
 *
 * Where the dead are reaped by idle CPUs only (REAP_IN_IDLE) and none is idle, the end that
 * somebody waits for would not come: who waits then wakes up now and then and reaps them itself.
 *
 * Always true: a status is told once; of several threads that wait for one child the others get
 * -ERR_CHILD.
 *
 * Locks: the world's for the look, the queue's for the sleep, never one within the other here.
 * Cost: O(1) for a look.
 */
#include "kernel/process_inside.h"

enum { REAP_LOOK_NS = TICK_MS * 1000000 };

static int collect_locked(struct process_world *w, struct process *self, process_id which,
			  struct process_status *status) REQUIRES(&w->lock)
{
	struct process *child = NULL;

	if (which != PROCESS_ANY) {
		child = process_find_locked(w, which);
		if (child == NULL || child->parent != self) return -ERR_CHILD;
	} else if (!list_empty(&self->dead)) {
		child = CONTAINER_OF(self->dead.next, struct process, link);
	} else if (list_empty(&self->children)) {
		return -ERR_CHILD;
	}
	if (child == NULL || child->state != PROCESS_ZOMBIE) return -ERR_AGAIN;
	ASSERT(child->parent == self && child->status.id == process_id_of(child));
	*status = child->status;
	process_release_locked(w, child);
	return 0;
}

/* 0: tells and forgets an ended child; -ERR_AGAIN: there are children, and none has ended. */
static int collect(struct process_world *w, struct process *self, process_id which,
		   struct process_status *status)
{
	const mach_irq_t was = lock_take(&w->lock);
	const int answer = collect_locked(w, self, which, status);

	lock_drop(&w->lock, was);
	return answer;
}

static uint64_t news_of(struct process *self)
{
	const mach_irq_t was = wait_enter(&self->told);
	const uint64_t news = self->news;

	wait_leave(&self->told, was);
	return news;
}

/* Until there are other news than `seen`. */
static enum wait_result sleep_until_told(struct process_world *w, struct process *self,
					 uint64_t seen, uint64_t deadline_ns)
{
	enum wait_result result = WAIT_WOKEN;
	const mach_irq_t was = wait_enter(&self->told);

	while (self->news == seen && result == WAIT_WOKEN)
		result = wait_sleep(w->config.sched, &self->told, deadline_ns);
	if (self->news != seen) result = WAIT_WOKEN;
	wait_leave(&self->told, was);
	return result;
}

/* Until told; or until it is time to reap, which is as if something had been told. */
static enum wait_result sleep_a_while(struct process_world *w, struct process *self, uint64_t seen,
				      uint64_t deadline_ns)
{
	uint64_t until_ns = deadline_ns;

	if (w->config.sched->config.reap == REAP_IN_IDLE)
		until_ns = min_u64(deadline_ns, mach_now_ns() + REAP_LOOK_NS);
	const enum wait_result result = sleep_until_told(w, self, seen, until_ns);
	return result == WAIT_TIMEOUT && until_ns != deadline_ns ? WAIT_WOKEN : result;
}

int process_wait(struct process_world *w, process_id which, uint64_t deadline_ns,
		 struct process_status *status)
{
	const struct process_thread *caller = process_thread_self(w);
	enum wait_result result = WAIT_WOKEN;

	if (caller == NULL || caller->process == NULL) return -ERR_CHILD;
	struct process *const self = caller->process;
	for (;;) {
		const uint64_t seen = news_of(self);
		const int answer = collect(w, self, which, status);
		if (answer != -ERR_AGAIN) return answer;
		if (process_reap(w)) continue;
		if (deadline_ns == 0 || result == WAIT_TIMEOUT) return -ERR_AGAIN;
		if (result == WAIT_KILLED) return -ERR_INTR;
		result = sleep_a_while(w, self, seen, deadline_ns);
	}
}
