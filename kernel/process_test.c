/*
 * process_test.c -- processes on one CPU: made, ended, waited for, killed, handed on; their
 * threads; in each of the three forms of reaping.
 *
 * Threads run until they wait, so each test says exactly in which state somebody is when something
 * happens to it.
 */
#include "kernel/test_process.h"

static uint32_t ran, seen;
static process_id first, second;
static struct wait_queue never;

static void exits(void *arg)
{
	ran++;
	process_exit(W, (uintptr_t)arg);
}

static void returns(void *arg)
{
	(void)arg;
	ran++;
}

/* Waits for what never comes; a kill ends that. */
static void waits(void *arg)
{
	(void)arg;
	ran++;
	const mach_irq_t was = wait_enter(&never);
	EXPECT(wait_sleep(&tw->sched, &never, WAIT_FOREVER) == WAIT_KILLED);
	wait_leave(&never, was);
	EXPECT(sched_killed(&tw->sched));
	seen++;
}

/* Runs until it is asked to end. */
static void spins(void *arg)
{
	(void)arg;
	ran++;
	test_spin();
	seen++;
}

/* Whoever can, and those who have ended are reaped, which a CPU that is never idle does not do by
 * itself in one of the forms. */
static void let_others_run(void)
{
	for (unsigned i = 0; i < 2 * TEST_THREADS; i++) sched_yield_cpu(&tw->sched);
	if (tw->sched.config.reap == REAP_IN_IDLE) sched_reap(&tw->sched);
}

/* --- ends that are waited for ----------------------------------------------------------------- */

static void parent_of_one(void *arg)
{
	(void)arg;
	const process_id self = process_self(W);
	EXPECT(self != PROCESS_NONE && process_parent(W) == PROCESS_NONE);
	no_more_children();
	const process_id id = child(exits, (void *)42);
	struct process_status status;
	EXPECT(process_wait(W, id, 0, &status) == -ERR_AGAIN);
	EXPECT(process_wait(W, PROCESS_ANY, 0, &status) == -ERR_AGAIN);
	EXPECT(process_wait(W, self, 0, &status) == -ERR_CHILD);
	EXPECT(process_wait(W, id + 1, 0, &status) == -ERR_CHILD);
	wait_for(id, PROCESS_EXITED, 42);
	EXPECT(process_wait(W, id, WAIT_FOREVER, &status) == -ERR_CHILD);
	EXPECT(process_kill(W, id, 9) == -ERR_SRCH);
	wait_for(child(returns, NULL), PROCESS_EXITED, 0);
	EXPECT(ran == 2);
	no_more_children();
}

/* As they end, whoever was made first. */
static void parent_of_many(void *arg)
{
	process_id id[4];
	(void)arg;
	for (uintptr_t i = 0; i < 4; i++) id[i] = child(exits, (void *)i);
	wait_for(id[2], PROCESS_EXITED, 2);
	let_others_run();
	EXPECT(counts_now().zombies == 3 && counts_now().threads == 1);
	EXPECT(wait_for(PROCESS_ANY, PROCESS_EXITED, 0) == id[0]);
	wait_for(id[3], PROCESS_EXITED, 3);
	EXPECT(wait_for(PROCESS_ANY, PROCESS_EXITED, 1) == id[1]);
	no_more_children();
}

/* A slot whose status nobody has collected is not used again, and no number twice. */
static void numbers(void *arg)
{
	process_id before[3 * TEST_PROCESSES];
	(void)arg;
	const process_id kept = child(exits, (void *)7);
	for (unsigned i = 0; i < COUNT_OF(before); i++) {
		before[i] = child(returns, NULL);
		EXPECT(before[i] != kept && before[i] != process_self(W));
		for (unsigned k = 0; k < i; k++) {
			EXPECT(before[k] != before[i]);
			EXPECT(process_kill(W, before[k], 9) == -ERR_SRCH);
		}
		wait_for(before[i], PROCESS_EXITED, 0);
	}
	wait_for(kept, PROCESS_EXITED, 7);
}

static void sleeper(void *arg)
{
	EXPECT(sched_sleep_until(&tw->sched, (uintptr_t)arg) == WAIT_TIMEOUT);
}

