/*
 * space_smp.h -- the state of a run of subject space_smp, and what its files tell each other.
 */
#ifndef FUZZ_SPACE_SMP_H
#define FUZZ_SPACE_SMP_H

#include "fuzz/space_fuzz.h"
#include "mm/kstack.h"

enum { SMP_STACKS = 5, SMP_STACK_HANDLES = 8 };

/* In the arena. */
struct space_smp {
	struct space_state state;
	uint32_t space[SPACES_MAX], object[MODEL_OBJECTS], squeezing; /* atomic */
	struct pagetable kernel;
	struct kstack_window window;
	uint32_t handed[SMP_STACK_HANDLES]; /* atomic */
};

static inline struct space_smp *smp_of(struct run *run)
{
	return run->state;
}

/* Somebody has what a lane came for: false. */
bool smp_met(struct run *run);

/* To be said by every operation that takes memory or gives it back, as it begins: whether others
 * are under way, so that nobody can tell how much there is. */
void smp_note_company(struct run *run);

/* --- space_smp_stacks.c ----------------------------------------------------------------------- */

void smp_stacks_open(struct run *run);
void smp_stacks_check(struct run *run); /* nobody is in an operation */
void smp_stacks_close(struct run *run);
void smp_step_stack(struct run *run, const struct script_op *op);
void smp_step_stack_drain(struct run *run, const struct script_op *op);

#endif
