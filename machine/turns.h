/*
 * turns.h -- whose turn it is: several CPUs of which one runs at a time.
 *
 * The simulation in which interleavings are chosen by a script.  The CPU that has the turn runs
 * until a point of its path: a call of the seam that is marked [yield], an atomic operation, and,
 * in builds that look for races, every load and store to the arena.  There a planner may give the
 * turn to another CPU, or let the timer's interrupt come.  Nothing else decides anything, so the
 * same decisions give the same run.
 *
 * Portable: machine/host passes the turn between fibers, the booted kernel between its CPUs, by
 * the same lines (turns.c).  Points of the kinds from TURN_LOCK on are "named": they are the same
 * ones in the same order on every machine, so a schedule told in their terms replays anywhere.
 *
 * Interrupts are delivered when the CPU they are for has the turn, is unmasked, and passes a
 * point.  Time stands still but for three things: a planned tick moves it to the deadline of that
 * CPU's timer; when no CPU can run it moves to the earliest deadline there is; and when all that
 * can run spin, it does the same or, where there is no deadline, moves on by steps that double, so
 * that who spins until a time is over gets there.  Spinning on after that is a deadlock.
 */
#ifndef MACHINE_TURNS_H
#define MACHINE_TURNS_H

#include "machine/base.h"

enum turn_kind {
	TURN_ACCESS, /* before a load or store; place: where; detail: 1 for a store */
	TURN_ATOMIC, /* before an atomic operation; place: where */
	TURN_RELAX,  /* in a spin loop: somebody else must run */
	TURN_WAIT,   /* idle until an interrupt */
	TURN_EXTRA,  /* nothing: only code that is built with more points than it needs has these */
	TURN_NAMED,
	TURN_LOCK = TURN_NAMED, /* before waiting for a lock; detail: its rank */
	TURN_DROP,              /* a lock is about to be dropped; detail: its rank */
	TURN_UNMASK,            /* interrupts have become unmasked */
	TURN_IPI,               /* an interrupt was sent; detail: to which CPU */
	TURN_TIMER,             /* the timer was set */
	TURN_SWITCH,            /* a context is about to be switched to */
	TURN_ENTRY,             /* a table's entry is about to be stored */
	TURN_TLB,               /* entries are about to be invalidated */
	TURN_INSTALL,           /* a space is about to be installed */
	TURN_STEP,              /* an operation of a script begins */
	TURN_KINDS
};

/* Where a CPU is.  `place` is an offset into the arena, in 8 bytes, for accesses and atomics;
 * UINT32_MAX: outside of it. */
struct turn_point {
	uint8_t kind, detail;
	uint16_t pad;
	uint32_t place;
};

/* What happens there. */
struct turn {
	uint8_t cpu;  /* who goes on: one that can run, else it is as if nothing had been said */
	uint8_t tick; /* the timer interrupt of the CPU that is at the point comes now, if it has a
			 deadline and is unmasked; otherwise it stays due */
};

enum turns_stuck {
	TURNS_DEADLOCK,  /* every CPU that could run spins */
	TURNS_LOST_WAKE, /* every CPU waits, some have not ended, and no timer is set */
	TURNS_LIVELOCK,  /* more points were passed than a run of this size can need */
};

/* Its name, which is also that of the oracle: "deadlock", "lost-wake", "livelock". */
const char *turns_stuck_name(enum turns_stuck why);

struct turns;

struct turns_planner {
	/* Turns are about to be taken: turns_open() calls this last.  The planner keeps `t`, sets
	 * t->asks for the first time, and may set them again whenever one of the CPUs runs code of
	 * its own. */
	void (*begin)(void *context, struct turns *t);
	/* The CPU that has the turn is at a point.  Sets t->asks for the next time. */
	struct turn (*decide)(void *context, struct turns *t, struct turn_point point);
	/* Nobody can go on: does not return. */
	void (*stuck)(void *context, enum turns_stuck why);
	void *context;
};

