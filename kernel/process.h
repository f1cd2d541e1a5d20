/*
 * process.h -- processes: made, ended, waited for, killed, handed to another parent; their threads.
 *
 * Here mm/ and sched/ meet: a process is an address space (or none: the kernel's own) and the
 * threads that run in it; a thread is a slot of the scheduler, a stack, and a record.  What all
 * processes of a world share is handed in; nothing here knows a machine.
 *
 * A process ends when its last thread leaves, when one of them calls process_exit(), or when
 * somebody kills it.  From then on it takes no new thread, and those it has are asked to end: their
 * waits fail, and they leave by process_thread_exit() as soon as they see it (sched_killed()).
 * After the last of them was reaped the process is taken down, in this order: its threads' stacks
 * and slots are free; its space is retired; its children get another parent; and only then its own
 * parent is told.  So who has heard of an end finds everything of that process back, but for the
 * pages of its space, which come back by and by (vm_reclaim), and its number.
 *
 * A process that has ended and whose parent has not asked yet is a zombie: it holds its slot and
 * its status.  Orphans become children of the nearest process above them that takes them in
 * (process_take_in_below), else of the one named by process_adopt_orphans(); where there is none,
 * and for a process that never had a parent, the end is told to nobody, and the slot is free at
 * once.
 *
 * Ids are a slot and its generation, so one that was kept too long names nobody.  A slot is used
 * again only after the status was collected.
 *
 * Answers are 0, or an error of mm/mman.h, negated; then nothing was changed and nothing is lost.
 * Unless said otherwise: for threads, with interrupts unmasked and no lock held.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "mm/kmalloc.h"
#include "mm/kstack.h"
#include "mm/space.h"
#include "sched/sched.h"
#include "sched/wait.h"

/* Generation in the high half, slot in the low; 0 is nobody: generations begin at 1. */
typedef uint64_t process_id;
#define PROCESS_NONE ((process_id)0)
#define PROCESS_ANY UINT64_MAX /* of the caller's children */

enum process_state {
	PROCESS_FREE,
	PROCESS_NEW,    /* being made; nobody has run in it yet */
	PROCESS_ALIVE,  /* has threads, or had them a moment ago */
	PROCESS_ZOMBIE, /* has nothing but a status */
};

enum process_end { PROCESS_EXITED, PROCESS_KILLED };

/* What a parent is told of a child. */
struct process_status {
	process_id id;
	uint64_t code; /* what it exited with, or was killed with */
	enum process_end end;
};

/* Letters: (t) by the world's lock; (q) by told.lock; (f) set while it is NEW, and cleared when its
 * last thread is gone: for its threads to read. */
struct process {
	uint32_t slot;              /* fixed */
	uint32_t generation;        /* (t) */
	uint8_t state;              /* (t) enum process_state */
	bool ending;                /* (t) takes no new thread; how it ends is settled */
	bool takes_in;              /* (t) orphans below it are its children */
	uint32_t running;           /* (t) threads that have not left: those in `threads` */
	uint32_t held;              /* (t) threads whose stack and record are not back yet */
	struct process *parent;     /* (t) or NULL */
	struct list children, dead; /* (t) those that live, and zombies; each by `since` */
	uint64_t since;             /* (t) when its parent got it, by the world's count */
	struct list link;           /* (t) in one of these of its parent, or among the free */
	struct list threads;        /* (t) their records */
	struct space *space; /* (f) or NULL; others look under (t), while there are threads */
	bool alone;          /* (t) a thread of it waits to be the only one */
	void *user;          /* (f) whoever hung something on it */
	struct process_status status; /* (t) */
	struct wait_queue told;       /* threads in process_wait(); made once, never again */
	uint64_t news;                /* (q) how often there was something to tell this process */
};

/*
 * What whoever hangs something on processes (their `user`) hears; each may be NULL, and none is
 * called for a process without.  All with the world's lock held, of rank RANK_PROCESS, in any
 * context.
 */
struct process_hooks {
	/* Everything of it is back, and its parent (its user, or NULL) is told next.  False: nobody
	 * is to be told, and its slot is free at once. */
	bool (*ended)(void *arg, void *user, void *parent);
	/* It has another parent now, or none. */
	void (*handed_on)(void *arg, void *user, void *parent);
	/* Its slot is nobody's any more: its status was collected, or never will be. */
	void (*released)(void *arg, void *user);
	void *arg;
};

