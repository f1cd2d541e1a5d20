/*
 * call_test.c -- calls between CPUs under some thousands of schedules: each is made once or, where
 * it timed out, never; CPUs that do not answer, or late; and each rule of call_check() broken once.
 */
#include "sched/call.h"

#include "sched/test_turns.h"

enum { SEEDS = 600, CALLS = 12, POINTS = 1000000 };

#define TIMEOUT_NS 5000000ull /* some steps of the clock */
#define LONG_NS (1ull << 50)
#define FOR_EVER UINT32_MAX

/* One call that was asked for, and what became of it. */
struct asked {
	uint32_t cpu;
	uint32_t runs; /* atomic */
	uint32_t result;
};

static struct call_board *board;
static struct random lots;
static uint32_t cpus, finished;
static struct asked asked[CPUS_MAX][CALLS];
static uint32_t deaf_for; /* the last CPU masks interrupts so long, in relaxes */

static void open(uint64_t seed, uint32_t count)
{
	host_reset();
	board = host_arena_base();
	mach_unpoison(board, sizeof *board);
	turns_draw_seed(seed);
	lots.state = ~seed;
	cpus = count;
	finished = deaf_for = 0;
	memset(asked, 0, sizeof asked);
	call_init(board, cpus);
}

static void sound(void)
{
	const char *why = call_check(board);
	if (why != NULL) kpanic("walk", "%s", why);
}

/* Bounded: in one go each of the others is served once at most, though it may ask again at once. */
static void serve(void *arg)
{
	struct call_cpu *c = &board->cpu[mach_cpu()];
	const uint64_t before = c->served;

	(void)arg;
	call_serve(board);
	ASSERT(c->served - before <= cpus - 1);
}

static void called(void *arg)
{
	struct asked *a = arg;

	ASSERT(mach_irq_masked() && mach_cpu() == a->cpu);
	(void)atomic_fetch_add_u32(&a->runs, 1);
	for (uint32_t i = random_below(&lots, 4); i > 0; i--) mach_relax();
}

/* Until all have asked what they will, so that each can be called all the time. */
static void wait_for_all(void)
{
	(void)atomic_fetch_add_u32(&finished, 1);
	while (atomic_load_u32(&finished) < cpus) mach_relax();
}

static void run(void (*fn)(void *arg), uint64_t seed, const char *name)
{
	host_handlers_set(NULL, serve, NULL);
	if (!host_run_together(cpus, fn, NULL, &turns_draw, POINTS)) {
		fprintf(stderr, "%s, seed %lu: %s: %s\n", name, (unsigned long)seed, panic_id,
			panic_text);
		exit(1);
	}
	sound();
	for (uint32_t i = 0; i < cpus; i++) EXPECT(list_empty(&board->cpu[i].calls));
}

/* --- everybody calls everybody ---------------------------------------------------------------- */

static void call_others(void *arg)
{
	const uint32_t me = mach_cpu();

	(void)arg;
	for (uint32_t i = 0; i < CALLS; i++) {
		struct asked *a = &asked[me][i];
		a->cpu = random_below(&lots, cpus);
		ASSERT(call_cpu(board, a->cpu, called, a, LONG_NS) == CALL_DONE);
		ASSERT(atomic_load_u32(&a->runs) == 1 && !mach_irq_masked());
		if (i % 4 == 0) sound();
	}
	wait_for_all();
}

static void test_all_call(uint64_t seed, uint32_t count)
{
	open(seed, count);
	run(call_others, seed, "all call");
	uint64_t served = 0, others = 0;
	for (uint32_t me = 0; me < cpus; me++) {
		served += board->cpu[me].served;
		for (uint32_t i = 0; i < CALLS; i++) {
			EXPECT(asked[me][i].runs == 1);
			others += asked[me][i].cpu != me;
		}
	}
	EXPECT(served == others); /* to itself a CPU goes directly */
}

/* --- one that does not answer ----------------------------------------------------------------- */

static void deaf(void)
{
	const mach_irq_t was = mach_irq_save();

	for (uint32_t i = 0; deaf_for != FOR_EVER && i < deaf_for; i++) mach_relax();
	while (deaf_for == FOR_EVER && atomic_load_u32(&finished) + 1 < cpus) mach_relax();
	mach_irq_restore(was);
	wait_for_all();
}

static void call_the_deaf(void *arg)
{
	const uint32_t me = mach_cpu();

	(void)arg;
	if (me == cpus - 1) {
		deaf();
		return;
	}
	for (uint32_t i = 0; i < CALLS / 3; i++) {
		struct asked *a = &asked[me][i];
		a->cpu = i % 2 == 0 ? cpus - 1 : random_below(&lots, cpus);
		const uint64_t begin_ns = mach_now_ns();
		a->result = call_cpu(board, a->cpu, called, a, TIMEOUT_NS);
		ASSERT(atomic_load_u32(&a->runs) == (a->result == CALL_DONE ? 1 : 0));
		ASSERT(a->result == CALL_DONE || mach_now_ns() - begin_ns >= TIMEOUT_NS);
	}
	wait_for_all();
}

