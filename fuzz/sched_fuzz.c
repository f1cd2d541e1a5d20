/*
 * sched_fuzz.c -- subject sched: all that threads ask of the scheduler, at random.
 *
 * They yield, sleep, wait at queues and for mutexes, with and without a deadline, spawn others,
 * kill, move and reprioritise whoever they have heard of, and end.  What must hold is in
 * sched_world.c.
 *
 * Results: what each lane's calls answered.
 */
#include "fuzz/sched_does.h"

enum { TIME_MAX = 4096, BAD_PRIORITIES = 2 };

static uint64_t deadline(uint32_t time)
{
	return time == 0 ? WAIT_FOREVER : mach_now_ns() + time;
}

static void step_sleep(struct run *run, const struct script_op *op)
{
	does_sleep(run, mach_now_ns() + op->arg);
	does_end(run);
}

static void step_wait(struct run *run, const struct script_op *op)
{
	run_result(run, queue_wait(run, life_of(run), op->aux, deadline(op->arg)));
	does_end(run);
}

/* Without a deadline only beyond all that the thread has. */
static void step_lock(struct run *run, const struct script_op *op)
{
	struct life *me = life_of(run);
	const uint32_t n = op->aux;
	const bool ordered = me->held >> n == 0;
	if ((me->held >> n & 1) != 0) return;
	const uint32_t time = op_low(op) == 0 && !ordered ? 1 : op_low(op);
	const enum wait_result result = owned_lock(run, me, n, deadline(time));
	run_result(run, result);
	if (result == WAIT_WOKEN) does_then(run, n, op_high(op));
	does_end(run);
}

static void step_priority(struct run *run, const struct script_op *op)
{
	const thread_id id = lives_heard(op->aux);
	const bool was_there = life_with(id) != NULL;
	order_moves(id, true);
	const bool answer = sched_set_priority(sched_of(run), id, op->arg);
	order_moves(id, false);
	if (op->arg < PRIORITIES)
		does_judge_id(run, id, was_there, answer);
	else if (answer)
		kpanic(ORACLE_MUST_FAIL, "priority %u was taken", op->arg);
	does_end(run);
}

static void step_reap(struct run *run, const struct script_op *op)
{
	(void)op;
	sched_reap(sched_of(run));
	does_end(run);
}

/* clang-format off */
#define TIME { "time", IN_ARG, FORM_NUMBER, TIME_MAX, NULL }

static const struct op_kind operations[] = {
	PLAN_OPERATIONS,
	DOES_YIELD(12),
	{ "sleep", 10, { DOES_BY, TIME }, step_sleep },
	{ "wait", 20, { DOES_BY, DOES_QUEUE, TIME }, step_wait },
	DOES_POST(20, does_post),
	{ "lock", 20, { DOES_BY, DOES_MUTEX, { "time", IN_LOW, FORM_NUMBER, TIME_MAX, NULL },
			DOES_THEN }, step_lock },
	DOES_TRY(6),
	DOES_UNLOCK(12),
	DOES_SPAWN(20),
	DOES_KILL(12, does_kill),
	{ "priority", 6, { DOES_BY, DOES_WHOM,
			   { "to", IN_ARG, FORM_NUMBER, PRIORITIES + BAD_PRIORITIES, NULL } },
	  step_priority },
	DOES_AFFINITY(8),
	DOES_WORK(8),
	{ "reap", 3, { DOES_BY }, step_reap },
	DOES_EXIT(5),
};
/* clang-format on */

static const char *const saw_names[] = { SAW_NAMES_OF_WORLD, NULL };

_Static_assert(COUNT_OF(saw_names) == SAW_OF_WORLD + 1, "a name for each");

const struct subject sched_subject = {
	.name = "sched",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	SUBJECT_OVER_WORLD,
};
