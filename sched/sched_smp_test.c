/*
 * sched_smp_test.c -- the scheduler on several CPUs, scene by scene: affinity in every state, a
 * thread that is chased from CPU to CPU, stealing, pinned threads, a wait that nobody ends, and who
 * has to be told of a thread that is ready.
 *
 * CPUs take turns only where they wait or spin, so each scene has one outcome.
 */
#include "sched/test_sched.h"

#define S (&tw.sched)

static void test_nobody_wakes(void)
{
	t_make(2, 2, 0, REAP_AFTER_SWITCH);
	wait_init(&t_queue, RANK_WAIT);
	t_spawn(t_waits, 'a');
	t_expect_stuck("lost-wake");
}

static void notes_cpu(void *arg)
{
	(void)arg;
	t_note((char)('0' + mach_cpu()));
}

static void waits_and_notes_cpu(void *arg)
{
	t_waits((void *)'a');
	notes_cpu(arg);
}

/* RUNNING: itself; READY: another; WAITING: a third. */
static void changes_affinity(void *arg)
{
	const thread_id me = thread_id_of(sched_current(S));

	(void)arg;
	EXPECT(!sched_set_affinity(S, me, 0) && !sched_set_affinity(S, me, 1u << tw.cpus));
	for (uint32_t cpu = 0; cpu < tw.cpus; cpu++) {
		EXPECT(sched_set_affinity(S, me, 1u << cpu));
		EXPECT(mach_cpu() == cpu && sched_current(S)->cpu == cpu);
	}
	t_note('m');
	struct thread_how how = t_how(notes_cpu, 0);
	how.affinity = 1u << mach_cpu();
	const thread_id ready = t_spawn_how(how);
	EXPECT(sched_set_affinity(S, ready, 1u << 0));
	EXPECT(sched_sleep_until(S, mach_now_ns() + 1) == WAIT_TIMEOUT);
	how = t_how(waits_and_notes_cpu, 0);
	how.affinity = 1u << mach_cpu();
	const thread_id waiting = t_spawn_how(how);
	EXPECT(sched_sleep_until(S, mach_now_ns() + 1) == WAIT_TIMEOUT);
	EXPECT(sched_set_affinity(S, waiting, 1u << 1));
	EXPECT(t_wake_one() == 1);
}

static void test_set_affinity(void)
{
	t_make(4, 8, 0, REAP_AFTER_SWITCH);
	wait_init(&t_queue, RANK_WAIT);
	t_spawn(changes_affinity, 0);
	t_go(&t_quiet);
	t_noted("m0aA1");
}

/* A thread that runs elsewhere, and never yields, is moved by an interrupt; and a kill comes to it
 * as one. */
static uint32_t spins_on;

static void spins(void *arg)
{
	(void)arg;
	while (!sched_killed(S)) {
		atomic_store_u32(&spins_on, mach_cpu());
		mach_relax();
	}
}

static void chases(void *arg)
{
	struct thread_how how = t_how(spins, 0);

	(void)arg;
	how.affinity = 1u << 1;
	const thread_id id = t_spawn_how(how);
	for (uint32_t cpu = 1; cpu < tw.cpus; cpu++) {
		EXPECT(sched_set_affinity(S, id, 1u << cpu));
		while (atomic_load_u32(&spins_on) != cpu) mach_relax();
	}
	EXPECT(sched_kill(S, id));
}

static void test_chase(void)
{
	struct thread_how how = t_how(chases, 0);

	t_make(4, 8, 0, REAP_AFTER_SWITCH);
	atomic_store_u32(&spins_on, 0);
	how.affinity = 1;
	t_spawn_how(how);
	t_go(&t_quiet);
}

static uint32_t met; /* atomic */

/* Returns only when as many are here at once: each on a CPU of its own. */
static void meets(void *arg)
{
	atomic_fetch_add_u32(&met, 1);
	while (atomic_load_u32(&met) < (uintptr_t)arg) mach_relax();
	t_note((char)('0' + mach_cpu()));
}

static void test_steal(void)
{
	for (uint32_t cpus = 1; cpus <= CPUS_MAX; cpus++) {
		t_make(cpus, 16, 0, REAP_AFTER_SWITCH);
		atomic_store_u32(&met, 0);
		for (uint32_t i = 0; i < cpus; i++) t_spawn(meets, cpus);
		t_go(&t_quiet);
		uint32_t on = 0, steals = 0;
		for (uint32_t i = 0; i < cpus; i++) on |= 1u << (tw.note[i] - '0');
		for (uint32_t i = 0; i < cpus; i++) steals += (uint32_t)S->cpu[i].steals;
		EXPECT(on == (1u << cpus) - 1 && steals == cpus - 1);
	}
}

/* Who may run on one CPU only is stolen by nobody, and runs there, though others idle. */
static void test_pinned(void)
{
	t_make(4, 16, 0, REAP_AFTER_SWITCH);
	for (uint32_t i = 0; i < 8; i++) {
		struct thread_how how = t_how(notes_cpu, 0);
		how.affinity = 1u << (i % 4);
		t_spawn_how(how);
	}
	t_go(&t_quiet);
	uint32_t on[4] = { 0 };
	for (uint32_t i = 0; i < tw.notes; i++) on[tw.note[i] - '0']++;
	for (uint32_t i = 0; i < 4; i++) EXPECT(on[i] == 2);
}

