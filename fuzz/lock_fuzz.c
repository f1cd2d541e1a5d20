/*
 * lock_fuzz.c -- subject lock: locks, latches and meters, taken by all CPUs at once.
 *
 * Seven guards of three kinds, in rising rank; operations take one, or two in the order of ranks,
 * or try to, and work on what it guards; and a latch that is only tried, with interrupts on.  IPIs
 * and the timer bring handlers that take the outermost lock.  What must hold:
 *
 *   - nobody comes in while somebody is inside, and no update is lost: at every meeting point each
 *     number is as large as all that was added to it;
 *   - who waits for a ticket lock is served before anybody who comes later: of each CPU that was
 *     seen waiting when ours began to take the lock, ours finds on getting it that it has had it;
 *   - trying is refused only where somebody else has, or had meanwhile, to do with the guard;
 *   - a meter read at any time is no less than what was added before, no more than what was begun;
 *   - everything is free in the end.
 *
 * Who holds what, in which order and with which interrupts, the host's books of locks see to.
 *
 * The model is compiled without points, so it changes in one piece whenever it changes.
 *
 * Results: which tries were refused, and at meeting points the numbers.
 */
#include "fuzz/lock_subject.h"

static const char *const saw_names[] = {
	"waited", "refused", "interrupted", "interrupted-trying", NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static const char *const guard_names[] = {
	[GUARD_OUTER] = "outer", [GUARD_QUARANTINE] = "quarantine",
	[GUARD_HEAP] = "heap",   [GUARD_MAGAZINE] = "magazine",
	[GUARD_SLAB] = "slab",   [GUARD_PAGE_CPU] = "page-cpu",
	[GUARD_PAGE] = "page",
};

_Static_assert(COUNT_OF(guard_names) == GUARDS, "a name for each");

/* Beside the state, not in it: what is watched is what lies in the arena. */
static struct model {
	uint64_t added[GUARDS_ALL];   /* in all, by those who gave the guard back */
	uint64_t adding[GUARDS_ALL];  /* and by those who have begun to take it */
	uint32_t engaged[GUARDS_ALL]; /* CPUs that are at it */
	uint32_t begun[GUARDS_ALL];
	uint32_t got[SCRIPT_CPUS_MAX][GUARDS_ALL];
	uint32_t tries[SCRIPT_CPUS_MAX]; /* the tried latch is held there */
} model;

struct lock_state *lock_state_of(const struct run *run)
{
	return run->state;
}

enum lock_rank lock_rank_of(enum guard guard)
{
	static const uint8_t ranks[GUARDS_ALL] = {
		[GUARD_OUTER] = RANK_OUTER, [GUARD_QUARANTINE] = RANK_QUARANTINE,
		[GUARD_HEAP] = RANK_HEAP,   [GUARD_MAGAZINE] = RANK_MAGAZINE,
		[GUARD_SLAB] = RANK_SLAB,   [GUARD_PAGE_CPU] = RANK_PAGE_CPU,
		[GUARD_PAGE] = RANK_PAGE,   [GUARD_TRIED] = RANK_CONSOLE,
	};
	return (enum lock_rank)ranks[guard];
}

/* --- the model -------------------------------------------------------------------------------- */

static bool is_lock(enum guard g)
{
	return g == GUARD_OUTER || g == GUARD_HEAP || g == GUARD_PAGE;
}

struct lock_before lock_before(struct run *run, enum guard g, uint32_t times)
{
	struct lock_before b = { .others = model.engaged[g]++, .value = model.added[g] };
	b.begun = ++model.begun[g];
	model.adding[g] += times;
	for (unsigned cpu = 0; cpu < run->script->world.cpus; cpu++) {
		const bool waits = mach_lock_waiting(cpu)->rank == lock_rank_of(g);
		if (waits) run_sometimes(run, SAW_WAITED);
		if (waits && is_lock(g)) b.got[cpu] = model.got[cpu][g] + 1;
	}
	if (model.tries[mach_cpu()] != 0) run_sometimes(run, SAW_INTERRUPTED_TRYING);
	return b;
}

void lock_got(struct run *run, enum guard g, const struct lock_before *before)
{
	const unsigned me = mach_cpu();
	for (unsigned cpu = 0; cpu < run->script->world.cpus; cpu++)
		if (cpu != me && model.got[cpu][g] < before->got[cpu])
			kpanic(ORACLE_STARVATION, "cpu %u waited for lock %s before cpu %u did",
			       cpu, guard_names[g], me);
	model.got[me][g]++;
	if (g == GUARD_TRIED) model.tries[me]++;
}

void lock_refused(struct run *run, enum guard g, const struct lock_before *before, uint32_t times)
{
	if (before->others == 0 && model.begun[g] == before->begun)
		kpanic(ORACLE_MUST_SUCCEED, "guard %u refused, and nobody has it", g);
	run_sometimes(run, SAW_REFUSED);
	model.adding[g] -= times;
	model.engaged[g]--;
}

void lock_given_back(struct run *run, enum guard g, uint32_t times)
{
	(void)run;
	model.added[g] += times;
	model.engaged[g]--;
	if (g == GUARD_TRIED) model.tries[mach_cpu()]--;
}

void lock_read(struct run *run, enum guard g, const struct lock_before *before, uint64_t value)
{
	(void)run;
	if (value < before->value || value > model.adding[g])
		kpanic(ORACLE_CONTENT, "meter %s read %lu: %lu were added, %lu at most",
		       guard_names[g], (unsigned long)value, (unsigned long)before->value,
		       (unsigned long)model.adding[g]);
}

/* --- the subject ------------------------------------------------------------------------------ */

static void interrupt(void *arg)
{
	struct run *run = arg;
	run_sometimes(run, SAW_INTERRUPTED);
	lock_interrupted(arg);
}

static void lock_open(struct run *run)
{
	struct lock_state *s = lock_state_of(run);
	memset(&model, 0, sizeof(model));
	memset(s, 0, sizeof(*s));
	for (enum guard g = 0; g < GUARDS_ALL; g++) {
		if (is_lock(g)) lock_init(&s->guard[g].lock, lock_rank_of(g));
		if (g == GUARD_MAGAZINE || g == GUARD_PAGE_CPU || g == GUARD_TRIED)
			latch_init(&s->guard[g].latch, lock_rank_of(g));
	}
	if (run->machine->handlers != NULL) run->machine->handlers(interrupt, interrupt, run);
}

static void check_free(struct lock_state *s, enum guard g)
{
	const union guard_word *w = &s->guard[g];
	bool is_free = true;
	if (is_lock(g))
		is_free = w->lock.next == w->lock.serving;
	else if (g == GUARD_QUARANTINE || g == GUARD_SLAB)
		is_free = w->meter.word == s->guarded[g].value;
	else
		is_free = w->latch.holder == 0;
	if (!is_free) kpanic(ORACLE_ACCOUNT, "guard %u is not free at rest", g);
}

/* A CPU that waits for the others may be in a handler meanwhile, and have or want the outermost. */
static void lock_check(struct run *run, enum check_depth depth)
{
	struct lock_state *s = lock_state_of(run);
	for (enum guard g = 0; g < GUARDS_ALL; g++) {
		if (g == GUARD_OUTER && model.engaged[g] != 0) continue;
		if (s->guarded[g].value != model.added[g])
			kpanic(ORACLE_CONTENT, "guard %u: %lu was added, %lu is there", g,
			       (unsigned long)model.added[g], (unsigned long)s->guarded[g].value);
		if (depth == CHECK_WALK) check_free(s, g);
		if (g != GUARD_OUTER) run_result(run, s->guarded[g].value);
	}
}

static void lock_close(struct run *run)
{
	lock_check(run, CHECK_WALK);
}

static void lock_together(struct run *run, unsigned cpu)
{
	run_lane(run, cpu);
}

/* clang-format off */
#define GUARD { "guard", IN_AUX, FORM_NAMES, GUARDS, guard_names }
#define TIMES { "times", IN_ARG, FORM_NUMBER, 8, NULL }

static const struct op_kind operations[] = {
	PLAN_OPERATIONS,
	{ "take", 40, { GUARD, TIMES }, lock_step_take },
	{ "pair", 20, { GUARD, { "with", IN_SLOT, FORM_NAMES, GUARDS, guard_names }, TIMES },
	  lock_step_pair },
	{ "try", 20, { GUARD, TIMES }, lock_step_try },
	{ "peek", 15, { TIMES }, lock_step_peek },
	{ "read", 10, { { "meter", IN_AUX, FORM_NUMBER, 2, NULL } }, lock_step_read },
	{ "nest", 4, { { "deep", IN_AUX, FORM_NUMBER, 8, NULL } }, lock_step_nest },
	{ "ipi", 10, { { "to", IN_AUX, FORM_NUMBER, SCRIPT_CPUS_DRAWN, NULL } }, lock_step_ipi },
	{ "timer", 10, { { "ns", IN_ARG, FORM_NUMBER, 1000, NULL } }, lock_step_timer },
};
/* clang-format on */

const struct subject lock_subject = {
	.name = "lock",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = lock_open,
	.check = lock_check,
	.close = lock_close,
	.together = lock_together,
	.state_bytes = sizeof(struct lock_state),
};
