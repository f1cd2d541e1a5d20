/*
 * plan_test.c -- lanes, meeting points and the planner, on turns of this test's own.
 *
 * The machine here passes the turn between fibers by the few lines of pass(); so what is tested is
 * the planner's side of the contract (machine/turns.h) and nothing of the host's.  The subject
 * "walkers" has operations that pass points and note who passed them; what they noted is compared
 * with what a decision must have brought about.
 */
#include <string.h>

#include "fuzz/frame/plan.h"
#include "fuzz/frame/text.h"
#include "machine/host/arena.h"
#include "machine/host/expect.h"
#include "machine/host/fiber.h"
#include "machine/lock.h"
#include "machine/machine.h"

enum { CPUS = 3, TRACE = 4096 };

/* --- the machine ------------------------------------------------------------------------------ */

static struct turns turns;
static struct fiber outside, fibers[CPUS];
static void (*fn_now)(void *);
static void *arg_now;
static bool escaped, together_now;
static unsigned escapes, ticks;
static void *arena;

static void go_to(uint32_t cpu)
{
	struct fiber *from = &fibers[turns.now];
	if (cpu == turns.now) return;
	turns.now = cpu;
	host_now.cpu = cpu;
	fiber_switch(from, &fibers[cpu]);
}

static uint32_t next_that_runs(void)
{
	for (uint32_t i = 1; i <= turns.cpus; i++) {
		const uint32_t cpu = (turns.now + i) % turns.cpus;
		if (turns.cpu[cpu].state == TURNS_RUNS) return cpu;
	}
	return turns.cpus;
}

static void pass(struct turn_point point)
{
	const struct turns_planner *planner = turns.planner;
	struct turn turn = { .cpu = (uint8_t)turns.now };
	const bool asked = turns_count(&turns, point);
	if (turns.points > turns.limit) planner->stuck(planner->context, TURNS_LIVELOCK);
	if (asked) turn = planner->decide(planner->context, &turns, point);
	ticks += turn.tick;
	if (turns.cpu[turn.cpu].state != TURNS_RUNS) turn.cpu = (uint8_t)turns.now;
	if (point.kind == TURN_RELAX && turn.cpu == turns.now) turn.cpu = (uint8_t)next_that_runs();
	go_to(turn.cpu);
}

static void cpu_main(void *arg)
{
	(void)arg;
	fn_now(arg_now);
	turns.cpu[turns.now].state = TURNS_ENDED;
	struct fiber *from = &fibers[turns.now];
	const uint32_t next = next_that_runs();
	if (next < turns.cpus) {
		turns.now = next;
		host_now.cpu = next;
		fiber_leave(from, &fibers[next]);
	}
	fiber_leave(from, &outside);
}

static bool toy_run_together(unsigned cpus, void (*fn)(void *), void *arg,
			     const struct turns_planner *planner, uint64_t limit)
{
	turns = (struct turns){ .cpus = cpus, .limit = limit, .planner = planner };
	fn_now = fn;
	arg_now = arg;
	escaped = false;
	for (unsigned i = 0; i < cpus; i++) {
		fiber_restart(&fibers[i]);
		turns.cpu[i].state = TURNS_RUNS;
	}
	planner->begin(planner->context, &turns);
	together_now = true;
	host_now.cpu = 0;
	fiber_switch(&outside, &fibers[0]);
	together_now = false;
	host_now.cpu = 0;
	for (unsigned i = 0; i < cpus; i++)
		if (turns.cpu[i].state == TURNS_RUNS && i != turns.now) fiber_bury(&fibers[i]);
	return !escaped;
}

static bool toy_run_on(unsigned cpu, void (*fn)(void *), void *arg)
{
	host_now.cpu = cpu;
	fn(arg);
	host_now.cpu = 0;
	return true;
}

static NORETURN void toy_escape(void)
{
	EXPECT(together_now);
	escaped = true;
	escapes++;
	fiber_leave(&fibers[turns.now], &outside);
}

static void toy_reset(void)
{
	host_arena_reset();
}

static void point(enum turn_kind kind, uint8_t detail, uint32_t place)
{
	pass((struct turn_point){ .kind = (uint8_t)kind, .detail = detail, .place = place });
}

