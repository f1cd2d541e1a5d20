/*
 * used.c -- what tasks have used, summed up when somebody asks.
 *
 * CPU time and turns are the scheduler's figures of each thread, faults the task's own; those of a
 * task that ends are added to its group's, and a group's with its children's to its parent's when
 * that waits for it.  A program's own time is told from the kernel's for it where EL0 is left and
 * gone on with.  Of memory the most that a program had at once is kept, of several programs and of
 * children the greatest.
 *
 * Always true: what a group has used never becomes less.
 *
 * Locks: the world's, and under it a run queue's for each task, or the space's.
 * Cost: O(tasks of the group).
 */
#include "kernel/task/used.h"

void used_add(struct task_used *sum, const struct task_used *more)
{
	sum->user_ns += more->user_ns;
	sum->kernel_ns += more->kernel_ns;
	sum->faults += more->faults;
	sum->waits += more->waits;
	sum->gives += more->gives;
	sum->peak_pages = max_u64(sum->peak_pages, more->peak_pages);
}

struct task_used used_by_task(const struct task *t)
{
	const struct thread_used ran = sched_used(t->group->world->config.sched, t->thread);

	return (struct task_used){
		.user_ns = ran.user_ns,
		.kernel_ns = ran.ran_ns - ran.user_ns,
		.faults = atomic_load_u64(&t->faults),
		.waits = ran.waits,
		.gives = ran.gives,
	};
}

struct task_used used_by_group_locked(const struct task_group *g)
{
	struct task_used sum = g->used;

	for (const struct list *l = g->tasks.next; l != &g->tasks; l = l->next) {
		const struct task *t = CONTAINER_OF(l, struct task, link);
		const struct task_used one = used_by_task(t);
		used_add(&sum, &one);
	}
	return sum;
}

struct task_used used_with_children_locked(const struct task_group *g)
{
	struct task_used sum = used_by_group_locked(g);

	used_add(&sum, &g->children);
	return sum;
}

void used_note_memory(struct task_group *g, struct space *s)
{
	struct space_counts counts;

	space_count(s, &counts);
	const mach_irq_t was = lock_take(&g->world->lock);
	g->used.peak_pages = max_u64(g->used.peak_pages, counts.peak);
	lock_drop(&g->world->lock, was);
}
