/*
 * process_spawn.c -- how processes come to be.
 *
 * A slot first, so that a full table costs nothing; then the space, then the first thread with its
 * record, its stack and its slot of the scheduler's.  Whatever fails, all that was made before goes
 * back, and the answer says what there was too little of.
 *
 * The child is among its parent's from the beginning, as NEW: a parent that ends meanwhile (another
 * thread than its own makes the child) hands it on like any other, and a kill finds it and is
 * heeded as soon as its first thread has begun.  A thread of the parent that already waits for
 * children must not wait for one that never comes to be, so giving up is told like an end.
 *
 * While it is NEW it can have no children of its own, nor get orphans, so it can be given up.
 *
 * Always true: from NEW to FREE goes only who made it, and only while nobody has run in it.
 *
 * Locks: the world's, twice for a moment; none while anything is asked for.
 */
#include "kernel/process_inside.h"

/* A slot, or an error. */
static int spawn_claim(struct process_world *w, process_id parent_id, struct process **child)
{
	const mach_irq_t was = lock_take(&w->lock);
	struct process *parent = process_find_locked(w, parent_id);
	int answer = 0;

	*child = NULL;
	if (parent_id != PROCESS_NONE && (parent == NULL || parent->state != PROCESS_ALIVE))
		answer = -ERR_SRCH;
	else if (parent != NULL && parent->ending)
		answer = -ERR_INTR;
	else if ((*child = process_claim_locked(w, parent)) == NULL)
		answer = -ERR_AGAIN;
	lock_drop(&w->lock, was);
	return answer;
}

static void spawn_abandon(struct process_world *w, struct process *p)
{
	if (p->space != NULL) space_retire(p->space);
	p->space = NULL;
	const mach_irq_t was = lock_take(&w->lock);
	struct process *parent = p->parent;
	ASSERT(p->state == PROCESS_NEW && p->running == 0 && p->held == 0);
	p->user = NULL; /* it stays the caller's */
	process_release_locked(w, p);
	if (parent != NULL) process_tell_locked(w, parent);
	lock_drop(&w->lock, was);
}

static struct space *spawn_space(struct process_world *w, const struct process_how *how,
				 struct space *from)
{
	if (from != NULL) return space_clone(from, how->site);
	if (how->space == NULL) return space_create(w->config.vm, how->site);
	space_hold(how->space);
	return how->space;
}

/* `from`: whose copy its space is; NULL: nobody's. */
static int spawn_once(struct process_world *w, process_id parent, const struct process_how *how,
		      struct space *from, process_id *id)
{
	struct process *p;
	thread_id thread;
	int answer = spawn_claim(w, parent, &p);

	*id = PROCESS_NONE;
	if (answer != 0) return answer;
	*id = process_id_of(p);
	p->user = how->process_user;
	if (!how->no_space) p->space = spawn_space(w, how, from);
	if (p->space == NULL && !how->no_space)
		answer = -ERR_NOMEM;
	else
		answer = process_thread_make(w, *id, true, how, &thread);
	if (answer == 0) return 0;
	*id = PROCESS_NONE;
	spawn_abandon(w, p);
	return answer;
}

/* With too little of something, once more if the dead have had some. */
static int spawn(struct process_world *w, process_id parent, const struct process_how *how,
		 struct space *from, process_id *id)
{
	const int answer = spawn_once(w, parent, how, from, id);

	if (answer != -ERR_NOMEM && answer != -ERR_AGAIN) return answer;
	return process_reap(w) ? spawn_once(w, parent, how, from, id) : answer;
}

int process_spawn(struct process_world *w, process_id parent, const struct process_how *how,
		  process_id *id)
{
	return spawn(w, parent, how, NULL, id);
}

int process_fork(struct process_world *w, const struct process_how *how, process_id *id)
{
	struct space *from = process_space(w);

	ASSERT(from != NULL && !how->no_space);
	return spawn(w, process_self(w), how, from, id);
}
