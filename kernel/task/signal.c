/*
 * signal.c -- signals sent: ignored, noted, and somebody roused to take them.
 *
 * What is pending is a set, for each task and for each group; beside it lie notes, which say where
 * a signal came from.  A standard signal that is pending already is not noted again; of a real-time
 * one each is, in the order they came, up to the group's limit.  A note that there is no memory for
 * is left out, and the signal is pending all the same; only a real-time one that was not sent by
 * kill() is refused then, as on Linux.
 *
 * A signal that is ignored is forgotten when it is sent, unless whom it is sent to blocks it: by
 * the time he unblocks it it may have a handler.  For a group its first task stands, whoever would
 * take it (as on Linux).  One that ends the group does so at once: its tasks are asked to end as by
 * SIGKILL.  Else a task is roused: its `work` is set, and the flag in its thread's word, which ends
 * a wait that heeds signals.  In a group that is stopped nobody is: all look when it goes on.
 *
 * The flag and `work` stand while there is something that the task can take; only the task itself
 * takes them back, with the lock held (signal_recheck_locked).
 *
 * Always true: a note's signal is in the set beside it; SIGKILL and SIGSTOP are in no mask.
 *
 * Locks: the world's; under it memory for notes is asked for, without reclaim.
 */
#include "kernel/task/task_inside.h"

#define STOPS \
	(signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))
#define CORES                                                                                   \
	(signal_bit(SIGQUIT) | signal_bit(SIGILL) | signal_bit(SIGTRAP) | signal_bit(SIGABRT) | \
	 signal_bit(SIGBUS) | signal_bit(SIGFPE) | signal_bit(SIGSEGV) | signal_bit(SIGXCPU) |  \
	 signal_bit(SIGXFSZ) | signal_bit(SIGSYS))

/* What a program did itself comes before what others sent. */
#define SYNCHRONOUS                                                                            \
	(signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) | signal_bit(SIGTRAP) | \
	 signal_bit(SIGFPE) | signal_bit(SIGSYS))

enum signal_default signal_default_of(int sig)
{
	const sigset bit = signal_bit(sig);

	if ((bit & STOPS) != 0) return DEFAULT_STOP;
	if ((bit & SIGNALS_QUIET) != 0) return DEFAULT_IGNORE;
	return (bit & CORES) != 0 ? DEFAULT_CORE : DEFAULT_END;
}

/* --- what a group does with signals ----------------------------------------------------------- */

struct signal_set_up *signal_set_up_alloc(struct task_world *w)
{
	return task_alloc_bytes(w, sizeof(struct signal_set_up), 0);
}

void signal_set_up_exec(struct signal_set_up *s)
{
	for (unsigned i = 0; i < SIGNALS; i++) {
		const bool ignored = s->action[i].handler == SIG_IGNORE;
		s->action[i] =
			(struct abi_sigaction){ .handler = ignored ? SIG_IGNORE : SIG_DEFAULT };
	}
}

static const struct abi_sigaction *action_of(const struct task_group *g, int sig)
{
	ASSERT(sig >= 1 && sig <= SIGNALS);
	return &g->signals->action[sig - 1];
}

/* By its action alone.  The first group is not ended or stopped by what it does not ask for. */
static bool is_ignored_locked(const struct task_group *g, int sig)
{
	const uint64_t handler = action_of(g, sig)->handler;

	if (handler != SIG_DEFAULT) return handler == SIG_IGNORE;
	return g->pid == 1 || signal_default_of(sig) == DEFAULT_IGNORE;
}

/* --- notes ------------------------------------------------------------------------------------ */

void signal_forget_locked(struct task_group *g, struct list *notes, sigset which)
{
	for (struct list *l = notes->next, *next; l != notes; l = next) {
		struct signal_note *n = CONTAINER_OF(l, struct signal_note, link);
		next = l->next;
		if ((signal_bit(n->info.signo) & which) == 0) continue;
		list_remove(l);
		task_free_bytes(g->world, n);
		ASSERT(g->noted != 0);
		g->noted--;
	}
}

/* Whether it was noted.  A task's notes count as its group's. */
static bool note_locked(struct task_group *g, struct list *notes, const struct abi_siginfo *info)
	REQUIRES(&g->world->lock)
{
	struct task_world *w = g->world;

	if (g->noted >= g->limits[RLIMIT_SIGPENDING].soft) return false;
	struct signal_note *n = task_alloc_bytes(w, sizeof(struct signal_note), KM_NO_RECLAIM);
	if (n == NULL) return false;
	n->info = *info;
	list_init(&n->link);
	list_add_last(notes, &n->link);
	g->noted++;
	return true;
}

