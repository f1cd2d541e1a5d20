/*
 * process_thread.c -- the threads of processes: made, begun, left, reaped.
 *
 * A thread is a record and a stack, asked for before the scheduler hears of it.  The record joins
 * its process under the lock, after a last look whether that still takes threads, and only then
 * the thread is published; from there on it may run, end and be gone at any moment, so nobody but
 * itself writes to the record, its id included.  A kill that comes before it has begun finds no
 * id, and is heeded by the thread itself: it looks, with the lock held, whether its process ends,
 * in the same moment in which it makes itself known.
 *
 * Leaving and being gone are two things.  A thread leaves when it has nothing more to do: it is off
 * the list, and if it is the last that settles how the process ends.  It is gone when the scheduler
 * has reaped it: nobody is on its stack, and stack and record go back.  The process is taken down
 * when the last one is gone, not when it leaves, since others may still stand on their stacks.
 *
 * Always true: a record is given back once, by the reaper, or by who made it where the scheduler
 * had no slot for it; a process is taken down once, by who made `held` 0.
 *
 * Locks: the world's for a moment; none while anything is asked for or given back.
 */
#include "kernel/process_inside.h"

/* --- records ---------------------------------------------------------------------------------- */

static struct process_thread *record_alloc(struct process_world *w, const struct process_how *how)
{
	struct process_thread *r = kmalloc_alloc(w->config.memory, sizeof(*r), KM_ZERO, how->site);

	if (r == NULL) return NULL;
	r->stack = kstack_alloc(w->config.stacks, how->site);
	if (r->stack == 0) {
		const enum kmalloc_verdict v = kmalloc_free(w->config.memory, r);
		ASSERT(v == KMALLOC_FREED);
		return NULL;
	}
	r->kind.owner = OWNER_PROCESS;
	r->world = w;
	r->entry = how->entry;
	r->arg = how->arg;
	r->user = how->user;
	list_init(&r->link);
	return r;
}

static void record_free(struct process_thread *r)
{
	struct process_world *w = r->world;

	ASSERT(!list_linked(&r->link));
	kstack_free(w->config.stacks, r->stack);
	const enum kmalloc_verdict v = kmalloc_free(w->config.memory, r);
	ASSERT(v == KMALLOC_FREED);
}

static int join_locked(struct process_thread *r, process_id id, bool first)
{
	struct process_world *w = r->world;
	struct process *p = process_find_locked(w, id);

	ASSERT(r->process == NULL && !list_linked(&r->link));
	if (id != PROCESS_NONE) {
		const enum process_state wanted = first ? PROCESS_NEW : PROCESS_ALIVE;
		if (p == NULL || p->state != wanted) return -ERR_SRCH;
		if (p->ending && !first) return -ERR_INTR;
		list_add_last(&p->threads, &r->link);
		p->running++;
		p->held++;
		r->process = p;
	}
	w->threads++;
	return 0;
}

static int join(struct process_thread *r, process_id id, bool first)
{
	const mach_irq_t was = lock_take(&r->world->lock);
	const int answer = join_locked(r, id, first);

	lock_drop(&r->world->lock, was);
	return answer;
}

/* Nothing of it runs any more.  Where it is the last, the process ends as who left last said. */
static void leave_locked(struct process_thread *r) REQUIRES(&r->world->lock)
{
	struct process *p = r->process;

	ASSERT(p->running != 0 && p->held >= p->running && list_linked(&r->link));
	list_remove(&r->link);
	if (--p->running == 0 && p->state == PROCESS_ALIVE)
		process_end_locked(r->world, p, PROCESS_EXITED, p->status.code);
}

static void leave(struct process_thread *r, uint64_t code)
{
	struct process_world *w = r->world;
	struct process *p = r->process;

	if (p == NULL) return;
	const mach_irq_t was = lock_take(&w->lock);
	if (!p->ending) p->status.code = code;
	leave_locked(r);
	lock_drop(&w->lock, was);
}

/* It will never run, so it says nothing of how its process ends, though the last that did may have
 * left meanwhile. */
