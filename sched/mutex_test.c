/*
 * mutex_test.c -- mutexes under some thousands of schedules: one owner at a time, counted; waiters
 * whose deadline passes and that are killed, at every moment; and what an owner must not do.
 */
#include "sched/mutex.h"

#include "sched/test_sim.h"

enum { SEEDS = 2000, MUTEXES = 2, TURNS = 6, WORKERS_MAX = 8 };

static struct mutex mutexes[MUTEXES];
static uint32_t inside[MUTEXES]; /* who is in each, by what they do */
static struct random lots;
static thread_id workers[WORKERS_MAX];
static uint32_t worker_count, ended;

/* Over all schedules: what must have happened for the test to mean something. */
static struct {
	uint32_t got, timeouts, kills, handed_and_killed, handed_late, tried, refused;
	uint32_t met_killed, met_handed; /* a kill and an unlock at once: who was first */
} seen;

static void open(uint64_t seed, uint32_t cpus)
{
	sim_open(seed, cpus, SIM_THREADS);
	lots.state = ~seed;
	worker_count = ended = 0;
	for (uint32_t i = 0; i < MUTEXES; i++) {
		mutex_init(&mutexes[i]);
		inside[i] = 0;
	}
}

static void sound(struct mutex *m)
{
	const char *why = mutex_check(m);
	if (why != NULL) kpanic("walk", "%s", why);
}

/* --- a storm ---------------------------------------------------------------------------------- */

static void be_inside(uint32_t n)
{
	ASSERT(mutexes[n].owner == thread_id_of(sched_current(&sim->sched)));
	ASSERT(inside[n] == 0);
	inside[n] = 1;
	for (uint32_t i = random_below(&lots, 4); i > 0; i--) mach_relax();
	if (random_below(&lots, 3) == 0) sched_yield_cpu(&sim->sched);
	if (random_below(&lots, 6) == 0)
		(void)sched_sleep_until(&sim->sched, mach_now_ns() + random_below(&lots, 500));
	ASSERT(inside[n] == 1);
	inside[n] = 0;
}

static bool take(uint32_t n)
{
	struct mutex *m = &mutexes[n];
	const uint64_t until_ns = random_below(&lots, 2) == 0
					  ? WAIT_FOREVER
					  : mach_now_ns() + random_below(&lots, 1500);

	if (random_below(&lots, 8) == 0) {
		const bool got = mutex_try(&sim->sched, m);
		seen.tried += got;
		seen.refused += !got;
		return got;
	}
	const enum wait_result result = mutex_lock(&sim->sched, m, until_ns);
	seen.got += result == WAIT_WOKEN;
	seen.timeouts += result == WAIT_TIMEOUT;
	seen.kills += result == WAIT_KILLED;
	ASSERT(result != WAIT_TIMEOUT || mach_now_ns() >= until_ns);
	ASSERT(result != WAIT_KILLED || sched_killed(&sim->sched));
	if (result == WAIT_WOKEN && sched_killed(&sim->sched)) seen.handed_and_killed++;
	if (result == WAIT_WOKEN && mach_now_ns() > until_ns) seen.handed_late++;
	return result == WAIT_WOKEN;
}

static void storm(void *arg)
{
	struct thread *me = sched_current(&sim->sched);

	(void)arg;
	for (uint32_t i = 0; i < TURNS && !sched_killed(&sim->sched); i++) {
		const uint32_t first = random_below(&lots, MUTEXES);
		if (!take(first)) continue;
		const bool second = first == 0 && random_below(&lots, 2) == 0 && take(1);
		ASSERT(me->mutexes == (second ? 2 : 1));
		be_inside(first);
		if (second) be_inside(1);
		if (second) mutex_unlock(&sim->sched, &mutexes[1]);
		mutex_unlock(&sim->sched, &mutexes[first]);
		ASSERT(me->mutexes == 0);
		sound(&mutexes[first]);
	}
	ended++;
}

static void kill_some(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 3; i++) {
		(void)sched_kill(&sim->sched, workers[random_below(&lots, worker_count)]);
		sched_yield_cpu(&sim->sched);
	}
}

static void test_storm(uint64_t seed, uint32_t cpus)
{
	open(seed, cpus);
	const uint32_t count = 2 + random_below(&lots, 5);
	for (uint32_t i = 0; i < count; i++) workers[worker_count++] = sim_thread(storm, NULL);
	if (random_below(&lots, 2) == 0) EXPECT(sim_thread(kill_some, NULL) != THREAD_NONE);
	sim_run(seed, "storm");
	EXPECT(ended == count);
	for (uint32_t i = 0; i < MUTEXES; i++)
		EXPECT(mutexes[i].owner == THREAD_NONE && list_empty(&mutexes[i].queue.waiters));
}

