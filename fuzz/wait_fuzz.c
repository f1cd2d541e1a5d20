/*
 * wait_fuzz.c -- subject wait: races of waits, wakes, deadlines and kills.
 *
 * The world of sched_world.c, with operations that do little else.  Deadlines lie on a grid, so
 * that those of several CPUs come at one time, with whatever was to happen then; who was woken, or
 * was not, waits again at once with another one; a call wakes all and is for one; and threads wait
 * for the ends of others.  Of the header's tag, bits 9 and 10 say how many queues there are to wait
 * at: 1, 1, 2 or 3.
 *
 * Results: what each lane's calls answered.
 */
#include "fuzz/sched_does.h"

enum { TIMES = 8, AGAIN_MAX = 4, PAIRS = 3 };

static const char *const saw_names[] = {
	SAW_NAMES_OF_WORLD, "called-before", "called-another", "waited-again",
	"joined",           "join-timeout",  "nested",         NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

/* The `time`-th line of the grid from now; 0: never. */
static uint64_t line(uint32_t time)
{
	return time == 0 ? WAIT_FOREVER : (mach_now_ns() / GRID_NS + time) * GRID_NS;
}

/* Another one, and after some that is 0. */
static uint32_t another(uint32_t time)
{
	return (time + 3) % TIMES;
}

/* Which of the queues there are is meant by `n`. */
static uint32_t queue_of(const struct run *run, uint32_t n)
{
	static const uint8_t queues[] = { 1, 1, 2, QUEUES };
	return n % queues[run->script->world.tag >> 9 & 3];
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* `wait` at `queue` again and again, whatever woke it, till it is killed. */
static void wait_often(struct run *run, const struct script_op *op, uint32_t queue,
		       enum wait_result (*wait)(struct run *run, struct life *me, uint32_t n,
						uint64_t deadline_ns))
{
	struct life *me = life_of(run);
	uint32_t time = op_low(op);
	for (uint32_t n = 0; n <= op_high(op); n++) {
		const enum wait_result result = wait(run, me, queue, line(time));
		run_result(run, result);
		if (n != 0) run_sometimes(run, SAW_WAITED_AGAIN);
		if (result == WAIT_KILLED) break;
		time = another(time);
	}
	does_end(run);
}

static void step_wait(struct run *run, const struct script_op *op)
{
	wait_often(run, op, queue_of(run, op->aux), queue_wait);
}

static void step_post(struct run *run, const struct script_op *op)
{
	queue_post(run, queue_of(run, op->aux), op_low(op), op_high(op) != 0);
	does_end(run);
}

static void step_await(struct run *run, const struct script_op *op)
{
	wait_often(run, op, queue_of(run, op->aux) % CALLS, calls_wait);
}

static void step_call(struct run *run, const struct script_op *op)
{
	calls_make(run, queue_of(run, op->aux) % CALLS, op->arg);
	does_end(run);
}

static void step_sleep(struct run *run, const struct script_op *op)
{
	does_sleep(run, line(1 + op->arg));
	does_end(run);
}

/* For good only where that one ends whatever this one has and does. */
static void step_join(struct run *run, const struct script_op *op)
{
	struct life *me = life_of(run);
	const thread_id id = lives_heard(op->aux);
	const struct life *life = life_with(id);
	const bool ends = life == NULL || (life->lane == RUN_NO_LANE && me->held == 0);
	const uint32_t time = op->arg == 0 && !ends ? 1 : op->arg;
	run_result(run, ends_wait(run, me, id, line(time)));
	does_end(run);
}

/* Of those that performs a lane now, or was heard of before. */
static void step_kill(struct run *run, const struct script_op *op)
{
	does_kill_one(run, op->aux < LANES ? lives_of_lane(op->aux) : lives_heard(op->aux));
}

/* --- mutexes ---------------------------------------------------------------------------------- */

/* Without a deadline only beyond all that the thread has. */
static bool locks(struct run *run, uint32_t n, uint32_t time)
{
	struct life *me = life_of(run);
	if ((me->held >> n & 1) != 0) return false;
	if (time == 0 && me->held >> n != 0) time = 1;
	const enum wait_result result = owned_lock(run, me, n, line(time));
	run_result(run, result);
	return result == WAIT_WOKEN;
}

static void step_lock(struct run *run, const struct script_op *op)
{
	if (locks(run, op->aux, op_low(op))) does_then(run, op->aux, op_high(op));
	does_end(run);
}

static void step_nest(struct run *run, const struct script_op *op)
{
	const uint32_t outer = op->aux / 2, inner = 1 + (op->aux + 1) / 2;
	if (locks(run, outer, op_low(op))) {
		if (locks(run, inner, another(op_low(op)))) does_then(run, inner, op_high(op));
		does_then(run, outer, op_high(op));
	}
	does_end(run);
}

/* --- the subject ------------------------------------------------------------------------------ */

/* clang-format off */
static const char *const pair_names[PAIRS] = { "0+1", "0+2", "1+2" };
static const char *const lane_names[LANES] = { "lane0", "lane1", "lane2", "lane3" };

#define TIME { "time", IN_LOW, FORM_NUMBER, TIMES, NULL }
#define AGAIN { "again", IN_HIGH, FORM_NUMBER, AGAIN_MAX, NULL }
#define CALLED { "queue", IN_AUX, FORM_NUMBER, CALLS, NULL }

static const struct op_kind operations[] = {
	PLAN_OPERATIONS,
	{ "wait", 30, { DOES_BY, DOES_QUEUE, TIME, AGAIN }, step_wait },
	DOES_POST(24, step_post),
	{ "await", 20, { DOES_BY, CALLED, TIME, AGAIN }, step_await },
	{ "call", 16, { DOES_BY, CALLED, { "lanes", IN_ARG, FORM_FLAGS, LANES, lane_names } },
	  step_call },
	{ "lock", 16, { DOES_BY, DOES_MUTEX, TIME, DOES_THEN }, step_lock },
	{ "nest", 12, { DOES_BY, { "pair", IN_AUX, FORM_NAMES, PAIRS, pair_names }, TIME,
			DOES_THEN }, step_nest },
	DOES_TRY(4),
	DOES_UNLOCK(8),
	DOES_KILL(10, step_kill),
	DOES_SPAWN(10),
	{ "join", 10, { DOES_BY, DOES_WHOM, { "time", IN_ARG, FORM_NUMBER, TIMES, NULL } },
	  step_join },
	{ "sleep", 12, { DOES_BY, { "time", IN_ARG, FORM_NUMBER, TIMES, NULL } }, step_sleep },
	DOES_YIELD(6),
	DOES_AFFINITY(4),
	DOES_WORK(8),
	DOES_EXIT(3),
};
/* clang-format on */

const struct subject wait_subject = {
	.name = "wait",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	SUBJECT_OVER_WORLD,
};
