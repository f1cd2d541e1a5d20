/*
 * exit.c -- how tasks and groups end.
 *
 * What a group ends with is settled once, by whoever is first under the lock: a task that calls
 * exit_group(), a signal; or, where none does, by the first task's own exit(), as on Linux.  From
 * then on the group takes no new task, and each it has is asked to end: its waits fail, and it
 * leaves before it goes back to its program (task_work).
 *
 * A task leaves in its own context.  First what the program's memory knows of it is put right:
 * robust futexes, clear_tid with who waits for it; then it is off the lists; and the last one
 * closes the files.  After its thread was reaped its stack is free, and after the last one's the
 * process is taken down (kernel/process.h).  Only then the parent hears of it, in the same moment
 * in which the group becomes a zombie: by a signal, and by who waits being woken.  A parent that
 * does not want to know (SIGCHLD ignored, SA_NOCLDWAIT) has no zombies.
 *
 * Always true: a group's memory is given back when its number is nobody's any more: it was waited
 * for, or never will be.
 *
 * Locks: the world's; in the hooks that of processes around it.  Cost: an end O(tasks).
 */
#include "kernel/file/tree.h"
#include "kernel/task/files.h"
#include "kernel/task/futex.h"
#include "kernel/task/right.h"
#include "kernel/task/task_inside.h"
#include "kernel/task/used.h"

/* --- asking to end ---------------------------------------------------------------------------- */

void task_doom_locked(struct task *t)
{
	t->dying = true;
	atomic_store_u32(&t->work, 1);
	if (t->thread != THREAD_NONE) sched_kill(t->group->world->config.sched, t->thread);
}

void group_end_locked(struct task_world *w, struct task_group *g, int32_t status,
		      const struct task *self)
{
	if (g->ending) return;
	ASSERT(!g->zombie && g->world == w);
	g->ending = true;
	g->status = status;
	for (struct list *l = g->tasks.next; l != &g->tasks; l = l->next) {
		struct task *t = CONTAINER_OF(l, struct task, link);
		if (t != self) task_doom_locked(t);
	}
}

NORETURN void task_exit(struct task *t, int code)
{
	t->status = (code & 0xff) << 8;
	task_end(t);
}

NORETURN void task_exit_group(struct task *t, int code)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);

	group_end_locked(w, t->group, (code & 0xff) << 8, t);
	lock_drop(&w->lock, was);
	task_end(t);
}

/* --- leaving ---------------------------------------------------------------------------------- */

/* Whether anybody else runs in the program's memory: else nobody can wait for a word of it. */
static bool shares_memory(const struct task *t, struct space *space)
{
	return t->group->task_count > 1 || atomic_load_u32(&space->holders) > 1;
}

void task_leave_memory(struct task *t)
{
	struct task_world *w = t->group->world;
	struct space *space = t->space;
	static const int32_t nobody = 0;

	if (t->robust != 0) futex_robust(w->futexes, space, t->robust, (uint32_t)t->tid);
	t->robust = t->robust_bytes = 0;
	if (t->clear_tid != 0 && shares_memory(t, space)) {
		const struct futex_at at = { .space = space, .va = t->clear_tid, .shared = true };
		(void)user_copy_out(space, t->clear_tid, &nobody, sizeof nobody);
		(void)futex_wake(w->futexes, &at, 1, FUTEX_BITSET_MATCH_ANY);
	}
	t->clear_tid = 0;
}

void group_release_vforker(struct task_group *g)
{
	struct task_world *w = g->world;
	const mach_irq_t was = lock_take(&w->lock);
	struct vfork_wait *v = g->vforked;

	g->vforked = NULL;
	if (v != NULL) {
		ASSERT(v->child == g && !v->over);
		const mach_irq_t inner = wait_enter(&v->queue);
		v->over = true;
		wait_wake_all(w->config.sched, &v->queue);
		wait_leave(&v->queue, inner);
	}
	lock_drop(&w->lock, was);
}

/* It is off all lists; whether it was the last of its group. */
static bool leave_locked(struct task_world *w, struct task *t) REQUIRES(&w->lock)
{
	struct task_group *g = t->group;

	ASSERT(g->task_count != 0 && g->execer != t && t->number->task == t);
	if (t->tid == g->pid && !g->ending) g->status = t->status;
	signal_forget_locked(g, &t->notes, ~(sigset)0);
	const struct task_used used = used_by_task(t);
	used_add(&g->used, &used);
	list_remove(&t->link);
	w->tasks--;
	t->number->task = NULL;
	number_drop_locked(w, t->number);
	atomic_store_u32(&g->task_count, g->task_count - 1);
	if (g->task_count != 0) {
		signal_pass_on_locked(t, ~(sigset)0);
		return false;
	}
	memcpy(g->last_name, t->name, NAME_BYTES);
	g->line_bytes = 0; /* as Linux has it: without memory there are no arguments */
	g->ending = true;
	g->look_ns = 0;
	return true;
}

