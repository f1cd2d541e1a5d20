/*
 * turns_test.c -- CPUs that take turns, contexts, interrupts and time, good and bad.
 *
 * Each row runs a function on several CPUs at once under a planner of this test's, and demands what
 * it ends in: nothing, or the panic that names what was wrong.  The planner draws the turns from a
 * seed.
 */
#include "machine/host/arena.h"
#include "machine/host/drawn.h"
#include "machine/host/panics.h"
#include "machine/lock.h"

#include <stdlib.h>
#include <sys/resource.h>

enum {
	CPUS = 4, /* and as many as there can be, by the second argument */
	SEEDS = 300,
	ROUNDS = 20,
	LIMIT = 200000,
	CYCLES = 100000,
	MEETS = 400,
	ABANDONED = 7, /* times the number of seeds */
	GROWTH_MAX_KIB = 8192
};

/* --- planners --------------------------------------------------------------------------------- */

static struct drawn drawn;
static const struct turns_planner at_random = { drawn_begin, drawn_decide, drawn_stuck, &drawn };

static unsigned seeds = SEEDS, cpus = CPUS;
static char said[sizeof(panic_text)];

/* Runs fn on all CPUs; what it ended in. */
static const char *ends(void (*fn)(void *arg), uint64_t from_seed)
{
	drawn = (struct drawn){ .lots = { from_seed }, .about = 6, .ticks = 8 };
	static char id[sizeof(panic_id)];
	panic_text[0] = '\0';
	const bool whole = host_run_together(cpus, fn, NULL, &at_random, LIMIT);
	memcpy(id, whole ? "well" : panic_id, whole ? sizeof("well") : sizeof(id));
	memcpy(said, panic_text, sizeof(said));
	return id;
}

/* --- what CPUs do ----------------------------------------------------------------------------- */

static struct lock lock, other;
static struct latch latch;
static uint32_t count, flag, entered, ipis, ticks;
static uint32_t torn; /* plain, but read and written at two points */

static void count_up(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		const mach_irq_t was = lock_take(&lock);
		const uint32_t read = torn;
		atomic_fetch_add_u32(&count, 1);
		torn = read + 1;
		lock_drop(&lock, was);
	}
}

static void count_unlocked(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		const uint32_t read = torn;
		atomic_fetch_add_u32(&count, 1);
		torn = read + 1;
	}
}

static void take_both(void *arg)
{
	const bool odd = mach_cpu() % 2 != 0;
	(void)arg;
	/* Ranks make this order illegal before it can deadlock; so ranks are equal in turn. */
	const mach_irq_t was = mach_irq_save();
	uint32_t *first = odd ? &count : &flag, *second = odd ? &flag : &count;
	while (!atomic_claim_u32(first, 1)) mach_relax();
	while (!atomic_claim_u32(second, 1)) mach_relax();
	atomic_store_u32(second, 0);
	atomic_store_u32(first, 0);
	mach_irq_restore(was);
}

/* What passes points, and would give the turn away at them. */
static void pass_many(void *arg)
{
	const uint32_t was = entered;
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		atomic_fetch_add_u32(&entered, 1);
		lock_drop(&other, lock_take(&other));
	}
	ASSERT(entered == was + ROUNDS && !mach_irq_masked());
}

static void pass_aside(void *arg)
{
	const uint64_t points = host_yield_count();
	(void)arg;
	host_run_aside(pass_many, NULL);
	ASSERT(host_yield_count() == points);
	count_up(NULL);
}

static void fail(void *arg)
{
	(void)arg;
	kpanic("told to", "cpu %u", mach_cpu());
}

static void fail_aside(void *arg)
{
	(void)arg;
	const mach_irq_t was = lock_take(&lock);
	host_run_aside(fail, NULL);
	lock_drop(&lock, was);
}

static void take_other(void *arg)
{
	(void)arg;
	lock_drop(&other, lock_take(&other));
}

/* For a lock that another CPU has, whose turn it does not become. */
static void wait_aside(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0) {
		const mach_irq_t was = lock_take(&other);
		atomic_store_u32(&flag, 1);
		lock_drop(&other, was);
	} else if (mach_cpu() == 1) {
		while (atomic_load_u32(&flag) == 0) mach_relax();
		host_run_aside(take_other, NULL);
	}
}

