/*
 * wait_signal_test.c -- signals that race wakes, deadlines and kills, on one to four CPUs, under
 * some thousands of schedules.
 *
 * What is demanded of every schedule: no signal is lost (a wait that heeds it ends though nobody
 * wakes), none ends a wait that does not heed it, no wake is lost because a signal came, nobody
 * times out early.
 */
#include "sched/wait.h"

#include "sched/test_sim.h"

enum { SEEDS = 1000, WORKERS = 3, ROUNDS = 4 };

static struct wait_queue queue;
static struct random lots; /* of the threads; one runs at a time */
static thread_id workers[WORKERS];
static uint32_t woken, told, signals, ended, rounds;
static struct {
	uint32_t woken, signalled, timeouts, unheeded, woken_and_signalled;
} seen;

static void open(uint64_t seed, uint32_t cpus)
{
	sim_open(seed, cpus, SIM_THREADS);
	wait_init(&queue, RANK_WAIT);
	lots.state = ~seed;
	woken = told = signals = ended = rounds = 0;
}

static void sound(void)
{
	const char *why = wait_check_locked(&queue);
	if (why != NULL) kpanic("walk", "%s", why);
}

/* --- none is lost ----------------------------------------------------------------------------- */

/* Nobody wakes: each wait ends by a signal, that came before it or after. */
static void heed(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		const mach_irq_t was = wait_enter(&queue);
		ASSERT(wait_sleep_heeding(&sim->sched, &queue, WAIT_FOREVER) == WAIT_SIGNALLED);
		sound();
		wait_leave(&queue, was);
		ASSERT(sched_signalled(&sim->sched));
		ASSERT(sched_sleep_heeding(&sim->sched, WAIT_FOREVER) == WAIT_SIGNALLED);
		sched_signal_dealt(&sim->sched);
		atomic_fetch_add_u32(&rounds, 1); /* who signals may again */
	}
}

static void signal_all(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		while (atomic_load_u32(&rounds) != i * WORKERS) sched_yield_cpu(&sim->sched);
		for (uint32_t n = 0; n < WORKERS; n++)
			ASSERT(sched_signal(&sim->sched, workers[n]));
	}
}

static void test_none_lost(uint64_t seed, uint32_t cpus)
{
	open(seed, cpus);
	for (uint32_t i = 0; i < WORKERS; i++) workers[i] = sim_thread(heed, NULL);
	EXPECT(sim_thread(signal_all, NULL) != THREAD_NONE);
	sim_run(seed, "none lost");
	EXPECT(rounds == WORKERS * ROUNDS);
}

/* --- all at once ------------------------------------------------------------------------------ */

static void count_result(enum wait_result result, uint64_t until_ns, bool heeds)
{
	if (result == WAIT_WOKEN) {
		told++;
		seen.woken_and_signalled += sched_signalled(&sim->sched);
	}
	if (result == WAIT_SIGNALLED) {
		ASSERT(heeds && sched_signalled(&sim->sched));
		seen.signalled++;
	} else if (!heeds && sched_signalled(&sim->sched)) {
		seen.unheeded++;
	}
	if (result == WAIT_TIMEOUT) {
		ASSERT(mach_now_ns() >= until_ns);
		seen.timeouts++;
	}
}

static void wait_both_ways(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 6; i++) {
		const bool heeds = random_below(&lots, 2) == 0;
		const uint64_t until_ns = mach_now_ns() + random_below(&lots, 3000);
		const mach_irq_t was = wait_enter(&queue);
		const enum wait_result result =
			heeds ? wait_sleep_heeding(&sim->sched, &queue, until_ns)
			      : wait_sleep(&sim->sched, &queue, until_ns);
		count_result(result, until_ns, heeds);
		sound();
		wait_leave(&queue, was);
		if (result == WAIT_KILLED) break;
		if (random_below(&lots, 2) == 0) sched_signal_dealt(&sim->sched);
	}
	ended++;
}

static void wake_and_signal(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 8; i++) {
		const thread_id who = workers[random_below(&lots, WORKERS)];
		if (random_below(&lots, 2) == 0) (void)sched_signal(&sim->sched, who);
		if (random_below(&lots, 16) == 0) (void)sched_kill(&sim->sched, who);
		const mach_irq_t was = wait_enter(&queue);
		woken += random_below(&lots, 4) == 0 ? wait_wake_all(&sim->sched, &queue)
						     : wait_wake_one(&sim->sched, &queue);
		sound();
		wait_leave(&queue, was);
		if (random_below(&lots, 2) == 0) sched_yield_cpu(&sim->sched);
	}
}

static void test_races(uint64_t seed, uint32_t cpus)
{
	open(seed, cpus);
	for (uint32_t i = 0; i < WORKERS; i++) workers[i] = sim_thread(wait_both_ways, NULL);
	EXPECT(sim_thread(wake_and_signal, NULL) != THREAD_NONE);
	if (random_below(&lots, 2) == 0) EXPECT(sim_thread(wake_and_signal, NULL) != THREAD_NONE);
	sim_run(seed, "races");
	EXPECT(told == woken && ended == WORKERS && list_empty(&queue.waiters));
	seen.woken += told;
}

/* wait_signal_test [SEEDS] */
int main(int argc, char **argv)
{
	const uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : SEEDS;

	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(4);
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		const uint32_t cpus = 1 + seed % 4;
		test_none_lost(seed, cpus);
		test_races(seed, cpus);
	}
	printf("%u woken, %u of them signalled; %u ended by signals, %u timed out; %u unheeded\n",
	       seen.woken, seen.woken_and_signalled, seen.signalled, seen.timeouts, seen.unheeded);
	EXPECT(seen.woken > seeds / 2 && seen.signalled > seeds / 2 && seen.timeouts > seeds / 2);
	EXPECT(seen.woken_and_signalled > 0 && seen.unheeded > seeds / 8);
	host_cpus_close();
	return 0;
}
