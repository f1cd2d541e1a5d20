/*
 * smp.c -- starting CPUs, and handing them functions to run.
 *
 * Each CPU has a thread, its runner, and a box for one function.  The sender waits until the box is
 * empty, fills it and waits until the function has ended; the runner waits until the box is full.
 * All wait asleep, in the box's queue.  Before a function is called its way out is kept in a jump
 * buffer; smp_escape() jumps there.  A thread that stays on its CPU calls functions for that CPU
 * without the box.
 *
 * Always true: whoever sets a box from EMPTY to POSTED is the one to set it back.  `home` is NULL
 * exactly when nothing is being run on that CPU, and is on the stack of `who`.
 *
 * Locks: the box's queue (RANK_WAIT).  Cost: two wakes and two interrupts for each function sent to
 * another CPU.
 */
#include "kernel/smp.h"

#include "kernel/console.h"
#include "kernel/ksched.h"
#include "machine/aarch64/baton.h"
#include "machine/aarch64/clock.h"
#include "machine/aarch64/cpu.h"
#include "machine/aarch64/gic.h"
#include "machine/aarch64/psci.h"

enum box_state { BOX_EMPTY, BOX_POSTED, BOX_RETURNED, BOX_ESCAPED };

enum { NS_PER_MS = 1000000 };
#define START_PATIENCE_NS 10000000000ull /* of a busy host's time */

struct box {
	struct wait_queue queue; /* guards the first three */
	enum box_state state;
	void (*fn)(void *);
	void *arg;
	struct cpu_jump *home; /* this CPU's own: where smp_escape() goes */
	struct thread *who;    /* whose way out that is */
};

static struct box boxes[CPUS_MAX];
static unsigned started = 1;

/* --- on the CPU that runs a function ---------------------------------------------------------- */

/* Runs fn(arg) here, in a thread that stays on this CPU; false when it escaped.  Calls nest: each
 * keeps the way out before it. */
static bool run_here(void (*fn)(void *), void *arg)
{
	struct cpu_jump way_out;
	struct box *box = &boxes[mach_cpu()];
	struct cpu_jump *const outer = box->home;
	struct thread *const before = box->who;
	const uint64_t escaped = cpu_jump_set(&way_out);
	if (escaped == 0) {
		box->who = sched_current(&kernel_sched);
		box->home = &way_out;
		fn(arg);
		if (CHECK_LEVEL >= 2 && mach_irq_masked())
			kpanic("irq-order", "a function comes back with interrupts masked");
	}
	/* Which CPU this is has not changed; the compiler's registers may have. */
	boxes[mach_cpu()].home = outer;
	boxes[mach_cpu()].who = before;
	/* Not before the stack's bounds are right again: vectors.S would refuse any other. */
	if (escaped != 0) cpu_unmask_all();
	return escaped == 0;
}

void smp_escape(void)
{
	cpu_irq_mask();
	const unsigned here = mach_cpu();
	struct box *box = &boxes[here];
	if (box->home == NULL || box->who != kernel_sched.cpu[here].current)
		kpanic("assert", "smp_escape() with nothing to escape from");
	if (CHECK_LEVEL >= 2) baton_abandon();
	console_forget();
	cpu_forget();
	mach_timer_set(
		0); /* where it is the timer's handler that escapes, it has not been handled */
	cpu_jump_back(box->home);
}

/* Waits for the box to be in a state, or in any other one where `other`. */
static void box_await(struct box *box, enum box_state state, bool other)
{
	while ((box->state == state) == other)
		(void)wait_sleep(&kernel_sched, &box->queue, WAIT_FOREVER);
}

static void box_set(struct box *box, enum box_state state)
{
	box->state = state;
	wait_wake_all(&kernel_sched, &box->queue);
}

static void runner(void *unused)
{
	(void)unused;
	struct box *box = &boxes[mach_cpu()];
	mach_irq_t was = wait_enter(&box->queue);
	for (;;) {
		box_await(box, BOX_POSTED, false);
		wait_leave(&box->queue, was);
		const bool returned = run_here(box->fn, box->arg);
		was = wait_enter(&box->queue);
		box_set(box, returned ? BOX_RETURNED : BOX_ESCAPED);
	}
}

/* --- on the sender's -------------------------------------------------------------------------- */

/* Is the caller on that CPU, and does it stay there? */
static bool stays_on(unsigned cpu)
{
	return sched_current(&kernel_sched)->affinity == 1u << cpu;
}

