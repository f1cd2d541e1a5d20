/*
 * used.h -- what tasks have used: CPU time, faults, turns, memory.
 */
#ifndef KERNEL_TASK_USED_H
#define KERNEL_TASK_USED_H

#include "kernel/task/task.h"

/* Until now.  A task's; a group's, with all that ended in it; what a parent is told of a child that
 * it waits for: the group's, and its children's. */
struct task_used used_by_task(const struct task *t);
struct task_used used_by_group_locked(const struct task_group *g) REQUIRES(&g->world->lock);
struct task_used used_with_children_locked(const struct task_group *g) REQUIRES(&g->world->lock);

/* The most memory of two programs is that of the greater. */
void used_add(struct task_used *sum, const struct task_used *more);

/* The caller's program is about to be left: by another, or for good. */
void used_note_memory(struct task_group *g, struct space *s);

static inline uint64_t used_ns(const struct task_used *used)
{
	return used->user_ns + used->kernel_ns;
}

#endif
