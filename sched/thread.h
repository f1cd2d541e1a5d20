/*
 * thread.h -- threads: slots, ids that are never reused, and the six states.
 *
 * A thread lives in a slot of an array that the world hands in.  Its id is the slot and the slot's
 * generation, so an id kept too long names nobody instead of a stranger.
 *
 *	        claim                 publish              chosen
 *	FREE ----------> INITIALIZING --------> READY <-------------> RUNNING
 *	  ^ \---<abandon>---/                     ^    preempted, yields |  |
 *	  |                                       | woken         waits  |  |
 *	  |                                       +------ WAITING <------+  |
 *	  |   reaped                                                  exits |
 *	  +---------------------------- TERMINATED <------------------------+
 *
 * All that concurrent parties decide about a thread is in one word, changed by compare-and-swap
 * alone: state, generation, how many times it has waited, and flags.  So of several that would wake
 * one waiting, exactly one does; who comes late, for an earlier wait or an earlier owner of the
 * slot, changes nothing (the word is another); and a kill cannot fall between the look at the flag
 * and the sleep.
 */
#ifndef SCHED_THREAD_H
#define SCHED_THREAD_H

#include "machine/list.h"
#include "machine/lock.h"

enum thread_state {
	THREAD_FREE = 0,
	THREAD_READY = 1,
	THREAD_RUNNING = 2,
	THREAD_TERMINATED = 3,
	THREAD_INITIALIZING = 4,
	THREAD_WAITING = 5,
	THREAD_STATES,
};

/* Generation in the high half, slot in the low; 0 is nobody: generations begin at 1. */
typedef uint64_t thread_id;
#define THREAD_NONE ((thread_id)0)

/*
 * thread.word: bits 0 to 7 the state; 8 to 15 flags; 16 to 31 the count of waits, which wraps (a
 * late waker would have to miss 65,536 waits of the same owner); 32 to 63 the generation.
 */
enum thread_flag {
	THREAD_KILLED = 1 << 8,   /* asked to end: waits no more */
	THREAD_TIMEOUT = 1 << 9,  /* the last wait ended by its deadline */
	THREAD_PREEMPT = 1 << 10, /* READY by preemption, not by its own wish: for figures */
	THREAD_SIGNAL = 1 << 11,  /* there is a signal for it: waits that heed signals end */
	THREAD_HEEDS = 1 << 12,   /* WAITING: a signal ends this wait */
};

enum {
	PRIORITIES = 8, /* 0 is the most urgent */
	PRIORITY_NORMAL = 4,
	PRIORITY_IDLE = PRIORITIES, /* the idle threads', in no queue */
};

/* A timer of a queue (sched/timer.h); here because every thread has one.  fire() is called with
 * interrupts masked and no lock held, and gets the cookie of the adding that it fires for: the
 * timer itself may have been added for something else by then. */
struct timer {
	uint64_t deadline_ns;              /* UINT64_MAX: in no queue */
	uint64_t order;                    /* of those with one deadline the lower comes first */
	uint64_t cookie;                   /* what it was added for */
	struct timer *child, *next, *prev; /* pairing heap */
	void (*fire)(void *arg, struct timer *timer, uint64_t cookie);
	uint32_t cpu; /* whose queue it is in, or was in last */
	uint32_t pad;
};

/* Letters: (w) by compare-and-swap of word; (r) by the lock of run queue `cpu`; (q) by the lock of
 * the wait queue; (i) written between claim and publish only; (s) by the thread itself. */
struct thread {
	uint64_t word; /* (w) atomic */
	uint32_t slot; /* fixed */
	uint32_t cpu;  /* (r) whose run queue it is in, or runs on, or was last on; atomic reads */
	uint8_t priority;       /* (r) */
	uint8_t idle;           /* fixed: a CPU's idle thread */
	uint16_t mutexes;       /* (s) how many it owns; who exits owns none */
	uint32_t affinity;      /* (r) bit n: may run on CPU n; never 0 */
	struct list run_link;   /* (r) */
	struct list wait_link;  /* (q) */
	struct list slot_link;  /* of the free slots, or of those that cool down, or of the dead */
	struct timer timer;     /* (s) deadline of its wait; its cookie is the word it wakes from */
	uint64_t wait_until_ns; /* (s) atomic: the same deadline, for who looks from outside */
	uint64_t waits_in;      /* (s) atomic: address of the wait queue it is in, or 0; the same */
	struct mach_context context;
	struct mach_fp *fp;       /* (i) or NULL */
	uint64_t stack;           /* (i) lowest address */
	uint64_t stack_bytes;     /* (i) */
	void (*entry)(void *arg); /* (i) */
	void *arg;                /* (i) */
	void *owner;              /* (i) kernel/'s: the process */
	void *space;              /* (i), then (s): kernel/'s: what config.enter installs */
	uint64_t exit_code;       /* (s) what it ended with */
	uint64_t ready_ns;        /* (r) when it was last put into a run queue; for the watchdog */
	uint64_t free_ns;         /* when the slot may be claimed again; guarded by the table */
	uint64_t switches;        /* (r) times it was chosen */
	uint64_t gives;           /* (r) times it gave up a CPU, and could have gone on */
	uint64_t slice_ns;        /* (r) how long its turns are, while others wait for theirs */
	uint64_t ran_ns;          /* (r) atomic: how long it was on CPUs, till it was last left */
	uint64_t user_ticks;      /* (r) atomic: the same at EL0, see mach_user_ticks_of() */
	uint64_t moved_at;        /* (r) `switches` + 1 when last it was moved to balance CPUs */
};

