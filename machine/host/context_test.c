/*
 * context_test.c -- contexts: who goes on where, what goes with it, and what is not allowed.
 *
 * Built with ASan's stack-use-after-return too, as cpu_test.c is.
 */
#include "machine/host/arena.h"
#include "machine/host/panics.h"
#include "machine/lock.h"

#include <sys/resource.h>

enum { CPUS = 3, STACK = 32 << 10, CYCLES = 100000, ABANDONED = 3000, GROWTH_MAX_KIB = 2048 };

#define STACKS 0xffff800000000000ull

static struct mach_context idle[CPUS], a, b;
static struct lock lock;
static struct latch latch;
static char trace[64];
static unsigned traced;

static void note(char c)
{
	ASSERT(traced < sizeof(trace) - 1);
	trace[traced++] = c;
	trace[traced] = '\0';
}

static uint64_t stack(unsigned n)
{
	return STACKS + n * 2 * (uint64_t)STACK;
}

/* --- there and back --------------------------------------------------------------------------- */

static void thread_a(void *arg)
{
	for (;;) {
		note(*(char *)arg);
		mach_context_switch(&a, &b);
		note('x');
		mach_context_switch(&a, &idle[0]);
	}
}

static void thread_b(void *arg)
{
	for (;;) {
		note(*(char *)arg);
		mach_context_switch(&b, &a);
	}
}

static void around(void *arg)
{
	static char names[] = "ab";
	(void)arg;
	traced = 0;
	mach_irq_save();
	mach_context_adopt(&idle[0], NULL);
	mach_context_init(&a, stack(0), STACK, thread_a, &names[0], NULL);
	mach_context_init(&b, stack(1), STACK, thread_b, &names[1], NULL);
	for (unsigned i = 0; i < 2; i++) {
		note('i');
		mach_context_switch(&idle[0], &a);
	}
	mach_context_end(&a);
	mach_context_end(&b);
	mach_stack_gone(stack(0), STACK);
	mach_stack_gone(stack(1), STACK);
	host_escape(); /* with a state that is not given back */
}

static void test_around(void)
{
	ASSERT(!host_run_on(0, around, NULL));
	ASSERT(strcmp(trace, "iabxiabx") == 0);
}

/* --- what goes with a context, and what stays with the CPU ------------------------------------ */

/* Drops the lock that the idle context took, as a run queue's is handed over. */
static void drops_and_goes_on(void *arg)
{
	(void)arg;
	lock_drop_masked(&lock);
	mach_irq_unmask();
	const mach_irq_t was = mach_irq_save();
	mach_context_switch(&a, &idle[0]);
	mach_irq_restore(was); /* on CPU 1, where it was switched to next */
	note(mach_irq_masked() ? '?' : (char)('0' + mach_cpu()));
	mach_irq_save();
	mach_context_switch(&a, &idle[1]);
}

static void hands_over(void *arg)
{
	(void)arg;
	const mach_irq_t was = mach_irq_save();
	mach_context_adopt(&idle[0], NULL);
	mach_context_init(&a, stack(0), STACK, drops_and_goes_on, NULL, NULL);
	lock_take_masked(&lock);
	mach_context_switch(&idle[0], &a);
	mach_irq_restore(was);
	lock_drop(&lock, lock_take(&lock));
}

static void goes_on(void *arg)
{
	(void)arg;
	const mach_irq_t was = mach_irq_save();
	mach_context_adopt(&idle[1], NULL);
	mach_context_switch(&idle[1], &a);
	mach_context_end(&a);
	mach_irq_restore(was);
}

static void keeps_latch(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch));
	mach_context_switch(&a, &idle[0]);
	latch_release(&latch);
	mach_context_switch(&a, &idle[0]);
}

/* A latch that was tried is the thread's: the CPU takes locks meanwhile. */
static void leaves_latch(void *arg)
{
	const bool *give_back = arg;
	const mach_irq_t was = mach_irq_save();
	mach_context_adopt(&idle[0], NULL);
	mach_context_init(&a, stack(0), STACK, keeps_latch, NULL, NULL);
	mach_context_switch(&idle[0], &a);
	lock_drop(&lock, lock_take(&lock));
	if (*give_back) mach_context_switch(&idle[0], &a);
	mach_context_end(&a);
	mach_irq_restore(was);
}

