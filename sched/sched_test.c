/*
 * sched_test.c -- the scheduler, scene by scene: order, slots, the three ways of reaping, priority,
 * slices, sleep and wake, kills in every state.
 *
 * CPUs take turns here only where they wait, so each scene has one outcome; sched_storm_test.c has
 * them meet at random.  Several CPUs are in sched_smp_test.c, the bound on waiting in
 * sched_bound_test.c, and rules of sched_check() are broken in sched_check_test.c.
 */
#include "sched/test_sched.h"

#define S (&tw.sched)

/* --- order and ends --------------------------------------------------------------------------- */

static void notes_and_yields(void *arg)
{
	for (int i = 0; i < 3; i++) {
		t_note((char)(uintptr_t)arg);
		sched_yield_cpu(S);
	}
}

static void test_order(void)
{
	t_make(1, 8, 0, REAP_AFTER_SWITCH);
	for (char c = 'a'; c <= 'c'; c++) t_spawn(notes_and_yields, (uint64_t)c);
	t_go(&t_quiet);
	t_noted("abcabcabc");
	EXPECT(S->cpu[0].preemptions == 0 && S->cpu[0].steals == 0);
}

static void exits_with(void *arg)
{
	t_note('x');
	sched_exit(S, (uintptr_t)arg);
}

static void has_children(void *arg)
{
	for (uintptr_t i = 0; i < 200; i++) {
		while (t_spawn(exits_with, i) == THREAD_NONE) sched_yield_cpu(S);
		tw.notes = 0;
	}
	(void)arg;
}

/* Many more threads than slots, in each form of reaping. */
static void test_reuse(void)
{
	for (uint32_t reap = REAP_AFTER_SWITCH; reap <= REAP_BEFORE_NEXT; reap++) {
		t_make(1, 4, 0, reap);
		t_spawn(has_children, 0);
		t_go(&t_quiet);
		EXPECT(tw.spawned == 201);
	}
}

static void notes_reaped(void *arg, const struct thread_gone *gone)
{
	t_note((char)('0' + gone->exit_code));
	EXPECT(thread_find(&S->table, gone->id) == NULL);
	t_reaped(arg, gone);
}

static void ends_with(void *arg)
{
	t_note((char)('a' + (uintptr_t)arg));
	sched_exit(S, (uintptr_t)arg);
}

/* When the three forms reap: before the next thread's first line, or after all have run; and by
 * which thread. */
static uint32_t reaped_by_idle;

static void notes_who(void *arg, const struct thread_gone *gone)
{
	notes_reaped(arg, gone);
	reaped_by_idle += sched_current(S)->idle;
}

static void test_reap_forms(void)
{
	static const char *const wanted[] = { "a0b1c2", "abc012", "a0b1c2" };
	static const uint32_t by_idle[] = { 1, 3, 3 };

	for (uint32_t reap = REAP_AFTER_SWITCH; reap <= REAP_BEFORE_NEXT; reap++) {
		t_make(1, 4, 0, reap);
		S->config.reaped = notes_who;
		reaped_by_idle = 0;
		for (uint64_t i = 0; i < 3; i++) t_spawn(ends_with, i);
		t_go(&t_quiet);
		t_noted(wanted[reap]);
		EXPECT(reaped_by_idle == by_idle[reap]);
	}
}

/* With REAP_IN_IDLE a full table is made room in by who needs it. */
static void fills(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) EXPECT(t_spawn(exits_with, 0) != THREAD_NONE);
	EXPECT(t_spawn(exits_with, 0) == THREAD_NONE);
	sched_yield_cpu(S);
	EXPECT(tw.reaped == 0 && thread_count(&S->table) == 4);
	EXPECT(t_spawn(exits_with, 0) != THREAD_NONE);
	EXPECT(tw.reaped == 3 && sched_reap(S) == 0);
	sched_yield_cpu(S);
	EXPECT(sched_reap(S) == 1);
}

static void test_reap_on_demand(void)
{
	t_make(1, 4, 0, REAP_IN_IDLE);
	t_spawn(fills, 0);
	t_go(&t_quiet);
}

