/*
 * cpu.c -- virtual CPUs: fibers that stand for the CPUs of the machine.
 *
 * host_run_on() gives a CPU a function to run and waits for its end.  Between runs a CPU's first
 * fiber waits in cpu_main(), so a run costs two switches and no set-up.  A run ends in one of two
 * ways: the function returns, or somebody below it calls host_escape(), which leaves the stack for
 * good; then the fiber starts again from the top of the same stack and nothing of the run is left.
 * One CPU runs at a time then, until its function ends.  Points are only counted, an interrupt
 * waits until mach_wait() asks for one, and who waits in vain is told so: who idles with neither an
 * interrupt nor a timer to come waits for ever, and so does who spins, once it has spun more often
 * than any bounded retry would, and time has passed besides.  Both end in "deadlock".
 *
 * host_run_together() gives a function to several CPUs and lets them take turns: at every point
 * machine/turns.c says who goes on, and the turn passes by a switch of fibers, in host_turn().  An
 * interrupt is delivered to a CPU when it has the turn and is unmasked: the handler is called there
 * and then, on the stack of the context that it interrupts.  An escape ends the run for all.
 *
 * A CPU begins in a context of its own, `base`, and goes from one to another by cpu_enter()
 * (context.c).
 *
 * The code that runs on no CPU (the harness, a unit test's main) is "outside": slot OUTSIDE, with
 * the system's stack, counted as CPU 0 but with books of its own.
 *
 * Always true:
 *   V1  `current` is the slot whose stack we are on, in the context current->on, and
 *       host_turns.now is its number (outside: 0);
 *   V2  a CPU is busy from host_run_on until that call goes on, and the chain of callers leads
 *       from `current` over busy CPUs to OUTSIDE;
 *   V3  an idle CPU holds no lock, has nothing masked, is in its base context, and that is at its
 *       start or waits in cpu_main.
 *
 * Deterministic: the clock moves when told to, and nothing here depends on an address or a time.
 *
 * Locks: none.  Cost: host_run_on about 60 ns under ASan, an escape 300 ns more; a turn 50 ns.
 */
#include "machine/host/cpu.h"

#include <stdlib.h>

#include "machine/host/arena.h"
#include "machine/host/console.h"
#include "machine/host/lockcheck.h"
#include "machine/host/mmu.h"
#include "machine/host/race.h"
#include "machine/host/strand.h"
#include "machine/host/turns.h"
#include "machine/host/waiting.h"
#include "machine/lock.h"

enum { OUTSIDE = LOCKCHECK_OUTSIDE };

struct slot {
	struct strand base;
	struct strand *on;   /* the context it is in */
	struct slot *caller; /* who waits for this run; NULL: idle */
	void (*fn)(void *arg);
	void *arg;
	bool returned; /* the last run ended by returning */
};

static struct slot slots[OUTSIDE + 1];
static struct slot *current = &slots[OUTSIDE];
static unsigned cpus;

struct turns host_turns;
uint64_t host_user_ticks[CPUS_MAX];
bool host_together;
static bool aside; /* from turns that are being taken: see host_run_aside() */
static struct turns_planner planner_here; /* as given, but that the host knows more of a deadlock */
static void (*stuck_there)(void *context, enum turns_stuck why);

/* Whom interrupts go to. */
static struct {
	void (*timer)(void *arg);
	void (*ipi)(void *arg);
	void *arg;
} handlers;

static unsigned slot_number(const struct slot *slot)
{
	return (unsigned)(slot - slots);
}

bool host_on_cpu(void)
{
	return current != &slots[OUTSIDE];
}

/* --- contexts and turns ----------------------------------------------------------------------- */

struct strand *cpu_strand(void)
{
	return current->on;
}

struct strand *cpu_base_strand(unsigned cpu)
{
	return &slots[cpu].base;
}

void cpu_enter(struct strand *to)
{
	struct strand *from = current->on;
	to->cpu = slot_number(current);
	from->cpu = STRAND_NOWHERE;
	current->on = to;
	lockcheck_switch(&from->checks, &to->checks);
	fiber_switch(&from->fiber, &to->fiber);
}

/* V1 and the books change hands on the near side of the switch: on the far side, and when somebody
 * switches back, they are right already. */
static void turn_to(struct slot *to)
{
	struct slot *from = current;
	current = to;
	host_turns.now = slot_number(to) % OUTSIDE;
	lockcheck_turn_to(slot_number(to));
	race_turn_to(slot_number(to));
	fiber_switch(&from->on->fiber, &to->on->fiber);
}

/* --- runs ------------------------------------------------------------------------------------ */

/* Who goes on when a CPU's function has ended. */
static struct slot *after(const struct slot *me)
{
	if (!host_together) return me->caller;
	const uint32_t next = turns_end(&host_turns);
	return next == host_turns.cpus ? &slots[OUTSIDE] : &slots[next];
}