static uint32_t timed_out, answered;

static void test_deaf(uint64_t seed, uint32_t count, uint32_t how_long)
{
	open(seed, count);
	deaf_for = how_long;
	run(call_the_deaf, seed, "the deaf");
	for (uint32_t me = 0; me + 1 < cpus; me++) {
		for (uint32_t i = 0; i < CALLS / 3; i++) {
			const struct asked *a = &asked[me][i];
			EXPECT(a->runs == (a->result == CALL_DONE ? 1 : 0)); /* nor later */
			if (a->cpu != cpus - 1) continue;
			timed_out += a->result == CALL_TIMEOUT;
			answered += a->result == CALL_DONE;
		}
	}
}

/* --- many at once ----------------------------------------------------------------------------- */

static uint32_t reached; /* atomic: bits of CPUs */
static uint32_t silent;

static void reach(void *arg)
{
	ASSERT(arg == &reached && mach_irq_masked());
	(void)atomic_fetch_add_u32(&reached, 1u << (4 * mach_cpu()));
}

static void call_all_of_them(void *arg)
{
	(void)arg;
	if (mach_cpu() == cpus - 1) {
		deaf();
		return;
	}
	if (mach_cpu() == 0)
		silent = call_cpus(board, (1u << cpus) - 1, reach, &reached, TIMEOUT_NS);
	wait_for_all();
}

static void test_many(uint64_t seed, uint32_t count, uint32_t how_long)
{
	open(seed, count);
	deaf_for = how_long;
	reached = silent = 0;
	run(call_all_of_them, seed, "many");
	uint32_t wanted = 0;
	for (uint32_t cpu = 1; cpu < cpus; cpu++)
		if ((silent >> cpu & 1) == 0) wanted |= 1u << (4 * cpu);
	EXPECT(reached == wanted && (silent & ~(1u << (cpus - 1))) == 0);
	if (how_long == FOR_EVER) EXPECT(silent == 1u << (cpus - 1));
	if (how_long == 0) EXPECT(silent == 0);
}

/* --- misuse, and the check -------------------------------------------------------------------- */

static struct lock held;

static void call_masked(void *arg)
{
	(void)arg;
	(void)mach_irq_save();
	(void)call_cpu(board, 0, called, &asked[0][0], 1);
}

static void call_many_masked(void *arg)
{
	(void)arg;
	(void)mach_irq_save();
	(void)call_cpus(board, 1, called, &asked[0][0], 1);
}

static void call_nobody(void *arg)
{
	(void)arg;
	(void)call_cpu(board, cpus, called, &asked[0][0], 1);
}

static void serve_unmasked(void *arg)
{
	(void)arg;
	call_serve(board);
}

static void serve_with_lock(void *arg)
{
	(void)arg;
	lock_init(&held, RANK_OUTER);
	(void)lock_take(&held);
	call_serve(board);
}

static void test_misuse(void)
{
	open(1, 2);
	expect_panic(0, call_masked, NULL, "assert", "masked");
	expect_panic(0, call_many_masked, NULL, "assert", "masked, many");
	expect_panic(0, call_nobody, NULL, "assert", "no such CPU");
	expect_panic(0, serve_unmasked, NULL, "assert", "serving unmasked");
	expect_panic(0, serve_with_lock, NULL, "lock-context", "serving with a lock");
}

static void broken(const char *rule)
{
	const char *why = call_check(board);
	EXPECT(why != NULL && memcmp(why, rule, 2) == 0);
}

static void test_check(void)
{
	open(1, 2);
	sound();
	board->cpu[1].listed = 1;
	broken("C3");
	open(1, 2);
	board->cpu[0].served = 1;
	broken("C3");
	open(1, 2);
	struct list stray = { &board->cpu[0].calls, &stray };
	board->cpu[0].calls.next = &stray;
	broken("C2");
}

int main(void)
{
	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(CPUS_MAX);
	test_misuse();
	test_check();
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		const uint32_t count = 2 + seed % 3;
		test_all_call(seed, count);
		test_deaf(seed, count, FOR_EVER);
		test_deaf(seed, count, (uint32_t)(seed % 400));
		test_many(seed, count + (seed % 7 == 0 ? 4 : 0), 0);
		test_many(seed, count, FOR_EVER);
		test_many(seed, count, (uint32_t)(seed % 400));
	}
	printf("%u calls to the deaf timed out, %u were answered\n", timed_out, answered);
	EXPECT(timed_out > SEEDS && answered > SEEDS);
	host_cpus_close();
	return 0;
}
