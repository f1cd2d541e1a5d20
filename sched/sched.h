/*
 * sched.h -- the scheduler: who runs on which CPU, and switching.
 *
 * One struct sched is a world: the kernel has one, a fuzz target makes as many as it likes.  It
 * allocates nothing: threads, stacks and what hangs on them come from above, and go back there
 * through the reaper.
 *
 * Where a thread is READY, it is in exactly one run queue, and that queue's lock is held over the
 * whole of a switch: taken by the outgoing thread, dropped by the incoming one.  So nobody can run,
 * steal or free a thread before the CPU that ran it has left its stack.  A thread that is woken
 * goes back to the queue of the CPU it was last on, and is under that lock therefore; idle CPUs
 * steal.
 *
 * Fairness: a ready thread runs within as many switches of its CPU as there are ready threads at
 * its priority there.  Higher priorities go first and may starve lower ones.
 *
 * Balance: at the end of a slice a CPU that has two or more ready threads more than another gives
 * it one, the one that came last.  While no thread comes or goes, a thread that may run anywhere is
 * moved by no more slices than there are threads, and then no two CPUs that have slices differ by
 * two.  A thread is moved at most once between two of its turns, and only to where nothing is more
 * urgent; there its bound begins anew.  So where CPUs are balanced, too, a ready thread runs within
 * the sum of two such bounds.  (A CPU that runs a thread more urgent than all that are ready has no
 * slices: from there only idle CPUs take.)
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "sched/runq.h"
#include "sched/timer.h"

/* When a dead thread's stack, context and slot are given back. */
enum reap_form {
	REAP_AFTER_SWITCH, /* by the thread that runs next, at once (the default) */
	REAP_IN_IDLE,      /* by the CPU's idle thread, from a queue; by whoever finds no slot; and
			   * where it is never idle, by its collector */
	REAP_BEFORE_NEXT,  /* by the idle thread, before any other thread is chosen */
};

/* What a thread had, told when its slot may be another's already: so who hears of an end finds the
 * slot free. */
struct thread_gone {
	thread_id id;
	void *owner;
	uint64_t stack, stack_bytes;
	uint64_t exit_code;
};

enum { COLLECT_MOST = 16 }; /* in one interrupt: its time is bounded, too */

/* What an observer is told of a thread. */
enum sched_seen {
	SEEN_CLAIMED, /* it has a slot and all that it begins with, and is nobody's yet */
	SEEN_READY,   /* it has come into the run queue of t->cpu, whose lock is held; not told of
	               * who yields or is preempted: config.enter sees that */
};

struct sched_config {
	uint32_t cpus; /* 1 to CPUS_MAX */
	struct thread *threads;
	uint32_t slots, reserved; /* see thread_table_init() */
	uint64_t cooldown_ns;
	uint64_t slice_ns; /* how long a thread runs while another of its priority is ready, unless
			    * it has turns of its own length (sched_set_slice) */
	enum reap_form reap;
	/* REAP_IN_IDLE: a CPU that has dead threads and never idles reaps COLLECT_MOST of them so
	 * long after the first of them ended (up to 2^62), and as many again every slice_ns while
	 * there are more.  0: there is no collector. */
	uint64_t collect_ns;
	/* A thread has ended, nobody is in its context and its slot is free again: takes back what
	 * kernel/ gave it (stack, process).  Called once for each, no lock held, perhaps with
	 * interrupts masked; may not wait.  NULL: nothing to take back. */
	void (*reaped)(void *arg, const struct thread_gone *gone);
	/* In the idle loop of each CPU, interrupts unmasked: does a bounded piece of work.  False:
	 * sched_run() returns on this CPU.  NULL: nothing to do. */
	bool (*idle)(void *arg, uint32_t cpu);
	/* Before a CPU goes on in another thread, interrupts masked, with the run queue's lock
	 * held: installs to->space.  NULL: nothing. */
	void (*enter)(void *arg, struct thread *from, struct thread *to);
	/* For a trace: interrupts masked, perhaps with a run queue's lock held; takes no lock.
	 * NULL: nobody looks on. */
	void (*observe)(void *arg, enum sched_seen seen, const struct thread *t);
	void *arg;
};

