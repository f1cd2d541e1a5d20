/*
 * runq_test.c -- the run queue: order, the bound on waiting for every subset of a small table and
 * for thousands of threads, stealing, giving, and each rule of the check broken once.
 *
 * The scene of the starvation that the documents tell of is among the subsets: slots 3 and 8 to 11
 * of a table of 32, where a search that starts after the running thread's slot never gets to 10.
 */
#include "sched/runq.h"

#include "machine/host/expect.h"
#include "machine/host/panics.h"
#include "machine/random.h"

enum { SLOTS = 32, MANY = 5000 };

static struct thread threads[MANY];
static struct runq rq;

static struct random lots;

static void make(uint32_t count)
{
	runq_init(&rq, 1);
	for (uint32_t i = 0; i < count; i++) {
		struct thread *t = &threads[i];
		*t = (struct thread){ .word = 1ull << 32 | THREAD_RUNNING, .slot = i, .cpu = 1 };
		t->priority = PRIORITY_NORMAL;
		t->affinity = UINT32_MAX;
		list_init(&t->run_link);
	}
}

static void sound(void)
{
	const char *why = runq_check_locked(&rq);
	if (why != NULL) kpanic("walk", "%s", why);
}

static void add(struct thread *t)
{
	thread_must_move(t, THREAD_RUNNING, THREAD_READY, 0, 0);
	runq_add_locked(&rq, t);
}

static struct thread *run(struct thread *t)
{
	if (t != NULL) thread_must_move(t, THREAD_READY, THREAD_RUNNING, 0, 0);
	return t;
}

static void test_order(void)
{
	make(24);
	EXPECT(runq_next_locked(&rq) == NULL && runq_most_urgent_locked(&rq) == PRIORITIES);
	for (uint32_t i = 0; i < 24; i++) {
		threads[i].priority = (uint8_t)(7 - i % 8);
		add(&threads[i]);
		sound();
	}
	EXPECT(rq.count == 24 && runq_most_urgent_locked(&rq) == 0);
	runq_remove_locked(&rq, &threads[15]);
	sound();
	/* Only what is urgent enough, then the rest, each priority in the order it came. */
	for (uint32_t p = 0; p < 8; p++) {
		for (uint32_t n = 0; n < 3; n++) {
			const uint32_t i = n * 8 + 7 - p;
			if (i == 15) continue;
			if (p > 0) EXPECT(runq_next_of_locked(&rq, p - 1) == NULL);
			struct thread *t =
				i % 2 ? runq_next_locked(&rq) : runq_next_of_locked(&rq, p);
			EXPECT(t == &threads[i] && !list_linked(&t->run_link));
			sound();
		}
	}
	EXPECT(rq.count == 0 && rq.busy == 0);
}

/* What the running thread does at the end of its turn. */
enum turn_end { YIELDS, IS_PREEMPTED, BLOCKS, SPAWNS, WAKES_ANOTHER, TURN_ENDS };

/* The world of a run: who runs, and who could be woken or spawned. */
static struct thread *running;
static struct thread *others[MANY];
static uint32_t other_count;

static void end_turn(enum turn_end how)
{
	if (how == SPAWNS || how == WAKES_ANOTHER)
		if (other_count > 0) add(others[--other_count]);
	if (how == BLOCKS)
		others[other_count++] = running;
	else
		add(running);
}

/*
 * From here on, whatever happens, each thread of one priority that is ready at the beginning runs
 * within as many switches as there are.  `ready` of them, of the `count` in `threads`, bit 1 in
 * `wait` when not run yet.
 */
static void all_run_within(uint32_t ready, uint8_t *waits, uint32_t count)
{
	const uint32_t bound = ready;

	for (uint32_t switches = 0; switches < bound; switches++) {
		end_turn(random_below(&lots, TURN_ENDS));
		running = run(runq_next_locked(&rq));
		EXPECT(running != NULL);
		waits[running->slot] = 0;
	}
	for (uint32_t i = 0; i < count; i++) EXPECT(waits[i] == 0);
}