static void wait_for_nobody(void *arg)
{
	(void)arg;
	if (mach_cpu() == 2) mach_wait();
}

static void never_end(void *arg)
{
	(void)arg;
	while (mach_cpu() == 1) atomic_load_u32(&flag);
}

static void wait_for_lock(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0) {
		mach_irq_t was = lock_take(&lock);
		lock_take(&other);
		(void)was;
		for (;;) mach_relax();
	}
	lock_drop(&lock, lock_take(&lock));
}

/* CPUs that have masked their interrupts and do not wait for one. */
static bool deaf[CPUS_MAX];

static void ipi(void *arg)
{
	(void)arg;
	ASSERT(mach_irq_masked() && !deaf[mach_cpu()]);
	atomic_fetch_add_u32(&ipis, 1);
}

static void tick(void *arg)
{
	(void)arg;
	ASSERT(mach_irq_masked());
	atomic_fetch_add_u32(&ticks, 1);
}

/* CPU 0 sends one to each; who masks gets it when it unmasks, not before. */
static void send(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0) {
		for (unsigned cpu = 1; cpu < cpus; cpu++) mach_ipi(cpu);
		return;
	}
	const mach_irq_t was = mach_irq_save();
	deaf[mach_cpu()] = true;
	for (unsigned i = 0; i < ROUNDS; i++) atomic_load_u32(&count);
	deaf[mach_cpu()] = false;
	mach_irq_restore(was);
	mach_wait();
}

/* Handlers that take a lock, whatever they interrupt has got by trying. */
static void locks_in_handler(void *arg)
{
	(void)arg;
	ASSERT(mach_irq_masked());
	lock_drop(&lock, lock_take(&lock));
	atomic_fetch_add_u32(&ipis, 1);
}

static void keeps_lock(void *arg)
{
	(void)arg;
	lock_take_masked(&lock);
}

static void tries(void *arg)
{
	(void)arg;
	mach_ipi((mach_cpu() + 1) % cpus);
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!latch_try(&latch)) continue;
		atomic_load_u32(&count);
		latch_release(&latch);
	}
	mach_wait();
}

static void tries_with_locks(void *arg)
{
	host_handlers_set(locks_in_handler, locks_in_handler, NULL);
	tries(arg);
}

static void tries_and_keeps(void *arg)
{
	host_handlers_set(keeps_lock, keeps_lock, NULL);
	tries(arg);
}

/* Who has ended takes no interrupt, so its timer wakes nobody. */
static void timer_of_the_ended(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0) mach_timer_set(1000);
	if (mach_cpu() == 1) mach_wait();
}

/* Waits for each other without a lock, far more often than who spins in vain. */
static void meets_often(void *arg)
{
	(void)arg;
	for (unsigned i = 1; i <= MEETS; i++) {
		host_turn_step(0);
		atomic_fetch_add_u32(&entered, 1);
		while (atomic_load_u32(&entered) < i * cpus) mach_relax();
	}
}

/* Time passes only by deadlines. */
static void sleep_until(void *arg)
{
	const uint64_t deadline_ns = 1000000 * (1 + mach_cpu());
	(void)arg;
	const mach_irq_t was = mach_irq_save();
	mach_timer_set(deadline_ns);
	while (mach_now_ns() < deadline_ns) mach_wait();
	mach_irq_restore(was);
}

static void spin_until(void *arg)
{
	(void)arg;
	while (mach_now_ns() < 50000000) mach_relax();
}

/* --- contexts --------------------------------------------------------------------------------- */

static struct mach_context idle[CPUS_MAX], thread[CPUS_MAX];
static uint32_t runs[CPUS_MAX];

/* Comes with the lock that an idle context took, and goes with it; the state it saved is given back
 * on whatever CPU goes on with it. */
static void thread_main(void *arg)
{
	const unsigned n = (unsigned)(uintptr_t)arg;
	for (;;) {
		ASSERT(mach_irq_masked());
		runs[n]++;
		const mach_irq_t was = mach_irq_save();
		mach_context_switch(&thread[n], &idle[mach_cpu()]);
		mach_irq_restore(was);
		atomic_load_u32(&flag);
	}
}