static void parent_in_time(void *arg)
{
	struct process_status status;
	(void)arg;
	const uint64_t now_ns = mach_now_ns();
	const process_id id = child(sleeper, (void *)(uintptr_t)(now_ns + 50000000));
	EXPECT(process_wait(W, id, now_ns + 20000000, &status) == -ERR_AGAIN);
	EXPECT(mach_now_ns() >= now_ns + 20000000 && mach_now_ns() < now_ns + 50000000);
	EXPECT(process_wait(W, PROCESS_ANY, now_ns + 90000000, &status) == 0 && status.id == id);
	EXPECT(mach_now_ns() < now_ns + 90000000);
}

/* --- several wait ----------------------------------------------------------------------------- */

static void waits_for_first(void *arg)
{
	struct process_status status;
	const int answer = process_wait(W, first, WAIT_FOREVER, &status);
	(void)arg;
	EXPECT(answer == 0 || answer == -ERR_CHILD);
	if (answer == 0) seen++;
	ran++;
}

static void many_wait_for_one(void *arg)
{
	(void)arg;
	first = child(spins, NULL);
	for (unsigned i = 0; i < 3; i++) another_thread(waits_for_first, NULL);
	let_others_run();
	EXPECT(ran == 1);
	EXPECT(process_kill(W, first, 15) == 0);
	while (ran != 4) let_others_run();
	EXPECT(seen == 2); /* one of those who waited, and the child its kill */
	no_more_children();
}

/* --- orphans ---------------------------------------------------------------------------------- */

static void leaves_children(void *arg)
{
	(void)arg;
	child(exits, (void *)1);
	let_others_run();
	EXPECT(ran == 1);
	first = child(spins, NULL);
	second = process_self(W);
	process_exit(W, 3);
}

static void init_gets_orphans(void *arg)
{
	(void)arg;
	EXPECT(process_adopt_orphans(W, process_self(W) + 1) == -ERR_SRCH);
	EXPECT(process_adopt_orphans(W, process_self(W)) == 0);
	const process_id id = child(leaves_children, NULL);
	wait_for(id, PROCESS_EXITED, 3);
	EXPECT(second == id);
	EXPECT(process_kill(W, first, 9) == 0);
	wait_for(PROCESS_ANY, PROCESS_EXITED, 1);
	wait_for(first, PROCESS_KILLED, 9);
	no_more_children();
}

static void has_a_dead_child(void *arg)
{
	child(exits, arg);
	let_others_run();
}

static void waits_until_seen(void *arg)
{
	(void)arg;
	wait_for(child(has_a_dead_child, (void *)6), PROCESS_EXITED, 0);
	while (seen == 0) {
		tw->vain++;
		let_others_run();
	}
}

/* Who waits for any child already is told of one that it gets when that is dead. */
static void init_gets_the_dead(void *arg)
{
	(void)arg;
	EXPECT(process_adopt_orphans(W, process_self(W)) == 0);
	const process_id id = child(waits_until_seen, NULL);
	EXPECT(wait_for(PROCESS_ANY, PROCESS_EXITED, 6) != id);
	seen = 1;
	wait_for(id, PROCESS_EXITED, 0);
}

/* With nobody to get them: the zombie is forgotten, and so is the other when it ends. */
static void nobody_gets_orphans(void *arg)
{
	(void)arg;
	wait_for(child(leaves_children, NULL), PROCESS_EXITED, 3);
	no_more_children();
	EXPECT(counts_now().processes == 2 && counts_now().zombies == 0);
	EXPECT(process_kill(W, first, 9) == 0);
	while (counts_now().processes != 1) let_others_run();
}

/* --- orphans that somebody nearer takes in --- */

static void leaves_one(void *arg)
{
	first = child(exits, arg);
	process_exit(W, 3);
}

static void takes_in_one(void *arg)
{
	EXPECT(!process_takes_in(W));
	process_take_in_below(W, true);
	EXPECT(process_takes_in(W));
	wait_for(child(leaves_one, arg), PROCESS_EXITED, 3);
	wait_for(first, PROCESS_EXITED, (uintptr_t)arg);
	no_more_children();
	process_take_in_below(W, false);
	wait_for(child(leaves_one, arg), PROCESS_EXITED, 3);
	no_more_children(); /* it went by */
}

