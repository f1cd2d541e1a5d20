/*
 * process_steps.c -- subject process: what the threads of a lane do.
 *
 * An id that an operation names is one of those that processes had lately, the caller's among them;
 * many are gone.  A thread whose process was asked to end stops performing operations, and another
 * goes on with the lane.
 */
#include "fuzz/process_subject.h"

enum { TIME_MAX = 4096, WHOM_OWN = HEARD, WHOM_ANY = HEARD, WHOM_NOBODY = HEARD };

enum { UNTIL_FOREVER, UNTIL_NOW, UNTIL_SOON, UNTIL_LATER, UNTILS };

static uint32_t low(const struct script_op *op)
{
	return op->arg & 0xffff;
}

static uint32_t high(const struct script_op *op)
{
	return op->arg >> 16;
}

bool process_step_done(struct run *run)
{
	const struct proc *p = member_of(run)->proc;
	const bool settled = p != NULL && p->settled;
	members_progress();
	if (!sched_killed(sched_of(run))) {
		if (settled)
			kpanic(ORACLE_VERDICT, "process %u ends, and a thread was not asked to",
			       (uint32_t)p->id);
		return false;
	}
	if (p == NULL || !p->told) kpanic(ORACLE_VERDICT, "a thread was asked to end by nobody");
	return true;
}

static void done(struct run *run)
{
	if (process_step_done(run)) run_lane_stops(run);
}

/* --- running ---------------------------------------------------------------------------------- */

static void step_yield(struct run *run, const struct script_op *op)
{
	(void)op;
	sched_yield_cpu(sched_of(run));
	done(run);
}

static void step_sleep(struct run *run, const struct script_op *op)
{
	run_result(run, sched_sleep_until(sched_of(run), mach_now_ns() + op->arg));
	done(run);
}

void process_work(struct run *run, uint32_t times)
{
	for (uint32_t n = 0; n < times; n++) (void)atomic_load_u32(&storm_of(run)->idle);
}

static void step_work(struct run *run, const struct script_op *op)
{
	process_work(run, op->arg);
	done(run);
}

static void step_touch(struct run *run, const struct script_op *op)
{
	call_touch(run, member_of(run), op->aux);
	done(run);
}

/* --- making ----------------------------------------------------------------------------------- */

/* The flags of `how`, behind one for each CPU. */
enum { HOW_SYSTEM = SCRIPT_CPUS_DRAWN, HOW_FORK, HOW_BARE, HOW_NOBODYS, HOWS };

static struct member_how how_of_op(const struct run *run, const struct script_op *op, uint32_t how)
{
	return (struct member_how){
		.way = op->aux,
		.lane = RUN_NO_LANE,
		.priority = PRIORITY_NORMAL,
		.affinity = how & ((1u << run->script->world.cpus) - 1),
		.class = (how >> HOW_SYSTEM & 1) != 0 ? SLOT_SYSTEM : SLOT_USER,
		.fork = (how >> HOW_FORK & 1) != 0,
		.no_space = (how >> HOW_BARE & 1) != 0,
	};
}

static void step_spawn(struct run *run, const struct script_op *op)
{
	struct member_how how = how_of_op(run, op, high(op));
	how.priority = (uint8_t)low(op);
	const bool nobodys = (high(op) >> HOW_NOBODYS & 1) != 0;
	run_result(run, call_spawn(run, nobodys ? NULL : member_of(run)->proc, &how));
	done(run);
}

static void step_thread(struct run *run, const struct script_op *op)
{
	const struct member_how how = how_of_op(run, op, high(op));
	const process_id id = low(op) == WHOM_OWN  ? member_of(run)->proc->id
			      : low(op) > WHOM_OWN ? PROCESS_NONE
						   : procs_heard(low(op));
	if (id == PROCESS_NONE && low(op) < WHOM_OWN) return;
	run_result(run, call_thread(run, id, &how));
	done(run);
}

static void step_adopt(struct run *run, const struct script_op *op)
{
	const process_id id = op->aux == WHOM_NOBODY  ? PROCESS_NONE
			      : op->aux > WHOM_NOBODY ? member_of(run)->proc->id
						      : procs_heard(op->aux);
	run_result(run, call_adopt(run, id));
	done(run);
}

/* --- ending and waiting ----------------------------------------------------------------------- */

