/*
 * sched_world.c -- a scheduler with threads that live on up to eight CPUs at once.
 *
 * What subjects share that differ only in what their threads do: sched, wait, canary_sched.  Every
 * CPU is in sched_run(); the lanes are threads.  Of the header's tag, the bits are:
 *
 *	0, 1     when the dead are reaped: enum reap_form, and 3 is as 0
 *	2, 3     slots that are the system's: 1 to 3
 *	4 to 6   slots to spare, besides one for each lane and the system's: 5 more than that, mod 8
 *	7, 8     the slice, in units of SLICE_NS: 1 more than that
 *	11 to 14 all set: 32 slots, of which 8 are the system's, as in the documents' layout, and
 *	         not those that bits 2 to 6 say; the lanes are in slots 8 to 11 then
 *
 * What must hold:
 *
 *   - each thread begins once, under an id and in a slot that nobody has, is itself all the time,
 *     and is reaped once, after it has ended, with what is its own (sched_lives.c);
 *   - who sleeps has a timer, if it has a deadline; who goes on was woken once, by whom it says and
 *     not before its time; when all sleep, nobody has a reason not to (sched_sleepers.c);
 *   - while somebody waits for a unit of a queue there is none that nobody was woken for; a mutex
 *     has one owner; who waits longer is served first (sched_waits.c);
 *   - nobody waits for a call that was made, or the end of one who is gone (sched_calls.c);
 *   - no ready thread is passed over (sched_model.c);
 *   - calls about ids are refused when they must be and only when they may be (sched_does.c);
 *   - at the end every thread is gone, every slot and stack is back, and sched_check() agrees.
 *
 * The machine sees to contexts, stacks, locks and interrupts, and that somebody can go on.
 *
 * Locks: those of what it checks, each in turn.  Cost: a run's own checks are a tenth of it.
 */
#include "fuzz/sched_world.h"
#include "fuzz/sched_interrupts.h"

_Static_assert(sizeof(struct sched_state) <= RUN_STATE_BYTES, "a run's state holds it");

_Static_assert(LANES + RESERVED_MAX + SPARE_MAX <= SLOTS_MAX, "there are that many records");

static void layout_of(const struct script_world *w, struct sched_config *config)
{
	config->reserved = 1 + (w->tag >> 2 & 3) % RESERVED_MAX;
	config->slots = LANES + config->reserved + (5 + (w->tag >> 4 & 7u)) % (SPARE_MAX + 1);
	if ((w->tag >> 11 & 15) != 15) return;
	config->reserved = THREADS_RESERVED;
	config->slots = THREADS_MAX;
}

static struct sched_config config_of(struct run *run)
{
	const struct script_world *w = &run->script->world;
	const uint32_t reap = w->tag & 3;
	struct sched_config config = {
		.cpus = w->cpus,
		.threads = sched_state_of(run)->threads,
		.slice_ns = (1 + (w->tag >> 7 & 3u)) * (uint64_t)SLICE_NS,
		.reap = reap > REAP_BEFORE_NEXT ? REAP_AFTER_SWITCH : (enum reap_form)reap,
		.collect_ns = 4 * (uint64_t)SLICE_NS,
		.reaped = lives_reaped,
		.idle = lives_idle,
		.enter = order_enter,
		.arg = run,
	};
	layout_of(w, &config);
	return config;
}

void world_open(struct run *run)
{
	struct sched_state *s = sched_state_of(run);
	const struct sched_config config = config_of(run);
	memset(s, 0, sizeof(*s));
	lives_open(run);
	order_open();
	sleepers_open();
	waits_open(run);
	calls_open(run);
	sched_init(&s->sched, &config);
	sched_takes_interrupts(run, sched_of(run));
}

void world_together(struct run *run, unsigned cpu)
{
	if (cpu == 0) lives_start(run);
	sched_run(sched_of(run));
}

/* Between operations threads that belong to no lane go on, so all else is for the end. */
void world_check(struct run *run, enum check_depth depth)
{
	struct sched *s = sched_of(run);
	if (depth == CHECK_WALK) {
		waits_check(run, lives_over());
		calls_check(run, lives_over());
	}
	if (!lives_over()) return;
	if (lives_count() != 0 || thread_count(&s->table) != 0)
		kpanic(ORACLE_LEAK, "%u threads are not back", thread_count(&s->table));
	const char *why = depth == CHECK_WALK ? sched_check(s) : NULL;
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
}

void world_close(struct run *run)
{
	struct sched *s = sched_of(run);
	if (!lives_over()) kpanic(ORACLE_LEAK, "CPUs are back, and threads are not");
	world_check(run, CHECK_WALK);
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++) {
		if (s->cpu[cpu].steals != 0) run_sometimes(run, SAW_STEAL);
		if (s->cpu[cpu].preemptions != 0) run_sometimes(run, SAW_PREEMPTION);
		if (timer_next_ns(&s->cpu[cpu].timers) != UINT64_MAX)
			kpanic(ORACLE_LEAK, "a timer stays with cpu %u", cpu);
	}
}

unsigned world_lane(const struct script_op *op)
{
	return op->slot;
}
