/*
 * clock.c -- the virtual timer and counter of the architecture.
 *
 * The counter's rate comes from CNTFRQ_EL0; ticks and nanoseconds are turned into each other by a
 * multiplication with a 32.32 fixed-point factor, 128 bits wide, so nothing overflows or drifts
 * (at QEMU's 62.5 MHz one tick is exactly 16 ns).
 *
 * A CPU that rests (cpu_rest) waits in WFI for the same timer, set to the end of the rest
 * meanwhile, with what other CPUs send it held back: they send much when much is going on, and a
 * WFI with an interrupt pending is none.  YIELD and WFE would not do: QEMU takes them for nothing
 * where CPUs are threads of the host.  Interrupts are masked until the timer is as it was, so
 * nobody sees it.
 *
 * Always true, with interrupts unmasked: the compare interrupt of a CPU is enabled exactly when its
 * timer_ns is not UINT64_MAX.
 */
#include "clock.h"

#include "baton.h"
#include "cpu.h"
#include "gic.h"

#define NS_PER_SECOND 1000000000ull

static uint64_t ns_per_tick, ticks_per_ns; /* 32.32 */
static uint64_t start_ticks;
static unsigned number;

static uint64_t counter(void)
{
	uint64_t ticks;
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks;
}

static uint64_t scale(uint64_t n, uint64_t factor)
{
	return (uint64_t)((unsigned __int128)n * factor >> 32);
}

bool clock_init(unsigned interrupt)
{
	uint64_t rate;
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(rate));
	rate &= UINT32_MAX;
	if (rate < 1000) return false;
	ns_per_tick = (NS_PER_SECOND << 32) / rate;
	ticks_per_ns = (rate << 32) / NS_PER_SECOND;
	start_ticks = counter();
	number = interrupt;
	return true;
}

/* The counter's value when mach_now_ns() has reached `deadline_ns`. */
static uint64_t clock_ticks(uint64_t deadline_ns)
{
	return start_ticks + scale(deadline_ns, ticks_per_ns) + 1;
}

static void clock_compare(uint64_t ticks)
{
	__asm__ volatile("msr cntv_cval_el0, %0" : : "r"(ticks));
	__asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"(1ull));
}

static void clock_set(uint64_t deadline_ns)
{
	const mach_irq_t was = mach_irq_save();
	cpu_here()->timer_ns = deadline_ns;
	if (deadline_ns == UINT64_MAX)
		__asm__ volatile("msr cntv_ctl_el0, xzr\n\tisb");
	else
		clock_compare(clock_ticks(deadline_ns));
	mach_irq_restore(was);
}

void clock_cpu_init(void)
{
	clock_set(UINT64_MAX);
	gic_enable_private(number);
	cpu_here()->rests = 1;
}

void cpu_rest(uint64_t ns)
{
	struct machine_cpu *cpu = cpu_here();

	if (cpu->rests == 0 || (cpu_may_play() && cpu->plays != 0)) {
		mach_relax();
		return;
	}
	const mach_irq_t was = mach_irq_save();
	clock_compare(counter() + scale(ns, ticks_per_ns) + 1);
	gic_private_only(true);
	__asm__ volatile("dsb sy\n\twfi" : : : "memory");
	gic_private_only(false);
	clock_set(cpu->timer_ns);
	mach_irq_restore(was);
}

static uint64_t now_ns_at(uint64_t ticks)
{
	if (cpu_may_play() && cpu_here()->plays != 0) return baton_now_ns();
	return scale(ticks - start_ticks, ns_per_tick);
}

uint64_t mach_now_ns(void)
{
	return now_ns_at(counter());
}

/* The word of a CPU that is at EL0 is negative (vectors.S).  Where it changed meanwhile, it and the
 * counter's value are not of one moment. */
uint64_t mach_user_ticks_of(unsigned cpu, uint64_t *now_ns)
{
	const uint64_t *word = &machine_cpus[cpu].user_ticks;
	uint64_t ticks, now;

	do {
		ticks = __atomic_load_n(word, __ATOMIC_ACQUIRE);
		now = counter();
	} while (ticks != __atomic_load_n(word, __ATOMIC_ACQUIRE));
	*now_ns = now_ns_at(now);
	return (int64_t)ticks < 0 ? ticks + now : ticks;
}

uint64_t mach_ticks_ns(uint64_t ticks)
{
	return scale(ticks, ns_per_tick);
}

uint64_t clock_since_reset_ns(void)
{
	return scale(counter(), ns_per_tick);
}

void mach_timer_set(uint64_t deadline_ns)
{
	if (cpu_may_play() && cpu_here()->plays != 0)
		baton_timer_set(deadline_ns);
	else
		clock_set(deadline_ns);
}

unsigned clock_interrupt(void)
{
	return number;
}

void clock_fired(void)
{
	clock_set(UINT64_MAX);
	cpu_here()->ticks++;
}
