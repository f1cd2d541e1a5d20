/*
 * space_fuzz.h -- the state of a run of subject space, shared by its two files.
 */
#ifndef FUZZ_SPACE_FUZZ_H
#define FUZZ_SPACE_FUZZ_H

#include "fuzz/kmalloc_world.h"
#include "fuzz/space_model.h"

enum {
	ACCESS_TRIES = 4,        /* one for each kind of fault that an access may meet */
	SPACE_ENOUGH_PAGES = 24, /* with so many, and what it is about, no call is refused */
};

/* States that a campaign must reach. */
enum {
	SAW_EXHAUSTION,
	SAW_COW_BROKEN,
	SAW_LAST_OWNER_WRITES,
	SAW_ASID_ROLLOVER,
	SAW_RETIRED_WHILE_INSTALLED,
	SAW_REMAP_MOVED,
	SAW_REMAP_IN_PLACE,
	SAW_FIXED_OVER_OTHERS,
	SAW_BEYOND,
	SAW_FORK_REFUSED,
	SAW_TABLES_FREED,
	SAW_HEAP_GROWN,
	SAW_SHARED_SEEN,
	SAW_OPEN_ANSWER,
	SAW_STATES,
	/* Where CPUs are at it side by side (space_smp.c). */
	SAW_MET = SAW_STATES,
	SAW_VISIT_RACED,
	SAW_LOCK_WAITED,
	SAW_WRITE_RACED,
	SAW_STACK_RACED,
	SAW_SMP_STATES
};

/* A file, in effect. */
struct source {
	uint32_t number;
	struct backing *backing;
};

struct space_state {
	struct pool_world world;
	struct kmalloc km;
	struct vm vm;
	bool vm_open;
	struct space *space[SPACES_MAX]; /* NULL: not alive */
	struct space *installed[CPUS_MAX];
	struct source source[SOURCES];
	struct script_op aim;
	paddr_t squeezed;              /* the first of a chain of pages taken from the pool */
	bool core_unknown[SPACES_MAX]; /* populating may have stopped half-way there */
	bool crowded; /* others may have hold of memory: nobody can tell how much */
	uint8_t core[CPUS_MAX][WINDOW_PAGES]; /* what mincore told each CPU */
	struct space_model model;
	struct slab_cpu cpus[KMALLOC_WORLD_CPUS];
};

_Static_assert(sizeof(struct space_state) <= RUN_STATE_BYTES, "a run's state holds it");

/* Installed on a CPU though nobody's any more. */
#define SPACE_GONE ((struct space *)(uintptr_t)1)

static inline struct space_state *state_of(const struct run *run)
{
	return run->state;
}

/* What the operation that runs has answered, for who compares players (answers.h). */
static inline void space_answer(struct run *run, enum answer_kind kind, uint64_t value)
{
	answers_add(run->answers, kind, run->op, value);
}

/* --- space_fuzz.c --- */

void space_exit(struct run *run, uint32_t n);
void space_step_fork(struct run *run, const struct space_call *c);
void space_check_run(struct run *run, enum check_depth depth);
void space_leave(struct run *run);
void space_close(struct run *run);

/* --- space_world.c --- */

void space_open(struct run *run);

/* Pages that are free or in a CPU's cache. */
uint32_t space_free_pages(struct space_state *s);

/* Whether so few are left that a call which needs `pages` besides its own may be refused. */
bool space_is_scarce(struct space_state *s, uint64_t pages);

/* To be called when memory was refused: fails where a retired space that no CPU has still has
 * some. */
void space_judge_parked(struct space_state *s);

/* Takes all free pages but `leave`; gives them back. */
void space_squeeze(struct space_state *s, uint32_t leave);
void space_relax(struct space_state *s);

/* --- space_calls.c and space_access.c --- */

void space_step_call(struct run *run, const struct space_call *c);
void space_step_access(struct run *run, const struct space_call *c, enum mach_access access);

/* Makes a space, or none, this CPU's. */
void space_install(struct space_state *s, struct space *space);

/* --- space_compare.c --- */

/* Fails unless every page of space `n` is what the model says: mapped or not, with rights no wider,
 * present where it must be, and with its words. */
void space_compare(struct space_state *s, uint32_t n);

#endif
