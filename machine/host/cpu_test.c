/*
 * cpu_test.c -- virtual CPUs: running, escaping, nesting, and being as new afterwards.
 *
 * Built twice for x86-64, the second time with ASan's stack-use-after-return on, whose fake stacks
 * are what fibers get wrong most easily; and once for AArch64.
 */
#include "machine/host/arena.h"
#include "machine/host/panics.h"
#include "machine/lock.h"

#include <sys/resource.h>

enum { CPUS = 4, ROUNDS = 3000, GROWTH_MAX_KIB = 4096 };

static void number_tell(void *arg)
{
	*(unsigned *)arg = mach_cpu();
}

static void test_numbers(void)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		unsigned told = CPUS_MAX;
		ASSERT(!host_on_cpu() && mach_cpu() == 0);
		ASSERT(host_run_on(cpu, number_tell, &told) && told == cpu);
	}
}

/* --- escape ---------------------------------------------------------------------------------- */

static NOINLINE void escape_from_below(unsigned frames)
{
	volatile char frame[64] = { (char)frames };
	if (frames == 0) host_escape();
	escape_from_below(frames - 1);
	ASSERT(frame[0] == (char)frames); /* never here; keeps the frame */
}

static void escape_deep(void *arg)
{
	mach_irq_save();
	escape_from_below(*(unsigned *)arg);
}

/* By way of code that ASan does not see, as a kpanic compiled without it is: nothing tells ASan
 * that these frames end here, so their red zones stay. */
static NOINLINE void escape_unseen(void *arg)
{
	void (*volatile unseen)(void) = host_escape;
	char frame[96];
	memset(frame, 0, *(unsigned *)arg);
	unseen();
	ASSERT(frame[0] == 0);
}

/* Code without ASan's marks on its frame, whose frame is looked at all the same, by memset: what
 * was left there by an abandoned one would be reported. */
static NOINLINE __attribute__((no_sanitize("address"))) void frame_write(void *arg)
{
	char frame[512];
	char *volatile at = frame;
	memset(at, *(int *)arg, sizeof(frame));
}

/* A frame that ASan keeps in a fake stack where it has them. */
static NOINLINE void frame_fake(void *arg)
{
	volatile char frame[64];
	for (size_t i = 0; i < sizeof(frame); i++) frame[i] = (char)*(unsigned *)arg;
}

static void test_escape(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned told = CPUS_MAX, frames = i % 40;
		const unsigned cpu = i % CPUS;
		ASSERT(!host_run_on(cpu, escape_deep, &frames));
		ASSERT(!mach_irq_masked() && !host_on_cpu());
		ASSERT(host_run_on(cpu, number_tell, &told) && told == cpu);
		ASSERT(!host_run_on(cpu, escape_unseen, &frames));
		ASSERT(host_run_on(cpu, frame_write, &told));
	}
}

/* --- nesting --------------------------------------------------------------------------------- */

struct nest {
	unsigned depth;
	bool escapes; /* the innermost does, instead of returning */
	unsigned returned, escaped;
};

static void nest_run(void *arg)
{
	struct nest *nest = arg;
	const unsigned cpu = mach_cpu();
	ASSERT(cpu == nest->depth);
	if (++nest->depth == CPUS) {
		if (nest->escapes) host_escape();
		return;
	}
	const mach_irq_t was = mach_irq_save();
	if (host_run_on(cpu + 1, nest_run, nest))
		nest->returned++;
	else
		nest->escaped++;
	ASSERT(mach_cpu() == cpu && mach_irq_masked());
	mach_irq_restore(was);
}

static void test_nesting(void)
{
	struct nest all_return = { .escapes = false };
	ASSERT(host_run_on(0, nest_run, &all_return));
	ASSERT(all_return.returned == CPUS - 1 && all_return.escaped == 0);
	struct nest one_escapes = { .escapes = true };
	ASSERT(host_run_on(0, nest_run, &one_escapes));
	ASSERT(one_escapes.returned == CPUS - 2 && one_escapes.escaped == 1);
}

