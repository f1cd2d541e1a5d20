/*
 * process_storm_test.c -- storms of processes over four CPUs that take turns at random, by seed.
 *
 * Each process lives by lot: it has children and threads, waits for some, kills whom it has heard
 * of (mostly somebody long gone), sleeps, yields, and ends in one of the ways there are; slots are
 * so few that most of what it asks for is refused.  At the end nobody is left, everything is back,
 * and nobody was told anything that did not happen: who exits does so with its own number, and who
 * kills does it with the number of whom it means.  In its space each process keeps a word that is
 * its own, and looks at it again and again.
 *
 *	process_storm_test [SEED [COUNT]]	storms from SEED (1) on, COUNT of them (STORMS)
 */
#include <stdio.h>

#include "kernel/test_process.h"

enum {
	STORMS = 200,
	STEPS = 6,        /* of each thread */
	LIVES = 60,       /* processes and threads of one storm, about */
	POINTS = 4000000, /* more is a livelock */
	HEARD_OF = 8,
	USER_AT = 0x400000,
};

static struct {
	uint64_t seed;
	uint32_t lives;                             /* atomic: how many have begun */
	uint64_t heard[HEARD_OF];                   /* atomic: ids of processes */
	struct random planned;                      /* the planner's lots */
	uint32_t planner;                           /* how often the turn passes */
	uint32_t kills, collected, killed, refused; /* atomic */
} storm;

/* --- what a process does ---------------------------------------------------------------------- */

static void lives(void *arg);

static void owns_its_space(void)
{
	const process_id self = process_self(W);
	uint64_t value;

	while (mach_user_store(USER_AT, self) != MACH_FAULT_NONE)
		EXPECT(space_fault(process_space(W), USER_AT, MACH_STORE) == FAULT_DONE);
	sched_yield_cpu(&tw->sched);
	while (mach_user_load(USER_AT, &value) != MACH_FAULT_NONE)
		EXPECT(space_fault(process_space(W), USER_AT, MACH_LOAD) == FAULT_DONE);
	EXPECT(value == self);
}

static void maps_its_space(void)
{
	const int64_t at = space_mmap(process_space(W), USER_AT, PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, TEST_SITE);
	EXPECT(at == USER_AT);
}

static void has_child(struct random *lot)
{
	const struct process_how how = how_of(lives, NULL);
	const bool fork = process_space(W) != NULL && random_below(lot, 2) == 0;
	process_id id;
	const int answer =
		fork ? process_fork(W, &how, &id) : process_spawn(W, process_self(W), &how, &id);

	EXPECT(answer == 0 || answer == -ERR_AGAIN || answer == -ERR_NOMEM || answer == -ERR_INTR);
	if (answer == 0)
		atomic_store_u64(&storm.heard[random_below(lot, HEARD_OF)], id);
	else
		atomic_fetch_add_u32(&storm.refused, 1);
}

static void has_thread(struct random *lot)
{
	const struct process_how how = how_of(lives, (void *)1);
	thread_id thread;
	const int answer = process_thread_spawn(W, process_self(W), &how, &thread);

	(void)lot;
	EXPECT(answer == 0 || answer == -ERR_AGAIN || answer == -ERR_NOMEM || answer == -ERR_INTR);
}

/* What is told must have happened. */
static int collects(process_id which, uint64_t deadline_ns)
{
	struct process_status status;
	const int answer = process_wait(W, which, deadline_ns, &status);

	if (answer != 0) {
		EXPECT(answer == -ERR_CHILD || answer == -ERR_INTR || answer == -ERR_AGAIN);
		EXPECT(answer != -ERR_INTR || sched_killed(&tw->sched));
		return answer;
	}
	EXPECT(status.code == status.id && (which == PROCESS_ANY || which == status.id));
	atomic_fetch_add_u32(&storm.collected, 1);
	if (status.end == PROCESS_KILLED) atomic_fetch_add_u32(&storm.killed, 1);
	return 0;
}

static void waits(struct random *lot)
{
	static const uint32_t patience_ns[] = { 0, 1000, 1000000 };
	const uint32_t what = random_below(lot, 4);
	const process_id which =
		random_below(lot, 3) != 0
			? PROCESS_ANY
			: atomic_load_u64(&storm.heard[random_below(lot, HEARD_OF)]);

	collects(which, what == 3   ? WAIT_FOREVER
			: what == 0 ? 0
				    : mach_now_ns() + patience_ns[what]);
}

static void kills(struct random *lot)
{
	const process_id id = atomic_load_u64(&storm.heard[random_below(lot, HEARD_OF)]);
	const int answer = process_kill(W, id, id);

	EXPECT(answer == 0 || answer == -ERR_SRCH);
	if (answer == 0) atomic_fetch_add_u32(&storm.kills, 1);
}

static void step(struct random *lot)
{
	switch (random_below(lot, 8)) {
	case 0: has_child(lot); break;
	case 1: has_child(lot); break;
	case 2: has_thread(lot); break;
	case 3: waits(lot); break;
	case 4: kills(lot); break;
	case 5: owns_its_space(); break;
	case 6: (void)sched_sleep_until(&tw->sched, mach_now_ns() + random_below(lot, 2000)); break;
	default: sched_yield_cpu(&tw->sched); break;
	}
}

