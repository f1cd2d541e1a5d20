/*
 * hang_program.c -- hangs on purpose, in the way that the boot argument "hang=" names, so that a
 * test can look at what the watchdog says of it; and does what looks like it and is none, which
 * must end well.
 *
 * Each way needs as many CPUs as it says; the first thread, on CPU 0, does the waiting.
 */
#include "kernel/boot.h"
#include "kernel/check/deliberate.h"
#include "kernel/console.h"
#include "kernel/ksched.h"
#include "kernel/ktrace.h"
#include "kernel/kwatch.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "kernel/vm.h"
#include "machine/aarch64/cpu.h"

#define MS 1000000ull

static struct kthread_end all_gone;
static uint32_t arrived; /* atomic */

static thread_id spawn(void (*entry)(void *), void *arg, uint32_t affinity, uint8_t priority)
{
	const struct kthread_how how = { .entry = entry,
					 .arg = arg,
					 .affinity = affinity,
					 .priority = priority,
					 .end = &all_gone };
	const thread_id id = kthread_spawn(&how);
	if (id == THREAD_NONE) kpanic("assert", "no thread");
	return id;
}

/* As long as nobody ends the run. */
static int wait_for_end(void)
{
	kthread_wait(&all_gone);
	console_print("hang_program: it did not hang\n");
	return STATUS_FINDING;
}

static void spin_for(void *ns)
{
	const uint64_t end = mach_now_ns() + (uintptr_t)ns;
	for (unsigned i = 0; mach_now_ns() < end; i++)
		if (i % 4096 == 0) mach_relax();
}

static NOINLINE void spin_for_good(void)
{
	for (volatile unsigned i = 0;; i++)
		if (i % 4096 == 0) mach_relax();
}

/* --- a CPU that takes no interrupts ----------------------------------------------------------- */

static void mask_and_spin(void *unused)
{
	(void)unused;
	cpu_irq_mask();
	spin_for_good();
}

static int way_silent(void)
{
	spawn(mask_and_spin, NULL, 1u << 1, PRIORITY_NORMAL);
	return wait_for_end();
}

/* Two of them, so that whoever is left has to notice. */
static int way_silent_two(void)
{
	spawn(mask_and_spin, NULL, 1u << 1, PRIORITY_NORMAL);
	spawn(mask_and_spin, NULL, 1u << 2, PRIORITY_NORMAL);
	mask_and_spin(NULL);
	return STATUS_FINDING;
}

/* Busy for long, and takes interrupts all the while. */
static int way_busy(void)
{
	spawn(spin_for, (void *)(400 * MS), 1u << 1, PRIORITY_NORMAL);
	kthread_wait(&all_gone);
	return STATUS_OK;
}

/* Nobody looks, so nobody minds. */
static void be_silent(void *ns)
{
	cpu_irq_mask();
	spin_for(ns);
	cpu_unmask_all();
}

static int way_quiet(void)
{
	spawn(be_silent, (void *)(200 * MS), 1u << 1, PRIORITY_NORMAL);
	kthread_wait(&all_gone);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		if (kwatch_looks(cpu) != 0) return STATUS_FINDING;
	return STATUS_OK;
}

/* --- a lock that does not come free ----------------------------------------------------------- */

static struct lock held;

static void hold_for_good(void *unused)
{
	(void)unused;
	lock_take(&held);
	atomic_store_u32(&arrived, 1);
	spin_for_good();
}

static NOINLINE void wait_for_lock(void *unused)
{
	(void)unused;
	while (atomic_load_u32(&arrived) == 0) mach_relax();
	lock_drop(&held, lock_take(&held));
}

static int way_lock(void)
{
	lock_init(&held, RANK_OUTER);
	spawn(hold_for_good, NULL, 1u << 1, PRIORITY_NORMAL);
	spawn(wait_for_lock, NULL, 1u << 2, PRIORITY_NORMAL);
	return wait_for_end();
}

/* --- a thread that is ready and does not run -------------------------------------------------- */

/* Taken out of its run queue by hand, as a defect would lose it. */
static void lose(thread_id id)
{
	struct thread *t = thread_find(&kernel_sched.table, id);
	const mach_irq_t was = mach_irq_save();
	struct runq *rq = &kernel_sched.cpu[t->cpu].runq;
	lock_take_masked(&rq->lock);
	runq_remove_locked(rq, t);
	lock_drop_masked(&rq->lock);
	mach_irq_restore(was);
}

static int way_starved(void)
{
	const mach_irq_t was = mach_irq_save(); /* it does not run before it is lost */
	const thread_id id = spawn(spin_for, NULL, 1u << mach_cpu(), PRIORITY_NORMAL);
	lose(id);
	mach_irq_restore(was);
	return wait_for_end();
}

/* What is more urgent may starve it: that is no hang, and both end. */
static int way_urgent(void)
{
	spawn(spin_for, (void *)(400 * MS), 1u << 1, PRIORITY_NORMAL - 1);
	spawn(spin_for, NULL, 1u << 1, PRIORITY_NORMAL);
	kthread_wait(&all_gone);
	return STATUS_OK;
}

/* --- a thread whose time has come ------------------------------------------------------------- */