static void withdraw(struct process_thread *r)
{
	struct process_world *w = r->world;

	if (r->process == NULL) return;
	const mach_irq_t was = lock_take(&w->lock);
	leave_locked(r);
	lock_drop(&w->lock, was);
}

/* A thread of `p` (NULL: of the kernel itself) has nothing any more.  While a process is NEW, who
 * makes it gives it up. */
static void gone(struct process_world *w, struct process *p)
{
	const mach_irq_t was = lock_take(&w->lock);
	bool last = false;

	ASSERT(w->threads != 0);
	w->threads--;
	if (p != NULL) {
		ASSERT(p->held > p->running);
		last = --p->held == 0 && p->state == PROCESS_ALIVE;
		if (p->alone && p->held == 1) process_tell_locked(w, p);
	}
	lock_drop(&w->lock, was);
	if (last) process_finish(w, p);
}

/* --- a thread's life -------------------------------------------------------------------------- */

static NORETURN void process_thread_begin(void *arg)
{
	struct process_thread *r = arg;
	struct process_world *w = r->world;
	struct process *p = r->process;
	bool ending = false;

	const mach_irq_t was = lock_take(&w->lock);
	ASSERT(r->id == THREAD_NONE);
	r->id = thread_id_of(sched_current(w->config.sched));
	if (p != NULL) {
		if (p->state == PROCESS_NEW) {
			p->state = PROCESS_ALIVE;
			w->spawned++;
		}
		ending = p->ending;
	}
	lock_drop(&w->lock, was);
	if (!ending || r->user != NULL) r->entry(r->arg);
	process_thread_exit(w, 0);
}

int process_thread_make(struct process_world *w, process_id id, bool first,
			const struct process_how *how, thread_id *thread)
{
	struct process_thread *r = record_alloc(w, how);

	if (r == NULL) return -ERR_NOMEM;
	const int answer = join(r, id, first);
	if (answer != 0) {
		record_free(r);
		return answer;
	}
	const struct thread_how as = {
		.entry = process_thread_begin,
		.arg = r,
		.stack = r->stack,
		.stack_bytes = KERNEL_STACK_BYTES,
		.fp = &r->fp,
		.owner = r,
		.space = r->process == NULL ? NULL : r->process->space,
		.class = how->class,
		.priority = how->priority,
		.affinity = how->affinity,
		.slice_ns = how->slice_ns,
	};
	struct process *p = r->process;
	if (how->prepare != NULL) how->prepare(r->user, r->stack, &r->fp);
	*thread = sched_spawn(w->config.sched, &as);
	if (*thread != THREAD_NONE) return 0;
	withdraw(r);
	record_free(r);
	gone(w, p);
	return -ERR_AGAIN;
}

int process_thread_spawn(struct process_world *w, process_id id, const struct process_how *how,
			 thread_id *thread)
{
	*thread = THREAD_NONE;
	const int answer = process_thread_make(w, id, false, how, thread);
	if (answer != -ERR_NOMEM || !process_reap(w)) return answer;
	return process_thread_make(w, id, false, how, thread); /* with what the dead had */
}

NORETURN void process_thread_exit(struct process_world *w, uint64_t code)
{
	struct process_thread *self = process_thread_self(w);

	ASSERT(self != NULL);
	leave(self, code);
	sched_exit(w->config.sched, code);
}

/* --- the scheduler's hooks -------------------------------------------------------------------- */

void process_reaped(void *world, const struct thread_gone *thread)
{
	struct process_world *w = world;

	if (!process_owns(thread->owner)) return;
	struct process_thread *r = thread->owner;
	struct process *p = r->process;
	ASSERT(r->world == w && r->stack == thread->stack);
	record_free(r);
	gone(w, p);
}

/* An idle CPU, and a thread of the kernel, get none: so no CPU keeps one that nobody lives in. */
void process_enter(void *world, struct thread *from, struct thread *to)
{
	struct process_world *w = world;

	(void)from;
	space_switch(w->config.vm, to->space);
}
