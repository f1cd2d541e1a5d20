/*
 * sched_balance_test.c -- busy CPUs give each other threads until none has two more than another:
 * from every small number of threads on each CPU; and what is not given away.
 *
 * The promise is one about slices, so it is looked at where a timer comes: a CPU that has two ready
 * threads more than another when its timer comes has given one when it is over, unless another CPU
 * did meanwhile.  As each gift brings the world nearer to even, the number of gifts is bounded, and
 * that is counted.
 */
#include "sched/test_sched.h"

#define S (&tw.sched)

enum { CPUS = 4, MOST = 24, LOOKS = 400, SEEDS = 2 };

static struct {
	uint32_t on[CPUS]; /* threads on each CPU, to begin with */
	thread_id id[MOST];
	uint32_t count, begun; /* begun: atomic */
	uint32_t stops, even;  /* atomic: set by who looks */
	thread_id looks;       /* that one */
	uint32_t due, given;
} seen;

static uint32_t ready_on(uint32_t cpu)
{
	return atomic_load_u32(&S->cpu[cpu].runq.count);
}

static uint32_t spread(void)
{
	uint32_t least = UINT32_MAX, most = 0;

	for (uint32_t cpu = 0; cpu < tw.cpus; cpu++) {
		least = (uint32_t)min_u64(least, ready_on(cpu));
		most = (uint32_t)max_u64(most, ready_on(cpu));
	}
	return most - least;
}

static uint64_t gifts(void)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < tw.cpus; cpu++) sum += S->cpu[cpu].gifts;
	return sum;
}

/* Who looks is more urgent than the others: nothing is given to where it is about to run. */
static bool nobody_looks(void)
{
	const struct thread *t = thread_find(&S->table, seen.looks);
	return t != NULL && thread_word_state(atomic_load_u64(&t->word)) == THREAD_WAITING;
}

static bool is_due(uint32_t here)
{
	if (S->cpu[here].current == NULL || S->cpu[here].current->idle) return false;
	for (uint32_t cpu = 0; cpu < tw.cpus; cpu++) {
		if (atomic_load_u32(&S->cpu[cpu].receives) != 0)
			return false; /* it is on its way */
		if (ready_on(cpu) + 2 > ready_on(here)) continue;
		return true;
	}
	return false;
}

static void timer(void *arg)
{
	const uint64_t before = gifts();
	const bool due = atomic_load_u32(&seen.even) == 1 && nobody_looks() && is_due(mach_cpu());

	sched_timer_fired(arg);
	/* In the middle of a switch a CPU has one less than it has: twice, it is true. */
	if (!due || !nobody_looks() || (gifts() == before && !is_due(mach_cpu()))) return;
	seen.due++;
	if (gifts() != before) seen.given++;
	EXPECT(gifts() != before);
}

/* --- threads that go on and on ---------------------------------------------------------------- */

static void works(void *arg)
{
	(void)arg;
	atomic_fetch_add_u32(&seen.begun, 1);
	while (atomic_load_u32(&seen.stops) == 0) t_works_until(mach_now_ns() + T_SLICE_NS / 4);
}

static void put(uint32_t cpu, unsigned priority)
{
	struct thread_how how = t_how(works, 0);

	how.affinity = 1u << cpu;
	how.priority = (uint8_t)priority;
	seen.id[seen.count++] = t_spawn_how(how);
}

static void put_all(void)
{
	for (uint32_t cpu = 0; cpu < tw.cpus; cpu++)
		for (uint32_t i = 0; i < seen.on[cpu]; i++) put(cpu, PRIORITY_NORMAL);
}

static void free_all(void)
{
	for (uint32_t i = 0; i < seen.count; i++)
		EXPECT(sched_set_affinity(S, seen.id[i], (1u << tw.cpus) - 1));
}

static void naps(void)
{
	sched_sleep_until(S, mach_now_ns() + T_SLICE_NS);
}

/* More urgent than they: it looks as often as it likes. */
static struct thread_how looks_how(void (*entry)(void *arg))
{
	struct thread_how how = t_how(entry, 0);

	how.priority = PRIORITY_NORMAL - 1;
	how.affinity = 1;
	return how;
}

/* What all the gifts together can be: each takes 2 or more off the sum of squares. */
static uint64_t most_gifts(void)
{
	uint64_t squares = 0;

	for (uint32_t cpu = 0; cpu < tw.cpus; cpu++) squares += seen.on[cpu] * seen.on[cpu];
	return squares / 2;
}

static void looks(void *arg)
{
	uint32_t rounds = 0, calm = 0;

	(void)arg;
	put_all();
	while (atomic_load_u32(&seen.begun) != seen.count) naps();
	free_all();
	atomic_store_u32(&seen.even, 1);
	for (; calm < 8; rounds++) {
		EXPECT(rounds < LOOKS);
		naps();
		calm = spread() <= 1 ? calm + 1 : 0;
	}
	EXPECT(gifts() <= most_gifts());
	atomic_store_u32(&seen.stops, 1);
}

static void run(uint32_t cpus, uint64_t seed, void (*entry)(void *arg))
{
	t_seed = seed;
	t_make(cpus, 64, 0, REAP_AFTER_SWITCH);
	host_handlers_set(timer, t_ipi, &tw.sched);
	seen.looks = t_spawn_how(looks_how(entry));
	t_go_by_lots(seed, 200, 4);
}

/* Every number from 1 to `most` on each CPU. */
static void test_even(uint32_t cpus, uint32_t most)
{
	uint32_t all = 1;

	for (uint32_t i = 0; i < cpus; i++) all *= most;
	for (uint32_t n = 0; n < all * SEEDS; n++) {
		const uint32_t due = seen.due, given = seen.given;
		memset(&seen, 0, sizeof seen);
		seen.due = due, seen.given = given;
		for (uint32_t cpu = 0, rest = n / SEEDS; cpu < cpus; cpu++, rest /= most)
			seen.on[cpu] = 1 + rest % most;
		run(cpus, n + 1, looks);
	}
}

/* --- what stays ------------------------------------------------------------------------------- */

static void sees_no_gift(void)
{
	while (atomic_load_u32(&seen.begun) != seen.count) naps();
	for (int i = 0; i < 20; i++) naps();
	EXPECT(gifts() == 0);
	atomic_store_u32(&seen.stops, 1);
}

/* Who may run on one CPU only. */
static void looks_at_bound_ones(void *arg)
{
	(void)arg;
	put_all();
	sees_no_gift();
}

/* On CPU 1 runs something more urgent, behind which they would wait for ever. */
static void looks_at_urgent_one(void *arg)
{
	(void)arg;
	put(1, PRIORITY_NORMAL - 1);
	for (int i = 0; i < 5; i++) put(0, PRIORITY_NORMAL);
	while (atomic_load_u32(&seen.begun) != seen.count) naps();
	for (uint32_t i = 1; i < seen.count; i++) EXPECT(sched_set_affinity(S, seen.id[i], 3));
	sees_no_gift();
}

static void test_stays(void (*entry)(void *arg), uint32_t on_0)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		memset(&seen, 0, sizeof seen);
		seen.on[0] = on_0, seen.on[1] = 1;
		run(2, seed, entry);
	}
}

int main(void)
{
	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(CPUS);
	test_even(2, 9);
	test_even(3, 4);
	test_even(4, 3);
	printf("%u slices ended with two more than another has; %u gave\n", seen.due, seen.given);
	EXPECT(seen.due > 100);
	test_stays(looks_at_bound_ones, 6);
	test_stays(looks_at_urgent_one, 0);
	host_cpus_close();
	return 0;
}