static void post(unsigned cpu, void (*fn)(void *), void *arg)
{
	struct box *box = &boxes[cpu];
	const mach_irq_t was = wait_enter(&box->queue);
	box_await(box, BOX_EMPTY, false);
	box->fn = fn;
	box->arg = arg;
	box_set(box, BOX_POSTED);
	wait_leave(&box->queue, was);
}

/* Waits for what was posted to a CPU; did it return? */
static bool collect(unsigned cpu)
{
	struct box *box = &boxes[cpu];
	const mach_irq_t was = wait_enter(&box->queue);
	box_await(box, BOX_POSTED, true);
	const bool returned = box->state == BOX_RETURNED;
	box_set(box, BOX_EMPTY);
	wait_leave(&box->queue, was);
	return returned;
}

bool smp_run_on(unsigned cpu, void (*fn)(void *), void *arg)
{
	ASSERT(cpu < started);
	if (stays_on(cpu)) return run_here(fn, arg);
	post(cpu, fn, arg);
	return collect(cpu);
}

bool smp_run_all(void (*fn)(void *), void *arg)
{
	unsigned here = started;
	for (unsigned cpu = 0; cpu < started; cpu++) {
		if (stays_on(cpu))
			here = cpu;
		else
			post(cpu, fn, arg);
	}
	bool returned = here == started || run_here(fn, arg);
	for (unsigned cpu = 0; cpu < started; cpu++) {
		if (cpu != here && !collect(cpu)) returned = false;
	}
	return returned;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* From outside, and without waiting for it: it may be dead. */
static void tell_silent(unsigned cpu, uint64_t timeout_ns)
{
	const struct sched_cpu *c = &kernel_sched.cpu[cpu];
	const struct lock_waiting *w = mach_lock_waiting(cpu);
	const uint64_t now_ns = mach_now_ns();
	const char *state = "has its interrupts masked";
	if (atomic_load_u32(&machine_cpus[cpu].stopped) != 0)
		state = "is stopped";
	else if (atomic_load_u32(&c->online) == 0)
		state = "is not on";
	else if (atomic_load_u32(&w->rank) != RANK_NONE)
		state = "waits for a lock";
	console_print(
		"smp: CPU %u does not answer a call for %lu ms: it %s; last seen %lu ms ago\n", cpu,
		timeout_ns / NS_PER_MS, state, (now_ns - atomic_load_u64(&c->beat_ns)) / NS_PER_MS);
}

bool smp_call(unsigned cpu, void (*fn)(void *), void *arg, uint64_t timeout_ns)
{
	ASSERT(cpu < cpu_count());
	if (call_cpu(&kernel_calls, cpu, fn, arg, timeout_ns) == CALL_DONE) return true;
	tell_silent(cpu, timeout_ns);
	return false;
}

/* --- starting --------------------------------------------------------------------------------- */

void smp_enter(void)
{
	gic_cpu_init();
	clock_cpu_init();
	atomic_store_u32(&cpu_here()->online, 1);
	cpu_unmask_all();
}

/* The first C code of the CPUs that did not boot. */
static void secondary_main(struct machine_cpu *cpu, paddr_t tree, paddr_t image)
{
	(void)cpu, (void)tree, (void)image;
	smp_enter();
	ksched_run();
}

/* Every CPU's runner, CPU 0's too: a thread that may move sends functions there. */
static const char *start_runner(unsigned cpu)
{
	const struct kthread_how how = {
		.entry = runner, .affinity = 1u << cpu, .priority = PRIORITY_NORMAL, .system = true
	};
	wait_init(&boxes[cpu].queue, RANK_WAIT);
	return kthread_spawn(&how) != THREAD_NONE ? NULL : "no memory for its thread";
}

static const char *start_cpu(unsigned cpu, int64_t *status)
{
	*status = cpu_start(cpu, secondary_main);
	if (*status != 0) return psci_error_name(*status);
	const uint64_t end = mach_now_ns() + START_PATIENCE_NS;
	while (atomic_load_u32(&kernel_sched.cpu[cpu].online) == 0) {
		if (mach_now_ns() > end) return "does not come up";
		mach_relax();
	}
	return start_runner(cpu);
}

const char *smp_start(unsigned cpus, unsigned *cpu, int64_t *status)
{
	const char *wrong = NULL;
	*cpu = 0;
	*status = 0;
	if (boxes[0].queue.lock.rank == 0) wrong = start_runner(0);
	while (wrong == NULL && started < cpus && started < cpu_count()) {
		*cpu = started;
		wrong = start_cpu(started, status);
		if (wrong == NULL) started++;
	}
	return wrong;
}

unsigned smp_count(void)
{
	return started;
}
