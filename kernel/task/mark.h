/*
 * mark.h -- a mark on a program's memory: a line on the machine's log when it has grown above.
 *
 * Once for each crossing: another one comes only after the program has given back enough to be an
 * eighth below the mark.  What counts is resident pages, those that lie in memory, shared or not.
 * A child begins as far as its parent was; execve begins anew.
 */
#ifndef KERNEL_TASK_MARK_H
#define KERNEL_TASK_MARK_H

#include "kernel/task/task.h"

/* The caller's program has `pages` now, and the mark is not 0. */
void mark_look(struct task *t, uint32_t pages);

/* The same for wherever a program may have grown. */
static inline void mark_grew(struct task *t, const struct space *s)
{
	if (UNLIKELY(t->group->world->config.mark_pages != 0))
		mark_look(t, atomic_load_u32(&s->resident));
}

#endif