/* Letters: (r) written with the run queue's lock held; (o) by this CPU alone, interrupts masked;
 * (t) guarded by the table's lock. */
struct sched_cpu {
	struct runq runq;
	struct timer_queue timers;
	struct thread *current; /* (r)(o) NULL: offline.  Others read it with the lock held */
	struct thread *left;    /* (r)(o) who ran here before the switch that is under way */
	struct thread idle;     /* in no table; its number is after the table's slots */
	struct list dead;       /* (t) TERMINATED, to be reaped by this CPU's idle thread */
	uint32_t dead_count;    /* (t) atomic reads */
	struct timer collector; /* (o) in `timers` while there may be dead threads, see reap.c */
	uint32_t online;        /* (r) atomic reads: it is in sched_run() */
	uint32_t idles;         /* (o) atomic: it is, or is about to be, in mach_wait() */
	uint32_t resched;       /* (r) atomic reads: it was told to choose anew, and has not yet */
	uint32_t handles;       /* (o) it runs its timers, and chooses anew after that */
	uint32_t offered;       /* (r)(o) bits of CPUs that may take over `left` */
	uint32_t receives;      /* atomic: another CPU is about to give it a thread */
	uint64_t slice_end_ns;  /* (r) atomic reads; UINT64_MAX: nobody else is ready */
	uint64_t clock_ns;      /* (o) what its timer is set to; may be earlier than it need be */
	uint64_t wakes;         /* (r) */
	uint64_t switches, preemptions, steals, idle_ns; /* (o) */
	uint64_t gifts;      /* (o) threads that it gave to others, to balance */
	uint64_t switch_ns;  /* (o) atomic: when it last switched; for the watchdog and the dump */
	uint64_t user_ticks; /* (r)(o) mach_user_ticks() when it last switched */
	uint64_t beat_ns;    /* (o) atomic: when it last took an interrupt or switched */
};

struct sched {
	struct sched_config config;
	struct thread_table table;
	uint64_t idle_cpus; /* atomic: bit n: CPU n waits, and whoever clears the bit wakes it */
	struct sched_cpu cpu[CPUS_MAX];
};

/* slice_ns: 1 to 2^62.  `config` is copied. */
void sched_init(struct sched *s, const struct sched_config *config);

/*
 * One path for all CPUs: makes what runs here this CPU's idle thread, and runs threads whenever
 * there are any.  Returns when config.idle says so; then no thread is on this CPU.  Called with
 * interrupts unmasked.
 */
void sched_run(struct sched *s);

/* The two interrupts, for whoever owns the machine: interrupts masked, on this CPU.  They may
 * switch to another thread, and return when the interrupted one goes on, perhaps elsewhere. */
void sched_timer_fired(struct sched *s);
void sched_ipi_came(struct sched *s);

/* --- threads ---------------------------------------------------------------------------------- */

struct thread_how {
	void (*entry)(void *arg); /* begins with interrupts unmasked; returning is thread_exit(0) */
	void *arg;
	uint64_t stack; /* lowest address; the thread's until config.reaped gets it */
	uint64_t stack_bytes;
	struct mach_fp *fp; /* or NULL */
	void *owner;
	void *space; /* see config.enter */
	enum slot_class class;
	uint8_t priority;  /* 0 to PRIORITIES - 1 */
	uint32_t affinity; /* bits of CPUs; 0: all */
	uint64_t slice_ns; /* see sched_set_slice(); 0: as the configuration says */
};

/* THREAD_NONE: no slot, and nothing was taken.  From any thread, or before sched_run(). */
thread_id sched_spawn(struct sched *s, const struct thread_how *how);

/* Who owns a mutex still may not ("owner"). */
NORETURN void sched_exit(struct sched *s, uint64_t code);

/* Who runs here; an idle thread counts.  Only steady for a thread that asks about itself.  In line:
 * calls of programs ask it whenever they touch the program's memory. */
static inline struct thread *sched_current(struct sched *s)
{
	const mach_irq_t was = mach_irq_save();
	struct thread *t = s->cpu[mach_cpu()].current;

	mach_irq_restore(was);
	ASSERT(t != NULL);
	return t;
}

