/*
 * task.c -- the world of tasks: made, looked at, checked; who is whose; process groups, sessions.
 *
 * A group is found by its number until its end was waited for, a task until it ends.  All groups
 * are in one list, in the order of their making, which those walk who ask for many: members of a
 * process group are few, and asked for rarely.
 *
 * Always true (task_check), with the lock free:
 *   K1  every number in use leads to a task or a group that says it is that number's, or is the
 *       process group or session of some group;
 *   K2  task_count counts the tasks in `tasks`; a zombie has none;
 *   K3  a pending signal's note says that it is pending.
 *
 * Locks: the world's.  Cost: O(groups) for walks.
 */
#include "kernel/task/task_inside.h"

#include "kernel/task/alarm.h"
#include "kernel/task/futex.h"

enum { FUTEX_ROWS = 16, FUTEX_BUCKETS = 16 };

void *task_alloc_bytes(struct task_world *w, size_t bytes, uint32_t how)
{
	return kmalloc_alloc(w->config.memory, bytes, how, w->config.site);
}

void task_free_bytes(struct task_world *w, void *p)
{
	const enum kmalloc_verdict v = kmalloc_free(w->config.memory, p);

	ASSERT(v == KMALLOC_FREED || v == KMALLOC_NOTHING);
}

bool task_world_init(struct task_world *w, const struct task_config *config)
{
	const struct process_hooks hooks = {
		.ended = group_ended,
		.handed_on = group_handed_on,
		.released = group_released,
		.arg = w,
	};

	ASSERT(config->pid_max >= 1);
	*w = (struct task_world){ .config = *config };
	lock_init(&w->lock, RANK_TASKS);
	list_init(&w->all);
	alarm_begin(w);
	w->futexes = futex_open(config->memory, config->sched, FUTEX_ROWS, FUTEX_BUCKETS);
	if (w->futexes == NULL) return false;
	process_hooks_set(config->processes, &hooks);
	return true;
}

void task_world_close(struct task_world *w)
{
	ASSERT(w->tasks == 0 && w->groups == 0 && list_empty(&w->all));
	alarm_end(w);
	futex_close(w->futexes);
	w->futexes = NULL;
}

struct task *task_self(struct task_world *w)
{
	return process_thread_user(w->config.processes);
}

/* --- looking ---------------------------------------------------------------------------------- */

struct task *task_find_locked(struct task_world *w, int32_t tid)
{
	const struct number *n = number_find_locked(w, tid);

	return n == NULL ? NULL : n->task;
}

struct task_group *task_group_find_locked(struct task_world *w, int32_t pid)
{
	const struct number *n = number_find_locked(w, pid);

	return n == NULL ? NULL : n->group;
}

/* The first of this group, or of those behind it. */
static struct task *first_from_locked(struct task_world *w, struct list *l) REQUIRES(&w->lock)
{
	for (; l != &w->all; l = l->next) {
		struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (!list_empty(&g->tasks)) return CONTAINER_OF(g->tasks.next, struct task, link);
	}
	return NULL;
}

struct task *task_next_locked(struct task_world *w, struct task *t)
{
	if (t == NULL) return first_from_locked(w, w->all.next);
	if (t->link.next == &t->group->tasks) return first_from_locked(w, t->group->link.next);
	return CONTAINER_OF(t->link.next, struct task, link);
}

int32_t task_group_after(struct task_world *w, int32_t pid)
{
	int32_t least = 0;
	const mach_irq_t was = lock_take(&w->lock);

	for (struct list *l = w->all.next; l != &w->all; l = l->next) {
		const struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (g->pid > pid && (least == 0 || g->pid < least)) least = g->pid;
	}
	lock_drop(&w->lock, was);
	return least;
}

static const char *check_group_locked(const struct task_group *g) REQUIRES(&g->world->lock)
{
	uint32_t count = 0;

	for (const struct list *l = g->tasks.next; l != &g->tasks; l = l->next, count++) {
		const struct task *t = CONTAINER_OF(l, struct task, link);
		if (t->group != g || t->number->value != t->tid || t->number->task != t)
			return "K1: a task's number is another's";
		if (signal_check(t->pending, &t->notes) != NULL)
			return "K3: a note of a task that has no such signal";
	}
	if (count != g->task_count || (g->zombie && count != 0)) return "K2: tasks miscounted";
	if (g->number->value != g->pid || g->number->group != g)
		return "K1: a group's number is another's";
	if (g->pgid_number->value != g->pgid || g->sid_number->value != g->sid)
		return "K1: a process group or a session has another number";
	return signal_check(g->pending, &g->notes);
}

