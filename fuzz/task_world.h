/*
 * task_world.h -- how threads of tasks are made, and what is demanded at the end of their world.
 */
#ifndef FUZZ_TASK_WORLD_H
#define FUZZ_TASK_WORLD_H

#include "fuzz/frame/must.h"
#include "kernel/task/task.h"

/* Of clone, for a thread as threads of programs are, but for its numbers and TLS. */
#define THREAD_FLAGS \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

/* No process is left, nor anything that threads have; and what counts them is sound. */
static inline void processes_must_be_gone(struct process_world *w)
{
	struct process_counts counts;

	must_be_sound(process_check(w));
	must_be_sound(sched_check(w->config.sched));
	process_count(w, &counts);
	must_be_none(counts.processes, "processes");
	must_be_none(counts.threads, "threads of processes");
	must_be_none(w->config.stacks->live, "stacks");
}

/* The same, and no task. */
static inline void tasks_must_be_gone(struct task_world *w)
{
	processes_must_be_gone(w->config.processes);
	must_be_sound(task_check(w));
	must_be_none(w->tasks, "tasks");
	must_be_none(w->groups, "groups of tasks");
}

#endif
