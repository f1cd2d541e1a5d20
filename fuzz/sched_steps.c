/*
 * sched_steps.c -- subject sched: what the threads of a lane do.
 *
 * An id that an operation names is one of those that threads had lately, its own among them; many
 * are gone.  Whether a call about an id is refused follows from what is known before and after: one
 * whose thread was reaped before is, one whose thread has not ended after is not, and in between
 * both will do.
 *
 * A thread that was killed stops performing operations, and another goes on with the lane.
 */
#include "fuzz/sched_subject.h"

enum { TIME_MAX = 4096, BAD_PRIORITIES = 2 };

enum then { THEN_KEEP, THEN_UNLOCK, THEN_YIELD, THEN_SLEEP, THENS };

static uint32_t low(const struct script_op *op)
{
	return op->arg & 0xffff;
}

static uint32_t high(const struct script_op *op)
{
	return op->arg >> 16;
}

/* Results that tell how far others had got are not among them. */
static void done(struct run *run)
{
	const struct life *me = life_of(run);
	lives_progress();
	if (!sched_killed(sched_of(run))) {
		if (me->killed)
			kpanic(ORACLE_VERDICT, "thread %u was killed and knows nothing of it",
			       me->number);
		return;
	}
	if (me->told == 0) kpanic(ORACLE_VERDICT, "thread %u was killed by nobody", me->number);
	run_lane_stops(run);
}

static uint64_t deadline(uint32_t time)
{
	return time == 0 ? WAIT_FOREVER : mach_now_ns() + time;
}

/* --- running and waiting ---------------------------------------------------------------------- */

static void step_yield(struct run *run, const struct script_op *op)
{
	(void)op;
	sched_yield_cpu(sched_of(run));
	done(run);
}

static void sleep_for(struct run *run, uint32_t ns)
{
	const uint64_t until = mach_now_ns() + ns;
	const enum wait_result result = sched_sleep_until(sched_of(run), until);
	wait_judge(life_of(run), result, until);
	run_result(run, result);
}

static void step_sleep(struct run *run, const struct script_op *op)
{
	sleep_for(run, op->arg);
	done(run);
}

void sched_work(struct run *run, uint32_t times)
{
	for (uint32_t n = 0; n < times; n++) (void)atomic_load_u32(&sched_state_of(run)->idle);
}

static void step_work(struct run *run, const struct script_op *op)
{
	sched_work(run, op->arg);
	done(run);
}

static void step_wait(struct run *run, const struct script_op *op)
{
	run_result(run, queue_wait(run, life_of(run), op->aux, deadline(op->arg)));
	done(run);
}

static void step_post(struct run *run, const struct script_op *op)
{
	queue_post(run, op->aux, low(op), high(op) != 0);
	done(run);
}

/* --- mutexes ---------------------------------------------------------------------------------- */

/* Without a deadline only beyond all that the thread has. */
static void step_lock(struct run *run, const struct script_op *op)
{
	struct life *me = life_of(run);
	const uint32_t n = op->aux;
	const bool ordered = me->held >> n == 0;
	if ((me->held >> n & 1) != 0) return;
	const uint32_t time = low(op) == 0 && !ordered ? 1 : low(op);
	const enum wait_result result = owned_lock(run, me, n, deadline(time));
	run_result(run, result);
	if (result == WAIT_WOKEN) {
		if (high(op) == THEN_YIELD) sched_yield_cpu(sched_of(run));
		if (high(op) == THEN_SLEEP) sleep_for(run, SLICE_NS / 2);
		if (high(op) != THEN_KEEP) owned_unlock(run, me, n);
	}
	done(run);
}

static void step_try(struct run *run, const struct script_op *op)
{
	struct life *me = life_of(run);
	run_result(run, owned_try(run, me, op->aux));
	done(run);
}

static void step_unlock(struct run *run, const struct script_op *op)
{
	struct life *me = life_of(run);
	if ((me->held >> op->aux & 1) != 0) owned_unlock(run, me, op->aux);
	done(run);
}

/* --- threads ---------------------------------------------------------------------------------- */

static void step_spawn(struct run *run, const struct script_op *op)
{
	const uint32_t all = (1u << run->script->world.cpus) - 1;
	const struct life_how how = {
		.way = op->aux,
		.lane = RUN_NO_LANE,
		.priority = (uint8_t)low(op),
		.affinity = high(op) & all,
		.class = (high(op) >> SCRIPT_CPUS_MAX & 1) != 0 ? SLOT_SYSTEM : SLOT_USER,
	};
	run_result(run, life_spawn(run, &how));
	done(run);
}

/* A call about `id` was answered so; `was_there` when it began. */
static void judge_id(struct run *run, thread_id id, bool was_there, bool answer)
{
	const struct life *life = life_with(id);
	run_result(run, answer);
	if (!was_there && answer)
		kpanic(ORACLE_SLOT_REUSE, "an id of slot %u is known after its end", (uint32_t)id);
	if (life != NULL && life->state == LIFE_RUNS && !answer)
		kpanic(ORACLE_VERDICT, "thread %u runs, and there is no such thread", life->number);
	if (!was_there && id != THREAD_NONE) run_sometimes(run, SAW_STALE_ID);
}