/* The documents' layout: 32 slots, 8 of them the system's. */
static void test_layout(void)
{
	struct thread_how system = t_how(notes_and_yields, 's');

	t_make(1, 32, 8, REAP_AFTER_SWITCH);
	system.class = SLOT_SYSTEM;
	for (uint32_t i = 8; i < 32; i++) EXPECT((uint32_t)t_spawn(notes_and_yields, 'u') == i);
	EXPECT(t_spawn(notes_and_yields, 'u') == THREAD_NONE);
	for (uint32_t i = 0; i < 8; i++) EXPECT((uint32_t)t_spawn_how(system) == i);
	EXPECT(t_spawn_how(system) == THREAD_NONE);
	t_go(&t_quiet);
	EXPECT(tw.spawned == 32);
}

static void owns_mutex_and_exits(void *arg)
{
	sched_current(S)->mutexes = (uint16_t)(uintptr_t)arg;
}

static void test_exit_with_mutex(void)
{
	t_make(1, 4, 0, REAP_AFTER_SWITCH);
	t_spawn(owns_mutex_and_exits, 1);
	t_expect_stuck("owner");
}

static bool spawned_by_idle;

static bool spawns_and_says_no(void *arg, uint32_t cpu)
{
	if (!spawned_by_idle) t_spawn(notes_and_yields, 'i');
	spawned_by_idle = true;
	(void)arg, (void)cpu;
	return false;
}

/* What became ready in the last moment is run before the CPU goes. */
static void test_leaving(void)
{
	t_make(1, 4, 0, REAP_AFTER_SWITCH);
	S->config.idle = spawns_and_says_no;
	spawned_by_idle = false;
	t_go(&t_quiet);
	t_noted("iii");
}

/* --- priorities and slices -------------------------------------------------------------------- */

static void notes(void *arg)
{
	t_note((char)(uintptr_t)arg);
}

static void spawns_more_and_less_urgent(void *arg)
{
	struct thread_how how = t_how(notes, 'l');

	(void)arg;
	t_note('1');
	how.priority = PRIORITY_NORMAL + 1;
	t_spawn_how(how);
	sched_yield_cpu(S); /* to nobody: it is less urgent */
	t_note('2');
	how = t_how(notes, 'm');
	how.priority = PRIORITY_NORMAL - 1;
	t_spawn_how(how); /* runs before this returns */
	t_note('3');
	t_spawn(notes, 'e');
	t_note('4');
	sched_yield_cpu(S);
	t_note('5');
}

static void test_priorities(void)
{
	t_make(1, 8, 0, REAP_AFTER_SWITCH);
	t_spawn(spawns_more_and_less_urgent, 0);
	t_go(&t_quiet);
	t_noted("12m34e5l");
	EXPECT(S->cpu[0].preemptions == 1);
}

static void works(void *arg)
{
	t_note((char)(uintptr_t)arg);
	t_works_until(mach_now_ns() + T_SLICE_NS);
	t_note((char)(uintptr_t)arg);
}

/* Two take turns by the timer; one alone has none, before and after. */
static void works_alone_first(void *arg)
{
	(void)arg;
	EXPECT(t_deadline() == UINT64_MAX);
	t_spawn(works, 'b');
	EXPECT(t_deadline() == mach_now_ns() + T_SLICE_NS);
	t_note('a');
	t_works_until(mach_now_ns() + T_SLICE_NS);
	t_note('A');
	t_works_until(mach_now_ns() + 2 * T_SLICE_NS);
	t_note('c');
	EXPECT(atomic_load_u64(&S->cpu[0].slice_end_ns) == UINT64_MAX);
}

static void sleeps(void *arg)
{
	const uint64_t for_ns = (uintptr_t)arg;
	const uint64_t until_ns = mach_now_ns() + for_ns;

	EXPECT(sched_sleep_until(S, until_ns) == WAIT_TIMEOUT);
	EXPECT(mach_now_ns() >= until_ns && mach_now_ns() < until_ns + T_SLICE_NS);
	t_note((char)('0' + for_ns / 10000000));
}

/* The clock is set to a sleeper's deadline; a slice is over before that. */
static void has_earlier_deadline(void *arg)
{
	const uint64_t far_ns = mach_now_ns() + 50 * T_SLICE_NS;

	(void)arg;
	t_spawn(sleeps, 50 * T_SLICE_NS);
	sched_yield_cpu(S);
	t_works_until(mach_now_ns() + T_SLICE_NS); /* nothing is left but the sleeper's */
	EXPECT(t_deadline() == far_ns);
	t_spawn(notes, 'b');
	EXPECT(t_deadline() == mach_now_ns() + T_SLICE_NS);
	t_works_until(mach_now_ns() + T_SLICE_NS);
	t_note('a');
}

