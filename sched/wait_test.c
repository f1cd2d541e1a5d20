/*
 * wait_test.c -- waiting, waking, deadlines and kills that race each other, on one to four CPUs,
 * under some thousands of schedules; and what may not sleep.
 *
 * What is demanded of every schedule: no wake is lost and none is told to two, so as many waits end
 * in WAIT_WOKEN as wakes said that they woke somebody; nobody times out early; everything ends.
 */
#include "sched/wait.h"

#include "sched/test_sim.h"

enum { SEEDS = 2000, WORKERS_MAX = 8 };

static struct wait_queue queue;
static struct random lots; /* of the threads; one runs at a time */
static uint32_t items, taken, woken, told, timeouts, kills, ended;
/* Over all schedules: what must have happened for the test to mean something. */
static struct {
	uint32_t woken, timeouts, kills, woken_and_killed, woken_and_late, reused;
} seen;
static thread_id workers[WORKERS_MAX];
static uint32_t worker_count;

static void open(uint64_t seed, uint32_t cpus)
{
	sim_open(seed, cpus, SIM_THREADS);
	wait_init(&queue, RANK_WAIT);
	lots.state = ~seed;
	items = taken = woken = told = timeouts = kills = ended = worker_count = 0;
}

static void start_workers(void (*entry)(void *arg), uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) workers[worker_count++] = sim_thread(entry, NULL);
}

static void sound(void)
{
	const char *why = wait_check_locked(&queue);
	if (why != NULL) kpanic("walk", "%s", why);
}

/* --- producers and consumers ------------------------------------------------------------------ */

enum { ITEMS = 6 };

static void produce(void *arg)
{
	const bool all = *(const bool *)arg;

	for (uint32_t i = 0; i < ITEMS; i++) {
		const mach_irq_t was = wait_enter(&queue);
		items++;
		woken += all ? wait_wake_all(&sim->sched, &queue)
			     : wait_wake_one(&sim->sched, &queue);
		sound();
		wait_leave(&queue, was);
	}
}

static void consume(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < ITEMS; i++) {
		const mach_irq_t was = wait_enter(&queue);
		while (items == 0) {
			ASSERT(wait_sleep(&sim->sched, &queue, WAIT_FOREVER) == WAIT_WOKEN);
			told++;
		}
		items--;
		taken++;
		wait_leave(&queue, was);
	}
}

static void test_producers(uint64_t seed, uint32_t cpus, bool all)
{
	static bool how;

	open(seed, cpus);
	how = all;
	const uint32_t pairs = 1 + random_below(&lots, 3);
	for (uint32_t i = 0; i < pairs; i++) {
		EXPECT(sim_thread(consume, NULL) != THREAD_NONE);
		EXPECT(sim_thread(produce, &how) != THREAD_NONE);
	}
	sim_run(seed, "producers");
	EXPECT(items == 0 && taken == pairs * ITEMS && told == woken);
}

/* --- deadlines, wakes and kills --------------------------------------------------------------- */

static void wait_some(void *arg)
{
	const uint32_t waits = 1 + random_below(&lots, 6);

	(void)arg;
	for (uint32_t i = 0; i < waits; i++) {
		const mach_irq_t was = wait_enter(&queue);
		const uint64_t until_ns = random_below(&lots, 4) == 0
						  ? mach_now_ns() + 100000
						  : mach_now_ns() + random_below(&lots, 3000);
		const enum wait_result result = wait_sleep(&sim->sched, &queue, until_ns);
		if (result == WAIT_WOKEN) {
			told++;
			seen.woken_and_killed += sched_killed(&sim->sched);
			seen.woken_and_late += mach_now_ns() >= until_ns;
		}
		if (result == WAIT_TIMEOUT) {
			ASSERT(mach_now_ns() >= until_ns);
			timeouts++;
		}
		ASSERT(result != WAIT_KILLED || sched_killed(&sim->sched));
		if (result == WAIT_KILLED) kills++;
		sound();
		wait_leave(&queue, was);
		if (result == WAIT_KILLED) break;
	}
	ended++;
}

static void wake_some(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 8; i++) {
		const mach_irq_t was = wait_enter(&queue);
		woken += random_below(&lots, 4) == 0 ? wait_wake_all(&sim->sched, &queue)
						     : wait_wake_one(&sim->sched, &queue);
		sound();
		wait_leave(&queue, was);
		if (random_below(&lots, 2) == 0) sched_yield_cpu(&sim->sched);
	}
}

static void kill_some(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 3; i++) {
		(void)sched_kill(&sim->sched, workers[random_below(&lots, worker_count)]);
		sched_yield_cpu(&sim->sched);
	}
}

