/*
 * panic_program.c -- goes wrong on purpose, in the way that the boot argument "panic=" names, so
 * that a test can look at how the kernel reports it.
 *
 * Each way is a function of its own, not inlined, so that the backtrace must name it.
 */
#include "kernel/boot.h"
#include "kernel/check/deliberate.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/panic.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "kernel/tick.h"
#include "kernel/vm.h"
#include "machine/aarch64/clock.h"
#include "machine/aarch64/cpu.h"
#include "machine/lock.h"

static NOINLINE void way_null(void)
{
	volatile uint32_t *volatile nowhere = NULL;
	__asm__ volatile("str wzr, [%0]" : : "r"(nowhere) : "memory");
}

static NOINLINE uint64_t way_stack_deeper(uint64_t n)
{
	volatile uint8_t room[512] = { 0 };
	room[n % sizeof(room)] = (uint8_t)n;
	if (n == UINT64_MAX) return 0;
	return way_stack_deeper(n + 1) + room[0];
}

static NOINLINE void way_stack(void)
{
	way_stack_deeper(0);
}

static void thread_body(void *unused)
{
	(void)unused;
	way_stack_deeper(0);
}

/* On a stack of the window that is no thread's. */
static NOINLINE void way_called_stack(void)
{
	cpu_call_on(kstack_take(), thread_body, NULL);
}

/* A thread of its own, on whatever CPU. */
static NOINLINE void way_thread_stack(void)
{
	struct kthread_end end;
	const struct kthread_how how = { .entry = thread_body,
					 .priority = PRIORITY_NORMAL,
					 .end = &end };
	kthread_end_init(&end);
	kthread_spawn(&how);
	kthread_wait(&end);
}

static void idle_body(void *s, struct timer *timer, uint64_t cookie)
{
	(void)s, (void)timer, (void)cookie;
	way_stack_deeper(0);
}

/* In an interrupt of a CPU that has nothing to do: its own stack. */
static NOINLINE void way_idle_stack(void)
{
	static struct timer timer;
	timer_init(&timer, idle_body);
	const mach_irq_t was = mach_irq_save();
	timer_add(&kernel_sched.cpu[mach_cpu()].timers, &timer, mach_now_ns() + 100000, 0);
	mach_irq_restore(was);
	kthread_sleep(1000000);
}

static NOINLINE void way_canary(void)
{
	const uint64_t stack = kstack_take();
	*(volatile uint64_t *)(uintptr_t)(stack + 8) = 0;
	kstack_give(stack);
}

static NOINLINE void way_stack_pointer(void)
{
	__asm__ volatile("mov sp, %0\n\tstr xzr, [sp]" : : "r"(0x1238ull) : "memory");
}

static NOINLINE void way_assert(void)
{
	const unsigned cpus = cpu_count();
	ASSERT(cpus == CPUS_MAX + 1);
}

static NOINLINE void way_instruction(void)
{
	__asm__ volatile("udf #0");
}

static NOINLINE void way_float(void)
{
	__asm__ volatile(".arch_extension fp\n\tfmov d0, xzr");
}

static NOINLINE void way_undefined(void)
{
	volatile int large = INT32_MAX;
	volatile int larger = large + 1;
	(void)larger;
}

static NOINLINE void way_double_free(void)
{
	void *volatile p = kmalloc(100); /* volatile: it is meant, no analyser need follow it */
	kfree(p);
	kfree(p);
}

static NOINLINE void way_no_exit(void)
{
	smp_escape();
}

static void cpu_body(void *unused)
{
	(void)unused;
	way_null();
}

/* On the last CPU. */
static NOINLINE void way_other_cpu(void)
{
	smp_run_on(cpu_count() - 1, cpu_body, NULL);
}

static void deaf_body(void *arrived)
{
	atomic_fetch_add_u32(arrived, 1);
	while (mach_cpu() == 0) {
		if (atomic_load_u32(arrived) == cpu_count()) way_null();
		mach_relax();
	}
	cpu_irq_mask();
	for (;;) mach_relax();
}

/* All other CPUs spin with interrupts masked: they cannot be stopped. */
static NOINLINE void way_deaf(void)
{
	uint32_t arrived = 0;
	smp_run_all(deaf_body, &arrived);
}

static struct lock held;

static void lock_body(void *arrived)
{
	const unsigned here = mach_cpu();
	if (here == 1) lock_take(&held);
	if (here == 2) {
		while (atomic_load_u32(arrived) == 0) mach_relax();
		lock_take(&held);
	}
	if (here == 1) atomic_fetch_add_u32(arrived, 1);
	if (here == 0) {
		while (atomic_load_u32(&mach_lock_waiting(2)->rank) == RANK_NONE) mach_relax();
		way_null();
	}
	if (here == 3) kthread_sleep(UINT32_MAX);
	for (;;) mach_relax();
}