/* What a CPU does: waits to be given a function, runs it, says so. */
static void cpu_main(void *arg)
{
	struct slot *me = arg;
	for (;;) {
		me->fn(me->arg);
		race_ask();
		ASSERT(current == me && me->on == &me->base);
		lockcheck_at_end();
		struct slot *next = after(me);
		me->returned = true;
		turn_to(next);
	}
}

static void slot_give(struct slot *slot, void (*fn)(void *arg), void *arg)
{
	ASSERT(slot->caller == NULL && slot != current);
	slot->caller = current;
	slot->fn = fn;
	slot->arg = arg;
	slot->returned = false;
	host_turns.cpu[slot_number(slot)].spins = 0;
}

/* The run is over.  Where it was abandoned, the CPU begins anew; the contexts that were made in it
 * go at the next reset. */
static void slot_take(struct slot *slot)
{
	struct fiber *fiber = &slot->base.fiber;
	slot->caller = NULL;
	if (slot->returned) return;
	slot->on = &slot->base;
	slot->base.cpu = slot_number(slot);
	slot->base.serial = 0;
	if (fiber->sp != NULL) fiber_bury(fiber);
	fiber_restart(fiber);
}

bool host_run_on(unsigned cpu, void (*fn)(void *arg), void *arg)
{
	ASSERT(cpu < cpus && !host_together);
	struct slot *slot = &slots[cpu];
	slot_give(slot, fn, arg);
	turn_to(slot);
	slot_take(slot);
	return slot->returned;
}

/* The host knows who waits for whose lock. */
static void stuck_here(void *context, enum turns_stuck why)
{
	if (why == TURNS_DEADLOCK) lockcheck_blame();
	stuck_there(context, why);
}

bool host_run_together(unsigned n, void (*fn)(void *arg), void *arg,
		       const struct turns_planner *planner, uint64_t limit)
{
	bool whole = true;
	ASSERT(!host_on_cpu() && n >= 1 && n <= cpus);
	for (unsigned cpu = 0; cpu < n; cpu++) slot_give(&slots[cpu], fn, arg);
	planner_here = *planner;
	planner_here.stuck = stuck_here;
	stuck_there = planner->stuck;
	turns_open(&host_turns, n, &planner_here, limit);
	host_together = true;
	race_begin(n);
	turn_to(&slots[0]);
	race_end();
	host_together = false;
	for (unsigned cpu = 0; cpu < n; cpu++) {
		whole &= slots[cpu].returned;
		slot_take(&slots[cpu]);
	}
	return whole;
}

void host_run_aside(void (*fn)(void *arg), void *arg)
{
	const uint64_t points = host_turns.points;
	ASSERT(host_together);
	host_together = false;
	aside = true;
	race_aside(true);
	fn(arg);
	race_aside(false);
	aside = false;
	host_together = true;
	host_turns.points = points;
}

const struct turns *host_turns_now(void)
{
	return host_together ? &host_turns : NULL;
}

NORETURN void host_escape(void)
{
	if (!host_on_cpu()) {
		static const char line[] = "host: an escape with nothing to escape from\n";
		mach_console(line, sizeof(line) - 1);
		abort();
	}
	struct slot *from = current;
	const bool all = host_together || aside;
	aside = false;
	current = all ? &slots[OUTSIDE] : from->caller;
	host_turns.now = slot_number(current) % OUTSIDE;
	lockcheck_turn_to(slot_number(current));
	race_turn_to(slot_number(current));
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		if (all || &slots[cpu] == from) lockcheck_forget(cpu);
	fiber_leave(&from->on->fiber, &current->on->fiber);
}

void host_cpus_open(unsigned n)
{
	ASSERT(!host_on_cpu() && n >= 1 && n <= CPUS_MAX);
	host_cpus_close();
	struct slot *outside = &slots[OUTSIDE];
	outside->on = &outside->base;
	fiber_adopt(&outside->base.fiber);
	for (unsigned i = 0; i < n; i++) {
		slots[i].on = &slots[i].base;
		slots[i].base.cpu = i;
		fiber_open(&slots[i].base.fiber, cpu_main, &slots[i]);
	}
	turns_reset(&host_turns);
	cpus = n;
}

/* An idle CPU's fiber is stopped for good in the middle of cpu_main, so it is buried. */
void host_cpus_close(void)
{
	ASSERT(!host_on_cpu());
	strands_reset();
	for (unsigned i = 0; i < cpus; i++) {
		fiber_bury(&slots[i].base.fiber);
		fiber_close(&slots[i].base.fiber);
	}
	cpus = 0;
}

