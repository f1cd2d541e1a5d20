/*
 * smp.c -- starting CPUs, and handing them functions to run.
 *
 * Each CPU has a mailbox for one function.  The sender fills it, marks it posted and interrupts the
 * CPU; that CPU, resting in smp_rest(), runs the function, marks it returned or escaped and
 * interrupts the sender.  Both sides rest by mach_wait(), which loses no wake-up, so nobody spins.
 * Before a function is called its way out is kept in a jump buffer; smp_escape() jumps there.  On
 * the sender's own CPU the same is done without a mailbox.
 *
 * Always true: only the sender moves a mailbox from EMPTY to POSTED and from its end to EMPTY, only
 * the receiver moves it in between.  `home` is NULL exactly when nothing is being run.
 *
 * Cost: two interrupts for each function sent to another CPU.
 */
#include "kernel/smp.h"

#include "kernel/console.h"
#include "kernel/tick.h"
#include "machine/aarch64/cpu.h"
#include "machine/aarch64/gic.h"
#include "machine/aarch64/psci.h"
#include "machine/aarch64/timer.h"
#include "machine/lock.h"

enum box_state { BOX_EMPTY, BOX_POSTED, BOX_RETURNED, BOX_ESCAPED };
enum { FIRST_TICK_NS = 20000 };

#define START_PATIENCE_NS 10000000000ull /* of a busy host's time */

struct mailbox {
	uint32_t state; /* atomic: enum box_state */
	uint32_t sender;
	void (*fn)(void *);
	void *arg;
	struct cpu_jump *home; /* this CPU's own: where smp_escape() goes */
};

static struct mailbox boxes[CPUS_MAX];

void smp_enter(void)
{
	struct machine_cpu *cpu = cpu_here();
	gic_cpu_init();
	timer_cpu_init();
	atomic_store_u32(&cpu->online, 1);
	tick_start(FIRST_TICK_NS);
	cpu_unmask_all();
}

/* Runs fn(arg) here; false when it escaped.  Calls nest: each keeps the way out before it. */
static bool run_here(void (*fn)(void *), void *arg)
{
	struct cpu_jump way_out;
	struct mailbox *box = &boxes[mach_cpu()];
	struct cpu_jump *const outer = box->home;
	const uint64_t escaped = cpu_jump_set(&way_out);
	if (escaped == 0) {
		box->home = &way_out;
		fn(arg);
	}
	/* Which CPU this is has not changed; the compiler's registers may have. */
	boxes[mach_cpu()].home = outer;
	/* Not before this is the CPU's own stack again: vectors.S would refuse any other. */
	if (escaped != 0) cpu_unmask_all();
	return escaped == 0;
}

void smp_escape(void)
{
	cpu_irq_mask();
	struct mailbox *box = &boxes[mach_cpu()];
	if (box->home == NULL) kpanic("assert", "smp_escape() with nothing to escape from");
	console_forget();
	cpu_forget();
	cpu_jump_back(box->home);
}

static NORETURN void smp_rest(void)
{
	struct mailbox *box = &boxes[mach_cpu()];
	for (;;) {
		while (atomic_load_u32(&box->state) != BOX_POSTED) mach_wait();
		const unsigned sender = box->sender; /* the mailbox is not ours once it says so */
		const bool returned = run_here(box->fn, box->arg);
		atomic_store_u32(&box->state, returned ? BOX_RETURNED : BOX_ESCAPED);
		mach_ipi(sender);
	}
}

/* The first C code of the CPUs that did not boot. */
static void secondary_main(struct machine_cpu *cpu, paddr_t tree, paddr_t image)
{
	(void)cpu, (void)tree, (void)image;
	smp_enter();
	smp_rest();
}

const char *smp_start(unsigned *number, int64_t *status)
{
	for (unsigned n = 1; n < cpu_count(); n++) {
		*number = n;
		*status = cpu_start(n, secondary_main);
		if (*status != 0) return psci_error_name(*status);
		const uint64_t end = mach_now_ns() + START_PATIENCE_NS;
		while (atomic_load_u32(&machine_cpus[n].online) == 0) {
			if (mach_now_ns() > end) return "does not come up";
			mach_relax();
		}
	}
	return NULL;
}

static void post(unsigned cpu, void (*fn)(void *), void *arg)
{
	struct mailbox *box = &boxes[cpu];
	ASSERT(atomic_load_u32(&box->state) == BOX_EMPTY);
	box->fn = fn;
	box->arg = arg;
	box->sender = mach_cpu();
	atomic_store_u32(&box->state, BOX_POSTED);
	mach_ipi(cpu);
}

/* Waits for what was posted to a CPU; did it return? */
static bool collect(unsigned cpu)
{
	struct mailbox *box = &boxes[cpu];
	while (atomic_load_u32(&box->state) == BOX_POSTED) mach_wait();
	const bool returned = atomic_load_u32(&box->state) == BOX_RETURNED;
	atomic_store_u32(&box->state, BOX_EMPTY);
	return returned;
}

bool smp_run_on(unsigned cpu, void (*fn)(void *), void *arg)
{
	ASSERT(cpu < cpu_count());
	if (cpu == mach_cpu()) return run_here(fn, arg);
	post(cpu, fn, arg);
	return collect(cpu);
}

bool smp_run_all(void (*fn)(void *), void *arg)
{
	const unsigned here = mach_cpu();
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (cpu != here) post(cpu, fn, arg);
	}
	bool returned = run_here(fn, arg);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (cpu != here && !collect(cpu)) returned = false;
	}
	return returned;
}
