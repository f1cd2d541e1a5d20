/*
 * fair.c -- for QEMU's -icount with several CPUs: nobody spins the others out of their turns.
 *
 * There CPUs take turns, and QEMU before 8.1 is not fair (tools/build/qemu.sh says how): where a
 * program spins at EL0 without a call, waiting for a thread on another CPU, that CPU may never run
 * again, though it has work and its timer has long been due.  YIELD ends a turn.  So each CPU has a
 * beat, and notes when it came; who finds that another CPU's has not come since its own last one
 * has had that one's turn too, and yields.
 *
 * To yield in each beat would be no better than never: those behind come to have a turn only to
 * find their own beat due, and give it away.  And the timer is set anew before: setting a timer
 * that is the next of all to be due ends a turn as well, and a CPU that yielded and sets it then
 * loses the turn that it comes back to.
 *
 * Elsewhere YIELD is nothing, and all of this 100 beats a second on each CPU, idle ones included;
 * so it is only for who asks.
 *
 * Locks: none.  Cost: 30 instructions for each beat and CPU.
 */
#include "kernel/fair.h"

#include "kernel/boot.h"
#include "kernel/tick.h"
#include "machine/aarch64/cpu.h"

enum { BEAT_NS = TICK_MS * 1000000 };

static uint64_t came_ns[CPUS_MAX]; /* atomic */

/* Whether some CPU has had no beat since `before_ns`. */
static bool one_waits(uint64_t before_ns)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		if (cpu != mach_cpu() && atomic_load_u64(&came_ns[cpu]) < before_ns) return true;
	return false;
}

/* What is due next on this CPU is set anew when this is over (sched_timer_fired). */
static void let_others(void)
{
	uint64_t *mine = &came_ns[mach_cpu()];
	const uint64_t before_ns = *mine, now_ns = mach_now_ns();

	atomic_store_u64(mine, now_ns);
	if (!one_waits(before_ns)) return;
	mach_timer_set(now_ns + BEAT_NS);
	mach_relax();
}

void fair_begin(const char *bootargs)
{
	if (bootarg_is_set(bootargs, "fair") && cpu_count() > 1) tick_hook_set(let_others);
}
