/*
 * cpu.c -- virtual CPUs: fibers that stand for the CPUs of the machine.
 *
 * host_run_on() gives a CPU a function to run and waits for its end.  Between runs a CPU's fiber
 * waits in cpu_main(), so a run costs two switches and no set-up.  A run ends in one of two ways:
 * the function returns, or somebody below it calls host_escape(), which leaves the stack for good;
 * then the fiber starts again from the top of the same stack and nothing of the run is left.
 *
 * One CPU runs at a time, until its function ends: host_yield() is passed at every point where
 * the contract says [yield], and it is the one place where another could get its turn.  As none
 * does, it is also where waiting in vain shows: who idles without an interrupt pending waits for
 * ever, and so does who spins, once it has spun more often than any bounded retry would.  Both end
 * in "deadlock".
 *
 * The code that runs on no CPU (the harness, a unit test's main) is "outside": slot OUTSIDE, with
 * the system's stack, counted as CPU 0 but with books of its own.
 *
 * Always true:
 *   V1  `current` is the slot whose stack we are on;
 *   V2  a CPU is busy from host_run_on until that call goes on, and the chain of callers leads
 *       from `current` over busy CPUs to OUTSIDE;
 *   V3  an idle CPU holds no lock, has nothing masked, and its fiber is at its start or waits in
 *       cpu_main.
 *
 * Deterministic: the clock moves when told to, and nothing here depends on an address or a time.
 *
 * Locks: none.  Cost: host_run_on about 60 ns under ASan, an escape 300 ns more.
 */
#include "machine/host/cpu.h"

#include <stdlib.h>

#include "machine/host/arena.h"
#include "machine/host/console.h"
#include "machine/host/fiber.h"
#include "machine/host/lockcheck.h"
#include "machine/host/mmu.h"
#include "machine/host/turns.h"
#include "machine/host/waiting.h"
#include "machine/lock.h"

enum {
	OUTSIDE = LOCKCHECK_OUTSIDE,
	SPINS_MAX = 64, /* in a row, without asking for a lock in between */
};

struct slot {
	struct fiber fiber;
	struct slot *caller; /* who waits for this run; NULL: idle */
	void (*fn)(void *arg);
	void *arg;
	bool returned;    /* the last run ended by returning */
	bool interrupted; /* mach_ipi came and mach_wait has not taken it */
};

static struct slot slots[OUTSIDE + 1];
static struct slot *current = &slots[OUTSIDE];
static unsigned cpus;

struct host_turns host_turns;
static uint64_t clock_ns; /* what mach_now_ns() says */

static unsigned slot_number(const struct slot *slot)
{
	return (unsigned)(slot - slots);
}

bool host_on_cpu(void)
{
	return current != &slots[OUTSIDE];
}

/* --- runs ------------------------------------------------------------------------------------ */

/* V1 and the books change hands on the near side of the switch: on the far side, and when somebody
 * switches back, they are right already. */
static void turn_to(struct slot *to)
{
	struct slot *from = current;
	current = to;
	lockcheck_turn_to(slot_number(to));
	fiber_switch(&from->fiber, &to->fiber);
}

/* What a CPU does: waits to be given a function, runs it, says so. */
static void cpu_main(void *arg)
{
	struct slot *me = arg;
	for (;;) {
		me->fn(me->arg);
		lockcheck_at_end();
		me->returned = true;
		turn_to(me->caller);
	}
}

bool host_run_on(unsigned cpu, void (*fn)(void *arg), void *arg)
{
	ASSERT(cpu < cpus);
	struct slot *slot = &slots[cpu];
	ASSERT(slot->caller == NULL && slot != current);
	slot->caller = current;
	slot->fn = fn;
	slot->arg = arg;
	slot->returned = false;
	host_turns.spins = 0;
	turn_to(slot);
	slot->caller = NULL;
	if (!slot->returned) fiber_restart(&slot->fiber);
	return slot->returned;
}

NORETURN void host_escape(void)
{
	if (!host_on_cpu()) {
		static const char line[] = "host: an escape with nothing to escape from\n";
		mach_console(line, sizeof(line) - 1);
		abort();
	}
	struct slot *from = current;
	current = from->caller;
	lockcheck_turn_to(slot_number(current));
	lockcheck_forget(slot_number(from));
	fiber_leave(&from->fiber, &current->fiber);
}

void host_cpus_open(unsigned n)
{
	ASSERT(!host_on_cpu() && n >= 1 && n <= CPUS_MAX);
	host_cpus_close();
	fiber_adopt(&slots[OUTSIDE].fiber);
	for (unsigned i = 0; i < n; i++) fiber_open(&slots[i].fiber, cpu_main, &slots[i]);
	cpus = n;
}

/* An idle CPU's fiber is stopped for good in the middle of cpu_main, so it is buried. */
void host_cpus_close(void)
{
	ASSERT(!host_on_cpu());
	for (unsigned i = 0; i < cpus; i++) {
		fiber_bury(&slots[i].fiber);
		fiber_close(&slots[i].fiber);
	}
	cpus = 0;
}

void host_reset(void)
{
	ASSERT(!host_on_cpu());
	host_arena_reset();
	host_mmu_reset();
	host_waiting_reset();
	for (unsigned i = 0; i <= OUTSIDE; i++) {
		lockcheck_forget(i);
		slots[i].interrupted = false;
	}
	host_turns = (struct host_turns){ .spins = 0 };
	clock_ns = 0;
}

/* --- taking turns ---------------------------------------------------------------------------- */

void host_yield(enum host_yield kind)
{
	host_turns.yields++;
	if (kind == HOST_YIELD_ATOMIC) return;
	host_turns.spins = kind == HOST_YIELD_RELAX ? host_turns.spins + 1 : 0;
	if (UNLIKELY(host_turns.spins > SPINS_MAX || kind == HOST_YIELD_WAIT)) lockcheck_stuck();
}

uint64_t host_yield_count(void)
{
	return host_turns.yields;
}

void mach_ipi(unsigned cpu)
{
	ASSERT(cpu < cpus);
	slots[cpu].interrupted = true;
	host_yield(HOST_YIELD_IPI);
}

/* Who idles with a lock held keeps everybody else from ever running on. */
void mach_wait(void)
{
	mach_lock_none_held(RANK_NONE);
	while (!current->interrupted) host_yield(HOST_YIELD_WAIT);
	current->interrupted = false;
}

uint64_t mach_now_ns(void)
{
	return clock_ns;
}

void host_clock_advance(uint64_t ns)
{
	ASSERT(ns <= UINT64_MAX - clock_ns);
	clock_ns += ns;
}