static void test_races(uint64_t seed, uint32_t cpus)
{
	open(seed, cpus);
	const uint32_t count = 1 + random_below(&lots, 5);
	start_workers(wait_some, count);
	EXPECT(sim_thread(wake_some, NULL) != THREAD_NONE);
	if (random_below(&lots, 2) == 0) EXPECT(sim_thread(wake_some, NULL) != THREAD_NONE);
	if (random_below(&lots, 2) == 0) EXPECT(sim_thread(kill_some, NULL) != THREAD_NONE);
	sim_run(seed, "races");
	EXPECT(told == woken && ended == count && list_empty(&queue.waiters));
	seen.woken += told;
	seen.timeouts += timeouts;
	seen.kills += kills;
}

/* Nobody wakes but kills: who waits for ever ends all the same, and who was killed before waits no
 * more. */
static void wait_for_ever(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 2; i++) {
		const mach_irq_t was = wait_enter(&queue);
		ASSERT(wait_sleep(&sim->sched, &queue, WAIT_FOREVER) == WAIT_KILLED);
		wait_leave(&queue, was);
		ASSERT(sched_killed(&sim->sched));
		kills++;
	}
	ASSERT(sched_sleep_until(&sim->sched, mach_now_ns() + 1000) == WAIT_KILLED);
}

static void kill_all(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < worker_count; i++)
		ASSERT(sched_kill(&sim->sched, workers[i])); /* they end by this alone */
}

static void test_kills(uint64_t seed, uint32_t cpus)
{
	open(seed, cpus);
	start_workers(wait_for_ever, 3);
	EXPECT(sim_thread(kill_all, NULL) != THREAD_NONE);
	sim_run(seed, "kills");
	EXPECT(kills == 6);
}

/* --- late timers and slots that are used again ------------------------------------------------ */

enum { GENERATIONS = 12, FEW_SLOTS = 3 };

static uint32_t born;

/* Waits about as long as somebody needs to wake it, ends, and leaves its slot to the next: timers
 * fire when the thread that they were for is gone.  wait_end() asserts that none is early. */
static void short_life(void *arg)
{
	(void)arg;
	const mach_irq_t was = wait_enter(&queue);
	woken += wait_wake_one(&sim->sched, &queue);
	if (wait_sleep(&sim->sched, &queue, mach_now_ns() + 1 + random_below(&lots, 40)) ==
	    WAIT_WOKEN)
		told++;
	woken += wait_wake_one(&sim->sched, &queue);
	wait_leave(&queue, was);
	ended++;
	if (atomic_load_u32(&born) < GENERATIONS && sim_thread(short_life, NULL) != THREAD_NONE)
		(void)atomic_fetch_add_u32(&born, 1);
}

static void test_reuse(uint64_t seed, uint32_t cpus)
{
	open(seed, cpus);
	sim->sched.table.reserved = 0;
	born = 0;
	for (uint32_t i = 0; i < FEW_SLOTS; i++)
		EXPECT(sim_thread(short_life, NULL) != THREAD_NONE);
	sim_run(seed, "reuse");
	EXPECT(told == woken && ended == FEW_SLOTS + born);
	seen.reused += born;
}

/* --- order ------------------------------------------------------------------------------------ */

static uint32_t order[WORKERS_MAX], came;

static void sleep_by_number(void *arg)
{
	const uint32_t n = (uint32_t)(uintptr_t)arg;
	const uint64_t until_ns = 10000 + 100 * (n * 5 % WORKERS_MAX);

	ASSERT(sched_sleep_until(&sim->sched, until_ns) == WAIT_TIMEOUT);
	ASSERT(mach_now_ns() >= until_ns);
	order[came++] = n * 5 % WORKERS_MAX;
}

/* On one CPU, with nobody else about and no slices, and all asleep before time moves on, sleepers
 * come back in the order of their deadlines. */
static void test_sleep_order(uint64_t seed)
{
	open(seed, 1);
	sim->sched.config.slice_ns = 1ull << 40;
	drawn.ticks = 0;
	came = 0;
	for (uintptr_t i = 0; i < WORKERS_MAX; i++)
		EXPECT(sim_thread(sleep_by_number, (void *)i) != THREAD_NONE);
	sim_run(seed, "sleep order");
	EXPECT(came == WORKERS_MAX);
	for (uint32_t i = 0; i < WORKERS_MAX; i++) EXPECT(order[i] == i);
}

static uint32_t arrived, arrival[WORKERS_MAX], departed, departure[WORKERS_MAX];

static void queue_up(void *arg)
{
	const uint32_t n = (uint32_t)(uintptr_t)arg;
	const mach_irq_t was = wait_enter(&queue);

	arrival[arrived++] = n;
	ASSERT(wait_sleep(&sim->sched, &queue, WAIT_FOREVER) == WAIT_WOKEN);
	departure[departed++] = n;
	items = 0;
	wait_leave(&queue, was);
}

