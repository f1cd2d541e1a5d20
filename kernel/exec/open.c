/*
 * open.c -- programs come from the tree of files.
 *
 * What may be executed is a regular file that the caller has the right to execute.  A path that
 * does not begin at the root begins where the task is, or at the folder that a descriptor stands
 * for; an empty one is what the descriptor stands for itself, if the flags say so.
 *
 * Locks: the world's, for where the task is.  Cost: O(parts of the path).
 */
#include "kernel/exec/open.h"

#include "kernel/abi.h"
#include "kernel/file/rights.h"
#include "kernel/task/files.h"
#include "kernel/task/look.h"
#include "mm/mman.h"

/* Paths begin at what a descriptor stands for. */
static int start(struct task *t, int folder, struct view *v)
{
	struct file *f = file_table_get(task_files(t), folder);
	int answer = 0;

	if (f == NULL) return -ERR_BADF;
	if (v->cwd != NULL) node_drop(v->cwd);
	v->cwd = NULL;
	if (f->node != NULL)
		v->cwd = node_hold(f->node);
	else
		answer = -ERR_ACCES; /* a pipe, say */
	file_drop(f);
	return answer;
}

static int open_node(struct node *n, const struct view *v, uint32_t flags, struct file **out)
{
	int error = 0;

	if (node_kind(n) == S_IFLNK && (flags & AT_SYMLINK_NOFOLLOW) != 0) return -ERR_LOOP;
	if (node_kind(n) != S_IFREG || node_may(n, &v->ids, MAY_EXEC) != 0) return -ERR_ACCES;
	*out = node_open(n, v, O_RDONLY, &error);
	return *out == NULL ? error : 0;
}

int exec_open_in_tree(struct task *t, int folder, const char *path, uint32_t flags,
		      struct file **out)
{
	struct view v;
	struct node *n;
	const uint32_t how = ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : FIND_FOLLOW) |
			     ((flags & AT_EMPTY_PATH) != 0 ? FIND_EMPTY : 0);
	int answer = 0;

	*out = NULL;
	task_view(t, &v);
	if (path[0] != '/' && folder != AT_FDCWD) answer = start(t, folder, &v);
	if (answer == 0) answer = tree_node(&v, path, how, &n);
	if (answer == 0) {
		answer = open_node(n, &v, flags, out);
		node_drop(n);
	}
	task_view_drop(&v);
	return answer;
}

/* A copy of the table in the place of one that another group has, too. */
static bool own_table(struct task_group *g)
{
	struct file_table *shared = g->files, *own;

	if (file_table_is_own(shared)) return true;
	own = file_table_clone(shared);
	if (own == NULL) return false;
	const mach_irq_t was = lock_take(&g->world->lock);
	g->files = own;
	lock_drop(&g->world->lock, was);
	file_table_drop(shared);
	return true;
}

bool exec_close_files(struct task *t)
{
	task_files_lead(t);
	if (t->group->files == NULL) return true;
	if (!own_table(t->group)) return false;
	file_table_exec(t->group->files);
	return true;
}
