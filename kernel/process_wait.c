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
 * A caller may say more exactly which children it means, and what of them it wants to hear, by a
 * function that looks at what hangs on them.
 *
 * A thread that wants to be alone in its process waits in the same way: another that is gone is
 * news for it.
 *
 * Always true: a status is told once; of several threads that wait for one child the others get
 * -ERR_CHILD.
 *
 * Locks: the world's for the look, the queue's for the sleep, never one within the other here.
 * Cost: O(1) for a look, with a function O(children).
 */
#include "kernel/process_inside.h"

enum { REAP_LOOK_NS = TICK_MS * 1000000 };

/* The first of `list` that is to be taken.  *any: one was asked for. */
static struct process *look_at_locked(struct list *list, const struct process_wait_how *how,
				      bool *any)
{
	for (struct list *l = list->next; l != list; l = l->next) {
		struct process *p = CONTAINER_OF(l, struct process, link);
		const bool ended = p->state == PROCESS_ZOMBIE;
		enum process_look look = ended ? LOOK_TAKE : LOOK_WAIT;
		if (how->look != NULL) {
			if (p->user == NULL) continue;
			look = how->look(how->arg, p->user, ended);
		}
		if (look == LOOK_OTHER) continue;
		*any = true;
		if (look == LOOK_TAKE) return p;
		if (how->look == NULL) return NULL; /* none of them has ended */
	}
	return NULL;
}

/* A child that has something to tell, or NULL, and then *any says whether one may have some day. */
static struct process *pick_locked(struct process_world *w, struct process *self,
				   const struct process_wait_how *how, bool *any) REQUIRES(&w->lock)
{
	*any = false;
	if (how->which == PROCESS_ANY) {
		struct process *child = look_at_locked(&self->dead, how, any);
		return child != NULL ? child : look_at_locked(&self->children, how, any);
	}
	struct process *child = process_find_locked(w, how->which);
	if (child == NULL || child->parent != self) return NULL;
	const bool ended = child->state == PROCESS_ZOMBIE;
	enum process_look look = ended ? LOOK_TAKE : LOOK_WAIT;
	if (how->look != NULL)
		look = child->user != NULL ? how->look(how->arg, child->user, ended) : LOOK_OTHER;
	*any = look != LOOK_OTHER;
	return look == LOOK_TAKE ? child : NULL;
}

static int collect_locked(struct process_world *w, struct process *self,
			  const struct process_wait_how *how, struct process_status *status)
	REQUIRES(&w->lock)
{
	bool any;
	struct process *child = pick_locked(w, self, how, &any);

	if (child == NULL) return any ? -ERR_AGAIN : -ERR_CHILD;
	ASSERT(child->parent == self && child->status.id == process_id_of(child));
	*status = child->status;
	if (child->state == PROCESS_ZOMBIE && !how->keep) process_release_locked(w, child);
	return 0;
}

/* 0: tells, and forgets, an ended child; -ERR_AGAIN: there are children, and none has ended. */
static int collect(struct process_world *w, struct process *self,
		   const struct process_wait_how *how, struct process_status *status)
{
	const mach_irq_t was = lock_take(&w->lock);
	const int answer = collect_locked(w, self, how, status);

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
					 uint64_t seen, uint64_t deadline_ns, bool heeds)
{
	struct sched *s = w->config.sched;
	enum wait_result result = WAIT_WOKEN;
	const mach_irq_t was = wait_enter(&self->told);

	while (self->news == seen && result == WAIT_WOKEN)
		result = heeds ? wait_sleep_heeding(s, &self->told, deadline_ns)
			       : wait_sleep(s, &self->told, deadline_ns);
	if (self->news != seen) result = WAIT_WOKEN;
	wait_leave(&self->told, was);
	return result;
}

/* Until told; or until it is time to reap, which is as if something had been told. */
static enum wait_result sleep_a_while(struct process_world *w, struct process *self, uint64_t seen,
				      uint64_t deadline_ns, bool heeds)
{
	uint64_t until_ns = deadline_ns;

	if (w->config.sched->config.reap == REAP_IN_IDLE)
		until_ns = min_u64(deadline_ns, mach_now_ns() + REAP_LOOK_NS);
	const enum wait_result result = sleep_until_told(w, self, seen, until_ns, heeds);
	return result == WAIT_TIMEOUT && until_ns != deadline_ns ? WAIT_WOKEN : result;
}

int process_wait_for(struct process_world *w, const struct process_wait_how *how,
		     struct process_status *status)
{
	const struct process_thread *caller = process_thread_self(w);
	enum wait_result result = WAIT_WOKEN;

	if (caller == NULL || caller->process == NULL) return -ERR_CHILD;
	struct process *const self = caller->process;
	for (;;) {
		const uint64_t seen = news_of(self);
		const int answer = collect(w, self, how, status);
		if (answer != -ERR_AGAIN) return answer;
		if (process_reap(w)) continue;
		if (how->deadline_ns == 0 || result == WAIT_TIMEOUT) return -ERR_AGAIN;
		if (result != WAIT_WOKEN) return -ERR_INTR;
		result = sleep_a_while(w, self, seen, how->deadline_ns, how->heeds);
	}
}

int process_wait(struct process_world *w, process_id which, uint64_t deadline_ns,
		 struct process_status *status)
{
	const struct process_wait_how how = { .which = which, .deadline_ns = deadline_ns };

	return process_wait_for(w, &how, status);
}

void process_news(struct process_world *w, process_id id)
{
	const mach_irq_t was = lock_take(&w->lock);
	struct process *p = process_find_locked(w, id);

	if (p != NULL && p->state == PROCESS_ALIVE) process_tell_locked(w, p);
	lock_drop(&w->lock, was);
}

/* --- being alone ------------------------------------------------------------------------------ */

static bool is_alone(struct process_world *w, struct process *self, bool waits)
{
	const mach_irq_t was = lock_take(&w->lock);
	const bool alone = self->held == 1;

	ASSERT(self->held != 0);
	self->alone = waits && !alone;
	lock_drop(&w->lock, was);
	return alone;
}

int process_wait_alone(struct process_world *w)
{
	struct process *const self = process_thread_self(w)->process;

	for (;;) {
		const uint64_t seen = news_of(self);
		if (is_alone(w, self, true)) return 0;
		if (process_reap(w)) continue;
		if (sleep_a_while(w, self, seen, WAIT_FOREVER, false) == WAIT_WOKEN) continue;
		return is_alone(w, self, false) ? 0 : -ERR_INTR;
	}
}

void process_become(struct process_world *w, struct space *space)
{
	struct process *const self = process_thread_self(w)->process;
	struct space *const old = self->space;

	ASSERT(space != NULL && old != NULL && space != old);
	const mach_irq_t was = lock_take(&w->lock);
	ASSERT(self->held == 1);
	self->space = space;
	sched_current(w->config.sched)->space = space;
	lock_drop_masked(&w->lock);
	space_switch(w->config.vm, space);
	mach_irq_restore(was);
	space_retire(old);
}