/* Threads move from CPU to CPU, and the lock is handed over at each switch. */
static void switch_about(void *arg)
{
	const unsigned cpu = mach_cpu();
	(void)arg;
	mach_context_adopt(&idle[cpu], NULL);
	if (cpu == 0) {
		for (unsigned n = 0; n < cpus; n++)
			mach_context_init(&thread[n], 0x1000 + n * 0x100, 0x100, thread_main,
					  (void *)(uintptr_t)n, NULL);
		atomic_store_u32(&flag, 1);
	}
	while (atomic_load_u32(&flag) == 0) mach_relax();
	for (unsigned n = 0; n < cpus; n++) {
		const mach_irq_t was = lock_take(&lock);
		mach_context_switch(&idle[cpu], &thread[n]);
		lock_drop(&lock, was);
	}
	atomic_fetch_add_u32(&entered, 1);
	while (atomic_load_u32(&entered) != cpus) mach_relax();
	if (cpu != 0) return;
	for (unsigned n = 0; n < cpus; n++) {
		ASSERT(runs[n] == cpus);
		mach_context_end(&thread[n]);
	}
	mach_stack_gone(0x1000, 0x400);
}

static void in_context(void *arg)
{
	(void)arg;
	for (;;) mach_relax();
}

static void both_in_one(void *arg)
{
	const unsigned cpu = mach_cpu();
	(void)arg;
	mach_context_adopt(&idle[cpu], NULL);
	if (cpu == 0) {
		mach_context_init(&thread[0], 0x1000, 0x100, in_context, NULL, NULL);
		atomic_store_u32(&flag, 1);
	}
	while (atomic_load_u32(&flag) == 0) mach_relax();
	mach_irq_save();
	mach_context_switch(&idle[cpu], &thread[0]);
}

static void one_stack_twice(void *arg)
{
	(void)arg;
	if (mach_cpu() != 0) return;
	mach_context_init(&thread[0], 0x1000, 0x100, in_context, NULL, NULL);
	mach_context_init(&thread[1], 0x10f0, 0x100, in_context, NULL, NULL);
}

static void stack_gone(void *arg)
{
	(void)arg;
	if (mach_cpu() != 0) return;
	mach_context_init(&thread[0], 0x1000, 0x100, in_context, NULL, NULL);
	mach_stack_gone(0x1080, 0x10);
}

static void end_twice(void *arg)
{
	(void)arg;
	if (mach_cpu() != 0) return;
	mach_context_init(&thread[0], 0x1000, 0x100, in_context, NULL, NULL);
	mach_context_end(&thread[0]);
	mach_context_end(&thread[0]);
}