static inline enum thread_state thread_word_state(uint64_t word)
{
	return (enum thread_state)(word & 0xff);
}

static inline uint32_t thread_word_generation(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static inline thread_id thread_id_of(const struct thread *t)
{
	return (uint64_t)thread_word_generation(atomic_load_u64(&t->word)) << 32 | t->slot;
}

/* The word of a slot that is free after the owner of `was`: the next generation, which is not 0. */
static inline uint64_t thread_word_free(uint64_t was)
{
	const uint32_t next = thread_word_generation(was) + 1;
	return (uint64_t)(next != 0 ? next : 1) << 32 | THREAD_FREE;
}

/* What the word `was` becomes by a move to `to` that sets `flags` and clears `clear`. */
static inline uint64_t thread_word_after(uint64_t was, enum thread_state to, uint32_t flags,
					 uint32_t clear)
{
	if (to == THREAD_FREE) return thread_word_free(was);
	const uint64_t kept = was & ~(uint64_t)(0xffu | clear);
	const uint64_t word = kept | (uint64_t)to | flags;
	if (to != THREAD_WAITING) return word;
	return (word & ~0xffff0000ull) | ((word + 0x10000) & 0xffff0000ull);
}

const char *thread_state_name(enum thread_state state);

/* Whether a thread may go from one state to the other. */
bool thread_edge_is_legal(enum thread_state from, enum thread_state to);

/*
 * From the state that `was` says to `to`, if the word still is `was`; sets `flags` of enum
 * thread_flag besides, clears `clear`, and counts a wait when `to` is WAITING.  False: somebody
 * was faster, nothing changed.  An illegal edge panics ("thread-state").  Any context.  [yield]
 */
bool thread_move(struct thread *t, uint64_t was, enum thread_state to, uint32_t flags,
		 uint32_t clear);

/* The same by the one party that may move it from `from`, whatever flags come meanwhile: the word
 * it left.  Panics ("thread-state") when it is in another state. */
uint64_t thread_must_move(struct thread *t, enum thread_state from, enum thread_state to,
			  uint32_t flags, uint32_t clear);

/* Sets flags in the state that `was` says, if the word still is `was`; false: nothing changed. */
bool thread_mark(struct thread *t, uint64_t was, uint32_t flags);

/* Clears flags, whatever the state. */
void thread_unmark(struct thread *t, uint32_t flags);

/* --- slots ------------------------------------------------------------------------------------ */

enum slot_class { SLOT_SYSTEM, SLOT_USER };

struct thread_table {
	struct thread *threads;
	uint32_t slots;
	uint32_t reserved; /* slots below this are SLOT_SYSTEM's; the documents' layout has 8 */
	uint64_t cooldown_ns;
	struct lock lock;                      /* RANK_THREADS */
	struct list free[2] GUARDED_BY(&lock); /* by class; oldest first */
	uint32_t live GUARDED_BY(&lock);       /* slots not FREE */
};

/* `threads`: `slots` of them, of any contents.  1 <= slots; reserved <= slots. */
void thread_table_init(struct thread_table *table, struct thread *threads, uint32_t slots,
		       uint32_t reserved, uint64_t cooldown_ns);

/* A slot for a new thread, INITIALIZING, its links and timer as new; NULL: none is free, or none
 * has cooled down.  A user's thread never gets a reserved slot; a system's takes a reserved one
 * first, then any.  Any context but under a lock of rank RANK_THREADS or above. */
struct thread *thread_claim(struct thread_table *table, enum slot_class class);

/* Gives back a slot that was claimed and not published. */
void thread_abandon(struct thread_table *table, struct thread *t);

/* A TERMINATED thread's slot becomes FREE under the next generation.  Its context has ended. */
void thread_release(struct thread_table *table, struct thread *t);

/* The thread with that id, once it is published, or NULL; it may end and go at any moment unless
 * the caller knows better, so what is done to it goes by thread_move() from a word with the id's
 * generation. */
struct thread *thread_find(const struct thread_table *table, thread_id id);

uint32_t thread_count(struct thread_table *table); /* slots not FREE */

/* NULL when sound, else what is wrong.  With no CPU in the table. */
const char *thread_table_check(struct thread_table *table);

#endif