static void toy_step(unsigned code)
{
	(void)code;
	point(TURN_STEP, 0, 0);
}

static struct run_machine machine = {
	.cpus = CPUS,
	.reset = toy_reset,
	.run_on = toy_run_on,
	.escape = toy_escape,
	.run_together = toy_run_together,
	.step = toy_step,
};

static char said[128];

void kpanic(const char *id, const char *format, ...)
{
	struct run *run = run_current();
	va_list args;
	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	if (run == NULL || !together_now) {
		fprintf(stderr, "panic outside a run: %s %s\n", id, said);
		exit(1);
	}
	EXPECT(run_fault(run, id));
	toy_escape();
}

void kpanic_claim(const char *file, int line, const char *claim)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, claim);
	abort();
}

/* --- the subject ------------------------------------------------------------------------------ */

static char trace[TRACE];
static unsigned traced, checks, pauses, asides;
static bool in_check;

/* 'a' and on for lane 0, 'A' and on for lane 1, '0' and on for lane 2: the n-th point it passed. */
static void note(uint32_t n)
{
	static const char first[CPUS] = { 'a', 'A', '0' };
	EXPECT(!in_check);
	if (traced < TRACE - 1) trace[traced++] = (char)(first[mach_cpu()] + n % 26);
}

/* Locks of the rank that `aux` says, as many as `arg`. */
static void step_walk(struct run *run, const struct script_op *op)
{
	for (uint32_t n = 0; n < op->arg; n++) {
		point(TURN_LOCK, op->aux, 0);
		note(n);
	}
	run_result(run, run_op(run));
}

/* Touches places 100, 101 and so on. */
static void step_touch(struct run *run, const struct script_op *op)
{
	for (uint32_t n = 0; n < op->arg; n++) {
		point(TURN_ACCESS, 0, 100 + n);
		note(n);
	}
	(void)run;
}

/* In turn a lock of rank 50, a load, a store and an atomic operation. */
static void step_mix(struct run *run, const struct script_op *op)
{
	static const uint8_t kinds[] = { TURN_LOCK, TURN_ACCESS, TURN_ACCESS, TURN_ATOMIC };
	(void)run;
	for (uint32_t n = 0; n < op->arg; n++) {
		point(kinds[n % 4], n % 4 == 0 ? RANK_SLAB : n % 4 == 2, 7);
		note(n);
	}
}

static void step_spin(struct run *run, const struct script_op *op)
{
	(void)op;
	EXPECT(run_op(run) == run->op);
	for (;;) point(TURN_RELAX, 0, 0);
}

static void step_fail(struct run *run, const struct script_op *op)
{
	(void)op;
	(void)run;
	point(TURN_LOCK, 0, 0);
	point(TURN_LOCK, 0, 0);
	kpanic(ORACLE_OVERLAP, "told to");
}

static void walkers_nothing(struct run *run)
{
	EXPECT(mach_cpu() == 0);
	memset(run->state, 0, 8);
}

static void walkers_close(struct run *run)
{
	EXPECT(mach_cpu() == 0);
	run_result(run, 1);
}

static void walkers_check(struct run *run, enum check_depth depth)
{
	checks++;
	in_check = true;
	point(TURN_LOCK, 0, 0);
	in_check = false;
	run_result(run, depth);
}

static void walkers_together(struct run *run, unsigned cpu)
{
	EXPECT(cpu == mach_cpu());
	run_lane(run, cpu);
}

static void walkers_pause(struct run *run)
{
	(void)run;
	pauses++;
	point(TURN_RELAX, 0, 0);
}

static void toy_run_aside(void (*fn)(void *), void *arg)
{
	asides++;
	fn(arg);
}

/* clang-format off */
#define COUNT { "count", IN_ARG, FORM_NUMBER, 200, NULL }
static const struct op_kind walkers_ops[] = {
	PLAN_OPERATIONS,
	{ "walk", 1, { COUNT, { "rank", IN_AUX, FORM_NUMBER, 100, NULL } }, step_walk },
	{ "touch", 1, { COUNT }, step_touch },
	{ "mix", 1, { COUNT }, step_mix },
	{ "spin", 0, { { NULL, 0, 0, 0, NULL } }, step_spin },
	{ "fail", 0, { { NULL, 0, 0, 0, NULL } }, step_fail },
};
/* clang-format on */