/* A process's first thread, or (arg) one more. */
static void lives(void *arg)
{
	const uint32_t number = atomic_fetch_add_u32(&storm.lives, 1);
	struct random lot = { storm.seed ^ (uint64_t)number << 32 };
	const process_id self = process_self(W);

	if (arg == NULL) maps_its_space();
	for (uint32_t i = random_below(&lot, STEPS); i != 0 && !sched_killed(&tw->sched); i--)
		if (atomic_load_u32(&storm.lives) < LIVES) step(&lot);
	if (random_below(&lot, 3) == 0) process_exit(W, self);
	process_thread_exit(W, self);
}

/* Gets the orphans, has children itself as long as there are to be any, and collects them all. */
static void collects_all(void *arg)
{
	struct random lot = { ~storm.seed };

	(void)arg;
	EXPECT(process_adopt_orphans(W, process_self(W)) == 0);
	while (atomic_load_u32(&storm.lives) < LIVES) {
		has_child(&lot);
		if (random_below(&lot, 2) != 0) collects(PROCESS_ANY, WAIT_FOREVER);
	}
	while (collects(PROCESS_ANY, WAIT_FOREVER) == 0) {
	}
}

/* --- who has the turn ------------------------------------------------------------------------- */

static void plan_next(struct turns *t)
{
	static const uint32_t about[] = { 3, 20, 60, 300 };

	t->asks.until = 1 + (uint32_t)(random_u64(&storm.planned) % about[storm.planner]);
}

static void begin(void *context, struct turns *t)
{
	(void)context;
	plan_next(t);
}

static struct turn decide(void *context, struct turns *t, struct turn_point point)
{
	const uint64_t lots = random_u64(&storm.planned);

	(void)context, (void)point;
	plan_next(t);
	return (struct turn){ .cpu = (uint8_t)(lots % t->cpus), .tick = (lots >> 32) % 8 == 0 };
}

static const struct turns_planner planner = { begin, decide, drawn_stuck, NULL };

/* --- a child that never comes to be ----------------------------------------------------------- */

enum { TRIES = 12 };

static void fails_to_spawn(void *arg)
{
	const struct process_how how = how_of(lives, arg);
	process_id id;

	for (unsigned i = 0; i < TRIES; i++) {
		EXPECT(process_spawn(W, process_self(W), &how, &id) == -ERR_AGAIN);
		atomic_fetch_add_u32(&storm.refused, 1);
	}
}

/* Another thread sees it being made, waits for it, and is told that there will be none. */
static void waits_for_nobody(void *arg)
{
	struct process_status status;

	(void)arg;
	another_thread(fails_to_spawn, NULL);
	while (atomic_load_u32(&storm.refused) < TRIES) {
		EXPECT(process_wait(W, PROCESS_ANY, WAIT_FOREVER, &status) == -ERR_CHILD);
		sched_yield_cpu(&tw->sched);
	}
}

/* --- runs ------------------------------------------------------------------------------------- */

static void run_planned(struct test_choice choice, uint64_t seed, void (*first)(void *))
{
	static const enum reap_form forms[] = { REAP_AFTER_SWITCH, REAP_IN_IDLE, REAP_BEFORE_NEXT };

	choice.reap = forms[seed / 4 % 3];
	choice.slice_ns = 1000;
	test_open(&choice);
	memset(&storm, 0, sizeof(storm));
	storm.seed = seed * 0x9e3779b97f4a7c15ull;
	storm.planned.state = storm.seed + 1;
	storm.planner = seed / 12 % 4;
	nobodys(first, NULL);
	if (!host_run_together(choice.cpus, test_cpu, NULL, &planner, POINTS)) {
		fprintf(stderr, "seed %lu: %s: %s\n", (unsigned long)seed, panic_id, panic_text);
		exit(1);
	}
	test_shut();
}

static void run_storm(uint64_t seed)
{
	const struct test_choice failing = { .cpus = 2, .threads = 2 };
	const struct test_choice storming = {
		.cpus = 1 + seed % TEST_CPUS,
		.threads = seed % 3 == 0 ? 8 : TEST_THREADS,
	};

	run_planned(failing, seed, waits_for_nobody);
	run_planned(storming, seed, collects_all);
}

int main(int argc, char **argv)
{
	const uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : STORMS;
	host_cpus_open(TEST_CPUS);
	uint64_t kills = 0, collected = 0, killed = 0, refused = 0;

	for (uint64_t seed = first; seed < first + count; seed++) {
		run_storm(seed);
		kills += storm.kills;
		collected += storm.collected;
		killed += storm.killed;
		refused += storm.refused;
	}
	printf("%lu storms: %lu collected, %lu of them killed by %lu kills, %lu spawns refused\n",
	       (unsigned long)count, (unsigned long)collected, (unsigned long)killed,
	       (unsigned long)kills, (unsigned long)refused);
	EXPECT(count < 100 || (killed != 0 && refused != 0 && collected > count));
	return 0;
}