static void run_on_self(void *arg)
{
	host_run_on(mach_cpu(), number_tell, arg);
}

static void run_on_caller(void *arg)
{
	host_run_on(mach_cpu() + 1, run_on_self, arg);
	kpanic(panic_id, "%s", panic_text);
}

static void run_on_missing(void *arg)
{
	host_run_on(CPUS, number_tell, arg);
}

static void test_misuse(void)
{
	unsigned told = 0;
	expect_panic(0, run_on_self, &told, "assert", "a run on the CPU that asks");
	expect_panic(0, run_on_caller, &told, "assert", "a run on a CPU that waits");
	expect_panic(0, run_on_missing, &told, "assert", "a run on a CPU there is not");
}

/* --- interrupts, clock, sameness ------------------------------------------------------------- */

static void interrupt_other(void *arg)
{
	(void)arg;
	mach_ipi(1);
}

static void wait_once(void *arg)
{
	(void)arg;
	mach_wait();
}

static void test_waiting(void)
{
	expect_panic(1, wait_once, NULL, "deadlock", "idle and nobody to wake it");
	expect_panic(0, interrupt_other, NULL, NULL, "an interrupt for CPU 1");
	expect_panic(0, wait_once, NULL, "deadlock", "the interrupt was not for CPU 0");
	expect_panic(1, wait_once, NULL, NULL, "the interrupt was kept for CPU 1");
	expect_panic(1, wait_once, NULL, "deadlock", "one interrupt wakes once");
}

static void test_clock(void)
{
	host_reset();
	ASSERT(mach_now_ns() == 0);
	host_clock_advance(10);
	host_clock_advance(5);
	ASSERT(mach_now_ns() == 15);
	host_reset();
	ASSERT(mach_now_ns() == 0);
}

static void some_locking(void *arg)
{
	static struct lock lock;
	lock_init(&lock, RANK_OUTER);
	for (unsigned i = 0; i < *(unsigned *)arg; i++) lock_drop(&lock, lock_take(&lock));
}

static uint64_t yields_of(unsigned times)
{
	host_reset();
	ASSERT(host_run_on(0, some_locking, &times));
	return host_yield_count();
}

static void test_sameness(void)
{
	const uint64_t once = yields_of(1);
	ASSERT(once > 0 && yields_of(1) == once && yields_of(7) == 7 * once);
}

/* A reset drops what an interrupted CPU had pending. */
static void test_reset(void)
{
	expect_panic(0, interrupt_other, NULL, NULL, "an interrupt for CPU 1");
	host_reset();
	expect_panic(1, wait_once, NULL, "deadlock", "the interrupt is gone");
}

/* --- stacks come back ------------------------------------------------------------------------ */

static long peak_kib(void)
{
	struct rusage usage;
	ASSERT(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_maxrss;
}

/* One round costs 8 stacks, and their fake stacks where ASan makes them: lost, they would show. */
static void test_reopening(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned told = 0, frames = 3;
		const unsigned last = i % CPUS_MAX;
		host_cpus_open(last + 1);
		ASSERT(host_run_on(last, number_tell, &told) && told == last);
		ASSERT(host_run_on(last, frame_fake, &told));
		if (i % 3 == 0) ASSERT(!host_run_on(0, escape_deep, &frames));
	}
}

static void test_growth(void)
{
	test_reopening();
	const long before = peak_kib();
	test_reopening();
	ASSERT(peak_kib() - before < GROWTH_MAX_KIB);
	host_cpus_open(CPUS);
}

int main(void)
{
	host_arena_open(PAGE_SIZE);
	host_cpus_open(CPUS);
	test_numbers();
	test_escape();
	test_nesting();
	test_misuse();
	test_waiting();
	test_clock();
	test_sameness();
	test_reset();
	test_growth();
	host_cpus_close();
	return 0;
}
