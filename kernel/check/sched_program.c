/*
 * sched_program.c -- the scheduler on the real machine: preemption, fairness, stealing, sleep,
 * waking across CPUs, floating point, rest without ticks, CPUs that come late, threads that end in
 * storms.
 *
 * Boot arguments: cpus=N leaves CPUs off at first; exits=N, how many threads end in the storm;
 * exact, where one CPU's instructions are counted: then how late a sleep may end is bounded too.
 */
#include "kernel/boot.h"
#include "kernel/check/fp_calls.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/ktap.h"
#include "kernel/kwatch.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "kernel/tick.h"
#include "kernel/vm.h"
#include "machine/aarch64/cpu.h"

enum {
	MANY = 8,
	YIELDS = 500,
	SLICES = 24,
	ROUNDS = 400,
	EXITS = 10000,
	WARM_UP = 200,
	BATCH = 16,
	SPAWN_TRIES = 1000,
	LOOK_SLICES = 5, /* the watchdog's, one in 50 ms */
};

#define MS 1000000ull
#define PATIENCE_NS (20000 * MS) /* of a busy host's time */
#define LATE_MOST_NS 112000      /* 14,000 instructions of -icount shift=3, for eight of them */

static struct kthread_end all_gone;
static const char *told; /* what a thread found wrong */

static thread_id spawn(void (*entry)(void *), void *arg, uint32_t affinity)
{
	const struct kthread_how how = { .entry = entry,
					 .arg = arg,
					 .affinity = affinity,
					 .priority = PRIORITY_NORMAL,
					 .end = &all_gone };
	thread_id id = kthread_spawn(&how);
	for (unsigned tries = 0; id == THREAD_NONE && tries < SPAWN_TRIES; tries++) {
		kthread_sleep(MS); /* until slots have cooled down */
		id = kthread_spawn(&how);
	}
	return id;
}

static bool spawn_many(unsigned count, void (*entry)(void *), uint32_t affinity)
{
	for (uintptr_t i = 0; i < count; i++) {
		if (spawn(entry, (void *)i, affinity) == THREAD_NONE) return false;
	}
	return true;
}

static uint32_t counts[MANY]; /* atomic */

static void counts_clear(void)
{
	for (unsigned i = 0; i < MANY; i++) atomic_store_u32(&counts[i], 0);
}

static uint32_t count_least(unsigned many)
{
	uint32_t least = UINT32_MAX;
	for (unsigned i = 0; i < many; i++)
		least = (uint32_t)min_u64(least, atomic_load_u32(&counts[i]));
	return least;
}

static void work(void)
{
	for (volatile unsigned i = 0; i < 300; i++) continue;
	mach_relax();
}

/* --- CPUs that come late ---------------------------------------------------------------------- */

static uint32_t ran_on; /* atomic: a bit for each CPU */

static void note_bit(uint32_t *map, unsigned n)
{
	while ((atomic_load_u32(map) >> n & 1) == 0) {
		const uint32_t was = atomic_load_u32(map);
		atomic_change_u32(map, was, was | 1u << n);
	}
}

static void runs_there(void *cpu)
{
	if (mach_cpu() != (uintptr_t)cpu) told = "it ran elsewhere";
	note_bit(&ran_on, mach_cpu());
}

/* Anywhere, and never asleep, until every CPU has had one of them. */
static uint32_t shared_on; /* atomic: a bit for each CPU */

static void spin_until_shared(void *end_ns)
{
	while (atomic_load_u32(&shared_on) != (1u << cpu_count()) - 1 &&
	       mach_now_ns() < (uintptr_t)end_ns) {
		const mach_irq_t was = mach_irq_save();
		note_bit(&shared_on, mach_cpu());
		mach_irq_restore(was);
		work();
	}
}

/* While threads run on the others: what waits for a late CPU runs there, and it takes its share of
 * what can run anywhere. */
