/*
 * wait.c -- wait4 and waitid: which children are meant, and what of them is told.
 *
 * Waiting itself is kernel/process_wait.c's, which asks here about each child of the caller's
 * group, with the processes' lock held; under it the world's is taken for a look.  What is told is
 * noted in the same look, so of several tasks that wait for one child one gets it.
 *
 * A wait that a signal ends begins anew after it, unless its handler says otherwise (RESTART_SYS).
 *
 * Always true: a stop and a going on are told once each, an end too, but for W_NOWAIT.
 *
 * Locks: the world's for a look.  Cost: O(children).
 */
#include "kernel/task/task_inside.h"
#include "kernel/task/used.h"

struct ask {
	struct task_world *w;
	const struct task_wait_how *how;
	struct task_group *caller;
	struct task_waited *out;
};

static bool is_meant_locked(const struct ask *ask, const struct task_group *g)
	REQUIRES(&ask->w->lock)
{
	const uint32_t options = ask->how->options;

	if (ask->how->type == P_PID && g->pid != ask->how->id) return false;
	if (ask->how->type == P_PGID && g->pgid != ask->how->id) return false;
	if ((options & W_ALL) != 0) return true;
	return (g->exit_signal != SIGCHLD) == ((options & W_CLONE) != 0);
}

static void tell_locked(const struct ask *ask, const struct task_group *g, int code, int status,
			int wait4) REQUIRES(&ask->w->lock)
{
	*ask->out = (struct task_waited){
		.pid = g->pid,
		.code = code,
		.uid = atomic_load_u32(&g->uid[ID_REAL]),
		.status = status,
		.wait4 = wait4,
		.used = used_with_children_locked(g),
	};
}

static void tell_end_locked(const struct ask *ask, const struct task_group *g)
	REQUIRES(&ask->w->lock)
{
	const int signal = g->status & 0x7f;

	if (signal == 0)
		tell_locked(ask, g, CLD_EXITED, g->status >> 8 & 0xff, g->status);
	else
		tell_locked(ask, g, CLD_KILLED, signal, g->status); /* nobody keeps cores */
}

static enum process_look look_at_end_locked(const struct ask *ask, const struct task_group *g)
	REQUIRES(&ask->w->lock)
{
	struct task_group *self = ask->caller;

	ASSERT(g->zombie && g->parent == self->pid);
	if ((ask->how->options & W_EXITED) == 0) return LOOK_WAIT;
	tell_end_locked(ask, g);
	if ((ask->how->options & W_NOWAIT) == 0) {
		used_add(&self->children, &ask->out->used);
	}
	return LOOK_TAKE;
}

static enum process_look look_at_life_locked(const struct ask *ask, struct task_group *g)
	REQUIRES(&ask->w->lock)
{
	const uint32_t options = ask->how->options;
	const bool keep = (options & W_NOWAIT) != 0;

	if ((options & W_UNTRACED) != 0 && g->tell_stop) {
		tell_locked(ask, g, CLD_STOPPED, g->stop_signal, g->stop_signal << 8 | 0x7f);
		g->tell_stop = keep;
		return LOOK_TAKE;
	}
	if ((options & W_CONTINUED) != 0 && g->tell_continue) {
		tell_locked(ask, g, CLD_CONTINUED, SIGCONT, 0xffff);
		g->tell_continue = keep;
		return LOOK_TAKE;
	}
	return LOOK_WAIT;
}

static enum process_look look(void *arg, void *user, bool ended)
{
	const struct ask *ask = arg;
	enum process_look answer = LOOK_OTHER;
	const mach_irq_t was = lock_take(&ask->w->lock);

	if (is_meant_locked(ask, user))
		answer = ended ? look_at_end_locked(ask, user) : look_at_life_locked(ask, user);
	lock_drop(&ask->w->lock, was);
	return answer;
}

static process_id process_of(struct task_world *w, int32_t pid)
{
	const mach_irq_t was = lock_take(&w->lock);
	const struct task_group *g = task_group_find_locked(w, pid);
	const process_id id = g == NULL ? PROCESS_NONE : g->process;

	lock_drop(&w->lock, was);
	return id;
}

int task_wait(struct task *t, const struct task_wait_how *how, struct task_waited *out)
{
	struct task_world *w = t->group->world;
	struct ask ask = { .w = w, .how = how, .caller = t->group, .out = out };
	struct process_wait_how wait = {
		.which = how->type == P_PID ? process_of(w, how->id) : PROCESS_ANY,
		.deadline_ns = (how->options & W_NOHANG) != 0 ? 0 : WAIT_FOREVER,
		.heeds = true,
		.keep = (how->options & W_NOWAIT) != 0,
		.look = look,
		.arg = &ask,
	};
	struct process_status status;

	if (wait.which == PROCESS_NONE) return -ERR_CHILD;
	switch (process_wait_for(w->config.processes, &wait, &status)) {
	case 0: return 1;
	case -ERR_AGAIN: return 0;
	case -ERR_INTR: return RESTART_SYS;
	default: return -ERR_CHILD;
	}
}
