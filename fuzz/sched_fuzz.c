/*
 * sched_fuzz.c -- subject sched: a scheduler, with threads that live on up to four CPUs at once.
 *
 * Every CPU is in sched_run(); the lanes are threads.  They yield, sleep, wait at queues and for
 * mutexes, with and without a deadline, spawn others, kill, move and reprioritise whoever they have
 * heard of, and end.  Of the header's tag, the bits are:
 *
 *	0, 1     when the dead are reaped: enum reap_form, and 3 is as 0
 *	2, 3     slots that are the system's: 1 to 3
 *	4 to 6   slots to spare, besides one for each lane and the system's: 5 more than that, mod 8
 *	7, 8     the slice, in units of SLICE_NS: 1 more than that
 *
 * What must hold:
 *
 *   - each thread begins once, under an id and in a slot that nobody has, is itself all the time,
 *     and is reaped once, after it has ended, with what is its own (sched_lives.c);
 *   - while somebody waits for a unit of a queue there is none that nobody was woken for; a mutex
 *     has one owner; who waits longer is served first (sched_waits.c);
 *   - no ready thread is passed over (sched_model.c);
 *   - calls about ids are refused when they must be and only when they may be (sched_steps.c);
 *   - at the end every thread is gone, every slot and stack is back, and sched_check() agrees.
 *
 * The machine sees to contexts, stacks, locks and interrupts, and that somebody can go on.
 *
 * Results: what each lane's calls answered.
 */
#include "fuzz/sched_subject.h"

static const char *const saw_names[] = {
	"steal",        "wake-across",  "timeout-raced",    "killed-waiter",
	"reap-after",   "reap-in-idle", "reap-before-next", "full-table",
	"preemption",   "stale-id",     "handed-over",      "mutex-timeout",
	"lane-went-on", NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");
_Static_assert(sizeof(struct sched_state) <= RUN_STATE_BYTES, "a run's state holds it");

static void timer_fired(void *arg)
{
	sched_timer_fired(sched_of(arg));
}

static void ipi_came(void *arg)
{
	sched_ipi_came(sched_of(arg));
}

static struct sched_config config_of(struct run *run)
{
	const struct script_world *w = &run->script->world;
	const uint32_t reap = w->tag & 3, reserved = 1 + (w->tag >> 2 & 3) % RESERVED_MAX;
	return (struct sched_config){
		.cpus = w->cpus,
		.threads = sched_state_of(run)->threads,
		.slots = LANES + reserved + (5 + (w->tag >> 4 & 7u)) % (SPARE_MAX + 1),
		.reserved = reserved,
		.slice_ns = (1 + (w->tag >> 7 & 3u)) * (uint64_t)SLICE_NS,
		.reap = reap > REAP_BEFORE_NEXT ? REAP_AFTER_SWITCH : (enum reap_form)reap,
		.reaped = lives_reaped,
		.idle = lives_idle,
		.enter = order_enter,
		.arg = run,
	};
}

static void sched_open(struct run *run)
{
	struct sched_state *s = sched_state_of(run);
	const struct sched_config config = config_of(run);
	memset(s, 0, sizeof(*s));
	lives_open(run);
	order_open();
	waits_open(run);
	sched_init(&s->sched, &config);
	if (run->machine->handlers != NULL) run->machine->handlers(timer_fired, ipi_came, run);
}

static void sched_together(struct run *run, unsigned cpu)
{
	if (cpu == 0) lives_start(run);
	sched_run(sched_of(run));
}

/* Between operations threads that belong to no lane go on, so all else is for the end. */
static void sched_check_run(struct run *run, enum check_depth depth)
{
	struct sched *s = sched_of(run);
	if (depth == CHECK_WALK) waits_check(run, lives_over());
	if (!lives_over()) return;
	if (lives_count() != 0 || thread_count(&s->table) != 0)
		kpanic(ORACLE_LEAK, "%u threads are not back", thread_count(&s->table));
	const char *why = depth == CHECK_WALK ? sched_check(s) : NULL;
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
}

static void sched_close(struct run *run)
{
	struct sched *s = sched_of(run);
	if (!lives_over()) kpanic(ORACLE_LEAK, "CPUs are back, and threads are not");
	sched_check_run(run, CHECK_WALK);
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++) {
		if (s->cpu[cpu].steals != 0) run_sometimes(run, SAW_STEAL);
		if (s->cpu[cpu].preemptions != 0) run_sometimes(run, SAW_PREEMPTION);
		if (timer_next_ns(&s->cpu[cpu].timers) != UINT64_MAX)
			kpanic(ORACLE_LEAK, "a timer stays with cpu %u", cpu);
	}
}

static unsigned sched_lane(const struct script_op *op)
{
	return op->slot;
}

const struct subject sched_subject = {
	.name = "sched",
	.ops = sched_operations,
	.op_count = SCHED_OPERATIONS,
	.sometimes = saw_names,
	.open = sched_open,
	.check = sched_check_run,
	.close = sched_close,
	.together = sched_together,
	.lanes = LANES,
	.lane = sched_lane,
	.lane_now = lives_lane_now,
	.pause = lives_pause,
	.state_bytes = sizeof(struct sched_state),
};
