/*
 * bench_sched.c -- what threads cost in the image that ships: switching, waking, making, ending.
 *
 * Two CPUs, one instruction a nanosecond, whichever CPU executes it: so a hop from one CPU to the
 * other is counted with what both of them do for it.  A hop is a wake, the sleep of who woke, and
 * the other's way out of its sleep.  Linux's figures for the same (6.1, the same QEMU): sched_yield
 * 2,430, a futex's hop 5,525 and 8,470 across CPUs, pthread_create and join 39,000.
 */
#include "kernel/check/bench.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "machine/machine.h"

enum { TIMES = 2000, WARM_UP = 50 };

static struct kthread_end all_gone;
static uint64_t from_ns, to_ns;

static bool spawn(void (*entry)(void *), uintptr_t arg, uint32_t affinity)
{
	const struct kthread_how how = { .entry = entry,
					 .arg = (void *)arg,
					 .affinity = affinity,
					 .priority = PRIORITY_NORMAL,
					 .end = &all_gone };
	return kthread_spawn(&how) != THREAD_NONE;
}

/* --- switches --------------------------------------------------------------------------------- */

static void yields(void *me)
{
	for (unsigned i = 0; i < WARM_UP + TIMES; i++) {
		if (i == WARM_UP && me == NULL) from_ns = mach_now_ns();
		kthread_yield();
	}
	if (me == NULL) to_ns = mach_now_ns();
}

static uint64_t yield_tenths(void)
{
	if (!spawn(yields, 0, 1) || !spawn(yields, 1, 1)) return UINT64_MAX;
	kthread_wait(&all_gone);
	return (to_ns - from_ns) * 10 / (2 * TIMES);
}

/* With nobody else ready. */
static uint64_t lone_yield_tenths(void)
{
	kthread_yield();
	from_ns = mach_now_ns();
	for (unsigned i = 0; i < TIMES; i++) kthread_yield();
	return (mach_now_ns() - from_ns) * 10 / TIMES;
}

/* --- wakes ------------------------------------------------------------------------------------ */

static struct wait_queue court;
static uint32_t ball; /* guarded by court.lock */

static void play(void *me)
{
	const mach_irq_t was = wait_enter(&court);
	while (ball < 2 * (WARM_UP + TIMES)) {
		if (ball % 2 == (uintptr_t)me) {
			if (++ball == 2 * WARM_UP) from_ns = mach_now_ns();
			if (ball == 2 * (WARM_UP + TIMES)) to_ns = mach_now_ns();
			wait_wake_one(&kernel_sched, &court);
		} else {
			wait_sleep(&kernel_sched, &court, WAIT_FOREVER);
		}
	}
	wait_leave(&court, was);
}

static uint64_t hop_tenths(uint32_t first, uint32_t second)
{
	wait_init(&court, RANK_WAIT);
	ball = 0;
	if (!spawn(play, 0, first) || !spawn(play, 1, second)) return UINT64_MAX;
	kthread_wait(&all_gone);
	return (to_ns - from_ns) * 10 / (2 * TIMES);
}

/* --- threads ---------------------------------------------------------------------------------- */

static void nothing(void *unused)
{
	(void)unused;
}

static uint64_t spawn_tenths(void)
{
	for (unsigned i = 0; i < WARM_UP + TIMES; i++) {
		if (i == WARM_UP) from_ns = mach_now_ns();
		if (!spawn(nothing, 0, 1)) return UINT64_MAX;
		kthread_wait(&all_gone);
	}
	return (mach_now_ns() - from_ns) * 10 / TIMES;
}

/* --- time ------------------------------------------------------------------------------------- */

static uint64_t fired_ns;

static void note_time(void *s, struct timer *timer, uint64_t cookie)
{
	(void)s, (void)timer, (void)cookie;
	atomic_store_u64(&fired_ns, mach_now_ns());
}

/* From the deadline to what was to happen then, this CPU being busy. */
static uint64_t timer_tenths(void)
{
	struct timer timer;
	uint64_t sum = 0;
	timer_init(&timer, note_time);
	for (unsigned i = 0; i < WARM_UP; i++) {
		atomic_store_u64(&fired_ns, 0);
		const mach_irq_t was = mach_irq_save();
		const uint64_t due = mach_now_ns() + 5000;
		if (timer_add(&kernel_sched.cpu[mach_cpu()].timers, &timer, due, 0))
			sched_timers_changed(&kernel_sched);
		mach_irq_restore(was);
		while (atomic_load_u64(&fired_ns) == 0) mach_relax();
		sum += fired_ns - due;
	}
	return sum * 10 / WARM_UP;
}

int program_main(void)
{
	kthread_end_init(&all_gone);
	bool all = bench_tell("yield switch between two threads", yield_tenths(), 700);
	all = bench_tell("yield with nobody else ready", lone_yield_tenths(), 0) && all;
	all = bench_tell("wake, sleep and switch on one CPU", hop_tenths(1, 1), 1500) && all;
	if (smp_count() > 1)
		all = bench_tell("wake to run across two CPUs", hop_tenths(1, 2), 4000) && all;
	all = bench_tell("thread create and join", spawn_tenths(), 9000) && all;
	all = bench_tell("timer's deadline to its function", timer_tenths(), 0) && all;
	return all ? STATUS_OK : STATUS_FINDING;
}
