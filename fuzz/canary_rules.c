/*
 * canary_rules.c -- the canary's operations that break a rule of the machine or of the language:
 * of locks, of interrupts, of C, of determinism.
 *
 * Nothing here is wrong with any data; what must notice is the machine (machine/host's books of
 * locks), the compiler's sanitizers, ASSERT, or the second run of a script.
 *
 * Each ends with a result, so that where the rule is not watched (UBSan in a program without it)
 * the run goes on and is the same everywhere.
 *
 * Locks: those of struct canary, in every wrong way.
 */
#include "fuzz/canary.h"

void canary_undefined(struct run *run, const struct script_op *op)
{
	volatile int32_t sum = INT32_MAX;
	(void)op;
	sum = sum + 1;
	run_result(run, (uint32_t)sum);
}

void canary_assert(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	c->cells.count += CELLS + 1;
	ASSERT(c->cells.count <= CELLS);
}

void canary_deadlock(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	const mach_irq_t was = lock_take(&c->low);
	lock_drop(&c->low, lock_take(&c->low));
	lock_drop(&c->low, was);
	run_result(run, 0);
}

void canary_lock_order(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	const mach_irq_t was = lock_take(&c->high);
	lock_drop(&c->low, lock_take(&c->low));
	lock_drop(&c->high, was);
	run_result(run, 0);
}

void canary_lock_context(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	const mach_irq_t was = lock_take(&c->low);
	mach_lock_none_held(RANK_OUTER);
	lock_drop(&c->low, was);
	run_result(run, 0);
}

void canary_sleep_in_atomic(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	const mach_irq_t was = lock_take(&c->low);
	const mach_irq_t inner = lock_take(&c->high);
	mach_lock_only_held(&c->high); /* as who goes to sleep under it asks */
	lock_drop(&c->high, inner);
	lock_drop(&c->low, was);
	run_result(run, 0);
}

/* As who gives up what it stands on. */
void canary_stack_in_use(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	mach_context_adopt(&c->context, NULL);
	mach_context_end(&c->context);
	run_result(run, 0);
}

void canary_owner(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	const mach_irq_t was = mach_irq_save();
	mach_lock_drop(&c->low, c->low.rank);
	mach_irq_restore(was);
	run_result(run, 0);
}

void canary_irq_order(struct run *run, const struct script_op *op)
{
	(void)op;
	const mach_irq_t outer = mach_irq_save();
	const mach_irq_t inner = mach_irq_save();
	mach_irq_restore(outer);
	mach_irq_restore(inner);
	run_result(run, 0);
}

void canary_nondeterminism(struct run *run, const struct script_op *op)
{
	static uint32_t hidden; /* outlives the run, which nothing of a world may */
	(void)op;
	run_result(run, ++hidden);
}

/* Memory that nobody was given, written where no sanitizer watches.  The host does not make such a
 * page new for the next run, and looks for it between the two runs of a script; the same byte each
 * time, so that it is found each time. */
static METADATA_ACCESS void write_unseen(uint8_t *at)
{
	*at = 0x11;
}

void canary_stray_write(struct run *run, const struct script_op *op)
{
	(void)op;
	write_unseen((uint8_t *)run->machine->arena + RUN_ARENA_BYTES / 2);
	run_result(run, 0);
}
