/*
 * run.c -- one script, from a fresh world to the pristine one.
 *
 * reset, open, the operations with their checks, close.  Every part runs on a virtual CPU of the
 * machine handed in; operations in a row on one CPU run in one visit to it, since the visit costs
 * more than most operations.  After every operation the counters must add up; after every 64th,
 * after the last, and where the header says so after every one, all structures are walked.
 *
 * The first oracle to fire ends the run: what it left behind cannot be trusted, so there is no
 * close after it and no second finding.  The next run starts by reset and owes it nothing.
 *
 * The digest folds in what subjects call results, in order.  It holds no address, no time and
 * nothing about how results came about, so three machines that agree have the same one.
 *
 * Operations that run side by side (subject.h) are lanes.c's; what comes before and after is the
 * same for them.
 *
 * Always true:
 *   R1  run_current() is the run between its reset and its end, and NULL otherwise;
 *   R2  the same body gives the same digest, the same first oracle and the same operation;
 *   R3  a step, and the checks after it, run on the operation's CPU, unless the subject's lanes
 *       are threads; open and close on CPU 0.
 *
 * Locks: none of its own.  Cost: about 20 ns an operation plus the subject's own work.
 */
#include "fuzz/frame/lanes.h"
#include "machine/format.h"
#include "machine/machine.h"

enum { WALK_EVERY = 64 };

static struct run *current;

struct run *run_current(void)
{
	return current;
}

/* Multiply by an odd constant, then let high bits reach low ones: each step can be undone, so no
 * two histories of equal length meet by more than chance. */
void run_result(struct run *run, uint64_t value)
{
	uint64_t *digest = run->lanes == NULL ? &run->digest : lanes_digest(run);
	uint64_t mixed = (*digest ^ value) * 0x9e3779b97f4a7c15ull;
	mixed ^= mixed >> 32;
	*digest = mixed * 0xd6e8feb86659fd93ull + 1;
}

NOINLINE void run_operation_begins(struct run *run)
{
	__asm__ volatile("" : : "r"(run) : "memory"); /* keeps the call, for breakpoints */
}

bool run_fault(struct run *run, const char *oracle)
{
	if (run->oracle != NULL) return false;
	run->oracle = oracle;
	lanes_close(run);
	return true;
}

const char *run_doing(const struct run *run)
{
	if (run->phase == RUN_OPENS) return "open";
	if (run->phase == RUN_CLOSES || run->op >= run->script->ops) return "close";
	const struct script_op op = script_op_for(run->script, run->subject, run->op);
	if (op_is_decision(run->subject, op.code)) return run->subject->ops[PLAN_MEET].name;
	return op.code == SCRIPT_NOP ? "nop" : run->subject->ops[op.code].name;
}

const struct subject *subject_find(const char *name)
{
	for (unsigned i = 0; subjects[i] != NULL; i++)
		if (same_text(subjects[i]->name, name)) return subjects[i];
	return NULL;
}

static void run_check(struct run *run)
{
	const bool always = run->script->world.flags & WORLD_WALK_ALWAYS;
	const uint32_t done = run->op + 1;
	run->subject->check(run, CHECK_COUNTS);
	if (always || done % WALK_EVERY == 0 || done == run->script->ops)
		run->subject->check(run, CHECK_WALK);
	if (run->machine->settled != NULL) run->machine->settled();
}

/* What one visit to a CPU is told, and leaves for the next: operation run->op, read once. */
struct visit {
	struct run *run;
	struct script_op op;
};

/* On a CPU: the operations from run->op on, up to the first that is another CPU's. */
static void run_operations(void *arg)
{
	struct visit *visit = arg;
	struct run *run = visit->run;
	const struct script *script = run->script;
	const struct subject *subject = run->subject;
	struct script_op op = visit->op;
	const unsigned cpu = op.cpu;
	do {
		run_operation_begins(run);
		if (op.code != SCRIPT_NOP) subject->ops[op.code].step(run, &op);
		run_check(run);
		if (++run->op == script->ops) return;
		op = script_op_for(script, subject, run->op);
	} while (op.cpu == cpu);
	visit->op = op;
}

static void run_open(void *arg)
{
	struct run *run = arg;
	run->subject->open(run);
}

static void run_close(void *arg)
{
	struct run *run = arg;
	run->subject->close(run);
}

static void run_leave(void *arg)
{
	struct run *run = arg;
	run->subject->leave(run);
}

static bool leave_all(struct run *run)
{
	if (run->subject->leave == NULL) return true;
	for (unsigned cpu = 0; cpu < run->script->world.cpus; cpu++)
		if (!run->machine->run_on(cpu, run_leave, run)) return false;
	return true;
}

static bool run_one_by_one(struct run *run)
{
	const struct script *script = run->script;
	struct visit visit = { .run = run };
	if (script->ops != 0) visit.op = script_op_for(script, run->subject, 0);
	while (run->op < script->ops)
		if (!run->machine->run_on(visit.op.cpu, run_operations, &visit)) return false;
	return true;
}

/* All parts in order; false as soon as one did not come back. */
static bool run_parts(struct run *run)
{
	const struct run_machine *machine = run->machine;
	const bool together = run->subject->together != NULL;
	if (together) lanes_place_state(run);
	if (!machine->run_on(0, run_open, run)) return false;
	run->phase = RUN_OPERATES;
	if (!(together ? lanes_run(run) : run_one_by_one(run))) return false;
	run->phase = RUN_CLOSES;
	if (!leave_all(run)) return false;
	return machine->run_on(0, run_close, run);
}

bool run_script(struct run *run, const struct subject *subject, const struct script *script,
		const struct run_machine *machine)
{
	ASSERT(current == NULL);
	ASSERT(run->state != NULL || subject->together != NULL);
	ASSERT(script->world.cpus <= machine->cpus);
	*run = (struct run){
		.subject = subject,
		.script = script,
		.machine = machine,
		.state = run->state,
		.answers = run->answers,
		.score = run->score,
	};
	machine->reset();
	current = run;
	const bool whole = run_parts(run);
	current = NULL;
	ASSERT(whole == (run->oracle == NULL));
	return whole;
}
