/*
 * lock_subject.h -- the state of a run of subject lock, shared by its two files.
 */
#ifndef FUZZ_LOCK_SUBJECT_H
#define FUZZ_LOCK_SUBJECT_H

#include "fuzz/frame/plan.h"
#include "machine/lock.h"

/* What there is to take, in the order of ranks. */
enum guard {
	GUARD_OUTER,      /* lock */
	GUARD_QUARANTINE, /* meter */
	GUARD_HEAP,       /* lock */
	GUARD_MAGAZINE,   /* latch */
	GUARD_SLAB,       /* meter */
	GUARD_PAGE_CPU,   /* latch */
	GUARD_PAGE,       /* lock */
	GUARDS,
	GUARD_TRIED = GUARDS, /* a latch that is only ever tried, interrupts on */
	GUARDS_ALL
};

/* What a guard guards: plain words, which only its holder touches. */
struct guarded {
	uint64_t value;
	uint32_t inside; /* CPU + 1 */
	uint32_t pad;
};

union guard_word {
	struct lock lock;
	struct latch latch;
	struct meter meter;
};

/* In the arena, where every access is seen. */
struct lock_state {
	union guard_word guard[GUARDS_ALL];
	struct guarded guarded[GUARDS_ALL];
	uint32_t idle; /* looked at between reading and writing a value: somebody may come in */
};

/* States that a campaign must reach. */
enum { SAW_WAITED, SAW_REFUSED, SAW_INTERRUPTED, SAW_INTERRUPTED_TRYING, SAW_STATES };

/* What was true when an operation began to take a guard. */
struct lock_before {
	uint32_t got[SCRIPT_CPUS_MAX]; /* who waited for it: 1 more than how often each had it */
	uint32_t others, begun;        /* engaged with it, and ever */
	uint64_t value;                /* finished additions */
};

/* --- lock_fuzz.c: the model, which nobody interrupts ------------------------------------------ */

struct lock_state *lock_state_of(const struct run *run);
enum lock_rank lock_rank_of(enum guard guard);

/* This CPU is about to take a guard, by waiting or trying, `times` to be added; has got it; has
 * been refused; has given it back. */
struct lock_before lock_before(struct run *run, enum guard guard, uint32_t times);
void lock_got(struct run *run, enum guard guard, const struct lock_before *before);
void lock_refused(struct run *run, enum guard guard, const struct lock_before *before,
		  uint32_t times);
void lock_given_back(struct run *run, enum guard guard, uint32_t times);

/* A meter was read meanwhile and was `value`. */
void lock_read(struct run *run, enum guard guard, const struct lock_before *before, uint64_t value);

/* --- lock_steps.c: what takes locks ----------------------------------------------------------- */

void lock_step_take(struct run *run, const struct script_op *op);
void lock_step_pair(struct run *run, const struct script_op *op);
void lock_step_try(struct run *run, const struct script_op *op);
void lock_step_peek(struct run *run, const struct script_op *op);
void lock_step_read(struct run *run, const struct script_op *op);
void lock_step_nest(struct run *run, const struct script_op *op);
void lock_step_ipi(struct run *run, const struct script_op *op);
void lock_step_timer(struct run *run, const struct script_op *op);

/* What interrupts do: take the outermost lock. */
void lock_interrupted(void *run);

#endif