enum turns_state { TURNS_RUNS, TURNS_WAITS, TURNS_ENDED };

struct turns_cpu {
	uint8_t state;        /* enum turns_state */
	uint8_t interrupted;  /* mach_ipi() came, its handler has not been called */
	uint8_t tick_due;     /* the timer's interrupt has come and its handler not been called */
	uint8_t woken;        /* mach_ipi() came since it waited last */
	uint32_t spins;       /* relaxed so often since it last got on */
	uint64_t deadline_ns; /* of its timer; UINT64_MAX: none */
};

/*
 * When the planner is asked next: at the point at which one of these, counted down, gets to 0; 0:
 * not for that reason.
 */
struct turns_counts {
	uint32_t until;       /* points of every kind */
	uint32_t until_named; /* named ones */
	uint32_t until_place; /* accesses and atomics at `place` */
	uint32_t place;
};

/* Counts a point down; true: the planner is to be asked there. */
static inline bool turns_counts_down(struct turns_counts *c, struct turn_point point)
{
	bool asked = c->until != 0 && --c->until == 0;
	if (point.kind >= TURN_NAMED)
		asked |= c->until_named != 0 && --c->until_named == 0;
	else if (point.kind < TURN_RELAX)
		asked |= c->until_place != 0 && c->place == point.place && --c->until_place == 0;
	return asked;
}

struct turns {
	uint32_t cpus, now;       /* who has the turn */
	struct turns_counts asks; /* set by the planner */
	uint32_t steps; /* of time, since somebody got on: all that could run were spinning */
	uint64_t points, limit; /* passed, and how many are a livelock */
	uint64_t switches;      /* of the turn */
	uint64_t clock_ns;
	const struct turns_planner *planner;
	struct turns_cpu cpu[CPUS_MAX];
};

/* As new, with no planner: every CPU at rest, time 0. */
void turns_reset(struct turns *t);

/* Turns are taken from here on, first by CPU 0; time goes on from where it was. */
void turns_open(struct turns *t, uint32_t cpus, const struct turns_planner *planner,
		uint64_t limit);

/* The CPU that has the turn has got what it wanted: it does not spin. */
static inline void turns_got_on(struct turns *t)
{
	t->cpu[t->now].spins = 0;
	t->steps = 0;
}

/* Counts a point; true: the planner is to be asked there. */
static inline bool turns_count(struct turns *t, struct turn_point point)
{
	t->points++;
	return turns_counts_down(&t->asks, point);
}

/* Where one CPU runs alone and nobody is asked: it relaxes in a spin loop.  Time moves on when it
 * has spun for long; false: it has spun for good. */
bool turns_spin_alone(struct turns *t);

/* Whether there is more to do at that point than to count it. */
static inline bool turns_matter(const struct turns *t, struct turn_point point, bool asked)
{
	return asked || point.kind == TURN_RELAX || point.kind == TURN_WAIT || t->points > t->limit;
}

/*
 * The CPU that has the turn is at `point`, which has been counted: who has it next (t->now, after
 * the call).  The machine then passes the turn, and delivers what is due to the CPU that it comes
 * back to.  Does not return where nobody can go on.
 */
uint32_t turns_pass(struct turns *t, struct turn_point point, bool asked);

/* Interrupts: sent to `cpu`; and what is to be delivered now to the CPU that has the turn: each at
 * most once, and taken. */
void turns_interrupt(struct turns *t, uint32_t cpu);
bool turns_take_ipi(struct turns *t);
bool turns_take_tick(struct turns *t);

/* mach_timer_set() of the CPU that has the turn. */
void turns_timer_set(struct turns *t, uint64_t deadline_ns);

/* Moves time to `to_ns`, unless that has passed: timers whose deadline has come are due. */
void turns_time(struct turns *t, uint64_t to_ns);

/* The CPU that has the turn will have nothing more to do; who goes on, or t->cpus: all have ended.
 */
uint32_t turns_end(struct turns *t);

#endif
