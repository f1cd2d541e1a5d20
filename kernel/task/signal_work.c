/*
 * signal_work.c -- what a task does before it goes back to its program: ends, stops, takes signals,
 * settles a call that a signal interrupted.
 *
 * task_work() takes one signal at a time; where more are pending it is called again.  What a signal
 * leads to is decided when it is taken: a program may have changed its mind since it was sent.
 *
 * A call that was interrupted (t->interrupted) either ends with EINTR or is begun anew: the program
 * counter goes back to its SVC, and x0 has not been touched.  Which, is known only when it is known
 * whether a handler runs, and with which flags, so it is settled here and nowhere else (Linux:
 * arch/arm64/kernel/signal.c, do_signal).
 *
 * Stopping is the group's: the task that takes the signal says so, tells the parent, and rouses the
 * others, which come here and wait too.  SIGCONT lets them go on when it is sent, whatever becomes
 * of it; a kill ends the wait.
 *
 * Always true: a task that is to end does not get beyond this.
 *
 * Locks: the world's; while a task is stopped, none.  Cost: a signal taken about 200 instructions
 * besides its frame.
 */
#include "kernel/task/cpu_alarm.h"
#include "kernel/task/task_inside.h"

enum { CALL_BYTES = 4 };

struct taken {
	struct abi_siginfo info;
	struct abi_sigaction action;
};

enum outcome { OUTCOME_NONE, OUTCOME_HANDLER, OUTCOME_AGAIN, OUTCOME_STOPPED, OUTCOME_END };

/* --- stopping --------------------------------------------------------------------------------- */

static void stop_locked(struct task_world *w, struct task_group *g, int sig) REQUIRES(&w->lock)
{
	struct task_group *parent = task_group_find_locked(w, g->parent);
	const mach_irq_t was = wait_enter(&g->go);

	g->stop_signal = sig;
	g->tell_stop = true;
	g->tell_continue = false;
	wait_leave(&g->go, was);
	for (struct list *l = g->tasks.next; l != &g->tasks; l = l->next) {
		struct task *t = CONTAINER_OF(l, struct task, link);
		atomic_store_u32(&t->work, 1);
		if (t->thread != THREAD_NONE) sched_signal(w->config.sched, t->thread);
	}
	if (parent != NULL) signal_child_locked(parent, g, CLD_STOPPED, sig);
}

static void tell_waiting_parent(struct task_group *g)
{
	struct task_world *w = g->world;
	const mach_irq_t was = lock_take(&w->lock);
	const struct task_group *parent = task_group_find_locked(w, g->parent);
	const process_id id = parent == NULL ? PROCESS_NONE : parent->process;

	lock_drop(&w->lock, was);
	if (id != PROCESS_NONE) process_news(w->config.processes, id);
}

/* Until the group goes on, or is to end. */
static void stay_stopped(struct task_group *g)
{
	enum wait_result result = WAIT_WOKEN;

	tell_waiting_parent(g);
	const mach_irq_t was = wait_enter(&g->go);
	while (g->stop_signal != 0 && result == WAIT_WOKEN)
		result = wait_sleep(g->world->config.sched, &g->go, WAIT_FOREVER);
	wait_leave(&g->go, was);
	tell_waiting_parent(g);
}

/* --- taking ----------------------------------------------------------------------------------- */

static enum outcome default_locked(struct task *t, int sig) REQUIRES(&t->group->world->lock)
{
	struct task_group *g = t->group;

	if (g->pid == 1) return OUTCOME_AGAIN;
	switch (signal_default_of(sig)) {
	case DEFAULT_IGNORE: return OUTCOME_AGAIN;
	case DEFAULT_STOP:
		if (sig != SIGSTOP && signal_is_orphaned_locked(g)) return OUTCOME_AGAIN;
		stop_locked(g->world, g, sig);
		return OUTCOME_STOPPED;
	default: group_end_locked(g->world, g, sig, t); return OUTCOME_END;
	}
}

static enum outcome take_locked(struct task *t, struct taken *got) REQUIRES(&t->group->world->lock)
{
	struct task_group *g = t->group;