/* --- order ------------------------------------------------------------------------------------ */

static uint32_t came, arrival[WORKERS_MAX], departed, departure[WORKERS_MAX];

/* Waiters come one after the other, since each is known to wait before the next begins. */
static void wait_in_line(void *arg)
{
	const uint32_t n = (uint32_t)(uintptr_t)arg;

	while (atomic_load_u32(&came) != n) sched_yield_cpu(&sim->sched);
	arrival[n] = n;
	ASSERT(mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER) == WAIT_WOKEN);
	departure[departed++] = n;
	ASSERT(!mutex_try(&sim->sched, &mutexes[0]));
	mutex_unlock(&sim->sched, &mutexes[0]);
}

/* Tries all the time: as it is handed from one to the next, it is free only after the last. */
static void barge_in(void *arg)
{
	(void)arg;
	while (atomic_load_u32(&came) == UINT32_MAX) sched_yield_cpu(&sim->sched);
	while (!mutex_try(&sim->sched, &mutexes[0])) sched_yield_cpu(&sim->sched);
	ASSERT(departed == WORKERS_MAX);
	mutex_unlock(&sim->sched, &mutexes[0]);
}

static uint32_t waiting_in(struct mutex *m)
{
	uint32_t count = 0;
	const mach_irq_t was = wait_enter(&m->queue);

	for (struct list *l = m->queue.waiters.next; l != &m->queue.waiters; l = l->next) count++;
	wait_leave(&m->queue, was);
	return count;
}

static void let_them_come(void *arg)
{
	(void)arg;
	ASSERT(mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER) == WAIT_WOKEN);
	for (uint32_t n = 0; n < WORKERS_MAX; n++) {
		atomic_store_u32(&came, n);
		while (waiting_in(&mutexes[0]) != n + 1) sched_yield_cpu(&sim->sched);
	}
	mutex_unlock(&sim->sched, &mutexes[0]);
}

static void test_order(uint64_t seed, uint32_t cpus)
{
	open(seed, cpus);
	came = UINT32_MAX;
	departed = 0;
	for (uintptr_t i = 0; i < WORKERS_MAX; i++)
		EXPECT(sim_thread(wait_in_line, (void *)i) != THREAD_NONE);
	EXPECT(sim_thread(let_them_come, NULL) != THREAD_NONE);
	EXPECT(sim_thread(barge_in, NULL) != THREAD_NONE);
	sim_run(seed, "order");
	EXPECT(departed == WORKERS_MAX && memcmp(arrival, departure, sizeof arrival) == 0);
}

/* --- a kill meets an unlock ------------------------------------------------------------------- */

static enum wait_result victims;
static uint32_t lets_go; /* atomic: the owner is about to unlock */

static void is_killed(void *arg)
{
	(void)arg;
	victims = mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER);
	ASSERT((victims == WAIT_WOKEN) ==
	       (mutexes[0].owner == thread_id_of(sched_current(&sim->sched))));
	if (victims == WAIT_WOKEN) mutex_unlock(&sim->sched, &mutexes[0]);
}

/* Behind the victim: gets it whatever becomes of that. */
static void comes_next(void *arg)
{
	(void)arg;
	while (waiting_in(&mutexes[0]) == 0) sched_yield_cpu(&sim->sched);
	ASSERT(mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER) == WAIT_WOKEN);
	mutex_unlock(&sim->sched, &mutexes[0]);
	ended++;
}

static void kills_then(void *arg)
{
	(void)arg;
	while (atomic_load_u32(&lets_go) == 0) mach_relax();
	for (uint32_t i = random_below(&lots, 8); i > 0; i--) mach_relax();
	(void)sched_kill(&sim->sched, workers[0]);
}

static void unlocks_then(void *arg)
{
	(void)arg;
	ASSERT(mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER) == WAIT_WOKEN);
	workers[0] = sim_thread(is_killed, NULL);
	EXPECT(sim_thread(comes_next, NULL) != THREAD_NONE);
	EXPECT(sim_thread(kills_then, NULL) != THREAD_NONE);
	while (waiting_in(&mutexes[0]) != 2) sched_yield_cpu(&sim->sched);
	atomic_store_u32(&lets_go, 1);
	for (uint32_t i = random_below(&lots, 8); i > 0; i--) mach_relax();
	mutex_unlock(&sim->sched, &mutexes[0]);
}

/* The victim has it or has not, and says so; nobody else is kept from it by that. */
static void test_kill_meets_unlock(uint64_t seed, uint32_t cpus)
{
	open(seed, cpus);
	lets_go = 0;
	victims = WAIT_TIMEOUT;
	EXPECT(sim_thread(unlocks_then, NULL) != THREAD_NONE);
	sim_run(seed, "a kill meets an unlock");
	EXPECT(victims != WAIT_TIMEOUT && ended == 1);
	EXPECT(mutexes[0].owner == THREAD_NONE && list_empty(&mutexes[0].queue.waiters));
	seen.met_killed += victims == WAIT_KILLED;
	seen.met_handed += victims == WAIT_WOKEN;
}

