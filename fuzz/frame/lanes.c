/*
 * lanes.c -- operations side by side.
 *
 * A pass over the script links the operations of each lane, so that a lane finds its next one at
 * once.  Decisions are in no lane: the planner reads them behind the operation that they belong to.
 * Meeting points are in all: a lane goes through each before its next operation behind it, and the
 * rest of them at its end.  The last lane to come looks at the structures, interrupts masked and
 * nobody asked about turns meanwhile, and lets the others go.  All that was done before is known to
 * it, and nobody does anything meanwhile, so where the machine can, the look passes no points and
 * counts for no race: it costs what it costs where one CPU runs.
 *
 * What lanes share in order to meet, two words, lies in the arena behind the subject's state and is
 * touched by atomic operations alone, so that whoever follows what happened before what sees that
 * all that was done before a meeting point was.
 *
 * Results go to the lane of the code that has them; a check's, to all lanes together.  At the end,
 * or when the first oracle fires, they are folded in the order of lanes.
 *
 * Always true:
 *   L1  a lane performs its operations in the script's order, each once;
 *   L2  no operation behind a meeting point begins before every one in front of it has ended;
 *   L3  while structures are checked, every other lane waits.
 *
 * Locks: none.  Cost: two loads for each operation to link them, some tens of nanoseconds for each
 * one performed.
 */
#include "fuzz/frame/lanes.h"

#include "machine/atomic.h"
#include "machine/machine.h"

/* In the arena. */
struct meeting {
	uint32_t arrived; /* lanes, at all meeting points together */
	uint32_t passed;  /* meeting points that all have left, or may leave */
};

static struct lanes lanes;

enum {
	STATE_AT = RUN_ARENA_BYTES - RUN_STATE_BYTES,
	MEETING_AT = RUN_ARENA_BYTES - 64,
	RESTLESS_TIMES = 16,
};

void lanes_place_state(struct run *run)
{
	uint8_t *arena = run->machine->arena;
	const size_t bytes = align_up(run->subject->state_bytes, 8);
	ASSERT(bytes != 0 && bytes <= MEETING_AT - STATE_AT);
	mach_unpoison(arena + STATE_AT, bytes);
	mach_unpoison(arena + MEETING_AT, sizeof(struct meeting));
	run->state = arena + STATE_AT;
	lanes.meeting = (struct meeting *)(void *)(arena + MEETING_AT);
	*lanes.meeting = (struct meeting){ 0 };
}

/* --- which operation is whose ----------------------------------------------------------------- */

static unsigned lane_of(const struct run *run, const struct script_op *op)
{
	return (run->subject->lane == NULL ? op->cpu : run->subject->lane(op)) % lanes.count;
}

static void link_operations(const struct run *run)
{
	uint16_t *tail[RUN_LANES_MAX], *meets = &lanes.first_meet;
	for (unsigned n = 0; n < lanes.count; n++) tail[n] = &lanes.lane[n].next;
	for (uint32_t n = 0; n < run->script->ops; n++) {
		const struct script_op op = script_op_for(run->script, run->subject, n);
		if (op.code == SCRIPT_NOP || op_is_decision(run->subject, op.code)) continue;
		uint16_t **end = op.code == PLAN_MEET ? &meets : &tail[lane_of(run, &op)];
		**end = (uint16_t)n;
		*end = &lanes.next[n];
	}
	for (unsigned n = 0; n < lanes.count; n++) *tail[n] = LANES_NONE;
	*meets = LANES_NONE;
	if (run_is_calm(run)) lanes.first_meet = LANES_NONE; /* they settle before every one */
}

static unsigned cpus_of(const struct run *run)
{
	return run_is_calm(run) ? 1 : run->script->world.cpus;
}

void lanes_open(struct run *run)
{
	const unsigned wanted = run->subject->lanes;
	lanes.count = wanted != 0 ? wanted : cpus_of(run);
	ASSERT(lanes.count <= RUN_LANES_MAX);
	memset(lanes.lane, 0, sizeof(lanes.lane));
	lanes.digest = 0;
	lanes.began = lanes.busy = 0;
	lanes.checks = lanes.ended = false;
	link_operations(run);
	for (unsigned n = 0; n < lanes.count; n++) lanes.lane[n].meet = lanes.first_meet;
	plan_open(&lanes.plan, run);
	run->lanes = &lanes;
}

/* --- where the calling code is ---------------------------------------------------------------- */

unsigned lanes_now(struct run *run)
{
	return run->subject->lane_now == NULL ? mach_cpu() : run->subject->lane_now(run);
}

bool lanes_in_operation(const struct run *run, unsigned lane)
{
	return lane < run->lanes->count && run->lanes->lane[lane].busy && !run->lanes->checks;
}

bool lanes_waits(const struct run *run, unsigned lane)
{
	const struct lanes *l = run->lanes;
	return lane < l->count && l->lane[lane].arrived && l->meeting->passed <= l->lane[lane].met;
}

uint32_t run_op(const struct run *run)
{
	if (run->lanes == NULL) return run->op;
	if (run->lanes->checks) return run->lanes->meet;
	const unsigned lane = lanes_now((struct run *)(uintptr_t)run);
	return lane < run->lanes->count ? run->lanes->lane[lane].op : run->op;
}

uint64_t *lanes_digest(struct run *run)
{
	struct lanes *l = run->lanes;
	const unsigned lane = lanes_now(run);
	return l->checks || lane >= l->count ? &l->digest : &l->lane[lane].digest;
}

uint32_t run_alone(const struct run *run)
{
	return run->lanes->busy == 1 ? run->lanes->began : 0;
}

