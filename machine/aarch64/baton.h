/*
 * baton.h -- CPUs that take turns, in images under test: machine/turns.h on real CPUs.
 *
 * A CPU that plays does not run freely.  At the named points of the seam it does what
 * machine/host does at the same ones, so a schedule told in their terms is the same here and
 * there; time and interrupts are those of the play as well.
 */
#ifndef MACHINE_AARCH64_BATON_H
#define MACHINE_AARCH64_BATON_H

#include "cpu.h"
#include "machine/turns.h"

/* Time 0, nothing due, no handlers.  Nobody plays. */
void baton_reset(void);

/*
 * CPUs 0 to `cpus` - 1 will play, one at a time: between the two, each calls baton_join(), which
 * returns when it is its turn, and baton_leave() when it has done its part; and any may call
 * baton_abandon() instead, after which every other CPU that plays calls abandoned(), which does
 * not return, where it waits.
 */
void baton_open(uint32_t cpus, const struct turns_planner *planner, uint64_t limit,
		void (*abandoned)(void));
void baton_join(void);
void baton_leave(void);
void baton_abandon(void);
void baton_close(void);

/* The same for one CPU that plays alone, with nobody else to have a turn: points are counted, and
 * waiting moves the time on.  Ended by baton_leave() or baton_abandon(). */
void baton_join_alone(void);

/* What the play's interrupts call, until baton_reset(). */
void baton_handlers_set(void (*timer)(void *arg), void (*ipi)(void *arg), void *arg);

/* The CPU, which plays, is at TURN_STEP. */
void baton_step(unsigned detail);

/* The run that is under way, or NULL. */
const struct turns *baton_turns_now(void);

/* --- from the seam, on a CPU that plays (cpu.h) ----------------------------------------------- */

uint64_t baton_now_ns(void);
void baton_timer_set(uint64_t deadline_ns);
void baton_ipi(unsigned cpu);
void baton_wait(void);

#endif
