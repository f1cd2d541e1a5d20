/*
 * process_subject.h -- the state of a run of subject process, and what its files tell each other.
 */
#ifndef FUZZ_PROCESS_SUBJECT_H
#define FUZZ_PROCESS_SUBJECT_H

#include "fuzz/frame/plan.h"
#include "fuzz/vm_world.h"
#include "kernel/process_inside.h"

enum {
	LANES = 4,
	RESERVED_MAX = 3,
	THREADS_SPARE = 7, /* slots beyond those that lanes and the system have */
	THREAD_SLOTS = LANES + RESERVED_MAX + THREADS_SPARE,
	PROCESS_SLOTS = 10,
	PROCESS_LEAST = 3,
	MEMBERS = 24, /* records of threads */
	PROCS = 32,   /* records of processes */
	HEARD = 16,   /* ids that operations can name */
	MAYS = 12,
	ELDERS = 8,
	SLICE_NS = 1000,
	USER_AT = 0x400000, /* where each process keeps a word of its own */
};

/* In the arena, where every access of what is tested is seen. */
struct storm {
	struct vm_world memory;
	struct stack_world kernel;
	struct sched sched;
	struct thread threads[THREAD_SLOTS];
	struct process_world world;
	struct process processes[PROCESS_SLOTS];
	struct wait_queue care; /* where one waits until it has to take care */
	uint64_t asked;         /* by the queue's lock: how often it has */
	uint64_t codes;         /* that processes ended with */
	struct wait_queue stay; /* where nobody wakes anybody */
	uint32_t idle;          /* atomic: looked at, as something to pass points with */
};

/* What threads that belong to no lane do. */
enum way {
	WAY_RETURNS,
	WAY_LEAVES,
	WAY_EXITS,
	WAY_YIELDS,
	WAY_SLEEPS,
	WAY_TOUCHES,
	WAY_STAYS, /* till it is killed */
	WAY_WAITS, /* for any child of its process */
	WAY_PARENT,
	WAY_COLLECTS, /* has a child, and waits for that one */
	WAY_CROWD,    /* has threads, and exits */
	WAY_KILLS,
	WAYS,
	WAY_LANE = WAYS, /* performs the operations of one */
	WAY_CARE,        /* sees to it that everybody gets on, till all others are gone */
};

enum ending { BY_LEAVING, BY_EXIT, BY_RETURN, ENDINGS };

enum member_state {
	MEMBER_NONE,
	MEMBER_SPAWNED,
	MEMBER_RUNS,
	MEMBER_ENDS, /* has begun to */
	MEMBER_GOES, /* is being taken back */
};

/* How one of the things ended, that may be what the parent hears. */
struct may {
	uint64_t code;
	enum process_end end;
};

/* A process, from before it is spawned until it is told, or nobody will be. */
struct proc {
	process_id id;       /* written by the call that makes it */
	struct proc *parent; /* where parent_known; NULL: nobody's child */
	process_id copy_of
		[ELDERS];     /* forked from that one, and that from ...: whose word it may have */
	uint32_t elders;      /* of these */
	struct may may[MAYS]; /* how it may have ended */
	uint32_t mays;        /* of them; more than MAYS: nobody knows any more */
	uint32_t serial;      /* of all that were begun to be made */
	uint32_t members;     /* records of its threads */
	uint32_t waits;       /* calls in which its threads wait for children */
	uint32_t wait_calls;  /* ever */
	uint32_t adoptions;   /* that had been begun or done when its last thread went */
	bool used, parent_known;
	bool made;      /* the call has said so, or it has begun */
	bool began;     /* its first thread has */
	bool space;     /* it has one */
	bool mapped;    /* the page of its word is */
	bool stored;    /* one of its threads has stored that word */
	bool told;      /* somebody has begun to end it */
	bool settled;   /* has done so: no other end counts any more */
	bool finished;  /* it is taken down */
	bool collected; /* its parent was told */
	bool adopts;    /* it was asked to, ever */
};

/* A thread, from before it is spawned until it was reaped. */
struct member {
	struct proc *proc; /* NULL: a thread of the kernel itself */
	thread_id id;      /* once it has begun */
	uint64_t stack, code;
	process_id waits_for; /* without a deadline; PROCESS_NONE: it does not */
	process_id joins;     /* whose process its lane goes on in */
	uint32_t number, spawn;
	uint8_t state; /* enum member_state */
	uint8_t way;   /* enum way */
	uint8_t lane;  /* or RUN_NO_LANE */
	uint8_t end;   /* enum ending */
	bool first;    /* of its process */
	bool made;     /* the call that makes it has said so */
	bool pauses;   /* its lane waits for others */
	bool stays;    /* until it is killed */
};

/* States that a campaign must reach. */
enum {
	SAW_REAP_AFTER_SWITCH,
	SAW_REAP_IN_IDLE,
	SAW_REAP_BEFORE_NEXT,
	SAW_HANDED_ON,
	SAW_TOLD_KILLED,
	SAW_NEVER_BEGAN,
	SAW_CROWD_EXITS,
	SAW_PROCESSES_FULL,
	SAW_THREADS_FULL,
	SAW_NO_MEMORY,
	SAW_WAITED_LONG,
	SAW_WAIT_KILLED,
	SAW_WAITS_SHARED,
	SAW_STALE_ID,
	SAW_FORK_COPIED,
	SAW_ADOPTER_ENDED,
	SAW_REFUSED_ENDING,
	SAW_LANE_WENT_ON,
	SAW_STATES
};

