/*
 * exec.c -- what execve changes of a task and its group: everybody else ends, and the rest begins
 * anew.
 *
 * Of several tasks that exec at once the first under the lock wins; the others are among those that
 * it ends.  It waits until their stacks are back, not just until they have left: then nobody runs
 * in the old program any more.  Only the group's end, by a signal or another task's exit_group()
 * that came before, ends that wait.
 *
 * The one who is left is the group's first task from then on, with its number, whoever that was
 * before.
 *
 * Locks: the world's for a moment.  Cost: O(tasks), and their ends.
 */
#include "kernel/task/right.h"
#include "kernel/task/task_inside.h"
#include "kernel/task/used.h"

static int begin_locked(struct task *t) REQUIRES(&t->group->world->lock)
{
	struct task_group *g = t->group;

	if (t->dying || g->ending) return -ERR_INTR;
	ASSERT(g->execer == NULL); /* who execs has doomed all others */
	g->execer = t;
	for (struct list *l = g->tasks.next; l != &g->tasks; l = l->next) {
		struct task *other = CONTAINER_OF(l, struct task, link);
		if (other != t) task_doom_locked(other);
	}
	return 0;
}

/* The group's number becomes its own. */
static void lead_locked(struct task_world *w, struct task *t) REQUIRES(&w->lock)
{
	struct task_group *g = t->group;

	ASSERT(g->task_count == 1 && g->execer == t);
	g->status = 0; /* what the first task may have ended with */
	if (t->tid == g->pid) return;
	ASSERT(g->number->task == NULL);
	t->number->task = NULL;
	number_drop_locked(w, t->number);
	t->number = number_use(g->number);
	t->number->task = t;
	t->tid = g->pid;
}

int task_exec_alone(struct task *t)
{
	struct task_world *w = t->group->world;
	mach_irq_t was = lock_take(&w->lock);
	int answer = begin_locked(t);

	lock_drop(&w->lock, was);
	if (answer != 0) return answer;
	answer = process_wait_alone(w->config.processes);
	was = lock_take(&w->lock);
	if (answer == 0) lead_locked(w, t);
	t->group->execer = NULL;
	lock_drop(&w->lock, was);
	return answer;
}

static void copy_name(char *to, const char *name)
{
	unsigned i = 0;

	for (; i + 1 < NAME_BYTES && name[i] != 0; i++) to[i] = name[i];
	memset(to + i, 0, NAME_BYTES - i);
}

/* As Linux has it (fs/exec.c, begin_new_exec; kernel/cred.c, commit_creds): who acts as another is
 * not for others to look at, and its parent's end is none of its business. */
static void rights_exec_locked(struct task *t, const struct task_program *program)
	REQUIRES(&t->group->world->lock)
{
	struct task_group *g = t->group;
	struct limit *stack = &g->limits[RLIMIT_STACK];
	const bool acted =
		g->uid[ID_EFFECTIVE] != g->uid[ID_REAL] || g->gid[ID_EFFECTIVE] != g->gid[ID_REAL];
	const bool changes = right_exec_locked(g, program->acting_uid, program->acting_gid);

	g->undumpable = acted || changes || program->secret;
	if (changes || program->secure) t->death_signal = 0;
	if (program->secure) stack->soft = min_u64(stack->soft, SECURE_STACK_BYTES);
}

void task_exec_commit(struct task *t, const struct task_program *program)
{
	static const struct mach_fp as_at_first;
	struct task_group *g = t->group;
	struct task_world *w = g->world;
	const uint32_t bytes = program->line_bytes < LINE_BYTES ? program->line_bytes : LINE_BYTES;

	task_leave_memory(t);
	used_note_memory(g, t->space);
	process_become(w->config.processes, program->space);
	t->space = program->space;
	group_release_vforker(g);
	t->alt_stack = t->alt_bytes = 0;
	t->alt_flags = SS_DISABLE;
	t->restart.call = NULL;
	t->tls = 0;
	mach_tls_set(0);
	mach_fp_load(&as_at_first);
	const mach_irq_t was = lock_take(&w->lock);
	ASSERT(g->task_count == 1 && t->tid == g->pid);
	signal_set_up_exec(g->signals);
	rights_exec_locked(t, program);
	copy_name(t->name, program->name);
	memcpy(g->line, program->line, bytes);
	g->line_bytes = bytes;
	g->exec_done = true;
	g->exit_signal = SIGCHLD;
	lock_drop(&w->lock, was);
}
