/*
 * sched_does.c -- what the threads of a lane do: operations that subjects over sched_world.h share.
 *
 * An id that an operation names is one of those that threads had lately, its own among them; many
 * are gone.  Whether a call about an id is refused follows from what is known before and after: one
 * whose thread was reaped before is, one whose thread has not ended after is not, and in between
 * both will do.
 *
 * A thread that was killed stops performing operations, and another goes on with the lane.
 *
 * Compiled without points.  Locks: none.
 */
#include "fuzz/sched_does.h"

const char *const does_ways[WAYS] = {
	[WAY_ENDS] = "ends",   [WAY_YIELDS] = "yields", [WAY_SLEEPS] = "sleeps",
	[WAY_WAITS] = "waits", [WAY_POSTS] = "posts",   [WAY_LOCKS] = "locks",
	[WAY_WORKS] = "works", [WAY_SPAWNS] = "spawns",
};
const char *const does_wakes[] = { "one", "all" };
const char *const does_thens[THENS] = { "keep", "unlock", "yield", "sleep" };
const char *const does_hows[] = { "cpu0", "cpu1", "cpu2", "cpu3", "system" };

/* Results that tell how far others had got are not among them. */
void does_end(struct run *run)
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

/* --- running and waiting ---------------------------------------------------------------------- */

void does_yield(struct run *run, const struct script_op *op)
{
	(void)op;
	sched_yield_cpu(sched_of(run));
	does_end(run);
}

void does_sleep(struct run *run, uint64_t until_ns)
{
	const enum wait_result result = sched_sleep_until(sched_of(run), until_ns);
	wait_judge(life_of(run), result, until_ns);
	run_result(run, result);
}

void does_pass(struct run *run, uint32_t times)
{
	for (uint32_t n = 0; n < times; n++) (void)atomic_load_u32(&sched_state_of(run)->idle);
}

void does_work(struct run *run, const struct script_op *op)
{
	does_pass(run, op->arg);
	does_end(run);
}

void does_post(struct run *run, const struct script_op *op)
{
	queue_post(run, op->aux, op_low(op), op_high(op) != 0);
	does_end(run);
}

/* --- mutexes ---------------------------------------------------------------------------------- */

void does_then(struct run *run, uint32_t n, uint32_t then)
{
	if (then == THEN_YIELD) sched_yield_cpu(sched_of(run));
	if (then == THEN_SLEEP) does_sleep(run, mach_now_ns() + SLICE_NS / 2);
	if (then != THEN_KEEP) owned_unlock(run, life_of(run), n);
}

void does_try(struct run *run, const struct script_op *op)
{
	struct life *me = life_of(run);
	run_result(run, owned_try(run, me, op->aux));
	does_end(run);
}

void does_unlock(struct run *run, const struct script_op *op)
{
	struct life *me = life_of(run);
	if ((me->held >> op->aux & 1) != 0) owned_unlock(run, me, op->aux);
	does_end(run);
}

/* --- threads ---------------------------------------------------------------------------------- */

void does_spawn(struct run *run, const struct script_op *op)
{
	const uint32_t all = (1u << run->script->world.cpus) - 1;
	const struct life_how how = {
		.way = op->aux,
		.lane = RUN_NO_LANE,
		.priority = (uint8_t)op_low(op),
		.affinity = op_high(op) & all,
		.class = (op_high(op) >> SCRIPT_CPUS_DRAWN & 1) != 0 ? SLOT_SYSTEM : SLOT_USER,
	};
	run_result(run, life_spawn(run, &how));
	does_end(run);
}

void does_judge_id(struct run *run, thread_id id, bool was_there, bool answer)
{
	const struct life *life = life_with(id);
	run_result(run, answer);
	if (!was_there && answer)
		kpanic(ORACLE_SLOT_REUSE, "an id of slot %u is known after its end", (uint32_t)id);
	if (life != NULL && life->state == LIFE_RUNS && !answer)
		kpanic(ORACLE_VERDICT, "thread %u runs, and there is no such thread", life->number);
	if (!was_there && id != THREAD_NONE) run_sometimes(run, SAW_STALE_ID);
}

void does_kill_one(struct run *run, thread_id id)
{
	struct life *life = life_with(id);
	if (life != NULL) life->told++;
	const bool answer = sched_kill(sched_of(run), id);
	does_judge_id(run, id, life != NULL, answer);
	if (answer && life_with(id) == life) life->killed = true;
	does_end(run);
}

void does_kill(struct run *run, const struct script_op *op)
{
	does_kill_one(run, lives_heard(op->aux));
}

void does_affinity(struct run *run, const struct script_op *op)
{
	const thread_id id = lives_heard(op->aux);
	const bool was_there = life_with(id) != NULL;
	const bool legal = op->arg != 0 && op->arg >> run->script->world.cpus == 0;
	order_moves(id, true);
	const bool answer = sched_set_affinity(sched_of(run), id, op->arg);
	order_moves(id, false);
	if (legal)
		does_judge_id(run, id, was_there, answer);
	else if (answer)
		kpanic(ORACLE_MUST_FAIL, "affinity %x was taken", op->arg);
	does_end(run);
}

void does_exit(struct run *run, const struct script_op *op)
{
	(void)op;
	does_end(run);
	run_lane_stops(run);
}
