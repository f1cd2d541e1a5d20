/*
 * usercopy_subject.h -- the state of a run of subject usercopy, shared by its files.
 */
#ifndef FUZZ_USERCOPY_SUBJECT_H
#define FUZZ_USERCOPY_SUBJECT_H

#include "fuzz/kmalloc_world.h"
#include "fuzz/usercopy_model.h"
#include "mm/usercopy.h"

enum {
	COPY_BYTES_MAX = ROW_PAGES * PAGE_SIZE, /* more is never mapped in a row */
	/* With so many pages free nothing here is refused: three tables, a page, its copy, a
	 * backing's page with a node of its row, and slabs for that and for two regions. */
	ENOUGH_PAGES = 16,
	ENOUGH_FOR_FORK = 32, /* fourteen tables, sixteen regions, and what slabs round up */
};

/* States that a campaign must reach. */
enum {
	SAW_EXHAUSTION,
	SAW_PARTIAL,
	SAW_BEYOND,
	SAW_RANGE_REFUSED,
	SAW_LAST_BYTE,
	SAW_TWO_TABLES,
	SAW_COPY_BROKEN,
	SAW_SHARED_SEEN,
	SAW_STRING,
	SAW_STRING_TOO_LONG,
	SAW_STRING_FAULT,
	SAW_FORK_REFUSED,
	SAW_OLD_PAGE,
	SAW_HERE,         /* copies of a few bytes: of what is installed, */
	SAW_HERE_PARTIAL, /* the same with an end before their own, */
	SAW_ELSEWHERE,    /* and of another space than that */
	SAW_STATES
};

struct usercopy_state {
	struct pool_world world;
	struct kmalloc km;
	struct vm vm;
	struct backing *file, *shared;
	struct space *space[SPACES]; /* NULL: not alive */
	paddr_t squeezed;            /* the first of a chain of pages taken from the pool */
	bool open;                   /* there was memory enough to begin with */
	uint8_t kernel[COPY_BYTES_MAX];
	struct usercopy_model model;
	struct slab_cpu cpus[KMALLOC_WORLD_CPUS];
};

_Static_assert(sizeof(struct usercopy_state) <= RUN_STATE_BYTES, "a run's state holds it");

static inline struct usercopy_state *state_of(const struct run *run)
{
	return run->state;
}

/* --- usercopy_world.c --- */

void usercopy_open(struct run *run);
void usercopy_leave(struct run *run);
void usercopy_close(struct run *run);

/* A refusal for want of memory: fails unless memory is short, `enough` pages and the reserve. */
void usercopy_judge_refusal(struct run *run, uint32_t enough);

void usercopy_step_squeeze(struct run *run, const struct script_op *op);
void usercopy_step_relax(struct run *run, const struct script_op *op);
void usercopy_step_reclaim(struct run *run, const struct script_op *op);

/* --- usercopy_steps.c: what changes spaces --- */

void usercopy_step_map(struct run *run, const struct script_op *op);
void usercopy_step_unmap(struct run *run, const struct script_op *op);
void usercopy_step_protect(struct run *run, const struct script_op *op);
void usercopy_step_age(struct run *run, const struct script_op *op);
void usercopy_step_fork(struct run *run, const struct script_op *op);
void usercopy_step_exit(struct run *run, const struct script_op *op);
void usercopy_step_load(struct run *run, const struct script_op *op);
void usercopy_step_store(struct run *run, const struct script_op *op);

/* --- usercopy_fuzz.c --- */

/* The space that an operation means, alive, or NULL; *n is its number. */
struct space *usercopy_space(const struct run *run, const struct script_op *op, uint32_t *n);

#endif