/* The slots of `set`, bit n for slots[n], are ready; `first` runs. */
static void bound_for(const uint32_t *slots, uint32_t n, uint32_t set, uint32_t first)
{
	uint8_t waits[SLOTS] = { 0 };
	uint32_t ready = 0;

	make(SLOTS);
	other_count = 0;
	running = &threads[first];
	for (uint32_t i = 0; i < n; i++) {
		if (slots[i] == first) continue;
		if ((set >> i & 1) == 0) {
			others[other_count++] = &threads[slots[i]];
			continue;
		}
		add(&threads[slots[i]]);
		waits[slots[i]] = 1;
		ready++;
	}
	for (uint32_t lap = 0; lap < 3 && ready > 0; lap++) {
		all_run_within(ready, waits, SLOTS);
		ready = rq.count;
		for (uint32_t p = 0; p < SLOTS; p++) waits[p] = list_linked(&threads[p].run_link);
	}
	sound();
}

/* Every subset of the slots of the scene, of the boundaries and of a mixture, with each running. */
static void test_bound_subsets(void)
{
	static const uint32_t scenes[][8] = {
		{ 3, 8, 9, 10, 11, 2, 7, 12 },
		{ 0, 1, 2, 7, 8, 31, 30, 9 },
		{ 1, 5, 8, 13, 17, 22, 26, 31 },
	};

	for (uint32_t s = 0; s < COUNT_OF(scenes); s++)
		for (uint32_t first = 0; first < 8; first++)
			for (uint32_t set = 0; set < 256; set++)
				for (uint32_t again = 0; again < 4; again++)
					bound_for(scenes[s], 8, set, scenes[s][first]);
}

/* Whatever subset of all 32 slots is ready. */
static void test_bound_of_all_slots(void)
{
	uint32_t slots[SLOTS];

	for (uint32_t i = 0; i < SLOTS; i++) slots[i] = i;
	for (uint32_t n = 0; n < 20000; n++) {
		const uint32_t set = random_below(&lots, 65536) << 16 | random_below(&lots, 65536);
		bound_for(slots, SLOTS, set, random_below(&lots, SLOTS));
	}
}

/* Thousands of threads of all priorities: the same bound at each, and more urgent ones first. */
static void test_bound_thousands(void)
{
	static uint8_t waits[MANY];

	make(MANY);
	other_count = 0;
	running = &threads[0];
	for (uint32_t i = 1; i < MANY; i++) {
		if (i % 3 == 0) {
			others[other_count++] = &threads[i];
			continue;
		}
		add(&threads[i]);
		waits[i] = 1;
	}
	sound();
	for (uint32_t lap = 0; lap < 5; lap++) {
		all_run_within(rq.count, waits, MANY);
		for (uint32_t i = 0; i < MANY; i++) waits[i] = list_linked(&threads[i].run_link);
	}
	sound();
	make(MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		threads[i].priority = (uint8_t)random_below(&lots, PRIORITIES);
		add(&threads[i]);
	}
	for (uint32_t i = 0, p = 0; i < MANY; i++) {
		const struct thread *t = runq_next_locked(&rq);
		EXPECT(t != NULL && t->priority >= p);
		p = t->priority;
	}
	EXPECT(rq.count == 0);
	sound();
}

static void test_steal(void)
{
	make(8);
	for (uint32_t i = 0; i < 6; i++) {
		threads[i].priority = i < 3 ? 6 : 2;
		threads[i].affinity = i == 3 ? 1u << 1 : i == 1 ? 1u << 1 | 1u << 2 : UINT32_MAX;
		add(&threads[i]);
	}
	/* The most urgent that may go there; of these who came first. */
	EXPECT(runq_steal_locked(&rq, 0) == &threads[4]);
	EXPECT(runq_steal_locked(&rq, 0) == &threads[5]);
	sound();
	EXPECT(runq_steal_locked(&rq, 0) == &threads[0]);
	EXPECT(runq_steal_locked(&rq, 0) == &threads[2]);
	EXPECT(runq_steal_locked(&rq, 0) == NULL);
	EXPECT(runq_steal_locked(&rq, 3) == NULL);
	EXPECT(runq_steal_locked(&rq, 2) == &threads[1]);
	sound();
	EXPECT(rq.count == 1 && runq_next_locked(&rq) == &threads[3]);
	EXPECT(runq_steal_locked(&rq, 2) == NULL);
}