static void step_kill(struct run *run, const struct script_op *op)
{
	const thread_id id = lives_heard(op->aux);
	struct life *life = life_with(id);
	if (life != NULL) life->told++;
	const bool answer = sched_kill(sched_of(run), id);
	judge_id(run, id, life != NULL, answer);
	if (answer && life_with(id) == life) life->killed = true;
	done(run);
}

static void step_priority(struct run *run, const struct script_op *op)
{
	const thread_id id = lives_heard(op->aux);
	const bool was_there = life_with(id) != NULL;
	order_moves(id, true);
	const bool answer = sched_set_priority(sched_of(run), id, op->arg);
	order_moves(id, false);
	if (op->arg < PRIORITIES)
		judge_id(run, id, was_there, answer);
	else if (answer)
		kpanic(ORACLE_MUST_FAIL, "priority %u was taken", op->arg);
	done(run);
}

static void step_affinity(struct run *run, const struct script_op *op)
{
	const thread_id id = lives_heard(op->aux);
	const bool was_there = life_with(id) != NULL;
	const bool legal = op->arg != 0 && op->arg >> run->script->world.cpus == 0;
	order_moves(id, true);
	const bool answer = sched_set_affinity(sched_of(run), id, op->arg);
	order_moves(id, false);
	if (legal)
		judge_id(run, id, was_there, answer);
	else if (answer)
		kpanic(ORACLE_MUST_FAIL, "affinity %x was taken", op->arg);
	done(run);
}

static void step_reap(struct run *run, const struct script_op *op)
{
	(void)op;
	sched_reap(sched_of(run));
	done(run);
}

static void step_exit(struct run *run, const struct script_op *op)
{
	(void)op;
	done(run);
	run_lane_stops(run);
}

/* --- the table -------------------------------------------------------------------------------- */

/* clang-format off */
static const char *const way_names[WAYS] = {
	[WAY_ENDS] = "ends", [WAY_YIELDS] = "yields", [WAY_SLEEPS] = "sleeps",
	[WAY_WAITS] = "waits", [WAY_POSTS] = "posts", [WAY_LOCKS] = "locks",
	[WAY_WORKS] = "works", [WAY_SPAWNS] = "spawns",
};
static const char *const wake_names[] = { "one", "all" };
static const char *const then_names[THENS] = { "keep", "unlock", "yield", "sleep" };
static const char *const how_names[] = { "cpu0", "cpu1", "cpu2", "cpu3", "system" };

#define BY { "by", IN_SLOT, FORM_NUMBER, LANES, NULL }
#define QUEUE { "queue", IN_AUX, FORM_NUMBER, QUEUES, NULL }
#define MUTEX { "mutex", IN_AUX, FORM_NUMBER, MUTEXES, NULL }
#define WHOM { "whom", IN_AUX, FORM_NUMBER, HEARD, NULL }
#define TIME { "time", IN_ARG, FORM_NUMBER, TIME_MAX, NULL }

const struct op_kind sched_operations[] = {
	PLAN_OPERATIONS,
	{ "yield", 12, { BY }, step_yield },
	{ "sleep", 10, { BY, TIME }, step_sleep },
	{ "wait", 20, { BY, QUEUE, TIME }, step_wait },
	{ "post", 20, { BY, QUEUE, { "units", IN_LOW, FORM_NUMBER, 4, NULL },
			{ "wake", IN_HIGH, FORM_NAMES, 2, wake_names } }, step_post },
	{ "lock", 20, { BY, MUTEX, { "time", IN_LOW, FORM_NUMBER, TIME_MAX, NULL },
			{ "then", IN_HIGH, FORM_NAMES, THENS, then_names } }, step_lock },
	{ "try", 6, { BY, MUTEX }, step_try },
	{ "unlock", 12, { BY, MUTEX }, step_unlock },
	{ "spawn", 20, { BY, { "life", IN_AUX, FORM_NAMES, WAYS, way_names },
			 { "priority", IN_LOW, FORM_NUMBER, PRIORITIES, NULL },
			 { "how", IN_HIGH, FORM_FLAGS, 5, how_names } }, step_spawn },
	{ "kill", 12, { BY, WHOM }, step_kill },
	{ "priority", 6, { BY, WHOM,
			   { "to", IN_ARG, FORM_NUMBER, PRIORITIES + BAD_PRIORITIES, NULL } },
	  step_priority },
	{ "affinity", 8, { BY, WHOM, { "cpus", IN_ARG, FORM_NUMBER, 32, NULL } },
	  step_affinity },
	{ "work", 8, { BY, { "times", IN_ARG, FORM_NUMBER, 64, NULL } }, step_work },
	{ "reap", 3, { BY }, step_reap },
	{ "exit", 5, { BY }, step_exit },
};
/* clang-format on */

_Static_assert(COUNT_OF(sched_operations) == SCHED_OPERATIONS, "their number");
