/*
 * look.h -- a look at tasks from outside: for /proc and reports.
 *
 * Everything is copied out under the world's lock, so it was true together at one moment; what is
 * held is the caller's to drop.
 */
#ifndef KERNEL_TASK_LOOK_H
#define KERNEL_TASK_LOOK_H

#include "kernel/task/right.h"

struct view; /* kernel/file/tree.h */

struct task_look {
	int32_t pid, tid, parent, pgid, sid;
	char state; /* R runs or is ready, S sleeps, Z has ended */
	bool zombie;
	uint32_t threads;
	uint32_t priority; /* the scheduler's */
	uint32_t cpu;      /* where it was last */
	uint32_t affinity; /* bits of CPUs */
	struct task_schedule schedule;
	struct task_used used, children; /* of the whole group, even where a thread is looked at */
	uint64_t start_ns;
	uint32_t uid[IDS], gid[IDS];
	sigset pending, group_pending, blocked, ignored, caught;
	struct limit limits[LIMITS];
	char name[NAME_BYTES];
	char line[LINE_BYTES];
	uint32_t line_bytes;
	process_id process;
	struct ids ids; /* what it is to files */
};

/* By the number of a task, or of a group that has ended and was not waited for.  False: none. */
bool task_look(struct task_world *w, int32_t number, struct task_look *out);

/* The lowest number from `from` on that is a group's, or a thread's of the group of task `of`; 0:
 * none. */
int32_t task_next_group(struct task_world *w, int32_t from);
int32_t task_next_thread(struct task_world *w, int32_t of, int32_t from);

/* What the group of task `number` has, held, or NULL: it has none, or is gone. */
struct file_table *task_files_hold(struct task_world *w, int32_t number);
struct node *task_cwd_hold(struct task_world *w, int32_t number);
struct node *task_root_hold(struct task_world *w, int32_t number);
struct node *task_exe_hold(struct task_world *w, int32_t number);
struct space *task_space_hold(struct task_world *w, int32_t number);

/* What the caller is to files. */
static inline struct ids task_ids(const struct task *t)
{
	return right_ids(t);
}

/* How the caller sees the tree: where it is, what its root is.  Dropped by task_view_drop(). */
void task_view(struct task *t, struct view *out);
void task_view_drop(struct view *v);

#endif