static void test_earlier_deadline(void)
{
	t_make(1, 8, 0, REAP_AFTER_SWITCH);
	t_spawn(has_earlier_deadline, 0);
	t_go(&t_quiet);
	t_noted("ba5");
}

static void test_slices(void)
{
	t_make(1, 8, 0, REAP_AFTER_SWITCH);
	t_spawn(works_alone_first, 0);
	t_go(&t_quiet);
	EXPECT(tw.note[0] == 'a' && tw.note[1] == 'b' && S->cpu[0].preemptions >= 2);
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* A wake from a word that is not that wait's any more wakes nobody. */
static void wakes_late(void *arg)
{
	const thread_id id = t_spawn(t_waits, 'a');
	struct thread *t = thread_find(&S->table, id);

	(void)arg;
	sched_yield_cpu(S);
	const uint64_t word = atomic_load_u64(&t->word);
	EXPECT(thread_word_state(word) == THREAD_WAITING);
	EXPECT(!sched_wake(S, t, word - (1 << 16), 0) && !sched_wake(S, t, word + (1ull << 32), 0));
	EXPECT(atomic_load_u64(&t->word) == word);
	EXPECT(t_wake_one() == 1 && t_wake_one() == 0);
	EXPECT(!sched_wake(S, t, word, 0));
	sched_yield_cpu(S);
	EXPECT(thread_find(&S->table, id) == NULL && t_waited == WAIT_WOKEN);
	/* The slot has another owner, which waits as often. */
	const thread_id next = t_spawn(t_waits, 'b');
	EXPECT((uint32_t)next == (uint32_t)id && next != id);
	sched_yield_cpu(S);
	EXPECT(!sched_wake(S, t, word, 0));
	EXPECT(thread_word_state(atomic_load_u64(&t->word)) == THREAD_WAITING);
	EXPECT(t_wake_one() == 1);
}

/* More urgent than who wakes it. */
static void waits_twice(void *arg)
{
	const mach_irq_t was = wait_enter(&t_queue);

	(void)arg;
	for (int i = 0; i < 2; i++) {
		wait_sleep(S, &t_queue, WAIT_FOREVER);
		t_note('u');
	}
	wait_leave(&t_queue, was);
}

/* Who was told to choose anew, and went on in that thread by itself, is told again next time: the
 * interrupt that told it found the CPU idle. */
static void wakes_and_waits(void *arg)
{
	struct thread_how how = t_how(waits_twice, 0);

	(void)arg;
	how.priority = 0;
	t_spawn_how(how);
	const mach_irq_t was = wait_enter(&t_queue);
	EXPECT(wait_wake_one(S, &t_queue) == 1);
	EXPECT(wait_sleep(S, &t_queue, mach_now_ns() + 1) == WAIT_TIMEOUT);
	wait_leave(&t_queue, was);
	t_note('1');
	EXPECT(t_wake_one() == 1);
	t_note('2');
}

static void test_told_again(void)
{
	t_make(1, 2, 0, REAP_AFTER_SWITCH);
	wait_init(&t_queue, RANK_WAIT);
	t_spawn(wakes_and_waits, 0);
	t_go(&t_quiet);
	t_noted("u1u2");
}

static void test_waking(void)
{
	t_make(1, 2, 0, REAP_AFTER_SWITCH);
	wait_init(&t_queue, RANK_WAIT);
	t_spawn(wakes_late, 0);
	t_go(&t_quiet);
	t_noted("aAbB");
	EXPECT(S->cpu[0].wakes == 2);
}

static void test_sleep(void)
{
	t_make(2, 16, 0, REAP_AFTER_SWITCH);
	for (uint64_t i = 9; i > 0; i--) t_spawn(sleeps, (i * 5 % 11) * 10000000);
	t_go(&t_quiet);
	for (uint32_t i = 1; i < tw.notes; i++) EXPECT(tw.note[i - 1] < tw.note[i]);
	EXPECT(tw.notes == 9 && S->cpu[0].idle_ns + S->cpu[1].idle_ns > 90000000);
}

/* --- kills ------------------------------------------------------------------------------------ */

static void expects_kill(void *arg)
{
	EXPECT(sched_killed(S) == (arg != NULL));
	t_note(arg != NULL ? 'k' : 'n');
}

static void kills(void *arg)
{
	const thread_id me = thread_id_of(sched_current(S));

	(void)arg;
	/* READY, and twice; never run. */
	const thread_id ready = t_spawn(expects_kill, 1);
	EXPECT(sched_kill(S, ready) && sched_kill(S, ready));
	sched_yield_cpu(S);
	EXPECT(!sched_kill(S, ready)); /* it is gone */
	/* WAITING: woken, and told why; it waits no more. */
	const thread_id waiting = t_spawn(t_waits, 'a');
	sched_yield_cpu(S);
	EXPECT(sched_kill(S, waiting));
	EXPECT(thread_word_state(atomic_load_u64(&tw.threads[(uint32_t)waiting].word)) ==
	       THREAD_READY);
	EXPECT(t_wake_one() == 0);
	sched_yield_cpu(S);
	EXPECT(t_waited == WAIT_KILLED);
	/* The slot's next owner is not the one that was killed. */
	const thread_id next = t_spawn(expects_kill, 0);
	EXPECT((uint32_t)next == (uint32_t)ready && !sched_kill(S, ready));
	EXPECT(!sched_kill(S, THREAD_NONE) && !sched_kill(S, me + (1ull << 32)));
	EXPECT(!sched_kill(S, (1ull << 32) + 17));
	/* Itself, RUNNING. */
	EXPECT(!sched_killed(S) && sched_kill(S, me) && sched_killed(S));
	const mach_irq_t was = wait_enter(&t_queue);
	EXPECT(wait_sleep(S, &t_queue, WAIT_FOREVER) == WAIT_KILLED);
	wait_leave(&t_queue, was);
}

static void test_kill(void)
{
	t_make(1, 2, 0, REAP_AFTER_SWITCH);
	wait_init(&t_queue, RANK_WAIT);
	t_spawn(kills, 0);
	t_go(&t_quiet);
	t_noted("kaAn");
}

/* A dead thread that is not reaped yet is gone all the same. */
static void kills_dead(void *arg)
{
	(void)arg;
	const thread_id id = t_spawn(exits_with, 0);
	sched_yield_cpu(S);
	EXPECT(thread_find(&S->table, id) != NULL && !sched_kill(S, id));
	EXPECT(!sched_set_priority(S, id, 0) && !sched_set_affinity(S, id, 1));
}

static void test_kill_dead(void)
{
	t_make(1, 4, 0, REAP_IN_IDLE);
	t_spawn(kills_dead, 0);
	t_go(&t_quiet);
}

/* --- priority and affinity of threads in any state -------------------------------------------- */

static void changes_priorities(void *arg)
{
	const thread_id me = thread_id_of(sched_current(S));
	thread_id id[4];

	(void)arg;
	for (uint64_t i = 0; i < 4; i++) id[i] = t_spawn(notes, 'a' + i);
	EXPECT(sched_set_priority(S, id[2], PRIORITY_NORMAL)); /* as it was: its place stays */
	EXPECT(sched_set_priority(S, id[1], PRIORITIES - 1));
	EXPECT(!sched_set_priority(S, id[0], PRIORITIES));
	t_note('1');
	EXPECT(sched_set_priority(S, id[3], 0)); /* runs at once, then a and c: we went last */
	t_note('2');
	EXPECT(sched_set_priority(S, me, PRIORITIES - 1)); /* b is no more urgent */
	t_note('3');
	EXPECT(!sched_set_priority(S, id[3], 0)); /* gone */
	sched_yield_cpu(S);
	t_note('4');
}

static void wakes_with_priority(void *arg)
{
	const thread_id id = t_spawn(t_waits, 'a');

	(void)arg;
	sched_yield_cpu(S);
	EXPECT(sched_set_priority(S, id, 0));
	t_wake_one(); /* it runs at once */
	t_note('1');
}

static void test_set_priority(void)
{
	t_make(1, 8, 0, REAP_AFTER_SWITCH);
	t_spawn(changes_priorities, 0);
	t_go(&t_quiet);
	t_noted("1dac23b4");
	t_make(1, 8, 0, REAP_AFTER_SWITCH);
	wait_init(&t_queue, RANK_WAIT);
	t_spawn(wakes_with_priority, 0);
	t_go(&t_quiet);
	t_noted("aA1");
}

int main(void)
{
	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(2);
	test_order();
	test_reuse();
	test_reap_forms();
	test_reap_on_demand();
	test_layout();
	test_exit_with_mutex();
	test_leaving();
	test_priorities();
	test_slices();
	test_earlier_deadline();
	test_waking();
	test_told_again();
	test_sleep();
	test_kill();
	test_kill_dead();
	test_set_priority();
	host_cpus_close();
	return 0;
}
