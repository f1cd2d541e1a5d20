/*
 * process_exit.c -- how processes end, by themselves or by a kill, and who gets their children.
 *
 * An end is settled once, by whoever is first under the lock: the process takes no more threads,
 * and each it has is asked to leave.  A thread that waits is woken by that, one that is ready or
 * runs finds the word when next it looks, one that has not begun finds it before it begins.
 *
 * Taking down comes when the last thread is gone: the space goes first, while the process is still
 * nobody's business, then the children are handed on, and last the parent is told, in the same
 * moment in which the process becomes a zombie.  A parent that hears of it therefore finds neither
 * a thread nor a stack of it, and children of it nowhere.
 *
 * Always true: who takes down a process is alone with it, since nobody can join it and nobody is
 * in it any more; a process is in `dead` of its parent exactly from the moment that is told.
 *
 * Locks: the world's.  Cost: O(threads) to settle, O(children * ancestors) to hand on, both under
 * it.
 */
#include "kernel/process_inside.h"

void process_end_locked(struct process_world *w, struct process *p, enum process_end end,
			uint64_t code)
{
	ASSERT(p->state == PROCESS_NEW || p->state == PROCESS_ALIVE);
	if (p->ending) return;
	p->ending = true;
	p->status.end = end;
	p->status.code = code;
	for (struct list *l = p->threads.next; l != &p->threads; l = l->next) {
		const struct process_thread *r = CONTAINER_OF(l, struct process_thread, link);
		if (r->id != THREAD_NONE) sched_kill(w->config.sched, r->id);
	}
}

int process_kill(struct process_world *w, process_id id, uint64_t code)
{
	const mach_irq_t was = lock_take(&w->lock);
	struct process *p = process_find_locked(w, id);

	if (p != NULL && p->state != PROCESS_ZOMBIE) process_end_locked(w, p, PROCESS_KILLED, code);
	lock_drop(&w->lock, was);
	return p != NULL ? 0 : -ERR_SRCH;
}

NORETURN void process_exit(struct process_world *w, uint64_t code)
{
	struct process_thread *self = process_thread_self(w);

	ASSERT(self != NULL && self->process != NULL);
	const mach_irq_t was = lock_take(&w->lock);
	process_end_locked(w, self->process, PROCESS_EXITED, code);
	lock_drop(&w->lock, was);
	process_thread_exit(w, code);
}

/* --- taking down ------------------------------------------------------------------------------ */

/* Whether a parent is to be told of its end. */
static bool is_awaited_locked(struct process_world *w, const struct process *p) REQUIRES(&w->lock)
{
	bool told = p->parent != NULL;

	if (p->user != NULL && w->hooks.ended != NULL)
		told = w->hooks.ended(w->hooks.arg, p->user, told ? p->parent->user : NULL) && told;
	return told;
}

/* One child gets another parent, or is forgotten where there is none and it has ended. */
static void hand_on_locked(struct process_world *w, struct process *child, struct process *parent)
	REQUIRES(&w->lock)
{
	const bool dead = child->state == PROCESS_ZOMBIE;

	ASSERT(child->parent != NULL && child->parent != parent);
	list_remove(&child->link);
	child->parent = NULL;
	if (parent != NULL) process_join_locked(w, child, parent);
	if (child->user != NULL && w->hooks.handed_on != NULL)
		w->hooks.handed_on(w->hooks.arg, child->user, parent == NULL ? NULL : parent->user);
	if (dead && !is_awaited_locked(w, child)) process_release_locked(w, child);
}

/* Who gets the children of `p`: the nearest above it that takes in and does not end itself, else
 * who gets all orphans. */
static struct process *heir_locked(struct process_world *w, const struct process *p)
	REQUIRES(&w->lock)
{
	for (struct process *up = p->parent; up != NULL && up != w->init; up = up->parent)
		if (up->takes_in && !up->ending) return up;
	return w->init;
}

/* Of all its children, whether they live or not; NULL: there is none. */
static struct process *oldest_locked(struct process *p)
{
	struct process *alive = CONTAINER_OF(p->children.next, struct process, link);
	struct process *dead = CONTAINER_OF(p->dead.next, struct process, link);

	if (list_empty(&p->children)) return list_empty(&p->dead) ? NULL : dead;
	return list_empty(&p->dead) || alive->since < dead->since ? alive : dead;
}

/* Whether `p` is `other`, or descends from it. */
static bool is_below_locked(struct process_world *w, const struct process *p,
			    const struct process *other) REQUIRES(&w->lock)
{
	(void)w;
	while (p != NULL && p != other) p = p->parent;
	return p != NULL;
}

/* A child that the heir descends from, or is, is nobody's from then on: else it would be its own
 * ancestor. */
static void hand_on_all_locked(struct process_world *w, struct process *p) REQUIRES(&w->lock)
{
	struct process *const parent = heir_locked(w, p);
	const bool dead = !list_empty(&p->dead);

	ASSERT(parent != p);
	for (struct process *child; (child = oldest_locked(p)) != NULL;)
		hand_on_locked(w, child, is_below_locked(w, parent, child) ? NULL : parent);
	if (dead && parent != NULL) process_tell_locked(w, parent);
}

static void become_zombie_locked(struct process_world *w, struct process *p) REQUIRES(&w->lock)
{
	ASSERT(p->space == NULL && list_empty(&p->children) && list_empty(&p->dead));
	p->state = PROCESS_ZOMBIE;
	w->zombies++;
	list_remove(&p->link);
	process_list_locked(w, p);
	process_tell_locked(w, p->parent);
}

void process_finish(struct process_world *w, struct process *p)
{
	if (p->space != NULL) space_retire(p->space);
	p->space = NULL;

	const mach_irq_t was = lock_take(&w->lock);
	ASSERT(p->state == PROCESS_ALIVE && p->ending && p->running == 0 && p->held == 0);
	if (w->init == p) w->init = NULL;
	hand_on_all_locked(w, p);
	w->ended++;
	struct process *parent = p->parent;
	if (is_awaited_locked(w, p)) {
		become_zombie_locked(w, p);
	} else {
		process_release_locked(w, p);
		if (parent != NULL) process_tell_locked(w, parent); /* it may have waited */
	}
	lock_drop(&w->lock, was);
}
