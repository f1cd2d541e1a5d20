/*
 * sched_subject.h -- the state of a run of subject sched, and what its files tell each other.
 */
#ifndef FUZZ_SCHED_SUBJECT_H
#define FUZZ_SCHED_SUBJECT_H

#include "fuzz/plan.h"
#include "sched/mutex.h"
#include "sched/sched.h"
#include "sched/wait.h"

enum {
	LANES = 4,
	QUEUES = 3,
	MUTEXES = 3,
	RESERVED_MAX = 3,
	SPARE_MAX = 7, /* slots beyond those that lanes and the system have */
	SLOTS_MAX = LANES + RESERVED_MAX + SPARE_MAX,
	LIVES = 24, /* records of threads, and stacks */
	HEARD = 16, /* ids that operations can name */
	SLICE_NS = 1000,
	LIFE_STACK_BYTES = 16384,
};

/* Units to be had, guarded by the queue. */
struct queue {
	struct wait_queue wait;
	uint64_t units;
};

/* A number that only the owner of the mutex touches. */
struct owned {
	struct mutex mutex;
	uint64_t value;
	uint64_t inside; /* the owner's record + 1 */
};

/* In the arena, where every access is seen. */
struct sched_state {
	struct sched sched;
	struct thread threads[SLOTS_MAX];
	struct queue queue[QUEUES];
	struct queue care; /* where one waits until it has to take care */
	struct owned owned[MUTEXES];
	uint32_t idle; /* atomic: looked at, as something to pass points with */
};

/* What threads that belong to no lane do. */
enum way {
	WAY_ENDS,
	WAY_YIELDS,
	WAY_SLEEPS,
	WAY_WAITS,
	WAY_POSTS,
	WAY_LOCKS,
	WAY_WORKS,
	WAY_SPAWNS,
	WAYS,
	WAY_LANE = WAYS, /* performs the operations of one */
	WAY_CARE,        /* sees to it that everybody gets on, till all others are gone */
};

enum life_state { LIFE_NONE, LIFE_SPAWNED, LIFE_RUNS, LIFE_ENDED };

/* A thread, from before it is spawned until it was reaped. */
struct life {
	thread_id id;
	uint64_t code;   /* that it ends with */
	uint32_t told;   /* kills that were begun */
	uint32_t held;   /* mutexes, by bit */
	uint32_t number; /* of its record */
	uint32_t spawn;  /* which spawning it is of */
	uint8_t state;   /* enum life_state */
	uint8_t way;     /* enum way */
	uint8_t lane;    /* or RUN_NO_LANE */
	bool killed;     /* one of them was answered */
	bool pauses;     /* its lane waits for others */
};

/* States that a campaign must reach. */
enum {
	SAW_STEAL,
	SAW_WAKE_ACROSS,
	SAW_TIMEOUT_RACED,
	SAW_KILLED_WAITER,
	SAW_REAP_AFTER_SWITCH,
	SAW_REAP_IN_IDLE,
	SAW_REAP_BEFORE_NEXT,
	SAW_FULL,
	SAW_PREEMPTION,
	SAW_STALE_ID,
	SAW_HANDED_OVER,
	SAW_MUTEX_TIMEOUT,
	SAW_LANE_WENT_ON,
	SAW_STATES
};

static inline struct sched_state *sched_state_of(const struct run *run)
{
	return run->state;
}

static inline struct sched *sched_of(const struct run *run)
{
	return &sched_state_of(run)->sched;
}

/* --- sched_lives.c: who there is -------------------------------------------------------------- */

void lives_open(struct run *run);

/* The first threads: one that takes care, and one for each lane. */
void lives_start(struct run *run);

/* What a new thread is to be. */
struct life_how {
	uint8_t way, lane, priority;
	uint32_t affinity;
	enum slot_class class;
};

/* False: no slot, or as many threads as there are records. */
bool life_spawn(struct run *run, const struct life_how *how);

struct life *life_of(const struct run *run); /* the calling thread's, or NULL */
struct life *life_with(thread_id id);        /* NULL: it was reaped */
unsigned lives_lane_now(struct run *run);
void lives_pause(struct run *run);
void lives_progress(void);  /* something was done */
uint32_t lives_count(void); /* those that were not reaped */
bool lives_over(void);      /* and there will be none */
thread_id lives_heard(uint32_t n);
void lives_reaped(void *run, const struct thread_gone *gone);
bool lives_idle(void *run, uint32_t cpu);

/* --- sched_model.c: order among those who wait ------------------------------------------------ */

void order_open(void);

/* A CPU is about to go on in `to`: nobody is passed over. */
void order_enter(void *run, struct thread *from, struct thread *to);

/* Somebody is about to change, and has changed, that thread's priority or affinity. */
void order_moves(thread_id id, bool begins);

/* Who waits at a queue at some moment. */
struct waiting {
	uint32_t count;
	const struct thread *thread[SLOTS_MAX];
	uint64_t word[SLOTS_MAX];
};

void waiting_note(const struct run *run, const struct wait_queue *q, struct waiting *w);

/* What was waited for has come: none of those waits still. */
void waiting_judge(const struct waiting *w, const char *what);

/* A wait has ended so: whether it could. */
void wait_judge(const struct life *me, enum wait_result result, uint64_t deadline_ns);

/* --- sched_waits.c: queues and mutexes -------------------------------------------------------- */

void waits_open(struct run *run);
void waits_check(struct run *run, bool at_rest);

enum wait_result queue_wait(struct run *run, struct life *me, uint32_t n, uint64_t deadline_ns);
void queue_post(struct run *run, uint32_t n, uint32_t units, bool all);
bool queue_has_forever(struct run *run, uint32_t n);

enum wait_result owned_lock(struct run *run, struct life *me, uint32_t n, uint64_t deadline_ns);
bool owned_try(struct run *run, struct life *me, uint32_t n);
void owned_unlock(struct run *run, struct life *me, uint32_t n);
void owned_unlock_all(struct run *run, struct life *me);

/* --- sched_touch.c: what is guarded; every access is a point ---------------------------------- */

void owned_enter(struct owned *o, uint32_t who);
void owned_leave(struct owned *o, uint32_t who);
bool queue_take_unit(struct queue *q);
void queue_add_units(struct queue *q, uint32_t units);

/* --- sched_steps.c ---------------------------------------------------------------------------- */

enum { SCHED_OPERATIONS = PLAN_CODES + 14 };
extern const struct op_kind sched_operations[];

/* Passes points. */
void sched_work(struct run *run, uint32_t times);

#endif