static const struct subject walkers = {
	.name = "walkers",
	.ops = walkers_ops,
	.op_count = COUNT_OF(walkers_ops),
	.open = walkers_nothing,
	.check = walkers_check,
	.close = walkers_close,
	.together = walkers_together,
	.pause = walkers_pause,
	.state_bytes = 8,
};
const struct subject *const subjects[] = { &walkers, NULL };
static const struct subject *played = &walkers; /* this one, or one that differs in calls alone */

/* --- running text ----------------------------------------------------------------------------- */

static uint8_t body[SCRIPT_BODY_MAX];
static struct script script;
static struct run run;
static char back[4096];
static size_t back_bytes;

static void keep(void *context, const char *text, size_t bytes)
{
	(void)context;
	EXPECT(back_bytes + bytes < sizeof(back));
	memcpy(back + back_bytes, text, bytes);
	back_bytes += bytes;
	back[back_bytes] = '\0';
}

/* Runs a script given as text; what comes back as text must be the same. */
static bool play(const char *world, const char *lines)
{
	static const struct text_out out = { keep, NULL };
	char text[4096];
	struct text_script read = { .body = body };
	struct text_fault fault;
	snprintf(text, sizeof(text), "subject walkers\nworld%s\n%s", world, lines);
	if (!text_read(text, strlen(text), &read, &fault)) {
		fprintf(stderr, "%s:%u: %s\n", text, fault.line, fault.said);
		exit(1);
	}
	script_open(&script, read.body, read.bytes);
	back_bytes = 0;
	text_write(&script, &walkers, NULL, TEXT_PLAIN, &out);
	if (strcmp(text, back) != 0) {
		fprintf(stderr, "%s\nis not\n%s\n", back, text);
		exit(1);
	}
	traced = checks = ticks = pauses = asides = 0;
	const bool whole = run_script(&run, played, &script, &machine);
	trace[traced] = '\0';
	return whole;
}

static void plays(const char *world, const char *lines, const char *wanted)
{
	EXPECT(play(world, lines));
	if (strcmp(trace, wanted) == 0) return;
	fprintf(stderr, "%s%s: %s, not %s\n", world, lines, trace, wanted);
	exit(1);
}

static bool refuses(const char *text)
{
	struct text_script read = { .body = body };
	struct text_fault fault;
	return !text_read(text, strlen(text), &read, &fault);
}

/* --- the tests -------------------------------------------------------------------------------- */

#define TWO " cpus=2"
#define WALKS "walk count=4 rank=50\n"

static void test_decisions(void)
{
	plays(TWO, WALKS "walk count=2 rank=0 @1\n", "abcdAB");
	/* The first named point is the operation's beginning. */
	plays(TWO, WALKS "calls points=1 run=1\nwalk count=2 rank=0 @1\n", "ABabcd");
	plays(TWO, WALKS "calls points=3 run=1\nwalk count=2 rank=0 @1\n", "aABbcd");
	plays(TWO, WALKS "after points=4 run=1\nwalk count=2 rank=0 @1\n", "abABcd");
	plays(TWO, WALKS "at lock.slab nth=3 run=1\nwalk count=2 rank=0 @1\n", "abABcd");
	plays(TWO, WALKS "at lock.page nth=3 run=1\nwalk count=2 rank=0 @1\n", "abcdAB");
	plays(TWO, WALKS "at step nth=1 run=1\nwalk count=2 rank=0 @1\n", "ABabcd");
	/* In order, counted from one to the next; whoever passes the points of `calls`. */
	plays(TWO, WALKS "calls points=3 run=1\ncalls points=3 run=0\nwalk count=4 rank=0 @1\n",
	      "aAbcdBCD");
	plays(TWO,
	      WALKS "at lock.slab nth=1 run=1\nat lock.slab nth=1 run=1\n"
		    "walk count=2 rank=0 @1\n"
		    "at lock nth=2 run=0\n",
	      "AaBbcd");
	/* Dropped at the operation's end. */
	plays(TWO, WALKS "calls points=99 run=1\n" WALKS "walk count=1 rank=0 @1\n", "abcdabcdA");
	/* Places. */
	plays(TWO, "touch count=5\nat 0x66 nth=1 run=1\nwalk count=2 rank=0 @1\n", "abABcde");
	plays(TWO,
	      "touch count=5\nat 0x66 nth=1 run=1\nat 0x67 nth=1 run=1\n"
	      "touch count=3 @1\nat 0x65 nth=1 run=0\n",
	      "abAcBCde");
	/* A CPU that the world has not; and the timer. */
	plays(TWO, WALKS "calls points=3 run=3\nwalk count=1 rank=0 @1\n", "aAbcd");
	plays("", WALKS "calls points=3 run=0 with=tick\n", "abcd");
	EXPECT(ticks == 1);
	/* In front of every operation they belong to none. */
	plays(TWO, "calls points=1 run=1\n" WALKS "walk count=1 rank=0 @1\n", "abcdA");
}

