/*
 * look.c -- looking at tasks from outside.
 *
 * A number is a task's as long as that lives, and a group's until its end was waited for: what can
 * be seen of a zombie is the group, and how long it was.
 *
 * Always true: what is held for a caller was the group's own at the moment it was asked for.
 *
 * Locks: the world's; holding a file's table, a node or a space takes no lock.
 * Cost: O(threads of the group); O(groups) for the next number.
 */
#include "kernel/task/look.h"

#include "kernel/file/tree.h"
#include "kernel/task/files.h"
#include "kernel/task/task_inside.h"
#include "kernel/task/used.h"

static struct task *leader_locked(const struct task_group *g)
{
	return list_empty(&g->tasks) ? NULL : CONTAINER_OF(g->tasks.next, struct task, link);
}

/* --- one task --------------------------------------------------------------------------------- */

static void look_at_thread(const struct task_world *w, const struct task *t, struct task_look *out)
{
	const struct thread *thread = thread_find(&w->config.sched->table, t->thread);

	out->tid = t->tid;
	out->pending = t->pending;
	out->blocked = t->mask;
	out->schedule = t->schedule;
	memcpy(out->name, t->name, sizeof(out->name));
	out->state = 'S';
	if (thread == NULL) return;
	const enum thread_state state = thread_word_state(atomic_load_u64(&thread->word));
	if (state == THREAD_RUNNING || state == THREAD_READY) out->state = 'R';
	out->cpu = atomic_load_u32(&thread->cpu);
	out->priority = __atomic_load_n(&thread->priority, __ATOMIC_RELAXED);
	out->affinity = atomic_load_u32(&thread->affinity);
}

static void look_at_actions(const struct task_group *g, struct task_look *out)
{
	for (unsigned i = 0; i < SIGNALS && g->signals != NULL; i++) {
		const uint64_t handler = g->signals->action[i].handler;
		if (handler == SIG_IGNORE)
			out->ignored |= (sigset)1 << i;
		else if (handler != SIG_DEFAULT)
			out->caught |= (sigset)1 << i;
	}
}

static void look_at_group_locked(const struct task_group *g, struct task_look *out)
	REQUIRES(&g->world->lock)
{
	out->pid = out->tid = g->pid;
	out->parent = g->parent;
	out->pgid = g->pgid;
	out->sid = g->sid;
	out->process = g->process;
	out->ids = (struct ids){ .uid = atomic_load_u32(&g->uid[ID_FILES]),
				 .gid = atomic_load_u32(&g->gid[ID_FILES]) };
	out->threads = g->task_count;
	out->zombie = g->zombie;
	out->used = used_by_group_locked(g);
	out->children = g->children;
	memcpy(out->uid, g->uid, sizeof(out->uid));
	memcpy(out->gid, g->gid, sizeof(out->gid));
	out->start_ns = g->start_ns;
	out->group_pending = g->pending;
	memcpy(out->limits, g->limits, sizeof(out->limits));
	memcpy(out->line, g->line, sizeof(out->line));
	out->line_bytes = g->line_bytes;
}

bool task_look(struct task_world *w, int32_t number, struct task_look *out)
{
	const mach_irq_t was = lock_take(&w->lock);
	const struct task *t = task_find_locked(w, number);
	const struct task_group *g = t != NULL ? t->group : task_group_find_locked(w, number);
	const bool left = t == NULL; /* the group's first, before others or as the last */

	memset(out, 0, sizeof(*out));
	if (g != NULL) {
		look_at_group_locked(g, out);
		look_at_actions(g, out);
		if (t == NULL) t = leader_locked(g);
		if (t != NULL) look_at_thread(w, t, out);
		if (t == NULL) memcpy(out->name, g->last_name, NAME_BYTES);
		if (g->stop_signal != 0) out->state = 'T';
		if (left) out->state = g->zombie || g->task_count != 0 ? 'Z' : 'R';
	}
	lock_drop(&w->lock, was);
	return g != NULL;
}

/* --- listing ---------------------------------------------------------------------------------- */

int32_t task_next_group(struct task_world *w, int32_t from)
{
	return task_group_after(w, from - 1);
}

int32_t task_next_thread(struct task_world *w, int32_t of, int32_t from)
{
	int32_t least = 0;
	const mach_irq_t was = lock_take(&w->lock);
	const struct task *t = task_find_locked(w, of);
	const struct task_group *g = t != NULL ? t->group : task_group_find_locked(w, of);

	/* The first is there as long as the group is. */
	if (g != NULL && g->pid >= from) least = g->pid;
	for (const struct list *l = g != NULL ? g->tasks.next : NULL; l != NULL && l != &g->tasks;
	     l = l->next) {
		const int32_t tid = CONTAINER_OF(l, struct task, link)->tid;
		if (tid >= from && (least == 0 || tid < least)) least = tid;
	}
	lock_drop(&w->lock, was);
	return least;
}

/* --- what a group has ------------------------------------------------------------------------- */

static const struct task_group *group_locked(struct task_world *w, int32_t number)
	REQUIRES(&w->lock)
{
	const struct task *t = task_find_locked(w, number);

	return t != NULL ? t->group : task_group_find_locked(w, number);
}

struct file_table *task_files_hold(struct task_world *w, int32_t number)
{
	const mach_irq_t was = lock_take(&w->lock);
	const struct task_group *g = group_locked(w, number);
	const struct task *t = task_find_locked(w, number);
	struct file_table *files = t != NULL ? task_files(t) : g != NULL ? g->files : NULL;

	if (files != NULL) file_table_hold(files);
	lock_drop(&w->lock, was);
	return files;
}

struct node *task_cwd_hold(struct task_world *w, int32_t number)
{
	const mach_irq_t was = lock_take(&w->lock);
	const struct task_group *g = group_locked(w, number);
	struct node *cwd = g != NULL ? g->cwd : NULL;

	if (cwd != NULL) node_hold(cwd);
	lock_drop(&w->lock, was);
	return cwd;
}

struct node *task_root_hold(struct task_world *w, int32_t number)
{
	const mach_irq_t was = lock_take(&w->lock);
	const struct task_group *g = group_locked(w, number);
	struct node *root = g != NULL ? g->root : NULL;

	if (root != NULL) node_hold(root);
	lock_drop(&w->lock, was);
	return root;
}

struct node *task_exe_hold(struct task_world *w, int32_t number)
{
	const mach_irq_t was = lock_take(&w->lock);
	const struct task_group *g = group_locked(w, number);
	struct node *exe = g != NULL ? g->exe : NULL;

	if (exe != NULL) node_hold(exe);
	lock_drop(&w->lock, was);
	return exe;
}

struct space *task_space_hold(struct task_world *w, int32_t number)
{
	struct task_look look;

	if (!task_look(w, number, &look)) return NULL;
	return process_space_hold(w->config.processes, look.process);
}

void task_view(struct task *t, struct view *out)
{
	struct task_world *w = t->group->world;

	*out = (struct view){ .tree = w->config.tree, .who = t, .ids = task_ids(t) };
	const mach_irq_t was = lock_take(&w->lock);
	if (t->group->cwd != NULL) out->cwd = node_hold(t->group->cwd);
	if (t->group->root != NULL) out->root = node_hold(t->group->root);
	lock_drop(&w->lock, was);
}

void task_view_drop(struct view *v)
{
	if (v->cwd != NULL) node_drop(v->cwd);
	if (v->root != NULL) node_drop(v->root);
	v->cwd = v->root = NULL;
}