/* Six to give, in the order they came: 0 and 1 of priority 6, 2 to 4 of 4, 5 of 2. */
static void test_spare(void)
{
	make(6);
	for (uint32_t i = 0; i < 6; i++) {
		threads[i].priority = i < 2 ? 6 : i < 5 ? 4 : 2;
		threads[i].affinity = i == 4 ? 1u << 1 : UINT32_MAX;
		threads[i].switches = 7;
		threads[i].moved_at = i == 3 ? 8 : 7; /* since its last turn; before that */
		add(&threads[i]);
	}
	/* Where something of priority 3 is: only what is at least as urgent. */
	EXPECT(runq_spare_locked(&rq, 0, 1) == NULL);
	EXPECT(runq_spare_locked(&rq, 0, 3) == &threads[5]);
	EXPECT(runq_spare_locked(&rq, 0, 3) == NULL);
	/* The least urgent, and of these who came last; not who may not go there or was moved. */
	EXPECT(runq_spare_locked(&rq, 0, 4) == &threads[2]);
	EXPECT(runq_spare_locked(&rq, 0, 4) == NULL);
	sound();
	EXPECT(runq_spare_locked(&rq, 0, PRIORITY_IDLE) == &threads[1]);
	EXPECT(runq_spare_locked(&rq, 0, PRIORITY_IDLE) == &threads[0]);
	EXPECT(runq_spare_locked(&rq, 0, PRIORITY_IDLE) == NULL && rq.count == 2);
	threads[3].switches++;
	EXPECT(runq_spare_locked(&rq, 0, PRIORITY_IDLE) == &threads[3]);
	sound();
}

/* --- misuse, and checks that fail ------------------------------------------------------------- */

static void add_twice(void *arg)
{
	add(arg);
	runq_add_locked(&rq, arg);
}

static void add_waiting(void *arg)
{
	struct thread *t = arg;
	t->word = 1ull << 32 | THREAD_WAITING;
	runq_add_locked(&rq, t);
}

static void add_elsewhere(void *arg)
{
	struct thread *t = arg;
	t->affinity = 1;
	add(t);
}

static void remove_unlinked(void *arg)
{
	runq_remove_locked(&rq, arg);
}

static void steal_from_itself(void *arg)
{
	(void)arg;
	runq_steal_locked(&rq, 1);
}

static void test_misuse(void)
{
	static const struct {
		void (*fn)(void *arg);
		const char *name;
	} rows[] = {
		{ add_twice, "added twice" },
		{ add_waiting, "a waiting thread added" },
		{ add_elsewhere, "added where it may not run" },
		{ remove_unlinked, "removed where it is not" },
		{ steal_from_itself, "a CPU that steals from itself" },
	};

	for (uint32_t i = 0; i < COUNT_OF(rows); i++) {
		make(2);
		expect_panic(0, rows[i].fn, &threads[0], "assert", rows[i].name);
	}
}

static void make_three(void)
{
	make(4);
	for (uint32_t i = 0; i < 3; i++) add(&threads[i]);
}

static void expect_unsound(const char *rule)
{
	const char *why = runq_check_locked(&rq);
	if (why == NULL || strncmp(why, rule, 2) != 0)
		kpanic("test", "wanted %s, got %s", rule, why != NULL ? why : "sound");
}

static void test_check(void)
{
	make_three();
	rq.busy |= 1;
	expect_unsound("R1");
	make_three();
	rq.busy = 0;
	expect_unsound("R1");
	make_three();
	rq.busy |= 1u << PRIORITIES;
	expect_unsound("R1");
	make_three();
	threads[1].word = 1ull << 32 | THREAD_WAITING;
	expect_unsound("R2");
	make_three();
	threads[1].priority = 2;
	expect_unsound("R2");
	make_three();
	threads[1].cpu = 0;
	expect_unsound("R2");
	make_three();
	threads[1].affinity = 1;
	expect_unsound("R2");
	make_three();
	threads[1].idle = 1;
	expect_unsound("R2");
	make_three();
	rq.count = 4;
	expect_unsound("R3");
	make_three();
	rq.count = 2;
	expect_unsound("R3");
	make_three();
	threads[2].run_link.prev = &threads[0].run_link;
	expect_unsound("R3");
	make_three();
	rq.queue[PRIORITY_NORMAL].prev = &threads[0].run_link;
	expect_unsound("R3");
}

int main(void)
{
	host_cpus_open(2);
	test_order();
	test_bound_subsets();
	test_bound_of_all_slots();
	test_bound_thousands();
	test_steal();
	test_spare();
	test_misuse();
	test_check();
	host_cpus_close();
	return 0;
}
