/*
 * canary.h -- what the parts of the subject "canary" share.
 */
#ifndef FUZZ_CANARY_H
#define FUZZ_CANARY_H

#include "fuzz/canary_cells.h"
#include "fuzz/frame/subject.h"
#include "machine/lock.h"

struct canary {
	struct cells cells;
	struct lock low, high;
	uint8_t *held[SCRIPT_SLOTS];
	uint32_t held_count;
	struct mach_context context; /* the CPU's own, once it is adopted */
};

static inline struct canary *canary_of(struct run *run)
{
	return run->state;
}

/* Operations that break a rule of the machine or of the language. */
void canary_undefined(struct run *run, const struct script_op *op);
void canary_assert(struct run *run, const struct script_op *op);
void canary_deadlock(struct run *run, const struct script_op *op);
void canary_lock_order(struct run *run, const struct script_op *op);
void canary_lock_context(struct run *run, const struct script_op *op);
void canary_sleep_in_atomic(struct run *run, const struct script_op *op);
void canary_stack_in_use(struct run *run, const struct script_op *op);
void canary_owner(struct run *run, const struct script_op *op);
void canary_irq_order(struct run *run, const struct script_op *op);
void canary_nondeterminism(struct run *run, const struct script_op *op);
void canary_stray_write(struct run *run, const struct script_op *op);

/* Operations that get an address space wrong. */
void canary_errno(struct run *run, const struct script_op *op);
void canary_perm(struct run *run, const struct script_op *op);
void canary_space(struct run *run, const struct script_op *op);
/* And those about page tables. */
void canary_stale_tlb(struct run *run, const struct script_op *op);
void canary_break(struct run *run, const struct script_op *op);
void canary_scope(struct run *run, const struct script_op *op);
void canary_asid_reuse(struct run *run, const struct script_op *op);
void canary_table_early(struct run *run, const struct script_op *op);
void canary_root_in_use(struct run *run, const struct script_op *op);
void canary_stale_code(struct run *run, const struct script_op *op);

#endif
