/*
 * futex_subject.h -- the state of a run of subject futex, and what its files tell each other.
 */
#ifndef FUZZ_FUTEX_SUBJECT_H
#define FUZZ_FUTEX_SUBJECT_H

#include "fuzz/frame/plan.h"
#include "fuzz/vm_world.h"
#include "kernel/task/futex_inside.h"

enum {
	LANES = 4,
	THREAD_SLOTS = LANES + 1 + 4, /* one takes care; and those that end */
	SLICE_NS = 1000,
	GRID_NS = 500, /* deadlines are multiples of this, so that some coincide */
	WORDS = 6,     /* in each page, */
	POSTED = 3,    /* of which these change only by `post` */
	WORD_GAP = 64, /* bytes from one to the next */
	PAGE_AT = 0x400000,
	AT_OF_ROBUST = PAGE_AT + 2048, /* each lane's list, in the rest of that page */
};

/* A word is seen at some place: a space and one of its mappings. */
enum place { OWN_A, OWN_B, SHARED_A, SHARED_AGAIN, SHARED_B, PLACES };
/* And is one of these memories there. */
enum memory { MEMORY_A, MEMORY_B, MEMORY_SHARED, MEMORIES };

/* A word as a call names it. */
struct named {
	uint8_t place, word;
	bool shared; /* without FUTEX_PRIVATE_FLAG */
};

/* What is one word to those who wait and wake: below MEMORIES the shared ones, then the private. */
enum { KEYS = (MEMORIES + PLACES) * WORDS };

/* In the arena, where every access of what is tested is seen. */
struct world {
	struct vm_world memory;
	struct space *space[2];
	struct sched sched;
	struct thread threads[THREAD_SLOTS];
	struct futex_table *table;
	struct wait_queue care; /* where one waits until it has to take care */
	uint64_t asked;         /* by the queue's lock: how often it has */
	uint32_t idle;          /* atomic: looked at, as something to pass points with */
};

/* States that a campaign must reach. */
enum {
	SAW_WOKEN,
	SAW_DIFFERS,
	SAW_TIMEOUT,
	SAW_SIGNALLED,
	SAW_KILLED,
	SAW_MOVED,
	SAW_MOVED_AND_WOKEN,
	SAW_ELSEWHERE, /* woken by another place than it waited at */
	SAW_BITS_MISSED,
	SAW_RESCUED,
	SAW_FAULTED, /* a word was away when it was looked at */
	SAW_LANE_WENT_ON,
	SAW_ROBUST,
	SAW_STATES
};

static inline struct world *world_of(const struct run *run)
{
	return run->state;
}

/* --- futex_world.c: what all stand on, and the threads ---------------------------------------- */

extern const struct op_kind futex_operations[];
enum { FUTEX_OPERATIONS = PLAN_CODES + 13 };
void futex_step_robust(struct run *run, const struct script_op *op); /* futex_lists.c */

/* The lane that the calling thread performs, or RUN_NO_LANE. */
unsigned futex_lane_now(struct run *run);

thread_id lane_thread(unsigned lane); /* who performs it now, or THREAD_NONE */
bool lane_was_told(unsigned lane);    /* that thread has been signalled or killed, ever */
void lane_is_told(unsigned lane);
void lane_done(struct run *run); /* an operation was; its thread stops when killed */

struct futex_at named_at(const struct run *run, struct named n);
uint32_t named_key(struct named n);
uint32_t named_memory(struct named n);
uint64_t named_va(struct named n);

uint32_t named_space(struct named n);
bool futex_asleep(struct run *run, unsigned lane); /* until somebody does something (subject.h) */

/* --- futex_score.c: what lanes do, as programs (score.h); nothing without a score ------------- */

struct wait_call;

void futex_score_opens(struct run *run);

/* The calling lane has made a call at `n`: its arguments in the order of futex(), and answer. */
struct futex_score {
	uint64_t value, second; /* "second" stands where a timeout does */
	const struct named *to; /* NULL: there is no other word */
	uint64_t third;
	int64_t answer;
};
void futex_score_call(struct run *run, struct named n, uint32_t op, const struct futex_score *c);

/* It is about to wait, up to one of the times that scripts can say; and is back. */
void futex_score_waits(struct run *run, const struct wait_call *w, uint32_t time);
void futex_score_waited(struct run *run, int64_t answer);
bool futex_score_is_over(uint32_t time);

void futex_score_yields(struct run *run);
void futex_score_word(struct run *run, struct named n, bool set, uint32_t value); /* or is this */
void futex_score_away(struct run *run, struct named n);

/* A list of a thread that ends: its head, the links of head and entries, which are locks of others,
 * and what came of each lock. */
enum { ROBUST_ENTRIES = 3, ROBUST_TID = 77 /* of who ends */ };
struct robust_told {
	uint64_t head, link[ROBUST_ENTRIES + 1], fixed[2];
	uint32_t others; /* by bit */
};
void futex_score_robust(struct run *run, uint32_t space, const struct robust_told *r);
void futex_score_robust_word(struct run *run, uint32_t space, uint64_t va, uint32_t value);

/* That lane is signalled, which is asleep, or killed; and its thread has ended of it. */
void futex_score_signals(struct run *run, unsigned lane);
void futex_score_kills(struct run *run, unsigned lane);
void futex_score_ended(struct run *run, unsigned lane);

/* --- futex_model.c: who waits where, and whether answers may be what they are ----------------- */

void model_open(void);

/* The calling lane waits; and has. */
struct wait_call {
	struct named name;
	uint32_t value, bits;
	uint64_t deadline_ns;
};
void model_waits(struct run *run, const struct wait_call *w);
void model_waited(struct run *run, const struct wait_call *w, int64_t answer);

/* Around a call that wakes up to `wake` with `bits` and moves up to `move`; who waits at the word
 * and sleeps for certain must be among them, as far as these numbers go. */
struct wake_call {
	struct named from, to;
	int32_t wake, move;
	uint32_t bits;
	uint32_t asleep; /* lanes, by bit: for certain */
	uint64_t word[LANES];
};
void model_wakes(struct run *run, struct wake_call *w);
void model_woke(struct run *run, const struct wake_call *w, int64_t answer);

/* Around a call that changes a word, and wakes at two. */
void model_changes(struct named from, struct named to);
void model_changed(struct named from, struct named to, int64_t woken);

/* A lane's thread is being sent a signal; or has dealt with what it had. */
void model_signalled(unsigned lane, bool signalled);
void model_tells(void); /* somebody is being signalled or killed */

/* Around a store: *what is in there may be anything meanwhile. */
uint32_t model_stores(struct named n); /* what it says goes to the other */
void model_stored(struct named n, uint32_t begun, uint32_t value);
void model_stored_something(struct named n); /* nobody knows what */
uint32_t model_stores_of(struct named n);    /* changes with each begin and end */
bool model_is_certain(struct named n, uint32_t *value);
uint32_t model_next(struct named n); /* for `post`: a number that was never there */

/* Nobody can go on by himself: whoever waits has a reason; then all are woken. */
void model_at_rest(struct run *run);
bool model_lane_waits_for_ever(unsigned lane);
bool model_somebody_waits(void);

#endif