/* One CPU has a lock and never gives it back, one waits for that, and one has nothing to do. */
static NOINLINE void way_lock(void)
{
	uint32_t arrived = 0;
	lock_init(&held, RANK_OUTER);
	smp_run_all(lock_body, &arrived);
}

static void everywhere_body(void *unused)
{
	(void)unused;
	way_null();
}

/* All CPUs at once: one reports. */
static NOINLINE void way_everywhere(void)
{
	smp_run_all(everywhere_body, NULL);
}

static void bite(void)
{
	static uint32_t biting;
	atomic_fetch_add_u32(&biting, 1);
	while (atomic_load_u32(&biting) == 1) mach_relax();
	way_null();
}

/* The same from two CPUs' ticks at least: with the interrupt still being handled, no other can
 * come. */
static NOINLINE void way_ticks(void)
{
	tick_hook_set(bite);
	for (;;) mach_wait();
}

/* Not wrong enough for anybody but the runner, who has a clock. */
static NOINLINE void way_hang(void)
{
	for (;;) mach_wait();
}

static void hook_faults(const char *id, const char *message)
{
	(void)id, (void)message;
	way_null();
}

static NOINLINE void way_nested(void)
{
	panic_hook_set(hook_faults);
	way_assert();
}

static uintptr_t caught_on[CPUS_MAX]; /* the stack's low end */

/* With an interrupt that waits: it must find a stack, from wherever this escapes.  A stack that was
 * used up may have lost the word at its end. */
static void hook_escapes(const char *id, const char *message)
{
	*(uint64_t *)caught_on[mach_cpu()] = STACK_CANARY;
	console_print("hook: %s %s\n", id, message);
	mach_ipi(mach_cpu());
	smp_escape();
}

static void caught_body(void *way)
{
	const mach_irq_t was = mach_irq_save();
	caught_on[mach_cpu()] = cpu_here()->stack_low;
	mach_irq_restore(was);
	((void (*)(void))(uintptr_t)way)();
}

/* A hook takes over every kind of panic, on every CPU, twice; the kernel is as before. */
static NOINLINE void way_caught(void)
{
	static void (*const ways[])(void) = { way_null,  way_assert,       way_instruction,
					      way_stack, way_called_stack, way_double_free };
	panic_hook_set(hook_escapes);
	for (unsigned i = 0; i < 2 * COUNT_OF(ways); i++) {
		for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
			void *way = (void *)(uintptr_t)ways[i / 2];
			if (smp_run_on(cpu, caught_body, way)) kpanic("assert", "it returned");
		}
	}
	panic_hook_set(NULL);
	power_off(mach_irq_masked() ? STATUS_FINDING : STATUS_OK);
}

static const struct {
	const char *name;
	void (*go)(void);
	const char *panics; /* by which panics it ends */
} ways[] = {
	{ "null", way_null, "fault" },
	{ "stack", way_stack, "stack-overflow" },
	{ "thread-stack", way_thread_stack, "stack-overflow" },
	{ "idle-stack", way_idle_stack, "stack-overflow" },
	{ "canary", way_canary, "stack-canary" },
	{ "stack-pointer", way_stack_pointer, "bad-stack" },
	{ "assert", way_assert, "assert" },
	{ "instruction", way_instruction, "fault" },
	{ "float", way_float, "fault" },
	{ "undefined", way_undefined, "undefined" },
	{ "double-free", way_double_free, "double-free" },
	{ "no-exit", way_no_exit, "assert" },
	{ "other-cpu", way_other_cpu, "fault" },
	{ "deaf", way_deaf, "fault" },
	{ "lock", way_lock, "fault" },
	{ "everywhere", way_everywhere, "fault" },
	{ "ticks", way_ticks, "fault" },
	{ "hang", way_hang, "" },
	{ "nested", way_nested, "assert fault" },
	{ "caught", way_caught, "" },
};

int program_main(void)
{
	const char *text = "";
	size_t bytes = 0;
	bootarg_text(boot.platform.bootargs, "panic", &text, &bytes);
	for (unsigned i = 0; i < COUNT_OF(ways); i++) {
		const char *name = ways[i].name;
		size_t same = 0;
		while (same < bytes && name[same] == text[same] && name[same] != 0) same++;
		if (same != bytes || name[same] != 0) continue;
		deliberate(ways[i].panics);
		ways[i].go();
	}
	console_print("panic_program: no such way, or it returned\n");
	return STATUS_USAGE;
}