	if (t->dying || g->ending) return OUTCOME_END;
	if (g->stop_signal != 0) return OUTCOME_STOPPED;
	const int sig = signal_take_locked(t, ~t->mask, &got->info);
	if (sig == 0) return OUTCOME_NONE;
	struct abi_sigaction *a = &g->signals->action[sig - 1];
	got->action = *a;
	if (a->handler == SIG_IGNORE) return OUTCOME_AGAIN;
	if (a->handler == SIG_DEFAULT) return default_locked(t, sig);
	if ((a->flags & SA_RESETHAND) != 0) a->handler = SIG_DEFAULT;
	return OUTCOME_HANDLER;
}

/* The next signal that has a handler; false: there is none, and the program goes on. */
static bool take(struct task *t, struct taken *got)
{
	struct task_world *w = t->group->world;

	for (;;) {
		const mach_irq_t was = lock_take(&w->lock);
		const enum outcome outcome = take_locked(t, got);
		if (outcome == OUTCOME_NONE) signal_recheck_locked(t);
		lock_drop(&w->lock, was);
		switch (outcome) {
		case OUTCOME_NONE: return false;
		case OUTCOME_HANDLER: return true;
		case OUTCOME_AGAIN: break;
		case OUTCOME_STOPPED: stay_stopped(t->group); break;
		case OUTCOME_END: task_end(t);
		}
	}
}

/* --- interrupted calls ------------------------------------------------------------------------ */

static void end_call(struct task *t)
{
	t->regs->x[0] = (uint64_t)-ERR_INTR;
}

static void begin_call_again(struct task *t, bool as_restart)
{
	t->regs->pc -= CALL_BYTES;
	if (as_restart) t->regs->x[8] = SYS_restart_syscall;
}

static void settle_for_handler(struct task *t, int32_t interrupted, uint64_t flags)
{
	if (interrupted == RESTART_NOINTR ||
	    (interrupted == RESTART_SYS && (flags & SA_RESTART) != 0))
		begin_call_again(t, false);
	else
		end_call(t);
}

static void put_mask_back(struct task *t)
{
	struct task_world *w = t->group->world;

	if (!t->restore_mask) return;
	t->restore_mask = false;
	const mach_irq_t was = lock_take(&w->lock);
	signal_set_mask_locked(t, t->saved_mask);
	lock_drop(&w->lock, was);
}

/* What the handler's return puts back; it runs with these blocked besides. */
static void run_handler(struct task *t, const struct taken *got)
{
	struct task_world *w = t->group->world;
	const sigset bit = signal_bit(got->info.signo);
	const sigset back = t->restore_mask ? t->saved_mask : t->mask;

	t->restore_mask = false;
	if (!signal_frame(t, &got->action, &got->info, back)) {
		const struct abi_siginfo info = { .signo = SIGSEGV, .code = SI_KERNEL };
		signal_force(t, &info, got->info.signo == SIGSEGV);
		return;
	}
	const mach_irq_t was = lock_take(&w->lock);
	sigset mask = t->mask | got->action.mask;
	if ((got->action.flags & SA_NODEFER) == 0) mask |= bit;
	signal_set_mask_locked(t, mask & ~SIGNALS_HARD);
	lock_drop(&w->lock, was);
}

void task_work(struct task *t)
{
	const int32_t interrupted = t->interrupted;
	struct taken got;

	atomic_store_u32(&t->work, 0);
	t->interrupted = 0;
	if (UNLIKELY(atomic_load_u32(&t->group->rests) != 0)) cpu_alarm_wake(t->group);
	if (take(t, &got)) {
		if (interrupted != 0) settle_for_handler(t, interrupted, got.action.flags);
		run_handler(t, &got);
		return;
	}
	if (interrupted != 0) begin_call_again(t, interrupted == RESTART_CALL);
	put_mask_back(t);
}

void task_fault(struct task *t, int signal, int code, uint64_t address)
{
	struct abi_siginfo info = { .signo = signal, .code = code };

	info.fault.address = t->fault_address = address;
	signal_force(t, &info, signal == SIGKILL);
}