static void step_wait(struct run *run, const struct script_op *op)
{
	const process_id which = op->aux == WHOM_ANY ? PROCESS_ANY : procs_heard(op->aux);
	const uint64_t deadline = low(op) == UNTIL_FOREVER ? WAIT_FOREVER
				  : low(op) == UNTIL_NOW   ? 0
				  : low(op) == UNTIL_SOON  ? mach_now_ns() + SLICE_NS / 4
							   : mach_now_ns() + 3 * SLICE_NS;
	run_result(run, (uint64_t)call_wait(run, member_of(run), which, deadline));
	done(run);
}

static void step_kill(struct run *run, const struct script_op *op)
{
	const struct proc *own = member_of(run)->proc;
	run_result(run, call_kill(run, op->aux == WHOM_OWN ? own->id : procs_heard(op->aux)));
	done(run);
}

static void step_end(struct run *run, const struct script_op *op)
{
	struct member *me = member_of(run);
	done(run);
	me->end = op->aux;
	me->joins = high(op) == HEARD ? PROCESS_NONE : procs_heard(high(op));
	run_lane_stops(run);
}

static void step_reap(struct run *run, const struct script_op *op)
{
	(void)op;
	sched_reap(sched_of(run));
	done(run);
}

static void step_reclaim(struct run *run, const struct script_op *op)
{
	vm_reclaim(&storm_of(run)->memory.vm, op->aux);
	done(run);
}

/* --- the table -------------------------------------------------------------------------------- */

/* clang-format off */
static const char *const way_names[WAYS] = {
	[WAY_RETURNS] = "returns", [WAY_LEAVES] = "leaves", [WAY_EXITS] = "exits",
	[WAY_YIELDS] = "yields", [WAY_SLEEPS] = "sleeps", [WAY_TOUCHES] = "touches",
	[WAY_STAYS] = "stays", [WAY_WAITS] = "waits", [WAY_PARENT] = "parent",
	[WAY_COLLECTS] = "collects", [WAY_CROWD] = "crowd", [WAY_KILLS] = "kills",
};
static const char *const ending_names[ENDINGS] = { "leave", "exit", "return" };
static const char *const until_names[UNTILS] = { "forever", "now", "soon", "later" };
static const char *const how_names[HOWS] = {
	"cpu0", "cpu1", "cpu2", "cpu3", "system", "fork", "bare", "nobodys",
};

#define BY { "by", IN_SLOT, FORM_NUMBER, LANES, NULL }
#define LIFE { "life", IN_AUX, FORM_NAMES, WAYS, way_names }
#define HOW { "how", IN_HIGH, FORM_FLAGS, HOWS, how_names }

const struct op_kind process_operations[] = {
	PLAN_OPERATIONS,
	{ "yield", 10, { BY }, step_yield },
	{ "sleep", 8, { BY, { "time", IN_ARG, FORM_NUMBER, TIME_MAX, NULL } }, step_sleep },
	{ "work", 6, { BY, { "times", IN_ARG, FORM_NUMBER, 64, NULL } }, step_work },
	{ "touch", 14, { BY, { "times", IN_AUX, FORM_NUMBER, 4, NULL } }, step_touch },
	{ "spawn", 34, { BY, LIFE, { "priority", IN_LOW, FORM_NUMBER, PRIORITIES, NULL }, HOW },
	  step_spawn },
	{ "thread", 18, { BY, LIFE, { "whom", IN_LOW, FORM_NUMBER, HEARD + 2, NULL }, HOW },
	  step_thread },
	{ "wait", 28, { BY, { "whom", IN_AUX, FORM_NUMBER, HEARD + 1, NULL },
			{ "until", IN_LOW, FORM_NAMES, UNTILS, until_names } }, step_wait },
	{ "kill", 14, { BY, { "whom", IN_AUX, FORM_NUMBER, HEARD + 1, NULL } }, step_kill },
	{ "end", 12, { BY, { "how", IN_AUX, FORM_NAMES, ENDINGS, ending_names },
		       { "joins", IN_HIGH, FORM_NUMBER, HEARD + 1, NULL } }, step_end },
	{ "adopt", 5, { BY, { "whom", IN_AUX, FORM_NUMBER, HEARD + 2, NULL } }, step_adopt },
	{ "reap", 3, { BY }, step_reap },
	{ "reclaim", 4, { BY, { "pages", IN_AUX, FORM_NUMBER, 0, NULL } }, step_reclaim },
};
/* clang-format on */

_Static_assert(COUNT_OF(process_operations) == PROCESS_OPERATIONS, "their number");