#define MIX "mix count=12\n"
#define SLAB(n) "at lock.slab nth=" #n " run=0 with=stay\n"
#define ONE "walk count=1 rank=0 @1\n"
#define REST "walk count=2 rank=0\n" ONE
#define BEHIND "at relax nth=1 run=2 with=outside\n"
#define OTHERS ONE "walk count=1 rank=0 @2\nmeet\n"

static void test_landmarks(void)
{
	static const char *const rows[][2] = {
		/* From a landmark on, to the next one at the latest. */
		{ MIX "at store nth=1 run=1\n" ONE, "Aabcdefghijkl" },
		{ MIX SLAB(2) "at store nth=1 run=1\n" ONE, "abcdefAghijkl" },
		{ MIX SLAB(2) "at atomic nth=1 run=1\n" ONE, "abcdefgAhijkl" },
		{ MIX SLAB(1) "at load nth=1 run=1\n" ONE, "aAbcdefghijkl" },
		{ MIX SLAB(1) "at load nth=2 run=1\n" ONE, "abcdAefghijkl" },
		{ "touch count=3\nat load nth=2 run=1\n" ONE, "aAbc" },
		/* A site that is passed less often than was said, and one that is not passed. */
		{ WALKS "at lock.slab nth=4 run=1\n" REST, "abcAdab" },
		{ WALKS "at lock.slab nth=5 run=1\n" REST, "abcdAab" },
		{ WALKS SLAB(9) "at store nth=2 run=1\n" REST, "abcdAab" },
		{ WALKS SLAB(4) "at store nth=2 run=1\n" REST, "abcdAab" },
		{ WALKS SLAB(9) REST, "abcdabA" },
		{ WALKS "at lock.page nth=1 run=1\nat lock.slab nth=1 run=1\n" REST, "abcdabA" },
	};
	for (unsigned i = 0; i < COUNT_OF(rows); i++) plays(TWO, rows[i][0], rows[i][1]);
}

/* Where a CPU is in no operation: before its first one, and behind its last one. */
static void test_outside(void)
{
	plays(" cpus=3", OTHERS, "A0");
	plays(" cpus=3", BEHIND OTHERS, "0A");
	plays(" cpus=3", "walk count=2 rank=0\n" BEHIND OTHERS, "ab0A");
	plays(" cpus=3", "walk count=2 rank=0\n" BEHIND "walk count=1 rank=0\n" OTHERS, "abaA0");
	EXPECT(refuses("subject walkers\nwalk\nat relax nth=1 run=1 @0\n"));
}