static void steals_latch(void *arg)
{
	(void)arg;
	mach_irq_save();
	mach_context_adopt(&idle[0], NULL);
	mach_context_init(&a, stack(0), STACK, keeps_latch, NULL, NULL);
	mach_context_switch(&idle[0], &a);
	latch.holder = 0;
	latch_try(&latch);
}

static void restores_anothers(void *arg)
{
	mach_irq_restore(*(mach_irq_t *)arg);
}

static void state_of_another(void *arg)
{
	(void)arg;
	mach_irq_t was = mach_irq_save();
	mach_context_adopt(&idle[0], NULL);
	mach_context_init(&a, stack(0), STACK, restores_anothers, &was, NULL);
	mach_context_switch(&idle[0], &a);
}

static void test_belongings(void)
{
	bool yes = true, no = false;
	traced = 0;
	host_reset();
	lock_init(&lock, RANK_OUTER);
	latch_init(&latch, RANK_PAGE_CPU);
	expect_panic(0, hands_over, NULL, NULL, "a lock handed over with the switch");
	expect_panic(1, goes_on, NULL, NULL, "a thread goes on on another CPU");
	ASSERT(strcmp(trace, "1") == 0);
	expect_panic(0, leaves_latch, &yes, NULL, "a latch tried, left, and given back");
	host_reset();
	expect_panic(0, leaves_latch, &no, "owner", "a thread ends with a latch");
	host_reset();
	latch_init(&latch, RANK_PAGE_CPU);
	expect_panic(0, steals_latch, NULL, "owner", "a latch of a thread that does not run");
	host_reset();
	expect_panic(0, state_of_another, NULL, "irq-order", "another context's state");
	host_reset();
	latch_init(&latch, RANK_PAGE_CPU);
	expect_panic(0, leaves_latch, &yes, NULL, "after a reset nobody has anything");
}

/* --- rules ------------------------------------------------------------------------------------ */

static void comes_back(void *arg)
{
	(void)arg;
	for (;;) mach_context_switch(&a, &idle[0]);
}

static void returns(void *arg)
{
	(void)arg;
}

static void begin(void (*entry)(void *arg))
{
	mach_irq_save();
	mach_context_adopt(&idle[0], NULL);
	mach_context_init(&a, stack(0), STACK, entry, NULL, NULL);
}

static void never_made(void *arg)
{
	(void)arg;
	begin(comes_back);
	b = (struct mach_context){ { 1 } };
	mach_context_switch(&idle[0], &b);
}

static void copied(void *arg)
{
	(void)arg;
	begin(comes_back);
	b = a;
	mach_context_switch(&idle[0], &b);
}

static void ended(void *arg)
{
	(void)arg;
	begin(comes_back);
	mach_context_switch(&idle[0], &a);
	mach_context_end(&a);
	mach_context_switch(&idle[0], &a);
}

static void ended_twice(void *arg)
{
	(void)arg;
	begin(comes_back);
	mach_context_end(&a);
	mach_context_end(&a);
}

static void end_of_own(void *arg)
{
	(void)arg;
	begin(comes_back);
	mach_context_end(&idle[0]);
}

static void not_in_it(void *arg)
{
	(void)arg;
	begin(comes_back);
	mach_context_switch(&a, &idle[0]);
}

static void entry_returns(void *arg)
{
	(void)arg;
	begin(returns);
	mach_context_switch(&idle[0], &a);
}

static void unmasked(void *arg)
{
	(void)arg;
	mach_context_adopt(&idle[0], NULL);
	mach_context_init(&a, stack(0), STACK, comes_back, NULL, NULL);
	mach_context_switch(&idle[0], &a);
}

static void made_again(void *arg)
{
	(void)arg;
	begin(comes_back);
	mach_context_init(&a, stack(1), STACK, comes_back, NULL, NULL);
}