static const char *check_hot_start(void)
{
	unsigned cpu;
	int64_t status;
	const unsigned first = smp_count();
	if (first == cpu_count()) return NULL;
	ran_on = shared_on = 0;
	for (unsigned i = first; i < cpu_count(); i++) {
		if (spawn(runs_there, (void *)(uintptr_t)i, 1u << i) == THREAD_NONE)
			return "no thread for a CPU that is off";
	}
	kthread_sleep(5 * MS);
	if (ran_on != 0) return "a thread ran on a CPU that is off";
	const uintptr_t end = mach_now_ns() + PATIENCE_NS;
	for (unsigned i = 0; i < 2 * cpu_count(); i++)
		if (spawn(spin_until_shared, (void *)end, 0) == THREAD_NONE) return "no thread";
	while (atomic_load_u32(&shared_on) != (1u << first) - 1 && mach_now_ns() < end)
		kthread_sleep(MS);
	if (shared_on != (1u << first) - 1) return "the CPUs that are on are not busy";
	const char *wrong = smp_start(cpu_count(), &cpu, &status);
	if (wrong != NULL) return wrong;
	kthread_wait(&all_gone);
	if (ran_on != (1u << cpu_count()) - (1u << first))
		return "a late CPU ran nothing of its own";
	return shared_on == (1u << cpu_count()) - 1 ? NULL : "a late CPU took nothing";
}

/* --- preemption and fairness ------------------------------------------------------------------ */

/* None of them ever gives the CPU up; each ends when all have got on. */
static void spin_until_all(void *me)
{
	while (count_least(2) < ROUNDS) {
		work();
		atomic_fetch_add_u32(&counts[(uintptr_t)me], 1);
	}
}

static const char *check_preemption(void)
{
	const uint64_t before = kernel_sched.cpu[0].preemptions;
	counts_clear();
	if (!spawn_many(2, spin_until_all, 1)) return "no threads";
	kthread_wait(&all_gone);
	return kernel_sched.cpu[0].preemptions > before ? NULL : "nobody was preempted";
}

/* One that yields is as far as the others, give or take one, and one for each time that somebody
 * was preempted between two yields. */
static uint64_t preempted_before;

static void yield_in_step(void *me)
{
	while (atomic_load_u32(&counts[MANY - 1]) == 0) kthread_yield(); /* until all are here */
	for (unsigned i = 0; i < YIELDS; i++) {
		const uint32_t mine = atomic_fetch_add_u32(&counts[(uintptr_t)me], 1) + 1;
		const uint64_t preempted = kernel_sched.cpu[0].preemptions - preempted_before;
		if (mine > count_least(MANY - 1) + 1 + preempted)
			told = "one got further than another";
		kthread_yield();
	}
}

static void open_gate(void *unused)
{
	(void)unused;
	atomic_store_u32(&counts[MANY - 1], 1);
}

static const char *check_yields(void)
{
	counts_clear();
	preempted_before = kernel_sched.cpu[0].preemptions;
	if (!spawn_many(MANY - 1, yield_in_step, 1)) return "no threads";
	if (spawn(open_gate, NULL, 1) == THREAD_NONE) return "no thread";
	kthread_wait(&all_gone);
	return count_least(MANY - 1) == YIELDS ? NULL : "one is missing";
}

/* Threads that never yield get as many slices each, from when the last of them has begun. */
enum { RACERS = 4 };

static struct {
	struct thread *threads[RACERS];
	uint64_t base[RACERS]; /* times chosen before */
	uint32_t begun;
} race;

/* How often the one that was chosen least, and the one that was chosen most. */
static void look_at_race(uint64_t *least, uint64_t *most)
{
	const mach_irq_t was = mach_irq_save();
	*least = UINT64_MAX;
	*most = 0;
	for (unsigned i = 0; i < RACERS; i++) {
		const uint64_t chosen = race.threads[i]->switches - race.base[i];
		*least = min_u64(*least, chosen);
		*most = max_u64(*most, chosen);
	}
	mach_irq_restore(was);
}

static void begin_race(struct thread *me)
{
	const mach_irq_t was = mach_irq_save();
	race.threads[race.begun++] = me;
	for (unsigned i = 0; i < race.begun; i++) race.base[i] = race.threads[i]->switches;
	mach_irq_restore(was);
}