/* --- who has to be told ----------------------------------------------------------------------- */

static uint32_t flag; /* atomic */

static void waits_for_flag(void *arg)
{
	(void)arg;
	while (atomic_load_u32(&flag) == 0) mach_relax();
}

static void sets_flag(void *arg)
{
	(void)arg;
	atomic_store_u32(&flag, 1);
}

static thread_id spawn_on(void (*entry)(void *arg), unsigned priority, uint32_t cpus)
{
	struct thread_how how = t_how(entry, 0);

	how.priority = (uint8_t)priority;
	how.affinity = cpus;
	return t_spawn_how(how);
}

/* To a CPU where one spins that only this can stop: more urgent, it takes its place at once; as
 * urgent, at the end of a slice that begins with it. */
static void spawns_where_one_spins(void *arg)
{
	const unsigned priority = (unsigned)(uintptr_t)arg;

	spawn_on(waits_for_flag, PRIORITY_NORMAL, 1u << 1);
	sched_sleep_until(S, mach_now_ns() + 1);
	const uint64_t from_ns = mach_now_ns();
	spawn_on(sets_flag, priority, 1u << 1);
	while (atomic_load_u32(&flag) == 0) mach_relax();
	const bool at_once = mach_now_ns() == from_ns;
	EXPECT(at_once == (priority < PRIORITY_NORMAL));
}

static void test_press(void)
{
	for (uintptr_t priority = PRIORITY_NORMAL - 1; priority <= PRIORITY_NORMAL; priority++) {
		struct thread_how how = t_how(spawns_where_one_spins, priority);
		t_make(2, 8, 0, REAP_AFTER_SWITCH);
		atomic_store_u32(&flag, 0);
		how.affinity = 1;
		t_spawn_how(how);
		t_go(&t_quiet);
		EXPECT(S->cpu[1].preemptions == 1);
	}
}

/* Who is made to give way goes on at once where another CPU idles; the one that took its place
 * spins until it has. */
static void gives_way(void *arg)
{
	(void)arg;
	sched_sleep_until(S, mach_now_ns() + 1); /* the other CPU idles */
	EXPECT(mach_cpu() == 0);
	spawn_on(waits_for_flag, PRIORITY_NORMAL - 1, 1u << 0);
	EXPECT(mach_cpu() == 1);
	atomic_store_u32(&flag, 1);
}

static void yields_way(void *arg)
{
	(void)arg;
	sched_sleep_until(S, mach_now_ns() + 1);
	const thread_id me = thread_id_of(sched_current(S));
	EXPECT(sched_set_affinity(S, me, 1u << 0));
	spawn_on(waits_for_flag, PRIORITY_NORMAL, 1u << 0);
	EXPECT(sched_set_affinity(S, me, 3));
	sched_yield_cpu(S);
	EXPECT(mach_cpu() == 1);
	atomic_store_u32(&flag, 1);
}

/* A new thread that cannot run where it is made goes to who idles. */
static void offers_child(void *arg)
{
	(void)arg;
	sched_sleep_until(S, mach_now_ns() + 1);
	spawn_on(sets_flag, PRIORITY_NORMAL + 1, 3);
	while (atomic_load_u32(&flag) == 0) mach_relax();
}

static void test_offer_new(void)
{
	struct thread_how how = t_how(offers_child, 0);

	t_make(2, 8, 0, REAP_AFTER_SWITCH);
	atomic_store_u32(&flag, 0);
	how.affinity = 1;
	t_spawn_how(how);
	t_go(&t_quiet);
	EXPECT(S->cpu[1].steals == 1);
}

static void test_offer(void)
{
	t_make(2, 8, 0, REAP_AFTER_SWITCH);
	atomic_store_u32(&flag, 0);
	t_spawn(gives_way, 0);
	t_go(&t_quiet);
	t_make(2, 8, 0, REAP_AFTER_SWITCH);
	atomic_store_u32(&flag, 0);
	t_spawn(yields_way, 0);
	t_go(&t_quiet);
}

/* A kill interrupts who runs elsewhere: in a program of a user nothing else would. */
static void is_interrupted(void *s)
{
	if (mach_cpu() == 1) atomic_store_u32(&flag, 1);
	t_ipi(s);
}

static void kills_from_afar(void *arg)
{
	const thread_id id = spawn_on(waits_for_flag, PRIORITY_NORMAL, 1u << 1);

	(void)arg;
	sched_sleep_until(S, mach_now_ns() + 1);
	atomic_store_u32(&flag, 0); /* the one that made it run does not count */
	EXPECT(sched_kill(S, id));
}

static void test_kill_interrupts(void)
{
	struct thread_how how = t_how(kills_from_afar, 0);

	t_make(2, 8, 0, REAP_AFTER_SWITCH);
	host_handlers_set(t_timer, is_interrupted, S);
	atomic_store_u32(&flag, 0);
	how.affinity = 1;
	t_spawn_how(how);
	t_go(&t_quiet);
}

int main(void)
{
	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(CPUS_MAX);
	test_nobody_wakes();
	test_set_affinity();
	test_chase();
	test_steal();
	test_pinned();
	test_press();
	test_offer();
	test_offer_new();
	test_kill_interrupts();
	host_cpus_close();
	return 0;
}
