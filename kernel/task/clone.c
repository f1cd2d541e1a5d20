/*
 * clone.c -- how tasks come to be: the first one, forks, vforks, threads.
 *
 * All that can fail for want of memory is asked for first; then the child gets its number and its
 * place among others, under the lock, so that it is found from then on; then its thread is made,
 * which may run at once.  What fails after that is taken back in the opposite order.
 *
 * The child begins in its own thread with its parent's registers but for x0, sp and TLS, its
 * floating-point registers too: the parent copies them to where the child has its own, before the
 * child can run (task_prepare).  Before it goes to its program it learns whether it is to end
 * already, and writes its number where the program wants to have it (CLONE_CHILD_SETTID), in its
 * own space.
 *
 * Who vforks waits, on its own stack, until the child has another program or has ended; only a kill
 * ends that wait earlier, and then the child is told that nobody waits any more.
 *
 * A subset of Linux's: handlers are shared by the tasks of a group and nobody else, and so is where
 * a program is in the tree of files.
 *
 * Locks: the world's.  Cost: a fork is its space's copy, and about 3,000 instructions besides.
 */
#include "kernel/file/tree.h"
#include "kernel/task/cpu_alarm.h"
#include "kernel/task/files.h"
#include "kernel/task/right.h"
#include "kernel/task/task_inside.h"

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define NAMESPACES                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)
#define REFUSED (NAMESPACES | CLONE_PIDFD | CLONE_INTO_CGROUP | CLONE_PARENT)

enum { SIGNALS_QUEUED = 1024 };

/* A child that is being made; on the stack of who makes it. */
struct birth {
	struct task_world *w;
	struct task *parent; /* NULL: of the first */
	struct task *t;
	struct task_group *group; /* its own; NULL: its parent's */
	struct number *number;
	const struct task_clone *how;
};

/* Linux's order; what it knows and we do not is refused as what it does not know. */
static int flags_refused(uint64_t flags)
{
	const bool thread = (flags & CLONE_THREAD) != 0;

	if ((flags & CLONE_THREAD) != 0 && (flags & CLONE_SIGHAND) == 0) return -ERR_INVAL;
	if ((flags & CLONE_SIGHAND) != 0 && (flags & CLONE_VM) == 0) return -ERR_INVAL;
	if (thread && (flags & THREAD_FLAGS) != THREAD_FLAGS) return -ERR_INVAL;
	if (!thread && (flags & (CLONE_SIGHAND | CLONE_FS)) != 0) return -ERR_INVAL;
	return (flags & REFUSED) != 0 ? -ERR_INVAL : 0;
}

/* --- its own thread --------------------------------------------------------------------------- */

/* In the parent's context: what the child begins with. */
static void task_prepare(void *user, uint64_t stack, struct mach_fp *fp)
{
	struct task *t = user;
	const struct birth *b = t->birth;

	t->birth = NULL;
	t->regs = mach_user_regs(stack, KERNEL_STACK_BYTES);
	*t->regs = (struct user_regs){ .pc = 0 };
	if (b->parent == NULL) return;
	*t->regs = *b->parent->regs;
	t->regs->x[0] = 0;
	if (b->how->stack != 0) t->regs->sp = b->how->stack;
	mach_fp_store(fp);
	if ((b->how->flags & CLONE_PARENT_SETTID) != 0)
		(void)user_copy_out(b->parent->space, b->how->parent_tid, &t->tid, sizeof t->tid);
}

static void task_run_first(struct task *t)
{
	struct process_world *p = t->group->world->config.processes;
	const int answer = process_adopt_orphans(p, process_self(p));

	ASSERT(answer == 0);
	t->begin(t, t->begin_arg);
}

static void task_run(void *arg)
{
	struct task *t = arg;
	struct task_world *w = t->group->world;

	const mach_irq_t was = lock_take(&w->lock);
	t->thread = thread_id_of(sched_current(w->config.sched));
	const bool dying = t->dying;
	if (!dying) signal_recheck_locked(t);
	if (t->tid == t->group->pid && t->group->limits[RLIMIT_CPU].soft != UINT64_MAX)
		cpu_alarm_limit_locked(t->group);
	lock_drop(&w->lock, was);
	t->space = process_space(w->config.processes);
	if (dying) task_end(t);
	if (t->set_tid != 0) (void)user_copy_out(t->space, t->set_tid, &t->tid, sizeof t->tid);
	if (t->begin != NULL) task_run_first(t);
	w->config.machine.run(t);
}