static void leaves_a_line(void *arg)
{
	EXPECT(!process_takes_in(W)); /* that is not its parent's to give */
	wait_for(child(leaves_one, arg), PROCESS_EXITED, 3);
	no_more_children();
}

/* The nearest of several gets them, over one that does not; and hands on what it has. */
static void nearest_takes_in(void *arg)
{
	(void)arg;
	EXPECT(process_adopt_orphans(W, process_self(W)) == 0);
	wait_for(child(takes_in_one, (void *)7), PROCESS_EXITED, 0);
	wait_for(first, PROCESS_EXITED, 7);
	no_more_children();
	process_take_in_below(W, true); /* changes nothing for who has them all */
	wait_for(child(leaves_a_line, (void *)8), PROCESS_EXITED, 0);
	wait_for(first, PROCESS_EXITED, 8);
	no_more_children();
}

static void is_asked_to_end(void *arg)
{
	process_take_in_below(W, true);
	child(leaves_children, arg);
	let_others_run();
	EXPECT(process_kill(W, process_self(W), 4) == 0);
}

/* Who ends takes in no more: what it has and what comes goes on to the next. */
static void ends_while_it_takes_in(void *arg)
{
	(void)arg;
	EXPECT(process_adopt_orphans(W, process_self(W)) == 0);
	wait_for(child(is_asked_to_end, NULL), PROCESS_KILLED, 4);
	EXPECT(process_kill(W, first, 9) == 0);
	wait_for(second, PROCESS_EXITED, 3);
	wait_for(first, PROCESS_KILLED, 9);
	wait_for(PROCESS_ANY, PROCESS_EXITED, 1);
	no_more_children();
}

/* Who gets orphans ends: its children become nobody's. */
static void init_ends(void *arg)
{
	(void)arg;
	EXPECT(process_adopt_orphans(W, process_self(W)) == 0);
	child(exits, (void *)5);
	let_others_run();
	child(returns, NULL);
}

/* Adopts below its parent, and outlives that one. */
static void adopts_and_stays(void *arg)
{
	(void)arg;
	EXPECT(process_adopt_orphans(W, process_self(W)) == 0);
	for (unsigned i = 0; i < 20; i++) {
		sched_yield_cpu(&tw->sched);
		test_must(process_check(W));
	}
	ran++;
}

static void parent_of_who_adopts(void *arg)
{
	(void)arg;
	child(adopts_and_stays, NULL);
	child(exits, (void *)6);
	for (unsigned i = 0; i < 10; i++) sched_yield_cpu(&tw->sched);
}

static void parent_of_parent_of_who_adopts(void *arg)
{
	(void)arg;
	child(parent_of_who_adopts, NULL);
	for (unsigned i = 0; i < 4; i++) sched_yield_cpu(&tw->sched);
}

/* Who gets orphans is among those that are handed on, and below one: it is not its own child, nor
 * its own parent's parent. */
static void init_is_below(void *arg)
{
	(void)arg;
	wait_for(child(parent_of_who_adopts, NULL), PROCESS_EXITED, 0);
	const process_id above = child(parent_of_parent_of_who_adopts, NULL);
	wait_for(above, PROCESS_EXITED, 0);
	while (ran < 2) sched_yield_cpu(&tw->sched);
}

/* --- kills ------------------------------------------------------------------------------------ */

static void kills(void *arg)
{
	static void (*const lives[])(void *) = { waits, spins };
	(void)arg;
	for (unsigned i = 0; i < 2 * COUNT_OF(lives); i++) {
		const process_id id = child(lives[i % 2], NULL);
		const uint32_t before = ran;
		if (i < 2) let_others_run();
		EXPECT(process_kill(W, id, 100 + i) == 0);
		EXPECT(process_kill(W, id, 200) == 0);
		wait_for(id, PROCESS_KILLED, 100 + i);
		/* What had not begun does not begin. */
		EXPECT(ran == before + (i < 2) && seen == ran);
	}
	const process_id zombie = child(exits, (void *)8);
	let_others_run();
	EXPECT(process_kill(W, zombie, 9) == 0);
	wait_for(zombie, PROCESS_EXITED, 8);
	EXPECT(process_kill(W, zombie, 9) == -ERR_SRCH);
	EXPECT(process_kill(W, PROCESS_NONE, 9) == -ERR_SRCH);
	EXPECT(process_kill(W, PROCESS_ANY, 9) == -ERR_SRCH);
}