static void stack_shared(void *arg)
{
	begin(comes_back);
	mach_context_init(&b, stack(0) + *(uint64_t *)arg, STACK, comes_back, NULL, NULL);
}

static void stack_gone(void *arg)
{
	const mach_irq_t was = mach_irq_save();
	mach_context_init(&a, stack(0), STACK, comes_back, NULL, NULL);
	mach_stack_gone(stack(0) + *(uint64_t *)arg, STACK);
	mach_context_end(&a);
	mach_irq_restore(was);
}

static void gone_below(void *arg)
{
	(void)arg;
	mach_stack_gone(stack(0), STACK);
}

static void itself(void *arg)
{
	(void)arg;
	const mach_irq_t was = mach_irq_save();
	mach_context_adopt(&idle[0], NULL);
	mach_context_switch(&idle[0], &idle[0]);
	mach_irq_restore(was);
}

static void to_busy(void *arg)
{
	(void)arg;
	mach_irq_save();
	mach_context_adopt(&idle[1], NULL);
	mach_context_switch(&idle[1], &a);
}

static void end_of_busy(void *arg)
{
	(void)arg;
	mach_context_end(&a);
}

static void stack_of_busy(void *arg)
{
	(void)arg;
	mach_stack_gone(stack(0), STACK);
}

/* In context a on CPU 0, lets CPU 1 do it. */
static void asks_other(void *arg)
{
	void (*fn)(void *arg);
	memcpy(&fn, arg, sizeof(fn));
	host_run_on(1, fn, NULL);
	kpanic(panic_id, "%s", panic_text);
}

static void other_does(void *arg)
{
	mach_irq_save();
	mach_context_adopt(&idle[0], NULL);
	mach_context_init(&a, stack(0), STACK, asks_other, arg, NULL);
	mach_context_switch(&idle[0], &a);
}

