/*
 * sched_turns_test.c -- the scheduler where two CPUs meet in one chosen place: windows of a few
 * instructions, each with the turn taken away in the middle.
 *
 *	before a CPU announces that it idles, another makes a thread ready, and tells nobody: the
 *	CPU that idles looks once more, and takes it;
 *	a wake has seen its wait, and before it has the lock that wait is over and the thread waits
 *	again: it wakes nobody.
 */
#include "sched/test_sched.h"

#define S (&tw.sched)

static uint32_t flag, seen; /* atomic */

static thread_id spawn_on(void (*entry)(void *arg), unsigned priority, uint32_t cpus)
{
	struct thread_how how = t_how(entry, 0);

	how.priority = (uint8_t)priority;
	how.affinity = cpus;
	return t_spawn_how(how);
}

/* --- the last look ---------------------------------------------------------------------------- */

static bool announced;

static void look_begin(void *context, struct turns *t)
{
	(void)context;
	announced = false;
	t->asks.place = (uint32_t)(((uint8_t *)&S->idle_cpus - (uint8_t *)host_arena_base()) / 8);
	t->asks.until_place = 1;
	t->asks.until = 1;
}

/* CPU 1 runs until it is about to announce; then CPU 0 does, until it spins. */
static struct turn look_decide(void *context, struct turns *t, struct turn_point point)
{
	(void)context;
	t->asks.until = 0;
	t->asks.until_place = announced ? 0 : 1;
	if (announced || point.kind != TURN_ATOMIC || point.place != t->asks.place || t->now != 1)
		return (struct turn){ .cpu = announced ? (uint8_t)t->now : 1 };
	announced = true;
	t->asks.until_place = 0;
	return (struct turn){ .cpu = 0 };
}

static const struct turns_planner look = { look_begin, look_decide, drawn_stuck, NULL };

static void sets_flag(void *arg)
{
	(void)arg;
	EXPECT(mach_cpu() == 1);
	atomic_store_u32(&flag, 1);
}

static void spawns_and_spins(void *arg)
{
	(void)arg;
	EXPECT(announced && atomic_load_u64(&S->idle_cpus) == 0);
	spawn_on(sets_flag, PRIORITY_NORMAL + 1, 3);
	while (atomic_load_u32(&flag) == 0) mach_relax();
}

static void test_last_look(void)
{
	t_make(2, 4, 0, REAP_AFTER_SWITCH);
	atomic_store_u32(&flag, 0);
	spawn_on(spawns_and_spins, PRIORITY_NORMAL, 1);
	t_go(&look);
	EXPECT(announced && S->cpu[1].steals == 1);
}

/* --- the late wake ---------------------------------------------------------------------------- */

static bool about_to_wake;

static void late_begin(void *context, struct turns *t)
{
	(void)context;
	t->asks.until_named = 1;
}

/* CPU 1 has looked at the word and asks for the run queue's lock: CPU 0 goes on. */
static struct turn late_decide(void *context, struct turns *t, struct turn_point point)
{
	(void)context;
	t->asks.until_named = 1;
	if (!about_to_wake || t->now != 1 || point.kind != TURN_LOCK || point.detail != RANK_RUNQ)
		return (struct turn){ .cpu = (uint8_t)t->now };
	about_to_wake = false;
	seen = 1;
	return (struct turn){ .cpu = 0 };
}

static const struct turns_planner late = { late_begin, late_decide, drawn_stuck, NULL };

static struct thread *sleeper;

static void sleeps_twice(void *arg)
{
	const mach_irq_t was = wait_enter(&t_queue);

	(void)arg;
	for (int i = 0; i < 2; i++) EXPECT(wait_sleep(S, &t_queue, WAIT_FOREVER) == WAIT_WOKEN);
	wait_leave(&t_queue, was);
}

static void wakes_late(void *arg)
{
	const uint64_t word = atomic_load_u64(&sleeper->word);

	(void)arg;
	EXPECT(thread_word_state(word) == THREAD_WAITING);
	const mach_irq_t was = mach_irq_save();
	about_to_wake = true;
	EXPECT(!sched_wake(S, sleeper, word, 0));
	mach_irq_restore(was);
	EXPECT(atomic_load_u64(&sleeper->word) == word + (1 << 16)); /* it waits, once more */
	atomic_store_u32(&flag, 1);
}

static void wakes_in_time(void *arg)
{
	(void)arg;
	sleeper = thread_find(&S->table, spawn_on(sleeps_twice, PRIORITY_NORMAL, 1));
	sched_yield_cpu(S);
	spawn_on(wakes_late, PRIORITY_NORMAL, 2);
	while (atomic_load_u32(&seen) == 0) mach_relax();
	EXPECT(t_wake_one() == 1);
	sched_yield_cpu(S);
	while (atomic_load_u32(&flag) == 0) mach_relax();
	EXPECT(t_wake_one() == 1);
}

static void test_late_wake(void)
{
	t_make(2, 4, 0, REAP_AFTER_SWITCH);
	wait_init(&t_queue, RANK_WAIT);
	atomic_store_u32(&flag, 0);
	atomic_store_u32(&seen, 0);
	about_to_wake = false;
	spawn_on(wakes_in_time, PRIORITY_NORMAL, 1);
	t_go(&late);
	EXPECT(seen == 1);
}

int main(void)
{
	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(2);
	test_last_look();
	test_late_wake();
	host_cpus_close();
	return 0;
}