static void kills_itself(void *arg)
{
	struct process_status status;
	const struct process_how how = how_of(returns, NULL);
	thread_id thread;
	(void)arg;
	child(spins, NULL);
	EXPECT(process_kill(W, process_self(W), 11) == 0);
	EXPECT(sched_killed(&tw->sched));
	EXPECT(process_wait(W, PROCESS_ANY, WAIT_FOREVER, &status) == -ERR_INTR);
	EXPECT(process_spawn(W, process_self(W), &how, &first) == -ERR_INTR);
	EXPECT(first == PROCESS_NONE);
	EXPECT(process_thread_spawn(W, process_self(W), &how, &thread) == -ERR_INTR);
	process_exit(W, 12);
}

/* The child's child is nobody's, and is ended here. */
static void parent_of_suicide(void *arg)
{
	(void)arg;
	EXPECT(process_adopt_orphans(W, process_self(W)) == 0);
	wait_for(child(kills_itself, NULL), PROCESS_KILLED, 11);
	for (uint32_t slot = 0; slot < TEST_PROCESSES; slot++) {
		const struct process *p = &tw->processes[slot];
		if (p->parent != NULL) process_kill(W, process_id_of(p), 9);
	}
	wait_for(PROCESS_ANY, PROCESS_KILLED, 9);
}

static void killed_in_its_wait(void *arg)
{
	struct process_status status;
	(void)arg;
	child(waits, NULL);
	EXPECT(process_wait(W, PROCESS_ANY, WAIT_FOREVER, &status) == -ERR_INTR);
	seen += 100;
}

static void kills_who_waits(void *arg)
{
	(void)arg;
	const process_id id = child(killed_in_its_wait, NULL);
	EXPECT(process_adopt_orphans(W, process_self(W)) == 0);
	let_others_run();
	EXPECT(process_kill(W, id, 9) == 0);
	wait_for(id, PROCESS_KILLED, 9);
	EXPECT(seen == 100);
	for (uint32_t slot = 0; slot < TEST_PROCESSES; slot++) {
		const struct process *p = &tw->processes[slot];
		if (p->parent != NULL) process_kill(W, process_id_of(p), 10);
	}
	wait_for(PROCESS_ANY, PROCESS_KILLED, 10);
}

/* --- threads ---------------------------------------------------------------------------------- */

static void ends_them_all(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 3; i++) {
		another_thread(waits, NULL);
		another_thread(spins, NULL);
	}
	let_others_run();
	EXPECT(ran == 6);
	another_thread(waits, NULL); /* has not begun when it all ends */
	process_exit(W, 77);
}

/* Who is told of the end finds every thread, stack and slot of it back. */
static void parent_of_a_crowd(void *arg)
{
	(void)arg;
	const process_id id = child(ends_them_all, NULL);
	wait_for(id, PROCESS_EXITED, 77);
	EXPECT(ran == 6 && seen == 6);
	EXPECT(counts_now().threads == 1 && counts_now().processes == 1);
	EXPECT(tw->stacks.live == 1 && thread_count(&tw->sched.table) == 1);
}

static void thread_exits(void *arg)
{
	ran++;
	process_thread_exit(W, (uintptr_t)arg);
}

static void last_thread_decides(void *arg)
{
	(void)arg;
	another_thread(thread_exits, (void *)30);
	another_thread(thread_exits, (void *)31);
	process_thread_exit(W, 29);
}

static void parent_of_last(void *arg)
{
	const struct process_how how = how_of(returns, NULL);
	thread_id thread;
	(void)arg;
	const process_id id = child(last_thread_decides, NULL);
	wait_for(id, PROCESS_EXITED, 31);
	EXPECT(process_thread_spawn(W, id, &how, &thread) == -ERR_SRCH && thread == THREAD_NONE);
}

/* A thread of the kernel has neither process nor space, and nobody waits for it. */
static void kernel_thread(void *arg)
{
	struct process_status status;
	(void)arg;
	EXPECT(process_self(W) == PROCESS_NONE && process_space(W) == NULL);
	EXPECT(tw->vm.installed[0] == NULL);
	EXPECT(process_wait(W, PROCESS_ANY, WAIT_FOREVER, &status) == -ERR_CHILD);
	ran++;
}