static void spin_slices(void *unused)
{
	uint64_t least = 0, most;
	(void)unused;
	begin_race(sched_current(&kernel_sched));
	while (__atomic_load_n(&race.begun, __ATOMIC_RELAXED) < RACERS) work();
	while (least < SLICES) {
		work();
		look_at_race(&least, &most);
		if (most > least + 1) told = "one got more slices than another";
	}
	kthread_sleep(2 * RACERS * TICK_MS * MS); /* none is gone while others look at it */
}

static const char *check_slices(void)
{
	memset(&race, 0, sizeof(race));
	const uint64_t from = mach_now_ns();
	if (!spawn_many(RACERS, spin_slices, 1)) return "no threads";
	kthread_wait(&all_gone);
	if (mach_now_ns() - from < (uint64_t)(SLICES - 1) * RACERS * TICK_MS * MS)
		return "slices are too short";
	return NULL;
}

/* The more urgent first, whoever came first. */
static uint32_t order; /* atomic: a digit for each that ran */

static void note_order(void *priority)
{
	atomic_store_u32(&order, atomic_load_u32(&order) * 10 + (uint32_t)(uintptr_t)priority);
}

static const char *check_priorities(void)
{
	static const uint8_t priorities[] = { 6, 1, 3, 7, 2 };
	order = 0;
	kthread_sleep(2 * kernel_sched.config.cooldown_ns);
	const mach_irq_t was = mach_irq_save();
	bool all = true;
	for (unsigned i = 0; i < COUNT_OF(priorities); i++) {
		const struct kthread_how how = { .entry = note_order,
						 .arg = (void *)(uintptr_t)priorities[i],
						 .affinity = 1,
						 .priority = priorities[i],
						 .end = &all_gone };
		all = kthread_spawn(&how) != THREAD_NONE && all;
	}
	mach_irq_restore(was);
	kthread_wait(&all_gone);
	return all && order == 12367 ? NULL : "another order";
}

/* --- several CPUs ----------------------------------------------------------------------------- */

/* All begin on one CPU's queue; each ends when every CPU has run one. */
static void spin_on_all(void *end_ns)
{
	const uint32_t want = (1u << smp_count()) - 1;
	while (atomic_load_u32(&ran_on) != want && mach_now_ns() < (uintptr_t)end_ns) {
		const mach_irq_t was = mach_irq_save();
		note_bit(&ran_on, mach_cpu());
		mach_irq_restore(was);
		work();
	}
}

static const char *check_stealing(void)
{
	const uintptr_t end = mach_now_ns() + PATIENCE_NS;
	uint64_t before = 0, after = 0;
	ran_on = 0;
	for (unsigned i = 0; i < CPUS_MAX; i++) before += kernel_sched.cpu[i].steals;
	for (unsigned i = 0; i < 2 * MANY; i++) {
		if (spawn(spin_on_all, (void *)end, 0) == THREAD_NONE) return "no threads";
	}
	kthread_wait(&all_gone);
	for (unsigned i = 0; i < CPUS_MAX; i++) after += kernel_sched.cpu[i].steals;
	if (ran_on != (1u << smp_count()) - 1) return "a CPU had nothing to do";
	return smp_count() == 1 || after > before ? NULL : "nobody stole";
}

/* A ball between threads, each on its own CPU if there are two. */
static struct wait_queue court;
static uint32_t ball; /* guarded by court.lock */

static void play(void *me)
{
	const mach_irq_t was = wait_enter(&court);
	while (ball < ROUNDS) {
		if (ball % 2 == (uintptr_t)me) {
			ball++;
			wait_wake_all(&kernel_sched, &court);
		} else {
			wait_sleep(&kernel_sched, &court, WAIT_FOREVER);
		}
	}
	wait_leave(&court, was);
}

static const char *check_wakes(void)
{
	wait_init(&court, RANK_WAIT);
	for (unsigned apart = 0; apart < 2 && apart < smp_count(); apart++) {
		ball = 0;
		for (uintptr_t i = 0; i < 2; i++) {
			if (spawn(play, (void *)i, 1u << (apart * i)) == THREAD_NONE)
				return "no threads";
		}
		kthread_wait(&all_gone);
		if (ball < ROUNDS) return "the ball was dropped";
	}
	return NULL;
}