static void sleep_a_little(void *unused)
{
	(void)unused;
	atomic_store_u32(&arrived, 1);
	kthread_sleep(20 * MS);
}

static int way_late(void)
{
	const thread_id id = spawn(sleep_a_little, NULL, 1, PRIORITY_NORMAL);
	struct thread *t = thread_find(&kernel_sched.table, id);
	while (thread_word_state(atomic_load_u64(&t->word)) != THREAD_WAITING) kthread_yield();
	const mach_irq_t was = mach_irq_save();
	if (!timer_cancel(&kernel_sched.cpu[0].timers, &t->timer)) kpanic("assert", "no timer");
	mach_irq_restore(was);
	return wait_for_end();
}

/* --- a CPU that is dead ----------------------------------------------------------------------- */

static void note(void *unused)
{
	(void)unused;
	atomic_fetch_add_u32(&arrived, 1);
}

static void stop_last(void)
{
	const unsigned last = cpu_count() - 1;
	cpu_stop(last);
	while (atomic_load_u32(&machine_cpus[last].stopped) == 0) mach_relax();
}

/* A call to it ends with a report; calls to the others are as ever. */
static int way_call(void)
{
	const unsigned last = cpu_count() - 1;
	if (!smp_call(last, note, NULL, 1000 * MS) || arrived != 1) return STATUS_FINDING;
	stop_last();
	const uint64_t from = mach_now_ns();
	if (smp_call(last, note, NULL, 10 * MS)) return STATUS_FINDING;
	if (mach_now_ns() - from < 10 * MS || mach_now_ns() - from > 20 * MS) return STATUS_FINDING;
	for (unsigned cpu = 0; cpu < last; cpu++)
		if (!smp_call(cpu, note, NULL, 1000 * MS)) return STATUS_FINDING;
	return arrived == 1 + last ? STATUS_OK : STATUS_FINDING;
}

/* A function for it waits for its thread, which does not run. */
static int way_dead(void)
{
	stop_last();
	smp_run_on(cpu_count() - 1, note, NULL);
	return STATUS_FINDING;
}

/* --- in a call and behind one ----------------------------------------------------------------- */

static struct space *space;

static void map_and_unmap(void *unused)
{
	const int64_t at = kspace_map(space, PAGE_SIZE, PROT_READ, MAP_PRIVATE);
	(void)unused;
	if (at < 0 || kspace_unmap(space, (uint64_t)at, PAGE_SIZE) != 0)
		kpanic("assert", "no mapping");
	if (arrived == 2) cpu_irq_mask();
	while (arrived == 1 || arrived == 2) mach_relax();
}

/* Somebody has the lock of its space for good, so munmap waits for that. */
static void hold_space(void *unused)
{
	(void)unused;
	lock_take(&space->lock);
	atomic_store_u32(&arrived, 3);
	spin_for_good();
}

static void unmap_only(void *at)
{
	while (atomic_load_u32(&arrived) != 3) mach_relax();
	kspace_unmap(space, (uintptr_t)at, PAGE_SIZE);
}

static int way_in_munmap(void)
{
	space = kspace_create();
	const int64_t at = kspace_map(space, PAGE_SIZE, PROT_READ, MAP_PRIVATE);
	spawn(hold_space, NULL, 1u << 1, PRIORITY_NORMAL);
	spawn(unmap_only, (void *)at, 1u << 2, PRIORITY_NORMAL);
	return wait_for_end();
}

/* It has left munmap, was preempted by another, and is lost then. */
static int way_after_munmap(void)
{
	space = kspace_create();
	atomic_store_u32(&arrived, 1);
	const thread_id id = spawn(map_and_unmap, NULL, 1, PRIORITY_NORMAL);
	kthread_yield();
	const mach_irq_t was = mach_irq_save();
	lose(id);
	mach_irq_restore(was);
	return wait_for_end();
}

/* Nothing hangs; all that there is to tell is told on request. */
static int way_nothing(void)
{
	space = kspace_create();
	spawn(map_and_unmap, NULL, 1u << 1, PRIORITY_NORMAL);
	kthread_wait(&all_gone);
	kthread_sleep(400 * MS);
	kwatch_print();
	return STATUS_OK;
}

static const struct {
	const char *name;
	int (*go)(void);
} ways[] = {
	{ "silent", way_silent },       { "silent-two", way_silent_two },
	{ "busy", way_busy },           { "quiet", way_quiet },
	{ "lock", way_lock },           { "starved", way_starved },
	{ "urgent", way_urgent },       { "late", way_late },
	{ "call", way_call },           { "dead", way_dead },
	{ "in-munmap", way_in_munmap }, { "after-munmap", way_after_munmap },
	{ "nothing", way_nothing },
};

int program_main(void)
{
	kthread_end_init(&all_gone);
	for (unsigned i = 0; i < COUNT_OF(ways); i++) {
		if (!bootarg_says(boot.platform.bootargs, "hang", ways[i].name)) continue;
		deliberate(ways[i].go == way_nothing ? "" : "hang");
		return ways[i].go();
	}
	console_print("hang_program: no such way\n");
	return STATUS_USAGE;
}