static void go_nowhere(void *arg)
{
	(void)arg;
	const mach_irq_t was = mach_irq_save();
	mach_context_adopt(&idle[mach_cpu()], NULL);
	mach_context_switch(&idle[mach_cpu()], &thread[3]);
	mach_irq_restore(was);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void new_world(void)
{
	host_reset();
	host_handlers_set(tick, ipi, NULL);
	lock_init(&lock, RANK_OUTER);
	lock_init(&other, RANK_PAGE);
	latch_init(&latch, RANK_PAGE_CPU);
	count = flag = entered = ipis = ticks = torn = 0;
	memset(thread, 0, sizeof(thread));
	memset(runs, 0, sizeof(runs));
}

static const struct row {
	const char *name;
	void (*fn)(void *arg);
	const char *id;
} rows[] = {
	{ "a lock", count_up, "well" },
	{ "two claims in either order", take_both, "deadlock" },
	{ "aside", pass_aside, "well" },
	{ "a failure aside", fail_aside, "told to" },
	{ "waiting aside", wait_aside, "deadlock" },
	{ "waiting for nobody", wait_for_nobody, "lost-wake" },
	{ "a loop without end", never_end, "livelock" },
	{ "waiting for a lock that stays taken", wait_for_lock, "deadlock" },
	{ "interrupts", send, "well" },
	{ "timers in idle CPUs", sleep_until, "well" },
	{ "spinning until a time", spin_until, "well" },
	{ "a latch tried, handlers that lock", tries_with_locks, "well" },
	{ "handlers that keep a lock", tries_and_keeps, "lock-context" },
	{ "a timer of one that has ended", timer_of_the_ended, "lost-wake" },
	{ "many meetings", meets_often, "well" },
	{ "threads on all CPUs", switch_about, "well" },
	{ "two CPUs in one context", both_in_one, "stack-in-use" },
	{ "a stack for two", one_stack_twice, "stack-in-use" },
	{ "a stack given away", stack_gone, "stack-in-use" },
	{ "ended twice", end_twice, "stack-in-use" },
	{ "a context that never was", go_nowhere, "stack-in-use" },
};

static void check_rows(void)
{
	for (unsigned n = 0; n < COUNT_OF(rows); n++) {
		unsigned seen = 0;
		for (uint64_t s = 0; s < seeds; s++) {
			new_world();
			const char *got = ends(rows[n].fn, s);
			if (strcmp(got, rows[n].id) == 0)
				seen++;
			else if (strcmp(got, "well") != 0 || strcmp(rows[n].id, "well") == 0)
				kpanic("test", "%s: wanted %s, got %s (%s)", rows[n].name,
				       rows[n].id, got, said);
		}
		if (seen == 0) kpanic("test", "%s: never %s", rows[n].name, rows[n].id);
	}
}

/* --- more than one run ------------------------------------------------------------------------ */

static void test_lost_updates(void)
{
	unsigned lost = 0;
	for (uint64_t s = 0; s < seeds; s++) {
		new_world();
		ASSERT(strcmp(ends(count_up, s), "well") == 0 && torn == cpus * ROUNDS);
		new_world();
		ends(count_unlocked, s);
		lost += torn < cpus * ROUNDS ? 1 : 0;
	}
	ASSERT(lost > seeds / 2);
}

static void test_interrupts(void)
{
	for (uint64_t s = 0; s < seeds; s++) {
		new_world();
		ASSERT(strcmp(ends(send, s), "well") == 0 && ipis == cpus - 1);
		new_world();
		ASSERT(strcmp(ends(sleep_until, s), "well") == 0 && ticks == cpus);
		ASSERT(mach_now_ns() == 1000000ull * cpus);
	}
}

/* One seed, one run: as many points and questions, and the same end. */
static void test_determinism(void)
{
	for (uint64_t s = 0; s < seeds; s++) {
		uint64_t points[2];
		uint32_t questions[2];
		for (unsigned again = 0; again < 2; again++) {
			new_world();
			ends(switch_about, s);
			points[again] = host_yield_count();
			questions[again] = drawn.asked;
		}
		ASSERT(points[0] == points[1] && questions[0] == questions[1]);
	}
}

static void churn(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < CYCLES; i++) {
		mach_context_init(&thread[0], 0x1000, 0x100, in_context, NULL, NULL);
		mach_context_end(&thread[0]);
	}
}

static long resident_kib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* Every CPU in a thread of its own, in the middle of it, when one escapes. */
static void escapes_from_thread(void *arg)
{
	const unsigned n = (unsigned)(uintptr_t)arg;
	volatile char frame[200] = { 0 };
	if (atomic_fetch_add_u32(&entered, 1) == cpus - 1) host_escape();
	while (frame[n] == 0) mach_relax();
}

static void abandons(void *arg)
{
	const unsigned cpu = mach_cpu();
	(void)arg;
	mach_irq_save();
	mach_context_adopt(&idle[cpu], NULL);
	mach_context_init(&thread[cpu], 0x1000 + cpu * 0x100, 0x100, escapes_from_thread,
			  (void *)(uintptr_t)cpu, NULL);
	mach_context_switch(&idle[cpu], &thread[cpu]);
}

static void test_escapes(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		new_world();
		panic_text[0] = '\0';
		ASSERT(!host_run_together(cpus, abandons, NULL, &at_random, LIMIT));
		ASSERT(panic_text[0] == '\0' && entered == cpus && !mach_irq_masked());
	}
	new_world();
	ASSERT(strcmp(ends(switch_about, 1), "well") == 0);
}

static void test_growth(void)
{
	new_world();
	test_escapes(ABANDONED * seeds);
	const long before = resident_kib();
	test_escapes(ABANDONED * seeds);
	ASSERT(host_run_on(0, churn, NULL));
	ASSERT(resident_kib() - before < GROWTH_MAX_KIB);
}

/* turns_test [SEEDS [CPUS]] */
int main(int argc, char **argv)
{
	if (argc > 1) seeds = (unsigned)strtoul(argv[1], NULL, 0);
	if (argc > 2) cpus = (unsigned)strtoul(argv[2], NULL, 0);
	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(cpus);
	check_rows();
	test_lost_updates();
	test_interrupts();
	test_determinism();
	test_growth();
	host_cpus_close();
	return 0;
}