/* --- what it has besides ---------------------------------------------------------------------- */

static void birth_drop_group(struct birth *b)
{
	struct task_group *g = b->group;

	if (g == NULL) return;
	if (g->files != NULL) file_table_drop(g->files);
	if (g->cwd != NULL) node_drop(g->cwd);
	if (g->root != NULL) node_drop(g->root);
	if (g->exe != NULL) node_drop(g->exe);
	gid_list_drop(g);
	task_free_bytes(b->w, g->signals);
	task_free_bytes(b->w, g);
}

/* Gives back what nobody knows of yet; `number` too, unless it is in use. */
static void birth_drop(struct birth *b)
{
	birth_drop_group(b);
	if (b->t != NULL && b->t->files != NULL) file_table_drop(b->t->files);
	number_free(b->w, b->number);
	task_free_bytes(b->w, b->t);
}

/* What a new group has of its parent's. */
static void group_inherit_locked(struct task_group *g, struct task_group *from)
	REQUIRES(&from->world->lock)
{
	g->umask = from->umask;
	memcpy(g->uid, from->uid, sizeof g->uid);
	memcpy(g->gid, from->gid, sizeof g->gid);
	gid_list_inherit_locked(g, from);
	g->undumpable = from->undumpable;
	g->above_mark = atomic_load_u32(&from->above_mark);
	memcpy(g->limits, from->limits, sizeof g->limits);
	memcpy(g->line, from->line, from->line_bytes);
	g->line_bytes = from->line_bytes;
}

static bool files_inherit(struct task_group *g, const struct task *parent, bool shared)
{
	const struct task_group *from = parent->group;
	struct file_table *files = task_files(parent);

	const mach_irq_t was = lock_take(&from->world->lock);
	if (from->cwd != NULL) g->cwd = node_hold(from->cwd);
	if (from->root != NULL) g->root = node_hold(from->root);
	if (from->exe != NULL) g->exe = node_hold(from->exe);
	lock_drop(&from->world->lock, was);
	if (files == NULL) return true;
	g->files = shared ? file_table_hold(files) : file_table_clone(files);
	return g->files != NULL;
}

/* What is not zero in a new one, and not its parent's. */
static void group_begin(struct task_group *g, struct task_world *w)
{
	g->world = w;
	g->process = PROCESS_NONE;
	list_init(&g->link);
	list_init(&g->tasks);
	list_init(&g->notes);
	wait_init(&g->go, RANK_WAIT);
	g->start_ns = mach_now_ns();
}

static bool birth_group(struct birth *b)
{
	struct task_group *g = task_alloc_bytes(b->w, sizeof(struct task_group), 0);
	struct task_group *from = b->parent == NULL ? NULL : b->parent->group;

	if (g == NULL) return false;
	struct signal_set_up *signals = signal_set_up_alloc(b->w);
	memset(g, 0, sizeof *g);
	if (from != NULL) {
		const mach_irq_t was = lock_take(&b->w->lock);
		group_inherit_locked(g, from);
		if (signals != NULL) *signals = *from->signals;
		lock_drop(&b->w->lock, was);
	} else {
		if (signals != NULL) memset(signals, 0, sizeof *signals);
		for (unsigned i = 0; i < LIMITS; i++)
			g->limits[i] = (struct limit){ UINT64_MAX, UINT64_MAX };
		g->limits[RLIMIT_SIGPENDING] = (struct limit){ SIGNALS_QUEUED, SIGNALS_QUEUED };
	}
	group_begin(g, b->w);
	b->group = g;
	g->signals = signals;
	if (signals == NULL) return false;
	g->exit_signal = b->how->exit_signal;
	if (from == NULL) return true;
	return files_inherit(g, b->parent, (b->how->flags & CLONE_FILES) != 0);
}

/* Whether that goes to no child: what is more urgent than usual, where a child is to be reset. */
static bool schedule_is_own(const struct task_schedule *s)
{
	return s->reset && (s->priority != 0 || s->nice < 0);
}

static struct task_schedule schedule_inherited(const struct task_schedule *from)
{
	struct task_schedule to = *from;

	if (schedule_is_own(from)) {
		to.policy = from->priority != 0 ? SCHED_NORMAL : from->policy;
		to.priority = 0;
		to.nice = 0;
	}
	to.reset = false;
	return to;
}

