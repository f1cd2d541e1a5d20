/*
 * files.c -- descriptors of tasks that do not share their group's any more.
 *
 * Always true: a group's table is there while a task of it uses it, and no longer: as on Linux what
 * only others had open is closed with the last of these.
 *
 * Locks: the world's, for who looks from outside; a table is dropped without it.
 * Cost: O(tasks of the group), where one has a table of its own.
 */
#include "kernel/task/files.h"

#include "mm/mman.h"

static struct file_table *put_locked(struct task *t, struct file_table *own)
	REQUIRES(&t->group->world->lock)
{
	struct task_group *g = t->group;
	struct file_table **at = t->files == NULL && g->task_count == 1 ? &g->files : &t->files;
	struct file_table *before = *at;

	*at = own;
	return before != NULL ? before : group_files_unused_locked(g);
}

int task_files_unshare(struct task *t)
{
	struct task_world *w = t->group->world;
	struct file_table *mine = task_files(t);
	const bool alone = t->files != NULL || atomic_load_u32(&t->group->task_count) == 1;

	if (alone && file_table_is_own(mine)) return 0;
	struct file_table *own = file_table_clone(mine);
	if (own == NULL) return -ERR_NOMEM;
	const mach_irq_t was = lock_take(&w->lock);
	struct file_table *before = put_locked(t, own);
	lock_drop(&w->lock, was);
	if (before != NULL) file_table_drop(before);
	return 0;
}

void task_files_inherit(struct task *t, const struct task *parent)
{
	t->files = parent->files == NULL ? NULL : file_table_hold(parent->files);
}

struct file_table *group_files_unused_locked(struct task_group *g)
{
	struct file_table *unused = g->files;

	for (const struct list *l = g->tasks.next; l != &g->tasks; l = l->next)
		if (CONTAINER_OF(l, struct task, link)->files == NULL) return NULL;
	g->files = NULL;
	return unused;
}

void task_files_lead(struct task *t)
{
	struct task_group *g = t->group;

	if (t->files == NULL) return;
	const mach_irq_t was = lock_take(&g->world->lock);
	struct file_table *before = g->files;
	ASSERT(g->task_count == 1);
	g->files = t->files;
	t->files = NULL;
	lock_drop(&g->world->lock, was);
	if (before != NULL) file_table_drop(before);
}
