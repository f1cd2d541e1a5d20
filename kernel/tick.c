/*
 * tick.c -- a beat on each CPU, for as long as somebody wants one.
 *
 * The kernel itself has no tick (kernel/ksched.c).  Who watches over something from outside, by
 * looking now and then whether it goes on, sets a hook: then each CPU has a timer in the
 * scheduler's queue that adds itself again whenever it fires, counted from the time it was due, so
 * that beats do not drift.  A CPU that masked interrupts for more than a period gets one beat, not
 * a burst.
 *
 * The timer only makes the interrupt come.  The hook is called before the scheduler hears of it,
 * because it may leave the handler for good (smp_escape()).
 *
 * Always true: a CPU's timer is added, fires and is cancelled on that CPU alone.
 */
#include "kernel/tick.h"

#include "kernel/ksched.h"
#include "kernel/smp.h"
#include "machine/aarch64/cpu.h"

enum { TICK_NS = TICK_MS * 1000000 };

static struct timer beats[CPUS_MAX];
static uint64_t next_ns[CPUS_MAX]; /* each CPU's own */
static void (*tick_hook)(void);    /* atomic */

static void beat(void *s, struct timer *timer, uint64_t cookie)
{
	struct sched *sched = s;
	const unsigned here = mach_cpu();
	(void)cookie;
	if (__atomic_load_n(&tick_hook, __ATOMIC_ACQUIRE) == NULL) return;
	/* The beat can fall due between tick_came() and here: then it has one of its own. */
	const uint64_t at = max_u64(next_ns[here], mach_now_ns() + 1);
	timer_add(&sched->cpu[here].timers, timer, at, 0); /* the clock is set after */
}

void tick_came(void)
{
	void (*hook)(void) = __atomic_load_n(&tick_hook, __ATOMIC_ACQUIRE);
	if (LIKELY(hook == NULL)) return;
	uint64_t *next = &next_ns[mach_cpu()];
	const uint64_t now = mach_now_ns();
	if (now < *next) return;
	*next += TICK_NS;
	if (*next <= now) *next = now + TICK_NS;
	hook();
}

static void begin(void *unused)
{
	(void)unused;
	const mach_irq_t was = mach_irq_save();
	const unsigned here = mach_cpu();
	struct timer_queue *queue = &kernel_sched.cpu[here].timers;
	next_ns[here] = mach_now_ns() + TICK_NS;
	if (beats[here].fire != NULL) timer_cancel(queue, &beats[here]);
	timer_init(&beats[here], beat);
	if (timer_add(queue, &beats[here], next_ns[here], 0)) sched_timers_changed(&kernel_sched);
	mach_irq_restore(was);
}

void tick_hook_set(void (*hook)(void))
{
	__atomic_store_n(&tick_hook, hook, __ATOMIC_RELEASE);
	if (hook != NULL) smp_run_all(begin, NULL);
}

uint64_t tick_count(unsigned cpu)
{
	return __atomic_load_n(&machine_cpus[cpu].ticks, __ATOMIC_RELAXED);
}