/* Wakes one at a time, and the next when that one was back. */
static void wake_in_turn(void *arg)
{
	(void)arg;
	for (uint32_t left = WORKERS_MAX; left > 0;) {
		const mach_irq_t was = wait_enter(&queue);
		if (items == 0 && wait_wake_one(&sim->sched, &queue) == 1) {
			items = 1;
			left--;
		}
		wait_leave(&queue, was);
		sched_yield_cpu(&sim->sched);
	}
}

static void test_wake_order(uint64_t seed, uint32_t cpus)
{
	open(seed, cpus);
	arrived = departed = 0;
	for (uintptr_t i = 0; i < WORKERS_MAX; i++)
		EXPECT(sim_thread(queue_up, (void *)i) != THREAD_NONE);
	EXPECT(sim_thread(wake_in_turn, NULL) != THREAD_NONE);
	sim_run(seed, "wake order");
	EXPECT(departed == WORKERS_MAX && memcmp(arrival, departure, sizeof arrival) == 0);
}

/* --- what may not sleep ----------------------------------------------------------------------- */

static struct lock outer;

static void sleep_masked(void *arg)
{
	(void)arg;
	(void)mach_irq_save();
	(void)wait_enter(&queue);
	(void)wait_sleep(&sim->sched, &queue, WAIT_FOREVER);
}

static void sleep_with_lock(void *arg)
{
	(void)arg;
	const mach_irq_t was = lock_take(&outer);
	queue.entered_masked = 0;
	const mach_irq_t inner = lock_take(&queue.lock);
	(void)wait_sleep(&sim->sched, &queue, WAIT_FOREVER);
	lock_drop(&queue.lock, inner);
	lock_drop(&outer, was);
}

static bool idle_sleeps(void *arg, uint32_t cpu)
{
	(void)arg, (void)cpu;
	(void)sched_sleep_until(&sim->sched, mach_now_ns() + 10);
	return false;
}

static void run_alone(void *arg)
{
	sched_run(arg);
}

static void refused(void (*entry)(void *arg), bool in_idle)
{
	open(1, 1);
	lock_init(&outer, RANK_MUTEX);
	if (in_idle) sim->sched.config.idle = idle_sleeps;
	if (entry != NULL) EXPECT(sim_thread(entry, NULL) != THREAD_NONE);
	host_handlers_set(sim_timer, sim_ipi, &sim->sched);
	panic_id[0] = '\0';
	EXPECT(!host_run_together(1, run_alone, &sim->sched, &turns_draw, SIM_POINTS));
	if (strcmp(panic_id, "sleep-in-atomic") == 0) return;
	fprintf(stderr, "wanted sleep-in-atomic, got %s: %s\n", panic_id, panic_text);
	exit(1);
}

/* --- no need to wait -------------------------------------------------------------------------- */

static void wait_in_vain(void *arg)
{
	(void)arg;
	mach_irq_t was = wait_enter(&queue);
	ASSERT(wait_sleep(&sim->sched, &queue, 0) == WAIT_TIMEOUT);
	ASSERT(wait_sleep(&sim->sched, &queue, mach_now_ns()) == WAIT_TIMEOUT);
	ASSERT(list_empty(&queue.waiters) && wait_wake_one(&sim->sched, &queue) == 0);
	ASSERT(wait_wake_all(&sim->sched, &queue) == 0);
	wait_leave(&queue, was);
	ASSERT(sched_kill(&sim->sched, thread_id_of(sched_current(&sim->sched))));
	was = wait_enter(&queue);
	ASSERT(wait_sleep(&sim->sched, &queue, WAIT_FOREVER) == WAIT_KILLED);
	ASSERT(list_empty(&queue.waiters));
	wait_leave(&queue, was);
	ASSERT(sched_sleep_until(&sim->sched, WAIT_FOREVER) == WAIT_KILLED);
}

static void test_no_need(void)
{
	open(1, 1);
	EXPECT(sim_thread(wait_in_vain, NULL) != THREAD_NONE);
	sim_run(1, "no need");
}

/* wait_test [SEEDS] */
int main(int argc, char **argv)
{
	const uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : SEEDS;

	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(4);
	test_no_need();
	refused(sleep_masked, false);
	refused(sleep_with_lock, false);
	refused(NULL, true);
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		const uint32_t cpus = 1 + seed % 4;
		test_producers(seed, cpus, seed % 3 == 0);
		test_races(seed, cpus);
		test_kills(seed, cpus);
		test_reuse(seed, cpus);
		test_sleep_order(seed);
		test_wake_order(seed, cpus);
	}
	printf("%u woken, %u timed out, %u killed; woken and then killed %u, too late %u; %u slots "
	       "used again\n",
	       seen.woken, seen.timeouts, seen.kills, seen.woken_and_killed, seen.woken_and_late,
	       seen.reused);
	EXPECT(seen.woken > seeds && seen.timeouts > seeds / 2 && seen.kills > seeds / 8);
	EXPECT(seen.woken_and_killed > 0 && seen.woken_and_late > 0 && seen.reused > seeds);
	host_cpus_close();
	return 0;
}
