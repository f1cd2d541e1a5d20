/*
 * prctl.c -- prctl: what a task says of itself, and asks.
 *
 * Some of it has no effect here and is kept to be asked for: timers are exact whatever their slack;
 * nobody writes a task's memory to a file.
 *
 * Locks: the tasks', for names.
 */
#include "kernel/syscall/identity.h"

#include "kernel/syscall/user.h"

enum { SLACK_NS = 50000 }; /* Linux's usual */

static int64_t set_task_name(struct task *t, uint64_t from)
{
	struct task_world *w = t->group->world;
	char name[NAME_BYTES] = { 0 };
	const int64_t bytes = user_string_in(space_of(t), name, from, NAME_BYTES);

	if (bytes == -ERR_FAULT) return -ERR_FAULT;
	name[NAME_BYTES - 1] = 0; /* what is too long is cut off */
	const mach_irq_t was = lock_take(&w->lock);
	memcpy(t->name, name, sizeof name);
	lock_drop(&w->lock, was);
	return 0;
}

/* Whether the last four arguments are these: what Linux demands of some. */
static bool only(const uint64_t *arg, uint64_t first)
{
	return arg[1] == first && arg[2] == 0 && arg[3] == 0 && arg[4] == 0;
}

static int64_t get_subreaper(struct task *t, uint64_t to)
{
	const int32_t takes = process_takes_in(config_of(t)->processes);

	return to_user(t, to, &takes, sizeof takes);
}

int64_t sys_prctl(struct task *t, const uint64_t *arg)
{
	switch ((int32_t)arg[0]) {
	case PR_SET_NAME: return set_task_name(t, arg[1]);
	case PR_GET_NAME: return to_user(t, arg[1], t->name, NAME_BYTES);
	case PR_SET_PDEATHSIG:
		if (arg[1] > SIGNALS) return -ERR_INVAL;
		t->death_signal = (int32_t)arg[1];
		return 0;
	case PR_GET_PDEATHSIG: return to_user(t, arg[1], &t->death_signal, sizeof(int32_t));
	case PR_GET_DUMPABLE: return !t->group->undumpable;
	case PR_SET_DUMPABLE:
		if (arg[1] > 1) return -ERR_INVAL;
		t->group->undumpable = arg[1] == 0;
		return 0;
	case PR_GET_KEEPCAPS: return 0; /* there are none to keep */
	case PR_CAPBSET_READ: return arg[1] <= 40 ? 1 : -ERR_INVAL;
	case PR_GET_TIMERSLACK: return t->slack_ns != 0 ? (int64_t)t->slack_ns : SLACK_NS;
	case PR_SET_TIMERSLACK:
		t->slack_ns = (int64_t)arg[1] > 0 ? arg[1] : t->usual_slack_ns;
		return 0;
	case PR_SET_NO_NEW_PRIVS:
		if (!only(arg, 1)) return -ERR_INVAL;
		t->no_new_rights = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS: return only(arg, 0) ? t->no_new_rights : -ERR_INVAL;
	case PR_GET_THP_DISABLE: return only(arg, 0) ? 0 : -ERR_INVAL;
	case PR_SET_CHILD_SUBREAPER:
		process_take_in_below(config_of(t)->processes, arg[1] != 0);
		return 0;
	case PR_GET_CHILD_SUBREAPER: return get_subreaper(t, arg[1]);
	case PR_GET_TID_ADDRESS: return to_user(t, arg[1], &t->clear_tid, sizeof t->clear_tid);
	default: return -ERR_INVAL;
	}
}
