/*
 * sched_world.h -- the state of a world of threads (sched_world.c), and what its files tell each
 * other.
 */
#ifndef FUZZ_SCHED_WORLD_H
#define FUZZ_SCHED_WORLD_H

#include "fuzz/frame/plan.h"
#include "sched/mutex.h"
#include "sched/sched.h"
#include "sched/wait.h"

enum {
	LANES = 4,
	QUEUES = 3,
	MUTEXES = 3,
	CALLS = 2, /* queues where a thread waits until it is called */
	RESERVED_MAX = 3,
	SPARE_MAX = 7,           /* slots beyond those that lanes and the system have */
	SLOTS_MAX = THREADS_MAX, /* LANES, RESERVED_MAX and SPARE_MAX are fewer together */
	LIVES = 24,              /* records of threads, and stacks */
	HEARD = 16,              /* ids that operations can name */
	SLICE_NS = 1000,
	GRID_NS = 500, /* deadlines that are to coincide are multiples of this */
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

/* Who was called and has not come: lanes, by bit; guarded by the queue. */
struct calls {
	struct wait_queue wait;
	uint32_t lanes;
};

/* In the arena, where every access is seen. */
struct sched_state {
	struct sched sched;
	struct thread threads[SLOTS_MAX];
	struct queue queue[QUEUES];
	struct queue care; /* where one waits until it has to take care */
	struct owned owned[MUTEXES];
	struct calls calls[CALLS];
	struct wait_queue ends; /* where one waits for the end of another */
	uint32_t idle;          /* atomic: looked at, as something to pass points with */
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
	/* While it sleeps at a queue, or is about to, or was woken there and has not run on. */
	const struct wait_queue *sleeps_at; /* NULL: it does not */
	uint64_t until_ns;
	thread_id joins; /* whose end it waits for, or THREAD_NONE */
	bool woken;      /* a waker took it out */
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
	SAW_OF_WORLD,
	/* And of subject wait: */
	SAW_CALLED_BEFORE = SAW_OF_WORLD, /* a call that came before who waits for it */
	SAW_CALLED_ANOTHER,               /* woken, and another was meant */
	SAW_WAITED_AGAIN,                 /* at once, with another deadline, after the first */
	SAW_JOINED,                       /* asleep while that thread ended */
	SAW_JOIN_TIMEOUT,
	SAW_NESTED, /* waited for a second mutex with one in hand */
	SAW_STATES
};

/* Their names up to SAW_OF_WORLD. */
#define SAW_NAMES_OF_WORLD                                                                      \
	"steal", "wake-across", "timeout-raced", "killed-waiter", "reap-after", "reap-in-idle", \
		"reap-before-next", "full-table", "preemption", "stale-id", "handed-over",      \
		"mutex-timeout", "lane-went-on"

/* --- sched_world.c: what a subject over this world is made of --------------------------------- */

void world_open(struct run *run);
void world_together(struct run *run, unsigned cpu);
void world_check(struct run *run, enum check_depth depth);
void world_close(struct run *run);
unsigned world_lane(const struct script_op *op);

/* clang-format off */
#define SUBJECT_OVER_WORLD                                                                      \
	.open = world_open, .check = world_check, .close = world_close,                         \
	.together = world_together, .lanes = LANES, .lane = world_lane,                         \
	.lane_now = lives_lane_now, .pause = lives_pause,                                       \
	.state_bytes = sizeof(struct sched_state)
/* clang-format on */

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
thread_id lives_of_lane(unsigned lane); /* who performs its operations, or THREAD_NONE */
void lives_reaped(void *run, const struct thread_gone *gone);
bool lives_idle(void *run, uint32_t cpu);

/* --- sched_model.c: order among those who are ready ------------------------------------------- */

void order_open(void);

/* A CPU is about to go on in `to`: nobody is passed over. */
void order_enter(void *run, struct thread *from, struct thread *to);

/* Somebody is about to change, and has changed, that thread's priority or affinity. */
void order_moves(thread_id id, bool begins);

/* --- sched_sleepers.c: who sleeps, and who was woken by whom ---------------------------------- */

void sleepers_open(void);

/* On this CPU, which is about to change threads, or idles: every deadline has its timer, and nobody
 * sleeps who was killed. */
void sleepers_judge(const struct run *run);

/* A thread goes on: what it was woken with can be so. */
void sleeper_goes_on(const struct thread *t);

/* Every thread sleeps, and none by a deadline of its own: each is where it says, for a reason. */
void sleepers_at_rest(const struct run *run);

/* With the queue's lock: the calling thread is about to sleep there; and has slept. */
void sleep_begins(struct life *me, const struct wait_queue *q, uint64_t deadline_ns);
void sleep_ended(struct life *me, enum wait_result result);

/* Who waits at a queue at some moment. */
struct waiting {
	uint32_t count;
	const struct thread *thread[SLOTS_MAX];
	uint64_t word[SLOTS_MAX];
};

void waiting_note(const struct run *run, const struct wait_queue *q, struct waiting *w);

/* What was waited for has come: none of those waits still. */
void waiting_judge(const struct waiting *w, const char *what);

/* With the queue's lock: a wake of `most` is about to come; it said that it woke so many. */
void waking_begins(const struct wait_queue *q, struct waiting *w);
void waking_ended(const struct waiting *w, uint32_t most, uint32_t woken);

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

/* --- sched_calls.c: conditions that stay, for which all are woken ----------------------------- */

void calls_open(struct run *run);
void calls_check(struct run *run, bool at_rest);

/* Until the caller's lane has been called at `n`; WAIT_WOKEN: it had. */
enum wait_result calls_wait(struct run *run, struct life *me, uint32_t n, uint64_t deadline_ns);
void calls_make(struct run *run, uint32_t n, uint32_t lanes);
bool calls_have_forever(struct run *run, uint32_t n);

/* Until that thread has ended and was reaped; WAIT_WOKEN: it was. */
enum wait_result ends_wait(struct run *run, struct life *me, thread_id id, uint64_t deadline_ns);
void ends_told(struct run *run);

/* --- sched_touch.c: what is guarded; every access is a point ---------------------------------- */

void owned_enter(struct owned *o, uint32_t who);
void owned_leave(struct owned *o, uint32_t who);
bool queue_take_unit(struct queue *q);
void queue_add_units(struct queue *q, uint32_t units);
bool calls_take(struct calls *c, unsigned lane);
void calls_add(struct calls *c, uint32_t lanes);

/* Passes points (sched_does.c). */
void does_pass(struct run *run, uint32_t times);

#endif
