/*
 * process_full_test.c -- processes when there is too little of something: slots of either kind,
 * stacks, pages.  Making one fails with the error that says so, nothing is lost, and it works again
 * when there is room.
 */
#include "kernel/test_process.h"

enum { PAGES_LEFT_MAX = 40, USER_PAGES = 3, USER_AT = 0x400000 };

/* What is out, to the page. */
struct sum {
	struct process_counts processes;
	uint32_t slots, stacks, spaces, pages;
};

static struct sum sum_now(void)
{
	struct vm_counts vm;
	struct sum sum = {
		.processes = counts_now(),
		.slots = thread_count(&tw->sched.table),
		.stacks = tw->stacks.live,
		.pages = test_pages_used(),
	};

	vm_count(&tw->vm, &vm);
	sum.spaces = vm.spaces;
	return sum;
}

static bool same(struct sum a, struct sum b)
{
	return a.processes.processes == b.processes.processes &&
	       a.processes.threads == b.processes.threads &&
	       a.processes.spawned == b.processes.spawned && a.slots == b.slots &&
	       a.stacks == b.stacks && a.spaces == b.spaces && a.pages == b.pages;
}

static void spins(void *arg)
{
	(void)arg;
	test_spin();
}

/* --- slots and stacks ------------------------------------------------------------------------- */

static uint32_t room; /* for so many children besides the parent */
static int refusal;

/* As many as there is room for, then a refusal that costs nothing; twice. */
static void fills(void *arg)
{
	const struct process_how how = how_of(spins, NULL);
	process_id id[TEST_PROCESSES], none;
	(void)arg;
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < room; i++) id[i] = child(spins, NULL);
		const struct sum before = sum_now();
		for (unsigned i = 0; i < 5; i++)
			EXPECT(process_spawn(W, process_self(W), &how, &none) == refusal);
		EXPECT(none == PROCESS_NONE && same(before, sum_now()));
		for (uint32_t i = 0; i < room; i++) EXPECT(process_kill(W, id[i], i) == 0);
		for (uint32_t i = 0; i < room; i++) wait_for(id[i], PROCESS_KILLED, i);
		no_more_children();
	}
}

/* The same with threads of one process. */
static void fills_with_threads(void *arg)
{
	const struct process_how how = how_of(spins, NULL);
	thread_id thread;
	(void)arg;
	for (uint32_t i = 0; i < room; i++) another_thread(spins, NULL);
	const struct sum before = sum_now();
	for (unsigned i = 0; i < 5; i++)
		EXPECT(process_thread_spawn(W, process_self(W), &how, &thread) == refusal);
	EXPECT(thread == THREAD_NONE && same(before, sum_now()));
	process_exit(W, 0);
}

static void ends(void *arg)
{
	(void)arg;
}

/* A table full of zombies refuses, too, and takes one more for each that is collected. */
static void fills_with_zombies(void *arg)
{
	const struct process_how how = how_of(ends, NULL);
	process_id none;
	(void)arg;
	for (uint32_t i = 0; i < room; i++) child(ends, NULL);
	while (counts_now().zombies != room) {
		sched_yield_cpu(&tw->sched);
		sched_reap(&tw->sched);
	}
	const struct sum before = sum_now();
	EXPECT(process_spawn(W, process_self(W), &how, &none) == -ERR_AGAIN);
	EXPECT(same(before, sum_now()));
	wait_for(PROCESS_ANY, PROCESS_EXITED, 0);
	child(ends, NULL);
	EXPECT(process_spawn(W, process_self(W), &how, &none) == -ERR_AGAIN);
	for (uint32_t i = 0; i < room; i++) wait_for(PROCESS_ANY, PROCESS_EXITED, 0);
	no_more_children();
}

/* --- pages ------------------------------------------------------------------------------------ */

static int spawn_once(process_id *id)
{
	const struct process_how how = how_of(ends, NULL);

	return process_spawn(W, process_self(W), &how, id);
}

static int fork_once(process_id *id)
{
	const struct process_how how = how_of(ends, NULL);

	return process_fork(W, &how, id);
}

static int thread_once(process_id *id)
{
	const struct process_how how = how_of(ends, NULL);
	thread_id thread;

	*id = PROCESS_NONE;
	return process_thread_spawn(W, process_self(W), &how, &thread);
}

/* With every number of pages left, from none: fails and costs nothing, until it works. */
static void sweep(int (*make)(process_id *id))
{
	const struct sum before = sum_now();
	uint32_t left = 0;
	int answer;
	do {
		process_id id;
		test_hoard(left++);
		answer = make(&id);
		EXPECT(answer == 0 || answer == -ERR_NOMEM);
		EXPECT((answer == 0) == (id != PROCESS_NONE) || make == thread_once);
		test_share();
		if (answer != 0) EXPECT(same(before, sum_now()));
		if (answer == 0 && id != PROCESS_NONE) wait_for(id, PROCESS_EXITED, 0);
	} while (answer != 0);
	EXPECT(left > KSTACK_PAGES && left < PAGES_LEFT_MAX);
}

static void sweeps(void *arg)
{
	(void)arg;
	EXPECT(space_mmap(process_space(W), USER_AT, USER_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, TEST_SITE) == USER_AT);
	for (uint64_t i = 0; i < USER_PAGES; i++)
		EXPECT(space_fault(process_space(W), USER_AT + i * PAGE_SIZE, MACH_STORE) ==
		       FAULT_DONE);
	sweep(spawn_once);
	sweep(fork_once);
	sweep(thread_once);
}

/* Before there is anybody to run. */
static void first_fails(void)
{
	const struct test_choice choice = { .processes = 1 };
	const struct process_how how = how_of(ends, NULL);
	process_id id;
	int answer;

	test_open(&choice);
	const struct sum before = sum_now();
	uint32_t left = 0;
	do {
		test_hoard(left++);
		answer = process_spawn(W, PROCESS_NONE, &how, &id);
		test_share();
		if (answer != 0) EXPECT(answer == -ERR_NOMEM && same(before, sum_now()));
	} while (answer != 0);
	EXPECT(process_spawn(W, PROCESS_NONE, &how, &id) == -ERR_AGAIN);
	test_run();
	test_shut();
}

static void run_one(void (*test)(void *), struct test_choice choice, uint32_t children, int answer)
{
	static const enum reap_form forms[] = { REAP_AFTER_SWITCH, REAP_IN_IDLE, REAP_BEFORE_NEXT };

	room = children;
	refusal = answer;
	for (unsigned f = 0; f < COUNT_OF(forms); f++) {
		choice.reap = forms[f];
		test_open(&choice);
		nobodys(test, NULL);
		test_run();
		test_shut();
	}
}

int main(void)
{
	host_cpus_open(1);
	run_one(fills, (struct test_choice){ .processes = 5 }, 4, -ERR_AGAIN);
	run_one(fills, (struct test_choice){ .threads = 4 }, 3, -ERR_AGAIN);
	run_one(fills, (struct test_choice){ .stacks = 3 }, 2, -ERR_NOMEM);
	run_one(fills_with_threads, (struct test_choice){ .threads = 4 }, 3, -ERR_AGAIN);
	run_one(fills_with_threads, (struct test_choice){ .stacks = 3 }, 2, -ERR_NOMEM);
	run_one(fills_with_zombies, (struct test_choice){ .processes = 5 }, 4, -ERR_AGAIN);
	run_one(sweeps, (struct test_choice){ .processes = 3 }, 0, 0);
	first_fails();
	host_cpus_close();
	return 0;
}
