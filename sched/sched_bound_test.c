/*
 * sched_bound_test.c -- how long a ready thread waits, with threads that run: for every subset of
 * eight of the documents' slots, and for thousands.
 *
 * The scene of the starvation that the documents tell of is among them: slot 3 runs and never
 * stops, 8 to 11 are ready, and a search that starts after the running thread's slot never gets to
 * 10.
 */
#include "sched/test_sched.h"

#define S (&tw.sched)

enum { SCENE = 8 };

static const uint32_t scene[SCENE] = { 3, 8, 9, 10, 11, 2, 7, 31 };

static struct {
	struct random lots;
	uint64_t began;      /* switches, when the scene was set */
	uint32_t set, first; /* bits and place of scene[] */
	uint32_t ready, ran; /* how many were ready, and how many of them have run within it */
} bound;

/* What it does at the end of each turn is left to lots. */
static void lives(void *arg)
{
	const uint32_t place = (uint32_t)(uintptr_t)arg;
	const uint64_t switches = S->cpu[0].switches - bound.began;

	if (place < SCENE && (bound.set >> place & 1) != 0) {
		EXPECT(switches <= bound.ready);
		bound.ran++;
	}
	for (int i = 0; i < 4; i++) {
		switch (random_below(&bound.lots, 4)) {
		case 0: sched_yield_cpu(S); break;
		case 1: t_spawn(lives, SCENE); break;
		case 2: sched_sleep_until(S, mach_now_ns() + 1000); break;
		default: t_works_until(mach_now_ns() + T_SLICE_NS); break;
		}
	}
}

/* The first to run: from here on switches count. */
static void sets_scene(void *arg)
{
	(void)arg;
	bound.began = S->cpu[0].switches;
	lives((void *)(uintptr_t)SCENE);
}

static void claims_and_abandons(uint32_t slot)
{
	struct thread *t;

	/* The oldest free slot is claimed first: until it is this one's turn. */
	for (;;) {
		t = thread_claim(&S->table, slot < 8 ? SLOT_SYSTEM : SLOT_USER);
		EXPECT(t != NULL);
		thread_abandon(&S->table, t);
		const struct list *next = S->table.free[slot < 8 ? SLOT_SYSTEM : SLOT_USER].next;
		if (CONTAINER_OF(next, struct thread, slot_link)->slot == slot) return;
	}
}

static void spawns_in(uint32_t slot, void (*entry)(void *arg), uint64_t arg)
{
	struct thread_how how = t_how(entry, arg);

	how.class = slot < 8 ? SLOT_SYSTEM : SLOT_USER;
	claims_and_abandons(slot);
	EXPECT((uint32_t)t_spawn_how(how) == slot);
}

static void one_subset(uint32_t set, uint32_t first)
{
	t_make(1, 32, 8, REAP_AFTER_SWITCH);
	bound.set = set & ~(1u << first);
	bound.ready = bound.ran = 0;
	spawns_in(scene[first], sets_scene, 0);
	for (uint32_t i = 0; i < SCENE; i++) {
		if ((bound.set >> i & 1) == 0) continue;
		spawns_in(scene[i], lives, i);
		bound.ready++;
	}
	t_go(&t_quiet);
	EXPECT(bound.ran == bound.ready);
}

/* All 2^8 sets, with each of that many slots of the scene running: among them 3 with 8 to 11
 * ready. */
static void test_bound(uint32_t firsts)
{
	bound.lots.state = 1;
	for (uint32_t first = 0; first < firsts; first++)
		for (uint32_t set = 0; set < 1u << SCENE; set++) one_subset(set, first);
}

static uint64_t runs_of[T_SLOTS];

static void counts_turns(void *arg)
{
	for (int i = 0; i < 3; i++) {
		runs_of[(uintptr_t)arg]++;
		sched_yield_cpu(S);
	}
}

/* Thousands: after each lap everybody has run once more. */
static void watches_laps(void *arg)
{
	for (uint64_t lap = 1; lap <= 3; lap++) {
		sched_yield_cpu(S);
		for (uintptr_t i = 0; i < (uintptr_t)arg; i++) EXPECT(runs_of[i] == lap);
	}
}

static void test_bound_thousands(void)
{
	enum { MANY = 3000 };

	t_make(1, T_SLOTS, 8, REAP_AFTER_SWITCH);
	memset(runs_of, 0, sizeof runs_of);
	t_spawn(watches_laps, MANY);
	for (uint64_t i = 0; i < MANY; i++) t_spawn(counts_turns, i);
	t_go(&t_quiet);
}

/* sched_bound_test [FIRSTS] */
int main(int argc, char **argv)
{
	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(1);
	test_bound(argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : SCENE);
	test_bound_thousands();
	host_cpus_close();
	return 0;
}