/* Registers survive slices, yields, sleeps, and other CPUs. */
static void keep_registers(void *me)
{
	const uint64_t seed = ((uintptr_t)me + 1) * 0x08c0009b00000005ull + 0x01000000;
	fp_fill(seed);
	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		work();
		if (fp_same(seed) != 0) told = "registers are another's";
		if (i % 8 == (uintptr_t)me % 8) kthread_sleep(50000);
		if (i % 3 == 0) kthread_yield();
	}
	if (fp_same(seed) != 0) told = "registers are another's";
}

static const char *check_fp(void)
{
	for (uintptr_t i = 0; i < 2 * MANY; i++) {
		const struct kthread_how how = { .entry = keep_registers,
						 .arg = (void *)i,
						 .priority = PRIORITY_NORMAL,
						 .fp = true,
						 .end = &all_gone };
		while (kthread_spawn(&how) == THREAD_NONE) kthread_sleep(MS);
	}
	kthread_wait(&all_gone);
	return NULL;
}

/* --- time ------------------------------------------------------------------------------------- */

static uint64_t late_most_ns;

static void sleep_and_look(void *me)
{
	for (unsigned i = 1; i < 12; i++) {
		const uint64_t end =
			mach_now_ns() + i * 70000 + (uintptr_t)me * 30000 + i * (uintptr_t)me * 7;
		if (sched_sleep_until(&kernel_sched, end) != WAIT_TIMEOUT) told = "it was woken";
		const uint64_t now = mach_now_ns();
		if (now < end) told = "a sleep ended early";
		late_most_ns = max_u64(late_most_ns, now - end);
	}
}

static const char *check_sleep(void)
{
	const bool exact = bootarg_is_set(boot.platform.bootargs, "exact");
	late_most_ns = 0;
	if (!spawn_many(MANY, sleep_and_look, 0)) return "no threads";
	kthread_wait(&all_gone);
	if (!exact) return NULL;
	console_print("# sleeps ended at most %lu ns late\n", late_most_ns);
	return late_most_ns < LATE_MOST_NS ? NULL : "a sleep ended late";
}

static uint64_t all_ticks(void)
{
	uint64_t sum = 0;
	for (unsigned cpu = 0; cpu < smp_count(); cpu++) sum += tick_count(cpu);
	return sum;
}

/* The watchdog's, on whichever CPU: one in 50 ms of the whole machine. */
static uint64_t all_looks(void)
{
	uint64_t sum = 0;
	for (unsigned cpu = 0; cpu < smp_count(); cpu++) sum += kwatch_looks(cpu);
	return sum;
}

static void spin_for(void *end_ns)
{
	while (mach_now_ns() < (uintptr_t)end_ns) work();
}

/*
 * Ten slices long: one interrupt ends the sleep, and none comes besides but the watchdog's looks,
 * though a CPU is busy.  Where a host lets the CPUs wait more than ten may pass, and what falls due
 * in them (the collector) comes too: still less than half of what ticks would be.
 */
static const char *check_tickless(void)
{
	const uint64_t from = mach_now_ns();
	const uintptr_t end = from + 10ull * TICK_MS * MS;
	if (smp_count() > 1 && spawn(spin_for, (void *)end, 2) == THREAD_NONE) return "no thread";
	const uint64_t before = all_ticks(), looks_before = all_looks();
	kthread_sleep(10ull * TICK_MS * MS);
	const uint64_t ticks = all_ticks() - before, looks = all_looks() - looks_before;
	const uint64_t slices = (mach_now_ns() - from) / (TICK_MS * MS);
	kthread_wait(&all_gone);
	const bool exact = bootarg_is_set(boot.platform.bootargs, "exact");
	if (looks > 1 + slices / LOOK_SLICES) return "the watchdog looks too often";
	if (ticks >= 1 && ticks <= (exact ? 1 + looks : slices / 2)) return NULL;
	console_print("# %lu timer interrupts, %lu looks, %lu slices\n", ticks, looks, slices);
	return "there are ticks";
}