static void test_meets(void)
{
	plays(TWO, WALKS "walk count=1 rank=0 @1\nmeet\n" WALKS "walk count=1 rank=0 @1\n",
	      "abcdAAabcd");
	EXPECT(checks == 4); /* counts and walk, there and at the end */
	plays(" cpus=3", "meet\nwalk count=1 rank=0 @2\nmeet\nmeet\nwalk count=1 rank=0 @1\nmeet\n",
	      "0A");
	EXPECT(checks == 10);
	plays(" cpus=3", "meet\n", "");
	plays(" cpus=3", "", "");
	EXPECT(checks == 0);
	/* Nothing behind one begins before all in front of it has ended. */
	for (unsigned seed = 1; seed < 200; seed++) {
		char world[64];
		snprintf(world, sizeof(world), " cpus=3 strategy=robin seed=%u", seed);
		EXPECT(play(world, "walk count=9 rank=0\nwalk count=9 rank=0 @1\nmeet\n"
				   "touch count=4 @2\nmeet\nwalk count=9 rank=0 @1\n"));
		const char *first = strchr(trace, '0'), *last = strchr(trace, '3');
		EXPECT(traced == 31 && first - trace == 18 && last - trace == 21);
	}
}

/* Who waits there does nothing else, so that a look need be no part of the run; who pauses may be
 * anywhere. */
static void test_aside(void)
{
	struct subject waiters = walkers;
	waiters.pause = NULL;
	machine.run_aside = toy_run_aside;
	plays(TWO, WALKS "meet\nwalk count=1 rank=0 @1\n", "abcdA");
	EXPECT(asides == 0 && checks == 4);
	played = &waiters;
	plays("", WALKS "meet\n" WALKS "meet\n", "abcdabcd");
	EXPECT(asides == 2 && checks == 6);
	machine.run_aside = NULL;
	plays("", WALKS "meet\n" WALKS "meet\n", "abcdabcd");
	EXPECT(asides == 0 && checks == 6);
	played = &walkers;
}

/* The turn goes to nobody who can only wait. */
static void test_waiting_is_left_alone(void)
{
	for (unsigned seed = 1; seed < 60; seed++) {
		char world[64];
		snprintf(world, sizeof(world), " cpus=2 strategy=robin seed=%u", seed);
		EXPECT(play(world, WALKS "meet\nwalk count=190 rank=0 @1\n" WALKS "meet\n"));
		EXPECT(pauses <= 2);
	}
}

/* What lanes saw does not depend on who was first, and the same script runs the same. */
static void test_strategies(void)
{
	static const char *const names[] = { "robin", "priority" };
	const char *lines =
		"walk count=30 rank=0\nwalk count=30 rank=0 @1\n"
		"meet\ntouch count=40 @1\nwalk count=3 rank=1\nwalk count=9 rank=0 @2\n";
	char first[TRACE], world[64];
	EXPECT(play(" cpus=3", lines));
	const uint64_t digest = run.digest;
	for (unsigned n = 0; n < COUNT_OF(names); n++) {
		unsigned others = 0;
		for (unsigned seed = 1; seed < 60; seed++) {
			snprintf(world, sizeof(world), " cpus=3 strategy=%s seed=%u", names[n],
				 seed);
			EXPECT(play(world, lines) && run.digest == digest);
			if (seed > 1 && strcmp(first, trace) != 0) others++;
			memcpy(first, trace, sizeof(first));
			EXPECT(play(world, lines) && run.digest == digest);
			EXPECT(strcmp(first, trace) == 0);
		}
		EXPECT(others > 40);
	}
}

/* Who watches sees every decision, and changes none. */
static unsigned seen_decisions, seen_points;

static void see(void *context, const struct plan_seen *seen)
{
	(void)context;
	seen_points++;
	EXPECT(seen->lane < CPUS ? seen->op < script.ops : seen->lane == RUN_NO_LANE);
	seen_decisions += seen->decided;
}

static void test_watching(void)
{
	static const struct plan_watch watch = { see, NULL };
	static const char *const worlds[] = { "",
					      " strategy=robin seed=", " strategy=priority seed=" };
	const char *lines =
		"walk count=30 rank=50\nat lock.slab nth=7 run=1\ncalls points=2 run=2\n"
		"walk count=30 rank=0 @1\nmeet\ntouch count=40 @1\nafter points=9 run=0\n"
		"touch count=9\nat 0x66 nth=1 run=2\nwalk count=9 rank=0 @2\n";
	char world[64], first[TRACE];
	for (unsigned seed = 1; seed < 60; seed++) {
		const char *text = worlds[seed % COUNT_OF(worlds)];
		snprintf(world, sizeof(world), *text == '\0' ? " cpus=3" : " cpus=3%s%u", text,
			 seed);
		EXPECT(play(world, lines));
		memcpy(first, trace, sizeof(first));
		const uint64_t digest = run.digest, points = turns.points;
		plan_watch_set(&watch);
		seen_decisions = seen_points = 0;
		EXPECT(play(world, lines));
		plan_watch_set(NULL);
		EXPECT(strcmp(first, trace) == 0 && digest == run.digest);
		EXPECT(points == turns.points && seen_points >= points - 6);
		EXPECT(seen_decisions != 0);
	}
}