/* The first note of a signal, which is taken; whether there is another. */
static bool take_note_locked(struct task_group *g, struct list *notes, int sig,
			     struct abi_siginfo *info) REQUIRES(&g->world->lock)
{
	bool found = false;

	*info = (struct abi_siginfo){ .signo = sig, .code = SI_USER };
	for (struct list *l = notes->next, *next; l != notes; l = next) {
		struct signal_note *n = CONTAINER_OF(l, struct signal_note, link);
		next = l->next;
		if (n->info.signo != sig) continue;
		if (found) return true;
		found = true;
		*info = n->info;
		list_remove(l);
		task_free_bytes(g->world, n);
		ASSERT(g->noted != 0);
		g->noted--;
	}
	return false;
}

const char *signal_check(sigset pending, const struct list *notes)
{
	for (const struct list *l = notes->next; l != notes; l = l->next) {
		const struct signal_note *n = CONTAINER_OF(l, struct signal_note, link);
		if ((signal_bit(n->info.signo) & pending) == 0)
			return "K3: a note of a signal that is not pending";
	}
	return NULL;
}

/* --- somebody to take it ---------------------------------------------------------------------- */

static bool may_take(const struct task *t, sigset which)
{
	return !t->dying && t->group->stop_signal == 0 && ((~t->mask | t->awaited) & which) != 0;
}

static void rouse_locked(struct task *t) REQUIRES(&t->group->world->lock)
{
	atomic_store_u32(&t->work, 1);
	if (t->thread != THREAD_NONE) sched_signal(t->group->world->config.sched, t->thread);
}

void signal_recheck_locked(struct task *t)
{
	struct task_group *g = t->group;
	struct sched *s = g->world->config.sched;

	ASSERT_SLOW(t->thread == thread_id_of(sched_current(s)));
	if (((t->pending | g->pending) & ~t->mask) != 0 || g->stop_signal != 0 || t->dying)
		rouse_locked(t);
	else
		sched_signal_dealt(s);
}

void signal_pass_on_locked(struct task *t, sigset which)
{
	struct task_group *g = t->group;
	sigset left = g->pending & which;

	for (struct list *l = g->tasks.next; l != &g->tasks && left != 0; l = l->next) {
		struct task *other = CONTAINER_OF(l, struct task, link);
		if (other == t || !may_take(other, left)) continue;
		rouse_locked(other);
		left &= other->mask & ~other->awaited; /* it sees to the others */
	}
}

void signal_set_mask_locked(struct task *t, sigset mask)
{
	const sigset blocked = mask & ~t->mask;

	ASSERT((mask & SIGNALS_HARD) == 0);
	t->mask = mask;
	if (t->group->task_count > 1) signal_pass_on_locked(t, blocked);
	signal_recheck_locked(t);
}