static void spawns_kernel_threads(void *arg)
{
	const struct process_how how = how_of(kernel_thread, NULL);
	thread_id thread;
	(void)arg;
	EXPECT(process_space(W) != NULL && tw->vm.installed[0] == process_space(W));
	for (unsigned i = 0; i < 3; i++)
		EXPECT(process_thread_spawn(W, PROCESS_NONE, &how, &thread) == 0);
	let_others_run();
	EXPECT(ran == 3 && tw->vm.installed[0] == process_space(W));
	struct process_how bare = how_of(exits, NULL);
	bare.no_space = true;
	EXPECT(process_spawn(W, process_self(W), &bare, &first) == 0);
	wait_for(first, PROCESS_EXITED, 0);
}

/* --- spaces ----------------------------------------------------------------------------------- */

enum { USER_AT = 0x400000 };

static uint64_t load(void)
{
	uint64_t value = 0;

	while (mach_user_load(USER_AT, &value) != MACH_FAULT_NONE)
		EXPECT(space_fault(process_space(W), USER_AT, MACH_LOAD) == FAULT_DONE);
	return value;
}

static void store(uint64_t value)
{
	while (mach_user_store(USER_AT, value) != MACH_FAULT_NONE)
		EXPECT(space_fault(process_space(W), USER_AT, MACH_STORE) == FAULT_DONE);
}

static void forked(void *arg)
{
	(void)arg;
	EXPECT(load() == 1);
	store(2);
	sched_yield_cpu(&tw->sched);
	EXPECT(load() == 2);
	ran++;
}

static void forks(void *arg)
{
	const struct process_how how = how_of(forked, NULL);
	process_id id[2];
	(void)arg;
	EXPECT(space_mmap(process_space(W), USER_AT, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, TEST_SITE) == USER_AT);
	store(1);
	for (unsigned i = 0; i < 2; i++) EXPECT(process_fork(W, &how, &id[i]) == 0);
	sched_yield_cpu(&tw->sched);
	EXPECT(load() == 1);
	wait_for(id[0], PROCESS_EXITED, 0);
	wait_for(id[1], PROCESS_EXITED, 0);
	EXPECT(ran == 2 && load() == 1);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void (*const tests[])(void *) = {
	parent_of_one,
	parent_of_many,
	numbers,
	parent_in_time,
	many_wait_for_one,
	init_gets_orphans,
	init_gets_the_dead,
	nobody_gets_orphans,
	nearest_takes_in,
	ends_while_it_takes_in,
	init_ends,
	init_is_below,
	kills,
	parent_of_suicide,
	kills_who_waits,
	parent_of_a_crowd,
	parent_of_last,
	spawns_kernel_threads,
	forks,
};

static void run_one(void (*test)(void *), enum reap_form reap)
{
	const struct test_choice choice = { .reap = reap };

	test_open(&choice);
	wait_init(&never, RANK_WAIT);
	ran = seen = 0;
	nobodys(test, NULL);
	test_run();
	test_shut();
}

/* Who is being made may be given up yet: it gets no children. */
static void nobody_has_run_in_it(void)
{
	const struct test_choice choice = { .reap = REAP_AFTER_SWITCH };
	const struct process_how how = how_of(returns, NULL);
	process_id id, none;
	thread_id thread;

	test_open(&choice);
	EXPECT(process_spawn(W, PROCESS_NONE, &how, &id) == 0);
	EXPECT(process_spawn(W, id, &how, &none) == -ERR_SRCH && none == PROCESS_NONE);
	EXPECT(process_adopt_orphans(W, id) == -ERR_SRCH);
	EXPECT(process_thread_spawn(W, id, &how, &thread) == -ERR_SRCH);
	EXPECT(process_kill(W, id, 9) == 0);
	ran = 0;
	test_run();
	EXPECT(ran == 0);
	test_shut();
}

int main(void)
{
	static const enum reap_form forms[] = { REAP_AFTER_SWITCH, REAP_IN_IDLE, REAP_BEFORE_NEXT };

	host_cpus_open(1);
	nobody_has_run_in_it();
	for (unsigned f = 0; f < COUNT_OF(forms); f++)
		for (unsigned i = 0; i < COUNT_OF(tests); i++) run_one(tests[i], forms[f]);
	host_cpus_close();
	return 0;
}