struct process_config {
	struct sched *sched; /* its hooks are, or lead to, this world's */
	struct vm *vm;
	struct kstack_window *stacks;
	struct kmalloc *memory;    /* for the records of threads */
	struct process *processes; /* `slots` of them, of any contents */
	uint32_t slots;            /* how many processes there may be, zombies counted; 1 or more */
};

/* One for each kernel. */
struct process_world {
	struct process_config config;
	struct lock lock;                          /* RANK_PROCESS */
	struct list free GUARDED_BY(&lock);        /* slots; the oldest first */
	struct process *init GUARDED_BY(&lock);    /* who gets orphans, or NULL */
	uint32_t taken GUARDED_BY(&lock);          /* slots that are not free */
	uint32_t zombies GUARDED_BY(&lock);        /* of these */
	uint32_t threads GUARDED_BY(&lock);        /* records, those of the kernel's own counted */
	uint64_t spawned, ended GUARDED_BY(&lock); /* processes, ever */
	uint64_t handed GUARDED_BY(&lock);         /* how often a process got a child */
	struct process_hooks hooks;                /* set before anybody has a user */
};

/* How a thread begins.  The scheduler's terms: see struct thread_how. */
struct process_how {
	/* Begins with interrupts unmasked; returning from it is process_thread_exit(0). */
	void (*entry)(void *arg);
	void *arg;
	enum slot_class class;
	uint8_t priority;  /* 0 to PRIORITIES - 1 */
	bool no_space;     /* process_spawn: a process of the kernel, without an address space */
	uint32_t affinity; /* bits of CPUs; 0: all */
	uint64_t slice_ns; /* see sched_set_slice(); 0: the scheduler's */
	site_t site;       /* who asks */
	/* process_spawn: lives in this space, too, which is held for it; NULL: in an empty one. */
	struct space *space;
	void *user;         /* what hangs on the thread, or NULL; with one, entry() is called even
			     * where the process ends by then: to see to what hangs on it */
	void *process_user; /* the same on a new process, or NULL */
	/* Called in the caller's context, with all that the new thread has, before it can run; it
	 * may come to nothing still.  NULL: nothing. */
	void (*prepare)(void *user, uint64_t stack, struct mach_fp *fp);
};

void process_world_init(struct process_world *w, const struct process_config *config);
void process_hooks_set(struct process_world *w, const struct process_hooks *hooks);

/*
 * What the scheduler of this world calls: its `reaped` and its `enter`, with the world as their
 * argument.  A scheduler may have threads besides that are no world's: where it has, each thread's
 * owner is NULL or begins with a struct thread_kind, and process_reaped() is for those of
 * OWNER_PROCESS alone.
 */
enum owner_kind { OWNER_OTHER, OWNER_PROCESS = 0x70726f63 };
struct thread_kind {
	uint32_t owner; /* enum owner_kind */
};
static inline bool process_owns(const void *owner)
{
	return owner != NULL && ((const struct thread_kind *)owner)->owner == OWNER_PROCESS;
}

void process_reaped(void *world, const struct thread_gone *thread);
void process_enter(void *world, struct thread *from, struct thread *to);

/* --- making ----------------------------------------------------------------------------------- */

/*
 * A process with an empty space and one thread, a child of `parent` (PROCESS_NONE: of nobody); *id
 * says which, and is written before its thread can run (PROCESS_NONE: it failed).  From any thread,
 * or before sched_run().
 * -ERR_SRCH: no such parent, or nobody has run in it yet; -ERR_INTR: it is ending; -ERR_AGAIN: no
 * slot for the process or the thread; -ERR_NOMEM.
 */
int process_spawn(struct process_world *w, process_id parent, const struct process_how *how,
		  process_id *id);

/* The same with a copy of the caller's space, and the caller's process as the parent. */
int process_fork(struct process_world *w, const struct process_how *how, process_id *id);

/*
 * One more thread of process `id`; PROCESS_NONE: of the kernel itself, which has no process and is
 * waited for by nobody.  *thread may be another's id already when nobody holds it back.
 * -ERR_SRCH: no such process; -ERR_INTR: it is ending; -ERR_AGAIN: no slot; -ERR_NOMEM.
 */
int process_thread_spawn(struct process_world *w, process_id id, const struct process_how *how,
			 thread_id *thread);

