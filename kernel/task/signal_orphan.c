/*
 * signal_orphan.c -- process groups that nobody watches any more.
 *
 * A process group is a job of a shell: some member's parent is in another process group of the same
 * session, and lets the job go on when it has stopped.  Once the last such parent or member has
 * gone, the group is orphaned: who is stopped in it would stay so for ever.  So they are sent
 * SIGHUP, and SIGCONT, which lets them go on and take it (POSIX, _exit(); Linux: kernel/exit.c,
 * kill_orphaned_pgrp).  The first group is nobody's shell.
 *
 * Both ways of losing a connection come by here: a member ends, or a member's parent does, when the
 * member is handed on.
 *
 * Locks: the world's.  Cost: O(groups), twice, for an end whose parent is in another process group
 * of the session; else nothing.
 */
#include "kernel/task/task_inside.h"

bool signal_is_orphaned_locked(const struct task_group *self)
{
	struct task_world *w = self->world;

	for (const struct list *l = w->all.next; l != &w->all; l = l->next) {
		const struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (g->pgid != self->pgid || g->zombie) continue;
		const struct task_group *parent = task_group_find_locked(w, g->parent);
		if (parent == NULL || parent->pid == 1) continue;
		if (parent->pgid != g->pgid && parent->sid == g->sid) return false;
	}
	return true;
}

bool signal_is_orphaned(struct task *t)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const bool orphaned = signal_is_orphaned_locked(t->group);

	lock_drop(&w->lock, was);
	return orphaned;
}

static bool has_stopped_locked(struct task_world *w, int32_t pgid) REQUIRES(&w->lock)
{
	for (const struct list *l = w->all.next; l != &w->all; l = l->next) {
		const struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (g->pgid == pgid && g->stop_signal != 0 && !g->zombie) return true;
	}
	return false;
}

static void send_all_locked(struct task_world *w, int32_t pgid, int sig) REQUIRES(&w->lock)
{
	const struct abi_siginfo info = { .signo = sig, .code = SI_KERNEL };

	for (struct list *l = w->all.next; l != &w->all; l = l->next) {
		struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (g->pgid == pgid) (void)signal_send_locked(g, NULL, &info);
	}
}

void signal_orphans_locked(const struct task_group *g, const struct task_group *before)
{
	struct task_world *w = g->world;

	if (before->pgid == g->pgid || before->sid != g->sid) return; /* it was no connection */
	if (!signal_is_orphaned_locked(g) || !has_stopped_locked(w, g->pgid)) return;
	send_all_locked(w, g->pgid, SIGHUP);
	send_all_locked(w, g->pgid, SIGCONT);
}
