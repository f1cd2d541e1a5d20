/*
 * process.c -- the table of processes: slots, ids, who is whose child.
 *
 * A world has a fixed number of slots, handed in; a process lives in one from process_spawn() until
 * its status was collected.  Free slots are used oldest first, under the next generation, so an id
 * that somebody kept names nobody.  What a slot has that others may look at without the lock (the
 * queue of those who wait) is made once and stays.
 *
 * One lock guards the table and all that hangs on it.  Parent and child are therefore never locked
 * one after the other, and there is no order to get wrong; what is done under it is bounded by the
 * children and threads of one process.  Neither memory nor stacks are asked for or given back under
 * it.
 *
 * Always true (process_check):
 *   T1  a slot is in the list of the free exactly when its state is FREE; then nothing hangs on it;
 *   T2  a process is in `children` of its parent, or in `dead` if it is a ZOMBIE, the older ones
 *       first; one without a parent is in no list, and is no ZOMBIE;
 *   T3  `taken` and `zombies` count the slots in these states, `threads` those of processes and
 *       of the kernel itself;
 *   T4  `running` counts the records in `threads`; held >= running;
 *   T5  a ZOMBIE has no thread, no space and no children, and its status names it.
 *
 * Locks: the world's (RANK_PROCESS), the outermost; under it the queues of who waits (RANK_WAIT)
 * and the scheduler's.
 */
#include "kernel/process_inside.h"

static void slot_init(struct process_world *w, uint32_t slot)
{
	struct process *p = &w->config.processes[slot];

	*p = (struct process){ .slot = slot, .generation = 1, .state = PROCESS_FREE };
	list_init(&p->link);
	list_init(&p->children);
	list_init(&p->dead);
	list_init(&p->threads);
	wait_init(&p->told, RANK_WAIT);
	list_add_last(&w->free, &p->link);
}

void process_world_init(struct process_world *w, const struct process_config *config)
{
	ASSERT(config->slots >= 1 && config->processes != NULL);
	*w = (struct process_world){ .config = *config };
	lock_init(&w->lock, RANK_PROCESS);
	list_init(&w->free);
	for (uint32_t slot = 0; slot < config->slots; slot++) slot_init(w, slot);
}

void process_hooks_set(struct process_world *w, const struct process_hooks *hooks)
{
	ASSERT(w->taken == 0);
	w->hooks = *hooks;
}

/* --- slots ------------------------------------------------------------------------------------ */

struct process *process_find_locked(struct process_world *w, process_id id)
{
	const uint64_t slot = id & UINT32_MAX;

	if (slot >= w->config.slots) return NULL;
	struct process *p = &w->config.processes[slot];
	return p->state != PROCESS_FREE && p->generation == id >> 32 ? p : NULL;
}

struct process *process_claim_locked(struct process_world *w, struct process *parent)
{
	struct list *link = list_take_first(&w->free);

	if (link == NULL) return NULL;
	struct process *p = CONTAINER_OF(link, struct process, link);
	ASSERT(p->state == PROCESS_FREE && p->space == NULL && p->held == 0);
	ASSERT(parent == NULL || parent->state == PROCESS_ALIVE);
	ASSERT(list_empty(&p->threads) && list_empty(&p->children) && list_empty(&p->dead));
	p->state = PROCESS_NEW;
	p->ending = p->alone = p->takes_in = false;
	p->parent = parent;
	p->status = (struct process_status){ .id = process_id_of(p) };
	if (parent != NULL) process_join_locked(w, p, parent);
	w->taken++;
	return p;
}

void process_list_locked(struct process_world *w, struct process *p)
{
	struct list *list = p->state == PROCESS_ZOMBIE ? &p->parent->dead : &p->parent->children;
	struct list *before = list->prev;

	(void)w;
	while (before != list && CONTAINER_OF(before, struct process, link)->since > p->since)
		before = before->prev;
	list_add_first(before, &p->link);
}

void process_join_locked(struct process_world *w, struct process *p, struct process *parent)
{
	p->parent = parent;
	p->since = w->handed++;
	process_list_locked(w, p);
}

