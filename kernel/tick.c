/*
 * tick.c -- the beat of each CPU.
 *
 * The timer knows one deadline at a time; each tick sets the next, counted from the one before so
 * that ticks do not drift.  A CPU that masked interrupts for more than a period drops the ticks it
 * missed: it gets one, not a burst.
 *
 * Always true after tick_start(): this CPU's timer has a deadline, at most TICK_MS ahead.
 */
#include "kernel/tick.h"

#include "machine/aarch64/cpu.h"
#include "machine/aarch64/timer.h"

enum { TICK_NS = TICK_MS * 1000000 };

static uint64_t next_ns[CPUS_MAX];
static void (*tick_hook)(void);

static void tick_fired(void *unused)
{
	(void)unused;
	uint64_t *next = &next_ns[mach_cpu()];
	const uint64_t now = mach_now_ns();
	*next += TICK_NS;
	if (*next <= now) *next = now + TICK_NS;
	mach_timer_set(*next);
	void (*hook)(void) = __atomic_load_n(&tick_hook, __ATOMIC_ACQUIRE);
	if (hook != NULL) hook();
}

static void ipi_came(void *unused)
{
	(void)unused; /* it has woken the CPU, and that is all it is for */
}

void tick_handle(void)
{
	static const struct cpu_handlers handlers = { .timer = tick_fired, .ipi = ipi_came };
	cpu_handlers_set(&handlers);
}

void tick_start(uint64_t first_ns)
{
	next_ns[mach_cpu()] = mach_now_ns() + first_ns;
	mach_timer_set(next_ns[mach_cpu()]);
}

uint64_t tick_count(unsigned cpu)
{
	return __atomic_load_n(&machine_cpus[cpu].ticks, __ATOMIC_RELAXED);
}

void tick_hook_set(void (*hook)(void))
{
	__atomic_store_n(&tick_hook, hook, __ATOMIC_RELEASE);
}
