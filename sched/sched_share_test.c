/*
 * sched_share_test.c -- turns of different lengths on one CPU, and what threads are told of what
 * they have had.
 */
#include "sched/test_sched.h"

#define S (&tw.sched)

enum { WORKERS = 3, ROUNDS = 20, LENGTHS = 1 + 3 + 4 };

static const uint64_t length[WORKERS] = { 1, 3, 4 }; /* slices */
static struct thread_used used[WORKERS];
static uint64_t end_ns;

static void works(void *arg)
{
	const unsigned me = (unsigned)(uintptr_t)arg;

	t_works_until(end_ns);
	used[me] = sched_used(S, thread_id_of(sched_current(S)));
}

static void shares_are_theirs(void)
{
	const uint64_t began_ns = end_ns - ROUNDS * LENGTHS * T_SLICE_NS;
	uint64_t sum = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		const uint64_t share = ROUNDS * length[i] * T_SLICE_NS;
		const uint64_t turn = length[i] * T_SLICE_NS;
		EXPECT(used[i].ran_ns + turn >= share && used[i].ran_ns <= share + turn);
		EXPECT(used[i].gives >= ROUNDS - 1 && used[i].gives <= ROUNDS + 1);
		EXPECT(used[i].waits == 0);
		sum += used[i].ran_ns;
	}
	EXPECT(sum + T_SLICE_NS >= end_ns - began_ns);
}

static void test_begun_so(void)
{
	t_make(1, WORKERS, 0, REAP_AFTER_SWITCH);
	end_ns = mach_now_ns() + ROUNDS * LENGTHS * T_SLICE_NS;
	for (unsigned i = 0; i < WORKERS; i++) {
		struct thread_how how = t_how(works, i);
		how.slice_ns = length[i] * T_SLICE_NS;
		EXPECT(t_spawn_how(how) != THREAD_NONE);
	}
	t_go(&t_quiet);
	shares_are_theirs();
}

/* Those who are READY, and the one that runs. */
static void sets_all(void *arg)
{
	const thread_id *id = arg;

	EXPECT(!sched_set_slice(S, THREAD_NONE, 1));
	for (unsigned i = 0; i + 1 < WORKERS; i++)
		EXPECT(sched_set_slice(S, id[i], length[i] * T_SLICE_NS));
	EXPECT(sched_set_slice(S, thread_id_of(sched_current(S)),
			       length[WORKERS - 1] * T_SLICE_NS));
	sched_yield_cpu(S);
	works((void *)(uintptr_t)(WORKERS - 1));
}

static void test_changed_to(void)
{
	static thread_id id[WORKERS];
	struct thread_how how = t_how(sets_all, 0);

	t_make(1, WORKERS, 0, REAP_AFTER_SWITCH);
	end_ns = mach_now_ns() + ROUNDS * LENGTHS * T_SLICE_NS;
	how.arg = id;
	EXPECT(t_spawn_how(how) != THREAD_NONE);
	for (unsigned i = 0; i + 1 < WORKERS; i++) id[i] = t_spawn(works, i);
	t_go(&t_quiet);
	shares_are_theirs();
}

/* --- what they are told ----------------------------------------------------------------------- */

static thread_id sleeper;

static void sleeps_thrice(void *arg)
{
	for (unsigned i = 0; i < 3; i++)
		EXPECT(sched_sleep_until(S, mach_now_ns() + 2 * T_SLICE_NS) == WAIT_TIMEOUT);
	used[0] = sched_used(S, thread_id_of(sched_current(S)));
	(void)arg;
}

static void looks_on(void *arg)
{
	(void)arg;
	EXPECT(sched_is_active(S, sleeper));
	sched_yield_cpu(S); /* it sleeps now */
	EXPECT(!sched_is_active(S, sleeper) && sched_is_active(S, thread_id_of(sched_current(S))));
	EXPECT(sched_used(S, sleeper).waits == 1 && sched_used(S, sleeper).gives == 0);
	host_clock_advance(T_SLICE_NS);
	EXPECT(sched_used(S, sleeper).ran_ns == 0);
	const struct thread_used mine = sched_used(S, thread_id_of(sched_current(S)));
	EXPECT(mine.gives == 1 && mine.waits == 0 && mine.ran_ns == T_SLICE_NS);
	const struct thread_used nobodys = sched_used(S, sleeper + 1);
	EXPECT(nobodys.ran_ns == 0 && nobodys.gives == 0 && nobodys.waits == 0);
	EXPECT(!sched_is_active(S, sleeper + 1) && !sched_is_active(S, THREAD_NONE));
}

static void test_told(void)
{
	t_make(1, 2, 0, REAP_AFTER_SWITCH);
	t_spawn(looks_on, 0);
	sleeper = t_spawn(sleeps_thrice, 0);
	t_go(&t_quiet);
	EXPECT(used[0].waits == 3 && used[0].gives == 0 && used[0].ran_ns == 0);
}

/* Time at EL0 is of who was there, and what is left is the kernel's for it. */
static void spends(void *arg)
{
	const uint64_t user_ns = (uint64_t)(uintptr_t)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const mach_irq_t was = mach_irq_save();
		host_user_begins();
		host_clock_advance(user_ns);
		host_user_ends();
		mach_irq_restore(was);
		host_clock_advance(1);
		sched_yield_cpu(S);
	}
	const struct thread_used mine = sched_used(S, thread_id_of(sched_current(S)));
	EXPECT(mine.user_ns == ROUNDS * user_ns && mine.ran_ns == mine.user_ns + ROUNDS);
}

static void test_two_kinds(void)
{
	t_make(1, 2, 0, REAP_AFTER_SWITCH);
	t_spawn(spends, 100);
	t_spawn(spends, 300);
	t_go(&t_quiet);
	uint64_t now_ns;
	EXPECT(mach_user_ticks_of(0, &now_ns) == ROUNDS * 400ull && now_ns == mach_now_ns());
}

int main(void)
{
	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(1);
	test_begun_so();
	test_changed_to();
	test_told();
	test_two_kinds();
	host_cpus_close();
	return 0;
}
