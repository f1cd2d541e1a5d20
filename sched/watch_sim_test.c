/*
 * watch_sim_test.c -- the watchdog looks, from every CPU's timer interrupt, while threads come and
 * go under some hundreds of schedules.
 *
 * With limits of a nanosecond it has something to say nearly always, so all of it runs, against
 * everything it reads; in the build that sees loads and stores, none of that may be a race.  What
 * it says must be possible.  With the limits of the documents, in a world that goes on, it must say
 * nothing.
 */
#include "sched/watch.h"

#include "sched/test_sim.h"

enum { SEEDS = 300, WORKERS = 6 };

static struct watch *watch;
static struct wait_queue queue;
static struct mutex mutex;
static struct random lots;
static uint32_t said[WATCH_KINDS];

_Static_assert(sizeof(struct watch) <= sizeof sim->more, "it lies in the arena, with the rest");

static void look(void)
{
	const struct watch_report r = watch_look(watch, mach_now_ns());

	ASSERT((uint32_t)r.kind < WATCH_KINDS && r.cpu < sim->sched.config.cpus);
	said[r.kind]++;
	if (r.kind == WATCH_NONE) return;
	ASSERT(r.for_ns > watch->config.warn_ns && atomic_load_u64(&watch->reported[r.kind]) > 0);
	ASSERT(r.critical == (r.for_ns > watch->config.critical_ns));
	if (r.kind == WATCH_STARVED || r.kind == WATCH_NOT_RESUMED)
		ASSERT((uint32_t)r.thread < SIM_THREADS && r.thread >> 32 != 0);
}

static void work(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 6; i++) {
		const mach_irq_t was = wait_enter(&queue);
		if (random_below(&lots, 2) == 0) (void)wait_wake_all(&sim->sched, &queue);
		(void)wait_sleep(&sim->sched, &queue, mach_now_ns() + random_below(&lots, 2000));
		wait_leave(&queue, was);
		const uint64_t until_ns = mach_now_ns() + random_below(&lots, 2000);
		if (mutex_lock(&sim->sched, &mutex, until_ns) != WAIT_WOKEN) continue;
		for (uint32_t n = random_below(&lots, 20); n > 0; n--) mach_relax();
		mutex_unlock(&sim->sched, &mutex);
	}
}

static void test_looks(uint64_t seed, uint32_t cpus, uint64_t warn_ns, uint64_t critical_ns)
{
	const struct watch_config config = { .warn_ns = warn_ns, .critical_ns = critical_ns };

	sim_open(seed, cpus, SIM_THREADS);
	lots.state = ~seed;
	wait_init(&queue, RANK_WAIT);
	mutex_init(&mutex);
	watch = (void *)sim->more;
	watch_init(watch, &sim->sched, &config);
	sim_tick = look;
	for (uint32_t i = 0; i < WORKERS; i++) EXPECT(sim_thread(work, NULL) != THREAD_NONE);
	sim_run(seed, "looks");
}

int main(void)
{
	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(4);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) test_looks(seed, 1 + seed % 4, 1, 1000);
	for (uint32_t kind = 0; kind < WATCH_KINDS; kind++)
		printf("%s: %u\n", watch_kind_name((enum watch_kind)kind), said[kind]);
	EXPECT(said[WATCH_STARVED] > 0 && said[WATCH_NOT_RESUMED] > 0 && said[WATCH_SILENT] > 0);
	memset(said, 0, sizeof said);
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		test_looks(seed, 1 + seed % 4, WATCH_WARN_MS * 1000000ull,
			   WATCH_CRITICAL_MS * 1000000ull);
	for (uint32_t kind = WATCH_NONE + 1; kind < WATCH_KINDS; kind++) EXPECT(said[kind] == 0);
	host_cpus_close();
	return 0;
}
