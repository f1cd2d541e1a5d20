/*
 * process_check.c -- whether a world of processes is sound: T1 to T5 of process.c, by a walk over
 * all slots, and what its threads have against what the window of stacks says is out.
 *
 * What it asks for holds whenever the world's lock is free, so it may be called at any time.
 * Locks: the world's, and under it the queue of each process.  Cost: O(slots + threads).
 */
#include "kernel/process_inside.h"

struct walk {
	struct process_world *w;
	uint32_t taken, zombies, held;
};

/* How many are in a list, each asked for what it must be; UINT32_MAX: one is not. */
static uint32_t count_list(const struct list *head, const struct process *parent, bool dead)
{
	uint64_t since = 0; /* at least */
	uint32_t count = 0;

	for (const struct list *l = head->next; l != head; l = l->next) {
		const struct process *p = CONTAINER_OF(l, struct process, link);
		if (l->next->prev != l || p->parent != parent) return UINT32_MAX;
		if (parent == NULL && p->state != PROCESS_FREE) return UINT32_MAX;
		if (parent != NULL && (p->state == PROCESS_ZOMBIE) != dead) return UINT32_MAX;
		if (parent != NULL && p->since < since) return UINT32_MAX;
		since = p->since + 1;
		count++;
	}
	return count;
}

static uint32_t count_threads(const struct process *p)
{
	uint32_t count = 0;

	for (const struct list *l = p->threads.next; l != &p->threads; l = l->next) {
		const struct process_thread *r = CONTAINER_OF(l, struct process_thread, link);
		if (r->process != p) return UINT32_MAX;
		count++;
	}
	return count;
}

static const char *check_free(const struct process *p)
{
	const bool bare = p->space == NULL && p->parent == NULL && p->held == 0 &&
			  list_empty(&p->children) && list_empty(&p->dead) &&
			  list_empty(&p->threads);

	if (!list_linked(&p->link)) return "T1: a free slot is in no list";
	return bare ? NULL : "T1: something hangs on a free slot";
}

static const char *check_zombie(const struct process *p)
{
	if (p->parent == NULL) return "T2: a zombie has no parent";
	if (p->held != 0 || p->space != NULL) return "T5: a zombie has threads or a space";
	if (!list_empty(&p->children) || !list_empty(&p->dead)) return "T5: a zombie has children";
	return p->status.id == process_id_of(p) ? NULL : "T5: a status names another process";
}

/* A thread that waits has not left. */
static bool has_ghost(struct process *p)
{
	const mach_irq_t was = wait_enter(&p->told);
	const bool waits = !list_empty(&p->told.waiters);

	wait_leave(&p->told, was);
	return waits && p->running == 0;
}

/* The way up has an end. */
static bool is_own_ancestor(const struct walk *walk, const struct process *p)
{
	uint32_t left = walk->w->config.slots;

	while (p != NULL && left > 0) {
		p = p->parent;
		left--;
	}
	return p != NULL;
}

static const char *check_process(struct walk *walk, struct process *p)
{
	if (p->state == PROCESS_FREE) return check_free(p);
	walk->taken++;
	walk->held += p->held;
	if (list_linked(&p->link) != (p->parent != NULL)) return "T2: linked, and nobody's child";
	if (is_own_ancestor(walk, p)) return "T2: a process is its own ancestor";
	if (count_list(&p->children, p, false) == UINT32_MAX) return "T2: a child is another's";
	if (count_list(&p->dead, p, true) == UINT32_MAX) return "T2: who is dead lives";
	if (count_threads(p) != p->running) return "T4: threads are counted wrongly";
	if (p->held < p->running) return "T4: a thread has no stack";
	if (has_ghost(p)) return "T4: a ghost waits";
	if (p->state != PROCESS_ZOMBIE) return NULL;
	walk->zombies++;
	return check_zombie(p);
}

static const char *check_counts(const struct walk *walk)
{
	const struct process_world *w = walk->w;
	const uint32_t free = count_list(&w->free, NULL, false);

	if (free == UINT32_MAX) return "T1: a slot that is taken is among the free";
	if (free + walk->taken != w->config.slots || walk->taken != w->taken)
		return "T3: slots are counted wrongly";
	if (walk->zombies != w->zombies) return "T3: zombies are counted wrongly";
	return walk->held <= w->threads ? NULL : "T3: threads are counted wrongly";
}

const char *process_check(struct process_world *w)
{
	struct walk walk = { .w = w };
	const char *why = NULL;
	const mach_irq_t was = lock_take(&w->lock);

	for (uint32_t slot = 0; slot < w->config.slots && why == NULL; slot++)
		why = check_process(&walk, &w->config.processes[slot]);
	if (why == NULL) why = check_counts(&walk);
	if (why == NULL && w->init != NULL && w->init->state != PROCESS_ALIVE)
		why = "T2: orphans go to who has ended";
	lock_drop(&w->lock, was);
	return why;
}
