/*
 * files.h -- which descriptors a task uses: its group's, or, since unshare(), its own.
 *
 * Threads share their group's table (kernel/file/table.h) until one of them asks for a copy.  Those
 * that it makes then have the same as it has; a group forked by it has a table of its own, as ever.
 */
#ifndef KERNEL_TASK_FILES_H
#define KERNEL_TASK_FILES_H

#include "kernel/file/table.h"
#include "kernel/task/task.h"

/* The caller's, or of a task that does not run yet; NULL only of one without files. */
static inline struct file_table *task_files(const struct task *t)
{
	return t->files != NULL ? t->files : t->group->files;
}

/* From now on nobody else uses the caller's table: a copy, if somebody did.  0 or -ERR_NOMEM. */
int task_files_unshare(struct task *t);

/* A new thread's, of its parent's. */
void task_files_inherit(struct task *t, const struct task *parent);

/* The group's table, which nobody of it uses any more, to be dropped without the lock; or NULL. */
struct file_table *group_files_unused_locked(struct task_group *g) REQUIRES(&g->world->lock);

/* The caller, alone in its group, execs: the group's table is its own. */
void task_files_lead(struct task *t);

#endif
