/*
 * canary_smp.c -- the subject "canary_smp": for every oracle that needs CPUs side by side, an
 * operation that makes it fire; and a lost update, the smallest fault that needs a schedule.
 *
 * `add` reads a number, passes a point and writes it back one larger, with no lock: where another
 * CPU comes in between, the check at the next meeting point finds too little.  It and `write` are
 * compiled so that their loads and stores are seen, where the build sees any: there the race fires
 * first.  `careful-add` does the same with a lock and never fails.
 *
 * Locks: one.
 */
#include "fuzz/canary_smp.h"

static struct {
	uint64_t added;
} model;

static struct canary_smp *state_of(const struct run *run)
{
	return run->state;
}

static void step_add(struct run *run, const struct script_op *op)
{
	model.added += op->arg;
	canary_add(state_of(run), op->arg);
}

static void step_careful_add(struct run *run, const struct script_op *op)
{
	struct canary_smp *s = state_of(run);
	const mach_irq_t was = lock_take(&s->lock);
	model.added += op->arg;
	canary_add(s, op->arg);
	lock_drop(&s->lock, was);
}

static void step_write(struct run *run, const struct script_op *op)
{
	canary_write(state_of(run), op->arg);
}

/* Waits for a word that `set` writes; where nobody does, or all wait, for good. */
static void step_spin(struct run *run, const struct script_op *op)
{
	struct canary_smp *s = state_of(run);
	(void)op;
	while (atomic_load_u32(&s->flag) == 0) mach_relax();
}

static void step_set(struct run *run, const struct script_op *op)
{
	atomic_store_u32(&state_of(run)->flag, 1);
	(void)op;
}

/* Gets on all the time and nowhere. */
static void step_livelock(struct run *run, const struct script_op *op)
{
	struct canary_smp *s = state_of(run);
	(void)op;
	while (atomic_load_u32(&s->flag) == 0) lock_drop(&s->lock, lock_take(&s->lock));
}

/* Asks to be woken only after it has looked: who sets the word in between wakes nobody. */
static void step_sleep(struct run *run, const struct script_op *op)
{
	struct canary_smp *s = state_of(run);
	(void)op;
	if (atomic_load_u32(&s->flag) != 0) return;
	atomic_store_u32(&s->sleeper, mach_cpu() + 1);
	mach_wait();
}

static void step_wake(struct run *run, const struct script_op *op)
{
	struct canary_smp *s = state_of(run);
	(void)op;
	atomic_store_u32(&s->flag, 1);
	const uint32_t sleeper = atomic_exchange_u32(&s->sleeper, 0);
	if (sleeper != 0) mach_ipi(sleeper - 1);
}

static void canary_open(struct run *run)
{
	struct canary_smp *s = state_of(run);
	model.added = 0;
	memset(s, 0, sizeof(*s));
	lock_init(&s->lock, RANK_OUTER);
}

static void canary_check(struct run *run, enum check_depth depth)
{
	const struct canary_smp *s = state_of(run);
	if (depth == CHECK_WALK) return;
	if (s->number != model.added)
		kpanic(ORACLE_CONTENT, "%lu was added, %lu is there", (unsigned long)model.added,
		       (unsigned long)s->number);
	run_result(run, s->number);
}

static void canary_close(struct run *run)
{
	canary_check(run, CHECK_COUNTS);
}

static void canary_together(struct run *run, unsigned cpu)
{
	run_lane(run, cpu);
}

/* clang-format off */
#define TIMES { "times", IN_ARG, FORM_NUMBER, 8, NULL }
#define NONE { { NULL, 0, 0, 0, NULL } }

static const struct op_kind operations[] = {
	PLAN_OPERATIONS,
	{ "add", 4, { TIMES }, step_add },
	{ "careful-add", 40, { TIMES }, step_careful_add },
	{ "write", 1, { { "value", IN_ARG, FORM_NUMBER, 0, NULL } }, step_write },
	{ "spin", 1, NONE, step_spin },
	{ "set", 8, NONE, step_set },
	{ "livelock", 1, NONE, step_livelock },
	{ "sleep", 1, NONE, step_sleep },
	{ "wake", 4, NONE, step_wake },
};
/* clang-format on */

const struct subject canary_smp_subject = {
	.name = "canary_smp",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.open = canary_open,
	.check = canary_check,
	.close = canary_close,
	.together = canary_together,
	.state_bytes = sizeof(struct canary_smp),
};