/* To threads at least as urgent; returns when it is our turn.  (A program on the host has a
 * sched_yield() already: its C library's, which the sanitizers call.) */
void sched_yield_cpu(struct sched *s);

/*
 * Asks a thread to end: its waits end at once and fail from now on (WAIT_KILLED), and it is
 * expected to see that and to exit.  False: there is no such thread any more.  Any context.
 */
bool sched_kill(struct sched *s, thread_id id);
bool sched_killed(struct sched *s); /* the caller was asked to */

/* The caller has seen that, and ends: it may wait again for what it has to give back. */
void sched_kill_heeded(struct sched *s);

/*
 * There is a signal for a thread: a wait that heeds signals (wait_sleep_heeding) ends at once, and
 * none begins until the thread says that it has dealt with what there was.  Waits of the other kind
 * go on.  Who runs elsewhere is interrupted, so that he comes into the kernel.  False: there is no
 * such thread any more.  Any context.
 */
bool sched_signal(struct sched *s, thread_id id);
bool sched_signalled(struct sched *s);    /* the caller: there is one */
void sched_signal_dealt(struct sched *s); /* the caller: there is none any more */

/* What a thread has had of CPUs until now. */
struct thread_used {
	uint64_t ran_ns;  /* how long it was on them */
	uint64_t user_ns; /* how long of that at EL0: what is left never becomes less either */
	uint64_t waits;   /* times it left one because it had to wait */
	uint64_t gives;   /* times it left one though it could have gone on */
};

/* All zeroes: there is no such thread any more.  Any context, under a lock of rank below RANK_RUNQ
 * at most. */
struct thread_used sched_used(struct sched *s, thread_id id);

/* Whether it runs or could: it is READY or RUNNING.  If not, then what was written before is seen
 * by it when it runs again.  The same contexts. */
bool sched_is_active(struct sched *s, thread_id id);

/* Changes take effect before the next switch; a READY thread moves at once.  False: no such
 * thread, or no such CPU or priority. */
bool sched_set_priority(struct sched *s, thread_id id, unsigned priority);
bool sched_set_affinity(struct sched *s, thread_id id, uint32_t cpus);

/* How long its turns are, from the next on: 1 to 2^62.  Of threads that all want to run each has a
 * share of the CPU like that of its turns in the sum of all; who runs, and in which order, is as
 * before.  False: no such thread. */
bool sched_set_slice(struct sched *s, thread_id id, uint64_t slice_ns);

/* --- for sched/ itself: waiting and waking ---------------------------------------------------- */

/*
 * Gives up the CPU: interrupts masked, the caller's wait is published under `l` (held).  Takes the
 * lock of its own run queue, and only under that moves the caller from the RUNNING of `was` to
 * WAITING (THREAD_TIMEOUT cleared; THREAD_HEEDS as `heeds` says, which is that or 0), so that no
 * kill and no deadline can make it READY, and somebody steal it, before this CPU has left it; then
 * drops `l`, after which wakers come, and switches.
 * True: somebody woke it; interrupts are masked and `l` is not held.  False: the word is not `was`
 * any more (a kill or a signal came); it has not waited, and `l` is held still.
 */
bool sched_block(struct sched *s, struct lock *l, uint64_t was, uint32_t heeds);

/* A timer was added to this CPU's queue and is the earliest: sets the clock anew.  Interrupts
 * masked. */
void sched_timers_changed(struct sched *s);

/* From the WAITING of `was` to READY, into the run queue of its last CPU, and sees to it that some
 * CPU comes to run it.  False: it was not waiting that wait any more.  Any context, under a lock
 * of rank below RANK_RUNQ at most. */
bool sched_wake(struct sched *s, struct thread *t, uint64_t was, uint32_t flags);

/* --- checks ----------------------------------------------------------------------------------- */

/* At rest (every CPU idle or outside): NULL when sound, else what is wrong. */
const char *sched_check(struct sched *s);

/* Reaps all the dead that can be reaped now, on whatever CPU they ended; how many. */
uint32_t sched_reap(struct sched *s);

#endif
