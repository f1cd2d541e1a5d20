/*
 * canary_sched.c -- the subject "canary_sched": for every oracle that needs threads, an operation
 * that makes it fire.
 *
 * The world is the one of sched and wait, with the real scheduler and their models.  An operation
 * here changes behind the scheduler's back what it has written down, as a fault of its would, and
 * says nothing of it: what fires is what would fire then.
 *
 *	pass-over     the first ready thread of this CPU goes to the end of its list: starvation
 *	id-again      slots that are free get the generation of their last owner: slot-reuse
 *	wrong-state   a ready thread's word says that it waits: thread-state
 *
 * Locks: the run queue's, for the lists.
 */
#include "fuzz/sched_does.h"

/* The list of this CPU's run queue that threads of lanes are in, with its lock. */
static struct list *lanes_locked(struct sched_cpu *c)
{
	return &c->runq.queue[PRIORITY_NORMAL];
}

static void step_pass_over(struct run *run, const struct script_op *op)
{
	(void)op;
	struct sched_cpu *c = &sched_of(run)->cpu[mach_cpu()];
	const mach_irq_t was = lock_take(&c->runq.lock);
	struct list *first = list_take_first(lanes_locked(c));
	if (first != NULL) list_add_last(lanes_locked(c), first);
	lock_drop(&c->runq.lock, was);
	does_end(run);
}

static void step_id_again(struct run *run, const struct script_op *op)
{
	(void)op;
	struct thread_table *table = &sched_of(run)->table;
	for (uint32_t i = 0; i < table->slots; i++) {
		struct thread *t = &table->threads[i];
		const uint32_t generation = thread_word_generation(t->word);
		if (thread_word_state(t->word) != THREAD_FREE || generation == 1) continue;
		t->word = (uint64_t)(generation - 1) << 32 | THREAD_FREE;
	}
	does_end(run);
}

static void step_wrong_state(struct run *run, const struct script_op *op)
{
	(void)op;
	struct sched_cpu *c = &sched_of(run)->cpu[mach_cpu()];
	const mach_irq_t was = lock_take(&c->runq.lock);
	struct list *first = lanes_locked(c)->next;
	if (first != lanes_locked(c)) {
		struct thread *t = CONTAINER_OF(first, struct thread, run_link);
		t->word = (t->word & ~0xffull) | THREAD_WAITING;
	}
	lock_drop(&c->runq.lock, was);
	does_end(run);
}

/* clang-format off */
static const struct op_kind operations[] = {
	PLAN_OPERATIONS,
	DOES_YIELD(12),
	DOES_SPAWN(4),
	DOES_WORK(4),
	{ "pass-over", 1, { DOES_BY }, step_pass_over },
	{ "id-again", 1, { DOES_BY }, step_id_again },
	{ "wrong-state", 1, { DOES_BY }, step_wrong_state },
};
/* clang-format on */

const struct subject canary_sched_subject = {
	.name = "canary_sched",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	SUBJECT_OVER_WORLD,
};