/* Who of the group takes it, or NULL: all block it. */
static struct task *taker_locked(struct task_group *g, sigset bit) REQUIRES(&g->world->lock)
{
	for (struct list *l = g->tasks.next; l != &g->tasks; l = l->next) {
		struct task *t = CONTAINER_OF(l, struct task, link);
		if (may_take(t, bit)) return t;
	}
	return NULL;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* Whether nothing is to come of it (Linux: sig_ignored). */
static bool is_moot_locked(const struct task_group *g, const struct task *t, int sig)
	REQUIRES(&g->world->lock)
{
	const struct task *to = t != NULL ? t : g->number->task;

	return is_ignored_locked(g, sig) && (to == NULL || (to->mask & signal_bit(sig)) == 0);
}

void signal_forget_all_locked(struct task_group *g, sigset which)
{
	g->pending &= ~which;
	signal_forget_locked(g, &g->notes, which);
	for (struct list *l = g->tasks.next; l != &g->tasks; l = l->next) {
		struct task *t = CONTAINER_OF(l, struct task, link);
		t->pending &= ~which;
		signal_forget_locked(g, &t->notes, which);
	}
}

static void continue_locked(struct task_group *g) REQUIRES(&g->world->lock)
{
	struct task_group *parent = task_group_find_locked(g->world, g->parent);
	const mach_irq_t was = wait_enter(&g->go);

	g->stop_signal = 0;
	g->tell_stop = false;
	g->tell_continue = true;
	wait_wake_all(g->world->config.sched, &g->go);
	wait_leave(&g->go, was);
	if (parent != NULL) signal_child_locked(parent, g, CLD_CONTINUED, SIGCONT);
}

/* Stopping and going on undo each other, whether they are ignored or not. */
static void undo_opposites_locked(struct task_group *g, sigset bit) REQUIRES(&g->world->lock)
{
	if ((bit & STOPS) != 0) signal_forget_all_locked(g, signal_bit(SIGCONT));
	if (bit != signal_bit(SIGCONT)) return;
	signal_forget_all_locked(g, STOPS);
	if (g->stop_signal != 0) continue_locked(g);
}

static bool ends_at_once_locked(const struct task_group *g, int sig)
{
	return action_of(g, sig)->handler == SIG_DEFAULT && signal_default_of(sig) == DEFAULT_END;
}

int signal_send_locked(struct task_group *g, struct task *t, const struct abi_siginfo *info)
{
	const int sig = info->signo;
	const sigset bit = signal_bit(sig);
	struct task *taker = t;

	if (g->ending || g->task_count == 0) return 0;
	if (sig == SIGKILL && g->pid != 1) {
		group_end_locked(g->world, g, sig, NULL);
		return 0;
	}
	undo_opposites_locked(g, bit);
	if (is_moot_locked(g, t, sig)) return 0;
	if (t == NULL)
		taker = taker_locked(g, bit);
	else if (!may_take(t, bit))
		taker = NULL;
	if (taker != NULL && (taker->mask & bit) == 0 && ends_at_once_locked(g, sig)) {
		group_end_locked(g->world, g, sig, NULL);
		return 0;
	}
	sigset *pending = t != NULL ? &t->pending : &g->pending;
	if (sig < SIGRTMIN && (*pending & bit) != 0) return 0;
	if (!note_locked(g, t != NULL ? &t->notes : &g->notes, info) && sig >= SIGRTMIN &&
	    info->code != SI_USER && info->code != SI_KERNEL)
		return -ERR_AGAIN; /* with kill() alone what is known of it may be lost */
	*pending |= bit;
	if (taker != NULL) rouse_locked(taker);
	return 0;
}

void signal_child_locked(struct task_group *parent, const struct task_group *child, int code,
			 int status)
{
	const bool life = code == CLD_STOPPED || code == CLD_CONTINUED;
	const int sig = life ? SIGCHLD : child->exit_signal;
	struct abi_siginfo info = { .signo = sig, .code = code };

	if (life && (action_of(parent, SIGCHLD)->flags & SA_NOCLDSTOP) != 0) return;
	info.child.pid = child->pid;
	info.child.uid = atomic_load_u32(&child->uid[ID_REAL]);
	info.child.status = status;
	(void)signal_send_locked(parent, NULL, &info);
}

void signal_force(struct task *t, const struct abi_siginfo *info, bool fatal)
{
	struct task_group *g = t->group;
	const sigset bit = signal_bit(info->signo);
	struct abi_sigaction *a = &g->signals->action[info->signo - 1];

	const mach_irq_t was = lock_take(&g->world->lock);
	if (fatal || (t->mask & bit) != 0 || a->handler == SIG_IGNORE) a->handler = SIG_DEFAULT;
	t->mask &= ~bit;
	if (a->handler == SIG_DEFAULT)
		group_end_locked(g->world, g, info->signo, NULL);
	else
		(void)signal_send_locked(g, t, info);
	lock_drop(&g->world->lock, was);
}

/* --- taking ----------------------------------------------------------------------------------- */

static int take_from_locked(struct task_group *g, sigset *pending, struct list *notes, sigset which,
			    struct abi_siginfo *info) REQUIRES(&g->world->lock)
{
	sigset can = *pending & which;

	if (can == 0) return 0;
	if ((can & SYNCHRONOUS) != 0) can &= SYNCHRONOUS;
	const int sig = (int)bit_lowest(can) + 1;
	if (!take_note_locked(g, notes, sig, info)) *pending &= ~signal_bit(sig);
	return sig;
}

int signal_take_locked(struct task *t, sigset which, struct abi_siginfo *info)
{
	struct task_group *g = t->group;
	const int sig = take_from_locked(g, &t->pending, &t->notes, which, info);

	return sig != 0 ? sig : take_from_locked(g, &g->pending, &g->notes, which, info);
}