/* What nobody asks for comes back while CPUs are idle. */
static const char *check_idle_reclaims(void)
{
	struct vm_counts now;
	for (int i = 0; i < MANY; i++) {
		struct space *s = space_create(&kernel_vm, SITE_NONE);
		if (s == NULL) return "no space";
		space_retire(s);
	}
	const uint64_t end = mach_now_ns() + PATIENCE_NS;
	do {
		kthread_sleep(MS);
		vm_count(&kernel_vm, &now);
	} while (now.retired != 0 && mach_now_ns() < end);
	return now.retired == 0 ? NULL : "retired spaces are left";
}

/* --- ends ------------------------------------------------------------------------------------- */

static uint32_t exited; /* atomic */

static void leave(void *unused)
{
	(void)unused;
	atomic_fetch_add_u32(&exited, 1);
	if (exited % 3 == 0) sched_exit(&kernel_sched, exited);
}

static uint64_t storm_left; /* on each CPU */

/* Spawns threads that end at once, and now and then waits for those it has. */
static void storm(void *unused)
{
	struct kthread_end end;
	const struct kthread_how how = { .entry = leave, .priority = PRIORITY_NORMAL, .end = &end };
	(void)unused;
	kthread_end_init(&end);
	for (uint64_t left = storm_left; left > 0;) {
		for (unsigned i = 0; i < BATCH && left > 0; i++, left--) {
			while (kthread_spawn(&how) == THREAD_NONE) kthread_sleep(100000);
		}
		kthread_wait(&end);
	}
}

static uint32_t free_pages(void)
{
	struct page_counts now;
	process_world_drain(&kernel_processes);
	page_count(&kernel_pages, &now);
	return now.free;
}

static const char *check_exits(void)
{
	const uint64_t exits = bootarg_number(boot.platform.bootargs, "exits", EXITS);
	storm_left = WARM_UP / smp_count();
	if (!smp_run_all(storm, NULL)) return "a call escaped";
	const uint32_t before = free_pages(), threads = thread_count(&kernel_sched.table);
	atomic_store_u32(&exited, 0);
	storm_left = exits / smp_count();
	if (!smp_run_all(storm, NULL)) return "a call escaped";
	if (exited != storm_left * smp_count()) return "a thread is missing";
	if (thread_count(&kernel_sched.table) != threads) return "a slot is missing";
	if (free_pages() != before) return "pages are missing";
	console_print("# %u threads ended, %u pages free\n", exited, before);
	return kstack_check(&kernel_stacks);
}

/* --- ------------------------------------------------------------------------------------------ */

/* A check and what its threads told; nothing may be left of them. */
#define WITH_THREADS(name)                                         \
	static const char *threads_##name(void)                    \
	{                                                          \
		told = NULL;                                       \
		kthread_end_init(&all_gone);                       \
		const char *wrong = check_##name();                \
		if (all_gone.left != 0) return "threads are left"; \
		return told != NULL ? told : wrong;                \
	}

WITH_THREADS(hot_start)
WITH_THREADS(preemption)
WITH_THREADS(yields)
WITH_THREADS(slices)
WITH_THREADS(priorities)
WITH_THREADS(stealing)
WITH_THREADS(wakes)
WITH_THREADS(fp)
WITH_THREADS(sleep)
WITH_THREADS(tickless)
WITH_THREADS(idle_reclaims)
WITH_THREADS(exits)

static const struct ktap_check checks[] = {
	{ "hot-start", threads_hot_start },
	{ "preemption", threads_preemption },
	{ "yields", threads_yields },
	{ "slices", threads_slices },
	{ "priorities", threads_priorities },
	{ "stealing", threads_stealing },
	{ "wakes", threads_wakes },
	{ "fp", threads_fp },
	{ "sleep", threads_sleep },
	{ "tickless", threads_tickless },
	{ "idle-reclaims", threads_idle_reclaims },
	{ "exits", threads_exits },
};

int program_main(void)
{
	return ktap_run(checks, COUNT_OF(checks)) == 0 ? STATUS_OK : STATUS_FINDING;
}