static void test_rules(void)
{
	static const struct {
		const char *name;
		void (*fn)(void *arg);
		uint64_t arg;
		const char *id;
	} rows[] = {
		{ "never made", never_made, 0, "stack-in-use" },
		{ "a copy", copied, 0, "stack-in-use" },
		{ "ended", ended, 0, "stack-in-use" },
		{ "ended twice", ended_twice, 0, "stack-in-use" },
		{ "the end of the one it is in", end_of_own, 0, "stack-in-use" },
		{ "not in the one it leaves", not_in_it, 0, "stack-in-use" },
		{ "its function returns", entry_returns, 0, "stack-in-use" },
		{ "interrupts unmasked", unmasked, 0, "assert" },
		{ "made again", made_again, 0, "stack-in-use" },
		{ "a stack's last bytes", stack_shared, STACK - 16, "stack-in-use" },
		{ "the same stack", stack_shared, 0, "stack-in-use" },
		{ "a stack given away", stack_gone, 0, "stack-in-use" },
		{ "a part of it", stack_gone, STACK - 16, "stack-in-use" },
		{ "the stack beside it", stack_gone, STACK, NULL },
		{ "to itself", itself, 0, NULL },
		{ "nobody's stack given away", gone_below, 0, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t arg = rows[i].arg;
		host_reset();
		expect_panic(0, rows[i].fn, &arg, rows[i].id, rows[i].name);
	}
}

static void test_rules_of_two(void)
{
	static const struct {
		const char *name;
		void (*fn)(void *arg);
	} rows[] = {
		{ "one that another CPU is in", to_busy },
		{ "the end of one that another CPU is in", end_of_busy },
		{ "the stack that another CPU is on", stack_of_busy },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		void (*fn)(void *arg) = rows[i].fn;
		host_reset();
		expect_panic(0, other_does, &fn, "stack-in-use", rows[i].name);
	}
}

/* --- ends ------------------------------------------------------------------------------------- */

static long peak_kib(void)
{
	struct rusage usage;
	ASSERT(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_maxrss;
}

/* A frame that ASan keeps in a fake stack, where it has them, and red zones on the real one. */
static NOINLINE void deep(unsigned n)
{
	volatile char frame[200] = { (char)n };
	if (n > 0)
		deep(n - 1);
	else
		mach_context_switch(&a, &idle[0]);
	ASSERT(frame[0] == (char)n);
}

static void goes_deep(void *arg)
{
	deep(*(unsigned *)arg);
}

static void cycles(void *arg)
{
	unsigned frames = 10;
	const mach_irq_t was = mach_irq_save();
	mach_context_adopt(&idle[0], NULL);
	for (unsigned i = 0; i < *(unsigned *)arg; i++) {
		mach_context_init(&a, stack(0), STACK, goes_deep, &frames, NULL);
		if (i % 8 != 0) mach_context_switch(&idle[0], &a);
		mach_context_end(&a);
	}
	mach_irq_restore(was);
}

static void escapes(void *arg)
{
	(void)arg;
	mach_context_switch(&a, &b);
}

static void escapes_on(void *arg)
{
	(void)arg;
	volatile char frame[64] = { 0 };
	if (frame[0] == 0) host_escape();
}

/* Leaves from b, with a and the CPU's own stopped in the middle. */
static void abandons(void *arg)
{
	(void)arg;
	begin(escapes);
	mach_context_init(&b, stack(1), STACK, escapes_on, NULL, NULL);
	mach_context_switch(&idle[0], &a);
}

static void test_ends(void)
{
	unsigned some = CYCLES / 10, all = CYCLES;
	host_reset();
	ASSERT(host_run_on(0, cycles, &some));
	for (unsigned i = 0; i < ABANDONED; i++) {
		ASSERT(!host_run_on(0, abandons, NULL));
		host_reset();
	}
	const long before = peak_kib();
	ASSERT(host_run_on(0, cycles, &all));
	for (unsigned i = 0; i < ABANDONED; i++) {
		ASSERT(!host_run_on(0, abandons, NULL));
		host_reset();
	}
	ASSERT(peak_kib() - before < GROWTH_MAX_KIB);
}

/* --- the timer -------------------------------------------------------------------------------- */

static unsigned ticks, ipis;

static void on_timer(void *arg)
{
	ASSERT(arg == &ticks && mach_irq_masked());
	ticks++;
}

static void on_ipi(void *arg)
{
	ASSERT(arg == &ticks && mach_irq_masked());
	ipis++;
}

static void waits_until(void *arg)
{
	const uint64_t deadline_ns = *(uint64_t *)arg;
	const mach_irq_t was = mach_irq_save();
	mach_timer_set(deadline_ns + 1000);
	mach_timer_set(deadline_ns); /* replaces it */
	mach_wait();
	ASSERT(mach_irq_masked() && mach_now_ns() == deadline_ns);
	mach_irq_restore(was);
}

static void waits_with_none(void *arg)
{
	(void)arg;
	mach_timer_set(100);
	mach_timer_set(UINT64_MAX);
	mach_wait();
}

static void interrupts_itself(void *arg)
{
	(void)arg;
	mach_irq_save();
	mach_ipi(mach_cpu());
	mach_ipi(mach_cpu());
	mach_wait();
	host_escape();
}

static void test_timer(void)
{
	uint64_t at = 5000;
	host_reset();
	host_handlers_set(on_timer, on_ipi, &ticks);
	expect_panic(2, waits_until, &at, NULL, "a deadline");
	ASSERT(ticks == 1);
	expect_panic(2, waits_with_none, NULL, "deadlock", "no deadline any more");
	ASSERT(ticks == 1 && !host_run_on(1, interrupts_itself, NULL) && ipis == 1);
	host_reset();
	expect_panic(2, waits_until, &at, NULL, "a deadline, and nobody who takes it");
	ASSERT(ticks == 1);
}

int main(void)
{
	host_arena_open(PAGE_SIZE);
	host_cpus_open(CPUS);
	test_around();
	test_belongings();
	test_rules();
	test_rules_of_two();
	test_ends();
	test_timer();
	host_reset();
	host_cpus_close();
	return 0;
}
