/*
 * pagetable_subject.h -- the state of subject pagetable, shared by its operations and its checks.
 */
#ifndef FUZZ_PAGETABLE_SUBJECT_H
#define FUZZ_PAGETABLE_SUBJECT_H

#include "fuzz/pagetable_model.h"
#include "fuzz/pool_world.h"
#include "mm/kstack.h"
#include "mm/user_page.h"

enum { STACKS = 5, STACK_HANDLES = 8, CROWD = 32 };

/* Which slots of the window have a stack, as the model has it. */
enum stack_state { STACK_NONE, STACK_LIVE, STACK_KEPT };

struct stacks_model {
	uint8_t slot[STACKS];          /* enum stack_state */
	uint8_t handle[STACK_HANDLES]; /* slot + 1, or 0 */
	uint64_t seed[STACKS];         /* what its pages are filled after */
	uint32_t keep;
};

struct pagetable_state {
	struct pool_world world;
	struct asid_pool asids;
	struct asid crowd[CROWD]; /* spaces that have nothing but a number */
	struct pagetable tree[TREES];
	struct pagetable_model model;
	paddr_t zeroes; /* the page that all may share, read-only */
	uint32_t zero_frame;
	uint64_t zero_content; /* 0, as long as nobody can write to it */

	struct pagetable kernel;
	struct kstack_window window;
	struct stacks_model stacks;

	bool generation_began; /* since the world was made */
};

_Static_assert(sizeof(struct pagetable_state) <= RUN_STATE_BYTES, "a run's state holds it");

enum pagetable_saw {
	SAW_EXHAUSTION,    /* no page for a user */
	SAW_TABLE_REFUSED, /* none for a table, and nothing was left behind */
	SAW_CHAIN_REFUSED, /* the same, after at least one table was got */
	SAW_TABLE_GONE_3,  /* a table of the last level went */
	SAW_TABLE_GONE_2,
	SAW_TABLE_GONE_1,
	SAW_PREPARED_USED,
	SAW_PREPARED_GONE,
	SAW_BATCH_OVERFLOW, /* too many pages: the whole ASID */
	SAW_BATCH_NEVER_INSTALLED,
	SAW_ROLLOVER,
	SAW_NUMBER_KEPT, /* by a space that ran when a generation began */
	SAW_SHARED,
	SAW_REPLACED,
	SAW_REPLACED_HELD,
	SAW_RESTORED, /* from no rights at all to some */
	SAW_AGED,
	SAW_STALE_AVOIDED,   /* a CPU that knew an earlier entry met the one there is */
	SAW_STALE_ELSEWHERE, /* and another CPU had changed it */
	SAW_ACCESS_FLAG,
	SAW_FETCHED,
	SAW_REOPENED,
	SAW_REMAPPED,
	SAW_MOVED,
	SAW_COPIED,
	SAW_STACK_REUSED,
	SAW_STACK_RECLAIMED,
	SAW_STACK_REFUSED,
	SAW_STATES
};

static inline struct pagetable_state *pagetable_state_of(const struct run *run)
{
	return run->state;
}

static inline uint64_t *frame_word(const struct pagetable_state *s, uint32_t frame)
{
	/* A place of its own in each page, so that pages are not told apart by their first word. */
	return (uint64_t *)mach_phys(page_address(&s->world.pool, frame)) + frame % 509;
}

/* pagetable_steps.c */

/* A page with one reference, its word written; PADDR_NONE.  `flags`: PAGE_NO_RECLAIM or 0. */
paddr_t page_for_user(struct run *run, uint32_t flags);

/* Opens the tree if it is closed; false when there is no page for its root. */
bool tables_open(struct run *run, unsigned tree);
/* Takes everything out of an open tree that no CPU has installed, and closes it. */
void tables_close(struct run *run, unsigned tree);
void step_map(struct run *run, const struct script_op *op);
void step_fill(struct run *run, const struct script_op *op);
void step_share(struct run *run, const struct script_op *op);
void step_zero(struct run *run, const struct script_op *op);
void step_prepare(struct run *run, const struct script_op *op);
void step_close(struct run *run, const struct script_op *op);

/* A page of its own, where nothing is; false when it was refused. */
bool tree_map_page(struct run *run, unsigned tree, unsigned page, uint32_t rights, uint32_t flags);

/* pagetable_ranges.c */
void step_clear(struct run *run, const struct script_op *op);
void step_protect(struct run *run, const struct script_op *op);
void step_replace(struct run *run, const struct script_op *op);
void step_age(struct run *run, const struct script_op *op);
void step_visit(struct run *run, const struct script_op *op);
/* Pages [first, end) are taken out, one by one or as a visitor, and their frames given back. */
void tree_clear(struct run *run, unsigned tree, unsigned first, unsigned end, bool visit);

/* One page, where there may be nothing. */
void tree_clear_page(struct run *run, unsigned tree, unsigned page, struct tlb_batch *batch);

/* pagetable_moves.c */
void step_remap(struct run *run, const struct script_op *op);
void step_move(struct run *run, const struct script_op *op);
void step_copy(struct run *run, const struct script_op *op);

/* pagetable_cpu.c */
void step_install(struct run *run, const struct script_op *op);
void step_leave(struct run *run, const struct script_op *op);
void step_crowd(struct run *run, const struct script_op *op);
void step_touch(struct run *run, const struct script_op *op);
void step_sweep(struct run *run, const struct script_op *op);
/* This CPU has no space any more. */
void cpu_leave(struct run *run);

/* pagetable_stacks.c */
void stacks_open(struct run *run);
/* What pressure may have taken is no longer kept. */
void stacks_sync(struct run *run);
uint32_t stacks_pages(const struct pagetable_state *s); /* pages of stacks and their tables */
void stacks_check(struct run *run);
void stacks_close(struct run *run);
void step_stack_alloc(struct run *run, const struct script_op *op);
void step_stack_free(struct run *run, const struct script_op *op);
void step_stack_drain(struct run *run, const struct script_op *op);
void step_stack_overrun(struct run *run, const struct script_op *op);
void step_stack_guard(struct run *run, const struct script_op *op);

/* pagetable_oracle.c */
void pagetable_check_counts(struct run *run);
void pagetable_check_walk(struct run *run);
/* The entry of one page is as the model has it. */
void pagetable_check_page(struct run *run, unsigned tree, unsigned page);
/* A frame that is nobody's any more held what was last written to it. */
void frame_verify(struct run *run, uint32_t frame);

#endif
