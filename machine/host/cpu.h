/*
 * cpu.h -- virtual CPUs: how a run on the host is started, abandoned and made as new.  See cpu.c.
 *
 * Together these are what a run of a script asks of the machine under it: host_reset, host_run_on
 * and host_escape have the shapes of its calls.
 */
#ifndef MACHINE_HOST_CPU_H
#define MACHINE_HOST_CPU_H

#include "machine/turns.h"

/* Makes CPUs 0 to n - 1, all idle; 1 <= n <= CPUS_MAX.  Can be called again, between runs, with
 * another number.  Not on a CPU. */
void host_cpus_open(unsigned n);

/* Gives their stacks back.  Not on a CPU. */
void host_cpus_close(void);

/*
 * Runs fn(arg) on CPU `cpu`, which is idle, and waits; false when it ended by host_escape().
 * May be called outside, or on another CPU, which then waits and stays busy meanwhile.
 * When fn returns with a lock held or interrupts masked: kpanic on that CPU.
 */
bool host_run_on(unsigned cpu, void (*fn)(void *arg), void *arg);

/*
 * Runs fn(arg) on CPUs 0 to n - 1 at once, n at most the number there are: they take turns as
 * machine/turns.h tells and the planner says, and the call returns when all have ended.  False when
 * one ended by host_escape(), which abandons them all.  More than `limit` points are a livelock.
 * Not on a CPU.
 */
bool host_run_together(unsigned n, void (*fn)(void *arg), void *arg,
		       const struct turns_planner *planner, uint64_t limit);

/* The turns that are being taken, or NULL. */
const struct turns *host_turns_now(void);

/* Calls fn(arg), while CPUs take turns, as something that is no part of what is simulated: no
 * points are passed, no interrupt comes, and nobody looks for races.  Who has to wait for another
 * CPU there waits in vain ("deadlock"). */
void host_run_aside(void (*fn)(void *arg), void *arg);

/* This CPU is at TURN_STEP, with that detail. */
void host_turn_step(unsigned detail);

/* It is at TURN_EXTRA: for tests that what replays does so with more points on its way. */
void host_turn_extra(void);

/* Whom interrupts go to from here on, until host_reset(); NULL: nobody.  See machine.h. */
void host_handlers_set(void (*timer)(void *arg), void (*ipi)(void *arg), void *arg);

/* Abandons what host_run_on started on this CPU, or host_run_together on all; what was held and
 * masked is forgotten.  Only on a CPU (host_on_cpu): elsewhere there is nothing to go back to, and
 * the program aborts. */
NORETURN void host_escape(void);
bool host_on_cpu(void);

/* The machine as new: arena, MMU, clock, interrupts, books of locks.  Not on a CPU. */
void host_reset(void);

/* Moves mach_now_ns() on; timers whose deadline has come are due. */
void host_clock_advance(uint64_t ns);

/* Who plays a user on this CPU says so, as the time at EL0 is counted (mach_user_ticks_of()): from
 * the one to the other no point is passed, and no interrupt comes. */
void host_user_begins(void);
void host_user_ends(void);

/* How many [yield] points were passed since host_reset(): equal for two equal runs. */
uint64_t host_yield_count(void);

#endif
