/*
 * process_inside.h -- what the files of kernel/process*.c know of each other.
 */
#ifndef KERNEL_PROCESS_INSIDE_H
#define KERNEL_PROCESS_INSIDE_H

#include "kernel/process.h"

/* A thread's record: its scheduler's `owner`, from before it can run until it was reaped. */
struct process_thread {
	struct thread_kind kind; /* OWNER_PROCESS */
	struct mach_fp fp;
	struct process_world *world;
	struct process *process;  /* NULL: a thread of the kernel itself */
	struct list link;         /* in process->threads, until it leaves; by the world's lock */
	thread_id id;             /* THREAD_NONE until it has begun; by the world's lock */
	void (*entry)(void *arg); /* what it was made for */
	void *arg;
	void *user; /* what hangs on it */
	uint64_t stack;
};

static inline process_id process_id_of(const struct process *p)
{
	return (uint64_t)p->generation << 32 | p->slot;
}

/* --- process.c: slots.  _locked: with w->lock held. ------------------------------------------- */

/* The process with that id, if it is not free, or NULL. */
struct process *process_find_locked(struct process_world *w, process_id id) REQUIRES(&w->lock);

/* A slot for a child of `parent` (NULL: of nobody), NEW; NULL when all are taken. */
struct process *process_claim_locked(struct process_world *w, struct process *parent)
	REQUIRES(&w->lock);

/* Its number is nobody's any more.  It has no threads, no space and no children. */
void process_release_locked(struct process_world *w, struct process *p) REQUIRES(&w->lock);

/* There is something that threads of `p` may wait for in process_wait(). */

/* `p` is a child of `parent` from now on, behind all that this has. */
void process_join_locked(struct process_world *w, struct process *p, struct process *parent)
	REQUIRES(&w->lock);

/* Into the one of its parent's two lists that `p` belongs to now, in the order of `since`: whoever
 * waits for any child is told of the oldest that has ended, as on Linux. */
void process_list_locked(struct process_world *w, struct process *p) REQUIRES(&w->lock);

void process_tell_locked(struct process_world *w, struct process *p) REQUIRES(&w->lock);

/* Reaps the dead where nobody else may come to it (REAP_IN_IDLE).  False: there were none. */
bool process_reap(struct process_world *w);

/* The caller's record, or NULL: it is no thread of this world. */
struct process_thread *process_thread_self(struct process_world *w);

/* --- process_thread.c: threads ---------------------------------------------------------------- */

/* One more thread of `id` (PROCESS_NONE: of the kernel itself).  `first`: of a process that is
 * NEW, else only of one that is ALIVE. */
int process_thread_make(struct process_world *w, process_id id, bool first,
			const struct process_how *how, thread_id *thread);

/* --- process_exit.c: ends --------------------------------------------------------------------- */

/* How `p` ends, unless that is settled, and its threads are asked to leave. */
void process_end_locked(struct process_world *w, struct process *p, enum process_end end,
			uint64_t code) REQUIRES(&w->lock);

/* `p` was left by its last thread, and everything of these is back: takes it down. */
void process_finish(struct process_world *w, struct process *p);

#endif