static bool birth_alloc(struct birth *b)
{
	struct task *t = task_alloc_bytes(b->w, sizeof(struct task), KM_ZERO);
	const struct task *parent = b->parent;

	if (t == NULL) return false;
	b->t = t;
	list_init(&t->link);
	list_init(&t->notes);
	t->birth = b;
	b->number = number_alloc(b->w);
	if (b->number == NULL) return false;
	if (parent == NULL) return birth_group(b);
	t->slack_ns = t->usual_slack_ns = parent->slack_ns;
	t->no_new_rights = parent->no_new_rights;
	const uint64_t flags = b->how->flags;
	t->schedule = schedule_inherited(&parent->schedule);
	memcpy(t->name, parent->name, NAME_BYTES);
	t->mask = parent->mask;
	t->tls = (flags & CLONE_SETTLS) != 0 ? b->how->tls : mach_tls();
	t->clear_tid = (flags & CLONE_CHILD_CLEARTID) != 0 ? b->how->child_tid : 0;
	t->set_tid = (flags & CLONE_CHILD_SETTID) != 0 ? b->how->child_tid : 0;
	t->alt_flags = SS_DISABLE;
	if ((flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM) {
		t->alt_stack = parent->alt_stack;
		t->alt_bytes = parent->alt_bytes;
		t->alt_flags = parent->alt_flags;
	}
	if ((flags & CLONE_THREAD) == 0) return birth_group(b);
	task_files_inherit(t, parent);
	return true;
}

/* --- its place among others ------------------------------------------------------------------- */

static void group_enter_locked(struct birth *b) REQUIRES(&b->w->lock)
{
	struct task_group *g = b->group;
	const struct task_group *from = b->parent == NULL ? NULL : b->parent->group;

	g->pid = b->number->value;
	g->number = number_use(b->number);
	g->number->group = g;
	g->pgid_number = number_use(from == NULL ? b->number : from->pgid_number);
	g->sid_number = number_use(from == NULL ? b->number : from->sid_number);
	g->pgid = g->pgid_number->value;
	g->sid = g->sid_number->value;
	g->parent = from == NULL ? 0 : from->pid;
	list_add_last(&b->w->all, &g->link);
	b->w->groups++;
}

/* RLIMIT_NPROC: of all tasks of one user, and of groups that wait to be waited for; not of root. */
static bool user_has_enough_locked(struct task_world *w, const struct task_group *g)
	REQUIRES(&w->lock)
{
	uint64_t count = 0;

	if (g->uid[0] == 0 || g->limits[RLIMIT_NPROC].soft == UINT64_MAX) return false;
	for (const struct list *l = w->all.next; l != &w->all; l = l->next) {
		const struct task_group *other = CONTAINER_OF(l, struct task_group, link);
		if (other->uid[0] == g->uid[0]) count += other->zombie ? 1 : other->task_count;
	}
	return count >= g->limits[RLIMIT_NPROC].soft;
}

static int birth_enter_locked(struct birth *b) REQUIRES(&b->w->lock)
{
	struct task *t = b->t;

	t->group = b->group != NULL ? b->group : b->parent->group;
	if (b->parent != NULL && b->parent->dying) return -ERR_INTR;
	if (t->group->ending || t->group->execer != NULL) return -ERR_INTR;
	if (b->parent != NULL && user_has_enough_locked(b->w, b->parent->group)) return -ERR_AGAIN;
	if (!number_give_locked(b->w, b->number)) return -ERR_AGAIN;
	t->number = number_use(b->number);
	t->number->task = t;
	t->tid = t->number->value;
	if (b->group != NULL) group_enter_locked(b);
	list_add_last(&t->group->tasks, &t->link);
	atomic_store_u32(&t->group->task_count, t->group->task_count + 1);
	b->w->tasks++;
	b->number = NULL; /* it is in use */
	return 0;
}

static void birth_leave_locked(struct birth *b) REQUIRES(&b->w->lock)
{
	struct task *t = b->t;
	struct task_group *g = b->group;

	signal_forget_locked(t->group, &t->notes, ~(sigset)0);
	list_remove(&t->link);
	atomic_store_u32(&t->group->task_count, t->group->task_count - 1);
	b->w->tasks--;
	t->number->task = NULL;
	number_drop_locked(b->w, t->number);
	if (g == NULL) return;
	signal_forget_locked(g, &g->notes, ~(sigset)0);
	list_remove(&g->link);
	b->w->groups--;
	g->number->group = NULL;
	number_drop_locked(b->w, g->sid_number);
	number_drop_locked(b->w, g->pgid_number);
	number_drop_locked(b->w, g->number);
}

/* Its thread, which may run at once; afterwards nothing of it is the caller's. */
static int birth_spawn(struct birth *b)
{
	struct process_world *p = b->w->config.processes;
	struct process_how how = {
		.entry = task_run,
		.arg = b->t,
		.class = SLOT_USER,
		.priority = PRIORITY_NORMAL,
		.site = b->w->config.site,
		.user = b->t,
		.process_user = b->group,
		.prepare = task_prepare,
	};
	thread_id thread;

	if (b->parent != NULL) {
		const struct thread *self = sched_current(b->w->config.sched);
		how.affinity = self->affinity;
		if (!schedule_is_own(&b->parent->schedule)) {
			how.priority = self->priority;
			how.slice_ns = self->slice_ns;
		}
	}
	if (b->group == NULL) return process_thread_spawn(p, process_self(p), &how, &thread);
	if (b->parent == NULL) return process_spawn(p, PROCESS_NONE, &how, &b->group->process);
	if ((b->how->flags & CLONE_VM) == 0) {
		vm_reclaim_retired(b->w->config.vm, VM_SHARE_PAGES);
		return process_fork(p, &how, &b->group->process);
	}
	how.space = b->parent->space;
	return process_spawn(p, process_self(p), &how, &b->group->process);
}

/* The child's number.  Who vforks is told of in the same moment in which the child can be found. */
static int birth_give(struct birth *b, struct vfork_wait *v)
{
	mach_irq_t was;
	int tid = 0;
	int answer = birth_alloc(b) ? 0 : -ERR_NOMEM;

	if (answer == 0) {
		was = lock_take(&b->w->lock);
		answer = birth_enter_locked(b);
		if (answer == 0 && v != NULL) {
			b->group->vforked = v;
			v->child = b->group;
		}
		tid = b->t->tid;
		lock_drop(&b->w->lock, was);
	}
	if (answer == 0) {
		answer = birth_spawn(b);
		if (answer == 0) return tid;
		was = lock_take(&b->w->lock);
		birth_leave_locked(b);
		lock_drop(&b->w->lock, was);
	}
	birth_drop(b);
	return answer;
}

/* --- the ways in ------------------------------------------------------------------------------ */

int task_first(struct task_world *w, void (*begin)(struct task *t, void *arg), void *arg)
{
	static const struct task_clone how = { .exit_signal = SIGCHLD };
	struct birth b = { .w = w, .how = &how };

	if (!birth_alloc(&b)) return birth_drop(&b), -ERR_NOMEM;
	b.t->begin = begin;
	b.t->begin_arg = arg;
	b.t->alt_flags = SS_DISABLE;
	mach_irq_t was = lock_take(&w->lock);
	int answer = birth_enter_locked(&b);
	lock_drop(&w->lock, was);
	if (answer == 0) answer = birth_spawn(&b);
	if (answer == 0) return 0;
	was = lock_take(&w->lock);
	if (b.number == NULL) birth_leave_locked(&b);
	lock_drop(&w->lock, was);
	birth_drop(&b);
	return answer;
}

/* Until the child has another program or has ended.  A kill ends it too. */
static void vfork_wait_over(struct task_world *w, struct vfork_wait *v)
{
	enum wait_result result = WAIT_WOKEN;
	mach_irq_t was = wait_enter(&v->queue);

	while (!v->over && result == WAIT_WOKEN)
		result = wait_sleep(w->config.sched, &v->queue, WAIT_FOREVER);
	wait_leave(&v->queue, was);
	was = lock_take(&w->lock); /* so nobody is on the way to wake us either */
	if (!v->over) v->child->vforked = NULL;
	lock_drop(&w->lock, was);
}

int64_t task_clone(struct task *t, const struct task_clone *how)
{
	struct task_world *w = t->group->world;
	struct birth b = { .w = w, .parent = t, .how = how };
	struct vfork_wait v = { .over = false };
	const bool waits = (how->flags & (CLONE_VFORK | CLONE_THREAD)) == CLONE_VFORK;
	int answer = flags_refused(how->flags);

	if (answer != 0) return answer;
	if (sched_signalled(w->config.sched)) return RESTART_NOINTR; /* taken before, not by both */
	wait_init(&v.queue, RANK_WAIT);
	answer = birth_give(&b, waits ? &v : NULL);
	if (answer < 0) return answer;
	if (waits) vfork_wait_over(w, &v);
	return answer;
}