/* --- what must not be ------------------------------------------------------------------------- */

static void lock_twice(void *arg)
{
	(void)arg;
	ASSERT(mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER) == WAIT_WOKEN);
	(void)mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER);
}

static void unlock_free(void *arg)
{
	(void)arg;
	mutex_unlock(&sim->sched, &mutexes[0]);
}

static void lock_and_wait(void *arg)
{
	(void)arg;
	ASSERT(mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER) == WAIT_WOKEN);
	(void)sched_sleep_until(&sim->sched, WAIT_FOREVER);
}

static void unlock_others(void *arg)
{
	(void)arg;
	while (mutexes[0].owner == THREAD_NONE) sched_yield_cpu(&sim->sched);
	mutex_unlock(&sim->sched, &mutexes[0]);
}

static void exit_as_owner(void *arg)
{
	(void)arg;
	ASSERT(mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER) == WAIT_WOKEN);
}

/* Also where it need not wait: the next time it may have to. */
static void lock_masked(void *arg)
{
	(void)arg;
	(void)mach_irq_save();
	(void)mutex_lock(&sim->sched, &mutexes[0], WAIT_FOREVER);
}

static void refused(void (*entry)(void *arg), void (*other)(void *arg), const char *id)
{
	open(1, 1);
	EXPECT(sim_thread(entry, NULL) != THREAD_NONE);
	if (other != NULL) EXPECT(sim_thread(other, NULL) != THREAD_NONE);
	host_handlers_set(sim_timer, sim_ipi, &sim->sched);
	panic_id[0] = '\0';
	EXPECT(!host_run_together(1, sim_cpu, &sim->sched, &turns_draw, SIM_POINTS));
	if (strcmp(panic_id, id) == 0) return;
	fprintf(stderr, "wanted %s, got %s: %s\n", id, panic_id, panic_text);
	exit(1);
}

/* --- the check -------------------------------------------------------------------------------- */

static void broken(const char *rule)
{
	const char *why = mutex_check(&mutexes[0]);
	EXPECT(why != NULL && memcmp(why, rule, 2) == 0);
}

static void test_check(void)
{
	struct thread *t = &sim->threads[0];

	open(1, 1);
	sound(&mutexes[0]);
	list_init(&t->wait_link);
	t->word = 3ull << 32 | THREAD_WAITING;
	t->waits_in = (uintptr_t)&mutexes[0].queue;
	list_add_last(&mutexes[0].queue.waiters, &t->wait_link);
	broken("M1");
	mutexes[0].owner = thread_id_of(t);
	broken("M2");
	mutexes[0].owner = 77;
	sound(&mutexes[0]);
	t->waits_in = 0;
	broken("W2");
	t->waits_in = (uintptr_t)&mutexes[0].queue;
	t->word = 3ull << 32 | THREAD_TERMINATED;
	broken("W2");
	t->wait_link.prev = &t->wait_link;
	broken("W1");
}

/* mutex_test [SEEDS] */
int main(int argc, char **argv)
{
	const uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : SEEDS;

	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(4);
	open(1, 1);
	test_check();
	refused(lock_twice, NULL, "deadlock");
	refused(unlock_free, NULL, "owner");
	refused(lock_and_wait, unlock_others, "owner");
	refused(exit_as_owner, NULL, "owner");
	refused(lock_masked, NULL, "sleep-in-atomic");
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		test_storm(seed, 1 + seed % 4);
		if (seed % 4 == 0) test_order(seed, 1 + seed / 4 % 4);
		if (seed % 4 == 1) test_kill_meets_unlock(seed, 2 + seed / 4 % 3);
	}
	printf("%u got, %u timed out, %u killed; handed over and then killed %u, too late %u; of "
	       "tries %u got it, %u did not\n",
	       seen.got, seen.timeouts, seen.kills, seen.handed_and_killed, seen.handed_late,
	       seen.tried, seen.refused);
	EXPECT(seen.got > seeds && seen.timeouts > seeds / 4 && seen.kills > seeds / 16);
	EXPECT(seen.handed_and_killed > 0 && seen.handed_late > 0);
	EXPECT(seen.tried > 0 && seen.refused > 0);
	printf("of kills that met an unlock %u came first, %u second\n", seen.met_killed,
	       seen.met_handed);
	EXPECT(seen.met_killed > seeds / 40 && seen.met_handed > seeds / 40);
	host_cpus_close();
	return 0;
}