static inline struct storm *storm_of(const struct run *run)
{
	return run->state;
}

static inline struct sched *sched_of(const struct run *run)
{
	return &storm_of(run)->sched;
}

static inline struct process_world *world_of(const struct run *run)
{
	return &storm_of(run)->world;
}

/* --- process_world.c: what all stand on ------------------------------------------------------- */

void process_world_make(struct run *run);
void process_world_end(struct run *run);
uint32_t process_world_free(struct run *run);

/* --- process_members.c: threads --------------------------------------------------------------- */

/* What a new thread is to be, and its process where it is the first of one. */
struct member_how {
	uint8_t way, lane, priority;
	uint32_t affinity;
	enum slot_class class;
	bool fork, no_space;
};

void members_open(void);
void members_start(struct run *run); /* the one that takes care; it sees to the lanes */

/* A record, of a thread of `proc`, or NULL; it was not spawned after all. */
struct member *member_claim(struct proc *proc, const struct member_how *how);
void member_drop(struct run *run, struct member *m);
void member_lives(void *member); /* what its thread is made for */

struct member *member_of(const struct run *run); /* the calling thread's, or NULL */
unsigned members_lane_now(struct run *run);
void members_pause(struct run *run);
void members_progress(void);   /* something was done */
uint32_t members_count(void);  /* records in use */
uint32_t members_spawns(void); /* that were begun, ever */
bool members_over(void);       /* all have ended, and there will be none */
struct member *member_number(uint32_t n);

/* How many of a process are in one of those states. */
uint32_t members_of(const struct proc *proc, enum member_state from, enum member_state to);

/* The scheduler's hooks. */
void members_reaped(void *run, const struct thread_gone *gone);
bool members_idle(void *run, uint32_t cpu);
void members_enter(void *run, struct thread *from, struct thread *to);

/* --- process_care.c: that everybody gets on --------------------------------------------------- */

void care_open(void);
void care_lane_is_due(unsigned lane);
void care_lane_goes_on(struct run *run, unsigned lane, process_id joins);
void care_takes(struct run *run, struct member *me);
bool care_is_wanted(struct run *run);
void care_is_asked_for(struct run *run);

/* Fails where somebody waits for what has come. */
void care_judge(struct run *run);

/* --- process_model.c: processes --------------------------------------------------------------- */

void procs_open(void);
struct proc *proc_claim(struct run *run, struct proc *parent);
void proc_drop(struct proc *p);
struct proc *proc_number(uint32_t n);  /* used or not */
struct proc *proc_with(process_id id); /* NULL: nobody's */
uint32_t procs_count(struct run *run); /* that may have a slot */
uint32_t procs_serial(void);           /* of the last that was to be made */
process_id procs_heard(uint32_t n);
bool proc_runs(const struct proc *p); /* a thread of it has begun, and not begun to end */

/* Its first thread begins; and operations may name it. */
void proc_begins(struct proc *p);
void proc_is_heard_of(const struct proc *p);

/* An end has begun, which counts if none was settled; and it was not the last thread's. */
void proc_may_end(struct proc *p, enum process_end end, uint64_t code);
void proc_not_last(struct proc *p, uint64_t code);

/* A thread is about to be taken back; and a record of one, or a call about it, is no more. */
void proc_goes(struct proc *p);
void proc_gone(struct run *run, struct proc *p);

/* Orphans are to be `who`'s (NULL: nobody's). */
enum adoption { ADOPTION_BEGINS, ADOPTION_DONE, ADOPTION_REFUSED };
void procs_adopt(struct proc *who, enum adoption what);

/* Whether `child` is one that `by` may wait for under the name `which`; and whether there may be
 * any at all. */
bool proc_is_waited_for(const struct proc *child, const struct proc *by, process_id which);
bool proc_has_children(const struct proc *p);

/* One of its threads begins to wait for children, false: another does already; and has. */
bool proc_waits(struct proc *p);
void proc_has_waited(struct proc *p);

/* A parent was told that. */
void proc_judge_status(struct run *run, struct proc *self, const struct process_status *status);

/* What the table says, against what must be so now; `at_rest`: and nobody is left. */
void procs_check(struct run *run, bool at_rest);

/* --- process_calls.c: calls, and their answers ------------------------------------------------ */

/* A process, `parent`'s child (NULL: nobody's); false: it was refused. */
bool call_spawn(struct run *run, struct proc *parent, const struct member_how *how);

/* One more thread of `id`; PROCESS_NONE: of the kernel. */
bool call_thread(struct run *run, process_id id, const struct member_how *how);

int call_wait(struct run *run, struct member *me, process_id which, uint64_t deadline_ns);
bool call_kill(struct run *run, process_id id);
bool call_adopt(struct run *run, process_id id);

/* The page of its process's word; and the word is its process's. */
void call_map(struct run *run, struct member *me);
void call_touch(struct run *run, struct member *me, uint32_t times);
void call_end(struct run *run, struct member *me); /* returns only where its thread is to */

/* --- process_steps.c -------------------------------------------------------------------------- */

enum { PROCESS_OPERATIONS = PLAN_CODES + 12 };
extern const struct op_kind process_operations[];

/* After a call: whether the caller was asked to end; fails where it was not, or had to be. */
bool process_step_done(struct run *run);

/* Passes points. */
void process_work(struct run *run, uint32_t times);

#endif
