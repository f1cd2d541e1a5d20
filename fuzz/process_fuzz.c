/*
 * process_fuzz.c -- subject process: storms of processes, on up to eight CPUs at once.
 *
 * Every CPU is in sched_run(); the lanes are threads of processes.  They spawn and fork children,
 * add threads to processes that they have heard of, wait for children, kill, hand orphans to others
 * and end in each way there is, where slots of processes and threads, stacks and pages are so few
 * that much of it is refused.  Of the header's tag, the bits are:
 *
 *	0, 1      when the dead are reaped: enum reap_form, and 3 is as 0
 *	2, 3      slots of threads that are the system's: 1 to 3
 *	4 to 6    slots of threads to spare, besides one for each lane and the system's: 5 more than
 *	          that, mod 8
 *	7 to 9    slots of processes: 10 less that
 *	10 to 13  stacks: 16 less that mod 12
 *	14        whether slots of threads cool down
 *	15        bits of an ASID beyond the least
 *
 * Of `keep_pages`, the low bits are how many stacks are kept; pages are those of the header and
 * more, enough for all lanes (process_world.c).
 *
 * What must hold:
 *
 *   - each thread begins once, as itself, in its own process and space, and is taken back once
 *     (process_members.c);
 *   - each process lives while a thread of it does, is its parent's child, and its end is told
 *     once, to its parent, after everything of it is back, as somebody said (process_model.c);
 *   - calls are refused when they must be, and only when they may be (process_calls.c);
 *   - nobody waits for what has come (process_care.c);
 *   - at the end nobody is left, and every page, stack, space, slot and id is back.
 *
 * The machine sees to contexts, stacks, locks, interrupts, spaces and what CPUs remember of them.
 *
 * Results: what each lane's calls answered.
 */
#include "fuzz/process_subject.h"
#include "fuzz/sched_interrupts.h"

static const char *const saw_names[] = {
	"reap-after",    "reap-in-idle",   "reap-before-next", "handed-on",    "told-killed",
	"never-began",   "crowd-exits",    "processes-full",   "threads-full", "no-memory",
	"waited-long",   "wait-killed",    "waits-shared",     "stale-id",     "fork-copied",
	"adopter-ended", "refused-ending", "lane-went-on",     NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");
_Static_assert(sizeof(struct storm) <= RUN_STATE_BYTES, "a run's state holds it");

static void process_open(struct run *run)
{
	procs_open();
	members_open();
	care_open();
	process_world_make(run);
	sched_takes_interrupts(run, sched_of(run));
}

static void process_together(struct run *run, unsigned cpu)
{
	if (cpu == 0) members_start(run);
	sched_run(sched_of(run));
}

/* Between operations threads that belong to no lane go on, so counts are for the end. */
static void process_check_run(struct run *run, enum check_depth depth)
{
	if (depth == CHECK_WALK) procs_check(run, members_over());
	if (members_over() && members_count() != 0)
		kpanic(ORACLE_LEAK, "%u threads are not back", members_count());
}

static void process_close(struct run *run)
{
	if (!members_over()) kpanic(ORACLE_LEAK, "CPUs are back, and threads are not");
	process_check_run(run, CHECK_WALK);
	process_world_end(run);
}

static unsigned process_lane(const struct script_op *op)
{
	return op->slot;
}

const struct subject process_subject = {
	.name = "process",
	.ops = process_operations,
	.op_count = PROCESS_OPERATIONS,
	.sometimes = saw_names,
	.open = process_open,
	.check = process_check_run,
	.close = process_close,
	.together = process_together,
	.lanes = LANES,
	.lane = process_lane,
	.lane_now = members_lane_now,
	.pause = members_pause,
	.restless = true,
	.state_bytes = sizeof(struct storm),
};