void host_reset(void)
{
	ASSERT(!host_on_cpu());
	host_arena_reset();
	host_mmu_reset();
	host_waiting_reset();
	strands_reset();
	for (unsigned i = 0; i <= OUTSIDE; i++) lockcheck_forget(i);
	turns_reset(&host_turns);
	for (unsigned i = 0; i < CPUS_MAX; i++) host_user_ticks[i] = 0;
	host_handlers_set(NULL, NULL, NULL);
}

/* --- points and interrupts -------------------------------------------------------------------- */

void host_handlers_set(void (*timer)(void *arg), void (*ipi)(void *arg), void *arg)
{
	handlers.timer = timer;
	handlers.ipi = ipi;
	handlers.arg = arg;
}

/* What is due to this CPU, one after the other.  A handler may return on another CPU than it was
 * called on, when its context went there; so nothing of this CPU is remembered over the call. */
static void deliver(void)
{
	const mach_irq_t was = lockcheck_interrupt();
	for (;;) {
		if (turns_take_ipi(&host_turns)) {
			if (race_watches()) race_interrupt_taken();
			if (handlers.ipi != NULL) handlers.ipi(handlers.arg);
		} else if (turns_take_tick(&host_turns)) {
			if (handlers.timer != NULL) handlers.timer(handlers.arg);
		} else {
			break;
		}
	}
	lockcheck_resume(was);
}

static bool is_due(void)
{
	const struct turns_cpu *me = &host_turns.cpu[host_turns.now];
	return me->interrupted != 0 || me->tick_due != 0;
}

void host_turn(struct turn_point point, bool asked)
{
	race_look_away(true);
	turns_pass(&host_turns, point, asked);
	race_look_away(false);
	if (host_turns.now != slot_number(current)) turn_to(&slots[host_turns.now]);
	if (host_now.masked == 0 && is_due()) deliver();
}

RARE_CALL void host_point(struct turn_point point)
{
	turns_at_point(point);
}

RARE_CALL void host_point_at(enum turn_kind kind, const void *at)
{
	turns_at_point((struct turn_point){ .kind = (uint8_t)kind, .place = turns_place(at) });
}

void host_unmasked(void)
{
	turns_at(TURN_UNMASK, 0);
	if (is_due()) deliver();
}

void host_relax(void)
{
	turns_at(TURN_RELAX, 0);
	if (!host_together && !turns_spin_alone(&host_turns)) lockcheck_stuck();
}

void host_turn_step(unsigned detail)
{
	turns_at(TURN_STEP, detail);
}

void host_turn_extra(void)
{
	turns_at(TURN_EXTRA, 0);
}

uint64_t host_yield_count(void)
{
	return host_turns.points;
}

void mach_ipi(unsigned cpu)
{
	ASSERT(cpu < cpus);
	if (race_watches()) race_interrupt_sent(cpu);
	turns_interrupt(&host_turns, cpu);
	turns_at(TURN_IPI, cpu);
	if (host_together && host_now.masked == 0 && is_due()) deliver();
}

/* The one CPU that runs has nothing to do until its timer says so. */
static void wait_alone(void)
{
	const uint64_t deadline_ns = host_turns.cpu[host_turns.now].deadline_ns;
	if (deadline_ns == UINT64_MAX) lockcheck_stuck();
	turns_time(&host_turns, deadline_ns);
}

/* Who idles with a lock held keeps everybody else from ever running on. */
void mach_wait(void)
{
	const struct turns_cpu *me = &host_turns.cpu[host_turns.now];
	mach_lock_none_held(RANK_NONE);
	if (me->woken == 0 && !is_due()) {
		turns_at(TURN_WAIT, 0);
		if (!host_together) wait_alone();
	}
	host_turns.cpu[host_turns.now].woken = 0;
	if (is_due()) deliver();
}

uint64_t mach_now_ns(void)
{
	return host_turns.clock_ns;
}

void host_user_begins(void)
{
	ASSERT((int64_t)mach_user_ticks() >= 0);
	host_user_ticks[mach_cpu()] -= mach_now_ns();
}

void host_user_ends(void)
{
	host_user_ticks[mach_cpu()] += mach_now_ns();
	ASSERT((int64_t)mach_user_ticks() >= 0);
}

uint64_t mach_user_ticks_of(unsigned cpu, uint64_t *now_ns)
{
	const uint64_t ticks = host_user_ticks[cpu];

	*now_ns = mach_now_ns();
	return (int64_t)ticks < 0 ? ticks + *now_ns : ticks;
}

uint64_t mach_ticks_ns(uint64_t ticks)
{
	return ticks;
}

void mach_timer_set(uint64_t deadline_ns)
{
	turns_timer_set(&host_turns, deadline_ns);
	turns_at(TURN_TIMER, 0);
	if (host_together && host_now.masked == 0 && is_due()) deliver();
}

void host_clock_advance(uint64_t ns)
{
	ASSERT(ns <= UINT64_MAX - host_turns.clock_ns);
	turns_time(&host_turns, host_turns.clock_ns + ns);
}