bool run_alone_since(const struct run *run, uint32_t since)
{
	return since != 0 && run->lanes->began == since;
}

/* --- lanes ------------------------------------------------------------------------------------ */

static void check_structures(void *arg)
{
	struct run *run = arg;
	run->subject->check(run, CHECK_COUNTS);
	run->subject->check(run, CHECK_WALK);
	if (run->subject->restless && !run->lanes->ended) return;
	if (run->machine->settled != NULL) run->machine->settled();
}

/* What is not reached is no part of a finding; a meeting point is where one waits there already. */
static void reaches(struct run *run, uint32_t n)
{
	if (n >= run->reached) run->reached = n + 1;
}

/* By whoever has the turn; `call` is how. */
static void check_all(struct run *run, uint32_t meet, void (*call)(void (*fn)(void *), void *arg))
{
	struct lanes *l = run->lanes;
	const mach_irq_t was = mach_irq_save();
	plan_mute(&l->plan, true);
	l->meet = meet;
	l->checks = true;
	reaches(run, meet);
	call(check_structures, run);
	l->checks = false;
	plan_mute(&l->plan, false);
	mach_irq_restore(was);
}

static void call_here(void (*fn)(void *), void *arg)
{
	fn(arg);
}

/* In the middle of a simulation, of which the look at it is no part where all others do nothing but
 * wait: where they pause, one may be under way to somebody else, with a lock that is looked at. */
static void check_at_meet(struct run *run, uint32_t meet)
{
	const bool at_rest = run->subject->pause == NULL && run->machine->run_aside != NULL;
	check_all(run, meet, at_rest ? run->machine->run_aside : call_here);
}

static void wait_for_others(struct run *run)
{
	if (run->subject->pause != NULL)
		run->subject->pause(run);
	else
		mach_relax();
}

/* The lane's next meeting point; false: it stopped there, and has not left it. */
static bool meet(struct run *run, struct lane *lane)
{
	struct lanes *l = run->lanes;
	if (!lane->arrived) {
		lane->arrived = true;
		reaches(run, lane->meet);
		const uint32_t all = atomic_fetch_add_u32(&l->meeting->arrived, 1) + 1;
		if (all == l->count * (lane->met + 1)) {
			check_at_meet(run, lane->meet);
			atomic_store_u32(&l->meeting->passed, lane->met + 1);
		}
	}
	while (atomic_load_u32(&l->meeting->passed) <= lane->met) {
		if (lane->stops) return false;
		wait_for_others(run);
	}
	lane->arrived = false;
	lane->met++;
	lane->meet = l->next[lane->meet];
	return true;
}

static void perform(struct run *run, unsigned number, uint32_t n)
{
	struct lane *lane = &run->lanes->lane[number];
	const struct script_op op = script_op_for(run->script, run->subject, n);
	lane->op = run->op = n;
	reaches(run, n);
	plan_begins(&run->lanes->plan, number, n);
	lane->busy = true;
	run->lanes->began++;
	run->lanes->busy++;
	run_operation_begins(run);
	if (run->machine->step != NULL) run->machine->step(op.code);
	run->subject->ops[op.code].step(run, &op);
	run->lanes->busy--;
	lane->busy = false;
	plan_ends(&run->lanes->plan, number);
}

void run_lane_stops(struct run *run)
{
	const unsigned number = lanes_now(run);
	ASSERT(number < run->lanes->count);
	run->lanes->lane[number].stops = true;
}

bool run_lane(struct run *run, unsigned number)
{
	ASSERT(number < run->lanes->count);
	struct lane *lane = &run->lanes->lane[number];
	ASSERT(!lane->busy && !lane->over);
	lane->stops = false;
	for (;;) {
		const uint16_t n = lane->next;
		while (lane->meet < n)
			if (!meet(run, lane)) return false;
		if (run_is_calm(run) && !calm_turn(run, number)) return false;
		if (n == LANES_NONE) break;
		lane->next = run->lanes->next[n];
		perform(run, number, n);
		if (lane->stops) return false;
	}
	lane->over = true;
	return true;
}

/* --- all of them ------------------------------------------------------------------------------ */

static void run_cpu(void *arg)
{
	struct run *run = arg;
	run->subject->together(run, mach_cpu());
}

/* After the last operation, with every CPU at rest. */
static void run_last_check(void *arg)
{
	struct run *run = arg;
	run->lanes->ended = true;
	if (run->script->ops != 0) check_all(run, run->script->ops - 1, call_here);
}

static void note_turns(struct run *run)
{
	const struct turns *t = lanes.plan.turns;
	if (t == NULL) return;
	run->points = t->points;
	run->switches = t->switches;
	lanes.plan.turns = NULL; /* they are over, or about to be */
}

/* More points than it can take. */
static uint64_t limit_of(const struct run *run)
{
	return plan_limit(run->script) * (run->subject->restless ? RESTLESS_TIMES : 1);
}

bool lanes_run(struct run *run)
{
	const struct run_machine *machine = run->machine;
	ASSERT(machine->run_together != NULL);
	lanes_open(run);
	const bool whole = machine->run_together(cpus_of(run), run_cpu, run, &lanes.plan.planner,
						 limit_of(run));
	note_turns(run);
	if (whole && machine->run_on(0, run_last_check, run)) {
		lanes_close(run);
		run->op = run->script->ops;
		return true;
	}
	lanes_close(run);
	return false;
}

void lanes_close(struct run *run)
{
	struct lanes *l = run->lanes;
	if (l == NULL) return;
	note_turns(run);
	run->op = run_op(run);
	run->lanes = NULL;
	for (unsigned n = 0; n < l->count; n++) run_result(run, l->lane[n].digest);
	run_result(run, l->digest);
}