/* Generations are at least 1. */
void process_release_locked(struct process_world *w, struct process *p)
{
	ASSERT(p->state != PROCESS_FREE && p->space == NULL);
	ASSERT(p->running == 0 && p->held == 0);
	ASSERT(list_empty(&p->threads) && list_empty(&p->children) && list_empty(&p->dead));
	if (p->parent != NULL) list_remove(&p->link);
	if (p->state == PROCESS_ZOMBIE) w->zombies--;
	if (p->user != NULL && w->hooks.released != NULL) w->hooks.released(w->hooks.arg, p->user);
	p->user = NULL;
	p->parent = NULL;
	p->state = PROCESS_FREE;
	if (++p->generation == 0) p->generation = 1;
	list_add_last(&w->free, &p->link);
	w->taken--;
}

void process_tell_locked(struct process_world *w, struct process *p)
{
	ASSERT(p->state == PROCESS_ALIVE);
	const mach_irq_t was = wait_enter(&p->told);
	p->news++;
	wait_wake_all(w->config.sched, &p->told);
	wait_leave(&p->told, was);
}

int process_adopt_orphans(struct process_world *w, process_id id)
{
	const mach_irq_t was = lock_take(&w->lock);
	struct process *p = process_find_locked(w, id);
	const bool fits = id == PROCESS_NONE || (p != NULL && p->state == PROCESS_ALIVE);

	if (fits) w->init = p;
	lock_drop(&w->lock, was);
	return fits ? 0 : -ERR_SRCH;
}

/* --- who asks --------------------------------------------------------------------------------- */

bool process_reap(struct process_world *w)
{
	struct sched *s = w->config.sched;

	return s->config.reap == REAP_IN_IDLE && sched_reap(s) != 0;
}

struct process_thread *process_thread_self(struct process_world *w)
{
	const struct thread *t = sched_current(w->config.sched);

	return t != NULL && process_owns(t->owner) ? t->owner : NULL;
}

/* A process that has a thread that asks stays what it is meanwhile. */
static struct process *process_of_caller(struct process_world *w)
{
	const struct process_thread *self = process_thread_self(w);

	return self == NULL ? NULL : self->process;
}

process_id process_self(struct process_world *w)
{
	const struct process *p = process_of_caller(w);

	return p == NULL ? PROCESS_NONE : process_id_of(p);
}

void process_take_in_below(struct process_world *w, bool takes)
{
	struct process *p = process_of_caller(w);

	ASSERT(p != NULL);
	const mach_irq_t was = lock_take(&w->lock);
	p->takes_in = takes;
	lock_drop(&w->lock, was);
}

bool process_takes_in(struct process_world *w)
{
	const struct process *p = process_of_caller(w);

	ASSERT(p != NULL);
	const mach_irq_t was = lock_take(&w->lock);
	const bool takes = p->takes_in;
	lock_drop(&w->lock, was);
	return takes;
}

struct space *process_space(struct process_world *w)
{
	const struct process *p = process_of_caller(w);

	return p == NULL ? NULL : p->space;
}

process_id process_parent(struct process_world *w)
{
	const struct process *p = process_of_caller(w);
	process_id id = PROCESS_NONE;

	if (p == NULL) return id;
	const mach_irq_t was = lock_take(&w->lock);
	if (p->parent != NULL) id = process_id_of(p->parent);
	lock_drop(&w->lock, was);
	return id;
}

void *process_thread_user(struct process_world *w)
{
	const struct process_thread *self = process_thread_self(w);

	return self == NULL ? NULL : self->user;
}

void process_thread_forget(struct process_world *w)
{
	process_thread_self(w)->user = NULL;
}

struct space *process_space_hold(struct process_world *w, process_id id)
{
	const mach_irq_t was = lock_take(&w->lock);
	const struct process *p = process_find_locked(w, id);
	struct space *space = p != NULL && p->running != 0 ? p->space : NULL;

	if (space != NULL) space_hold(space);
	lock_drop(&w->lock, was);
	return space;
}

void process_count(struct process_world *w, struct process_counts *out)
{
	const mach_irq_t was = lock_take(&w->lock);

	*out = (struct process_counts){
		.processes = w->taken,
		.zombies = w->zombies,
		.threads = w->threads,
		.spawned = w->spawned,
		.ended = w->ended,
	};
	lock_drop(&w->lock, was);
}