/* The last task's, in its own context. */
static void close_files(struct task_group *g)
{
	const mach_irq_t was = lock_take(&g->world->lock);
	struct file_table *files = g->files;
	struct node *cwd = g->cwd, *root = g->root, *exe = g->exe;

	g->files = NULL; /* who looks from outside finds them, and holds them, or not */
	g->cwd = g->root = g->exe = NULL;
	lock_drop(&g->world->lock, was);
	if (files != NULL) file_table_drop(files);
	if (cwd != NULL) node_drop(cwd);
	if (root != NULL) node_drop(root);
	if (exe != NULL) node_drop(exe);
}

/* A session without its leader has no terminal. */
static void leave_terminal(struct task_group *g)
{
	const struct task_machine *m = &g->world->config.machine;

	if (g->sid == g->pid && m->session_over != NULL) m->session_over(m->arg, g->sid);
}

NORETURN void task_end(struct task *t)
{
	struct task_group *g = t->group;
	struct task_world *w = g->world;
	struct process_world *processes = w->config.processes;

	sched_kill_heeded(w->config.sched); /* it may wait while it gives back what it has */
	task_leave_memory(t);
	const mach_irq_t was = lock_take(&w->lock);
	const bool last = leave_locked(w, t);
	struct file_table *own = t->files, *unused = last ? NULL : group_files_unused_locked(g);
	lock_drop(&w->lock, was);
	if (own != NULL) file_table_drop(own);
	if (unused != NULL) file_table_drop(unused);
	if (last) {
		used_note_memory(g, t->space);
		close_files(g);
		leave_terminal(g);
		group_release_vforker(g);
	}
	process_thread_forget(processes);
	task_free_bytes(w, t);
	process_thread_exit(processes, 0);
}

/* --- what processes tell ---------------------------------------------------------------------- */

/* Tells the parent by its signal; false: it does not want to know at all. */
static bool tell_parent_locked(const struct task_group *g, struct task_group *parent)
	REQUIRES(&g->world->lock)
{
	const struct abi_sigaction *a = &parent->signals->action[SIGCHLD - 1];
	const bool child = g->exit_signal == SIGCHLD;
	const bool ignores = child && a->handler == SIG_IGNORE;
	const int signal = g->status & 0x7f;

	if (!ignores && g->exit_signal != 0)
		signal_child_locked(parent, g, signal == 0 ? CLD_EXITED : CLD_KILLED,
				    signal == 0 ? g->status >> 8 & 0xff : signal);
	return !ignores && !(child && (a->flags & SA_NOCLDWAIT) != 0);
}

bool group_ended(void *world, void *user, void *parent)
{
	struct task_world *w = world;
	struct task_group *g = user;
	bool told = false;

	const mach_irq_t was = lock_take(&w->lock);
	ASSERT(g->ending && g->task_count == 0 && g->vforked == NULL);
	signal_forget_locked(g, &g->notes, ~(sigset)0);
	g->pending = 0;
	const bool ends = !g->zombie; /* else it is told to another parent */
	g->zombie = true;
	if (ends && parent != NULL) signal_orphans_locked(g, parent);
	if (parent != NULL) told = tell_parent_locked(g, parent);
	const bool first = g->pid == 1;
	const int32_t status = g->status;
	lock_drop(&w->lock, was);
	if (first && w->config.machine.first_ended != NULL)
		w->config.machine.first_ended(w->config.machine.arg, status);
	return told;
}

void group_handed_on(void *world, void *user, void *parent)
{
	struct task_world *w = world;
	struct task_group *g = user;
	const mach_irq_t was = lock_take(&w->lock);
	const struct task_group *before = task_group_find_locked(w, g->parent);

	g->parent = parent == NULL ? 0 : ((struct task_group *)parent)->pid;
	g->exit_signal = SIGCHLD;
	if (before != NULL) signal_orphans_locked(g, before);
	for (struct list *l = g->tasks.next; l != &g->tasks; l = l->next) {
		struct task *t = CONTAINER_OF(l, struct task, link);
		const struct abi_siginfo info = { .signo = t->death_signal, .code = SI_KERNEL };
		if (info.signo == 0) continue;
		(void)signal_send_locked(g, NULL, &info);
		if (g->ending) break;
	}
	lock_drop(&w->lock, was);
}

void group_released(void *world, void *user)
{
	struct task_world *w = world;
	struct task_group *g = user;

	const mach_irq_t was = lock_take(&w->lock);
	ASSERT(g->zombie && g->task_count == 0);
	list_remove(&g->link);
	w->groups--;
	g->number->group = NULL;
	number_drop_locked(w, g->sid_number);
	number_drop_locked(w, g->pgid_number);
	number_drop_locked(w, g->number);
	lock_drop(&w->lock, was);
	gid_list_drop(g);
	task_free_bytes(w, g->signals);
	task_free_bytes(w, g);
}