/* Orphans are its children from now on, until it ends; PROCESS_NONE: nobody's.  -ERR_SRCH: there is
 * no such process, it has ended, or nobody has run in it yet. */
int process_adopt_orphans(struct process_world *w, process_id id);

/* Whether the orphans among the descendants of the caller's process become its children, before
 * any that is further up; a new process takes in none. */
void process_take_in_below(struct process_world *w, bool takes);
bool process_takes_in(struct process_world *w);

/* --- ending ----------------------------------------------------------------------------------- */

/* Ends the caller's process: its other threads are asked to end, and this one leaves.  Who owns a
 * mutex may not. */
NORETURN void process_exit(struct process_world *w, uint64_t code);

/* Ends the calling thread, and with the last one its process, with that code. */
NORETURN void process_thread_exit(struct process_world *w, uint64_t code);

/*
 * Ends a process from outside, or one's own (then it returns, and the caller is asked to end like
 * the other threads).  Who came first decides the status; to kill what ends already, or a zombie,
 * changes nothing.  -ERR_SRCH: no such process.  Any context, with no lock held.
 */
int process_kill(struct process_world *w, process_id id, uint64_t code);

/*
 * Waits until child `which` of the caller's process has ended, or PROCESS_ANY of them, and tells
 * and forgets it.  Any thread of a process may wait for any child of it.
 * -ERR_CHILD: no such child (any more); -ERR_AGAIN: none had ended when mach_now_ns() reached
 * deadline_ns (0: does not wait at all; WAIT_FOREVER); -ERR_INTR: the caller was asked to end.
 */
int process_wait(struct process_world *w, process_id which, uint64_t deadline_ns,
		 struct process_status *status);

/* What somebody who waits says of a child. */
enum process_look {
	LOOK_OTHER, /* it is not asked for */
	LOOK_WAIT,  /* it is, and there is nothing to tell yet */
	LOOK_TAKE,  /* it is, and there is */
};

struct process_wait_how {
	process_id which; /* or PROCESS_ANY */
	uint64_t deadline_ns;
	bool heeds; /* a signal ends it, too: -ERR_INTR */
	bool keep;  /* who has ended is told and not forgotten */
	/* Judges a child by its user, with the world's lock held; of those asked for the first that
	 * is to be taken is told, the ended before the living, and a living one is not forgotten.
	 * NULL: all are asked for, and taken when they have ended. */
	enum process_look (*look)(void *arg, void *user, bool ended);
	void *arg;
};

/* The same with more said. */
int process_wait_for(struct process_world *w, const struct process_wait_how *how,
		     struct process_status *status);

/* Something of a child of process `id` has changed that its look() asks for. */
void process_news(struct process_world *w, process_id id);

/* --- another program -------------------------------------------------------------------------- */

/* Waits until the caller is the only thread of its process that has a stack.  Nobody makes a new
 * one meanwhile, and the others were asked to end.  -ERR_INTR: so was the caller. */
int process_wait_alone(struct process_world *w);

/* The caller, alone in its process, lives in `space` from now on, which is handed over; the one it
 * lived in is given up. */
void process_become(struct process_world *w, struct space *space);

/* --- looking ---------------------------------------------------------------------------------- */

process_id process_self(struct process_world *w);     /* the caller's, or PROCESS_NONE */
struct space *process_space(struct process_world *w); /* the caller's, or NULL */
process_id process_parent(struct process_world *w);   /* of the caller's, or PROCESS_NONE */
void *process_thread_user(struct process_world *w);   /* what hangs on the caller, or NULL */
void process_thread_forget(struct process_world *w);  /* nothing does any more */

/* That of process `id`, held for the caller (space_retire); NULL: it has none (any more). */
struct space *process_space_hold(struct process_world *w, process_id id);

struct process_counts {
	uint32_t processes; /* all that are not free, zombies counted */
	uint32_t zombies;
	uint32_t threads; /* whose stack and record are out */
	uint64_t spawned, ended;
};
void process_count(struct process_world *w, struct process_counts *out);

/*
 * Gives back what is kept for the next who asks: the dead and their stacks, retired spaces, pages
 * of files that nobody maps, and every CPU's objects and pages.  Waits a little for what other CPUs
 * have in their hands, so it is for threads alone.  False: they go on keeping some.
 */
bool process_world_drain(struct process_world *w);

/* NULL when sound, else what is wrong.  At any time. */
const char *process_check(struct process_world *w);

#endif