static const char *check_locked(struct task_world *w) REQUIRES(&w->lock)
{
	uint32_t groups = 0, tasks = 0, uses = 0, used = 0;

	for (struct list *l = w->all.next; l != &w->all; l = l->next, groups++) {
		const struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		const char *why = check_group_locked(g);
		if (why != NULL) return why;
		tasks += g->task_count;
	}
	if (groups != w->groups || tasks != w->tasks) return "K2: groups or tasks miscounted";
	for (unsigned row = 0; row < NUMBER_ROWS; row++) {
		for (const struct number *n = w->numbers[row]; n != NULL; n = n->next) {
			if ((uint32_t)n->value % NUMBER_ROWS != row || n->uses == 0)
				return "K1: a number is in a wrong row, or nobody's";
			uses += n->uses;
		}
	}
	used = tasks + 3 * groups;
	return uses == used ? NULL : "K1: uses of numbers miscounted";
}

const char *task_check(struct task_world *w)
{
	const mach_irq_t was = lock_take(&w->lock);
	const char *why = check_locked(w);

	lock_drop(&w->lock, was);
	return why;
}

/* --- process groups and sessions -------------------------------------------------------------- */

/* Whether process group `pgid` has a member in session `sid`. */
static bool pgid_is_in_locked(struct task_world *w, int32_t pgid, int32_t sid) REQUIRES(&w->lock)
{
	for (struct list *l = w->all.next; l != &w->all; l = l->next) {
		const struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (g->pgid == pgid && g->sid == sid) return true;
	}
	return false;
}

static void join_locked(struct task_world *w, struct task_group *g, int32_t pgid) REQUIRES(&w->lock)
{
	struct number *from = g->pgid_number;

	g->pgid_number = number_use(number_find_locked(w, pgid));
	g->pgid = pgid;
	number_drop_locked(w, from);
}

/* In Linux's order of errors. */
static int setpgid_locked(struct task_world *w, const struct task_group *self, int32_t pid,
			  int32_t pgid) REQUIRES(&w->lock)
{
	struct task_group *g = task_group_find_locked(w, pid);

	if (g == NULL || g->zombie) return -ERR_SRCH;
	if (g != self) {
		if (g->parent != self->pid) return -ERR_SRCH;
		if (g->sid != self->sid) return -ERR_PERM;
		if (g->exec_done) return -ERR_ACCES;
	}
	if (g->sid == g->pid) return -ERR_PERM;
	if (pgid != pid && !pgid_is_in_locked(w, pgid, self->sid)) return -ERR_PERM;
	if (g->pgid != pgid) join_locked(w, g, pgid);
	return 0;
}

int task_setpgid(struct task *t, int32_t pid, int32_t pgid)
{
	struct task_world *w = t->group->world;

	if (pid == 0) pid = t->group->pid;
	if (pgid == 0) pgid = pid;
	if (pgid < 0) return -ERR_INVAL;
	const mach_irq_t was = lock_take(&w->lock);
	const int answer = setpgid_locked(w, t->group, pid, pgid);
	lock_drop(&w->lock, was);
	return answer;
}

/* A task's number does as well as its group's. */
static struct task_group *group_of_locked(struct task *t, int32_t pid)
	REQUIRES(&t->group->world->lock)
{
	struct task_world *w = t->group->world;

	if (pid == 0) return t->group;
	struct task *other = task_find_locked(w, pid);
	return other != NULL ? other->group : task_group_find_locked(w, pid);
}

static int ask_group(struct task *t, int32_t pid, bool session)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const struct task_group *g = group_of_locked(t, pid);
	const int answer = g == NULL ? -ERR_SRCH : session ? g->sid : g->pgid;

	lock_drop(&w->lock, was);
	return answer;
}

int task_getpgid(struct task *t, int32_t pid)
{
	return ask_group(t, pid, false);
}

int task_getsid(struct task *t, int32_t pid)
{
	return ask_group(t, pid, true);
}

static bool leads_locked(struct task_world *w, int32_t pid) REQUIRES(&w->lock)
{
	for (struct list *l = w->all.next; l != &w->all; l = l->next) {
		const struct task_group *g = CONTAINER_OF(l, struct task_group, link);
		if (g->pgid == pid) return true;
	}
	return false;
}

int task_setsid(struct task *t)
{
	struct task_group *g = t->group;
	struct task_world *w = g->world;
	int answer = -ERR_PERM;
	const mach_irq_t was = lock_take(&w->lock);

	if (!leads_locked(w, g->pid)) {
		struct number *from = g->sid_number;
		g->sid_number = number_use(g->number);
		g->sid = g->pid;
		number_drop_locked(w, from);
		join_locked(w, g, g->pid);
		answer = g->pid;
	}
	lock_drop(&w->lock, was);
	return answer;
}