static void test_faults(void)
{
	EXPECT(!play(TWO, WALKS "fail @1\ncalls points=2 run=0\n" WALKS));
	EXPECT(strcmp(run.oracle, ORACLE_OVERLAP) == 0 && run.op == 1 && run.lanes == NULL);
	EXPECT(run.reached == 4 && strcmp(run_doing(&run), "fail") == 0);
	const uint64_t digest = run.digest;
	EXPECT(!play(TWO, WALKS "fail @1\ncalls points=2 run=0\n" WALKS WALKS));
	EXPECT(run.digest != digest && run.op == 1);
	EXPECT(!play(TWO, "touch count=1\nfail @1\nmeet\n") && run.reached == 3); /* one waits */
	EXPECT(!play(TWO, "spin\nspin @1\n") && strcmp(run.oracle, ORACLE_LIVELOCK) == 0);
	EXPECT(strstr(said, "cpu 0 spins, cpu 1 spins") != NULL);
}

static void test_text(void)
{
	uint32_t site;
	char name[32];
	for (uint32_t n = 0; n < SITE_KINDS * 256; n++) {
		const size_t length = plan_site_name(PLAN_PLACES + n, name, sizeof(name));
		EXPECT(plan_site_read(name, length, &site) && site == PLAN_PLACES + n);
	}
	for (uint32_t n = 0; n < PLAN_PLACES; n += 1 + n / 64) {
		const size_t length = plan_site_name(n, name, sizeof(name));
		EXPECT(plan_site_read(name, length, &site) && site == n);
	}
	for (uint32_t n = 0; n < plan_common_sites; n++)
		EXPECT(plan_site_is_named(plan_common_site(n)));
	/* Stored files have these numbers. */
	EXPECT(plan_site_read("relax", 5, &site) && site == 0x100000);
	EXPECT(plan_site_read("lock.page-cpu", 13, &site) && site == 0x10023c);
	EXPECT(plan_site_read("drop.runq", 9, &site) && site == 0x100306);
	EXPECT(plan_site_read("step", 4, &site) && site == 0x100b00);
	EXPECT(plan_site_read("atomic", 6, &site) && site == 0x100e00);
	EXPECT(!plan_site_read("lock.", 5, &site) && !plan_site_read("lock.256", 8, &site));
	EXPECT(!plan_site_read("0x100000", 8, &site) && !plan_site_read("0x", 2, &site));
	EXPECT(!plan_site_read("ipi.page", 8, &site) && !plan_site_read("", 0, &site));
	EXPECT(subject_fault(&walkers) == NULL);
	EXPECT(refuses("subject walkers\nat nowhere\n") && refuses("subject walkers\nmeet @0\n"));
	EXPECT(refuses("subject walkers\nworld seed=4\n"));
	EXPECT(refuses("subject walkers\nworld strategy=none\n"));
	EXPECT(refuses("subject walkers\nwalk\nat 0x1 nth=1 nth=2\n"));
	EXPECT(!refuses("subject walkers\nworld strategy=robin seed=4\n"));
}

int main(void)
{
	arena = host_arena_open(RUN_ARENA_BYTES);
	machine.arena = arena;
	fiber_adopt(&outside);
	for (unsigned i = 0; i < CPUS; i++) fiber_open(&fibers[i], cpu_main, NULL);
	for (unsigned i = 0; i < CPUS; i++) fiber_bury(&fibers[i]);
	test_text();
	test_decisions();
	test_landmarks();
	test_outside();
	test_meets();
	test_aside();
	test_waiting_is_left_alone();
	test_strategies();
	test_watching();
	test_faults();
	return 0;
}
