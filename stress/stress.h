/*
 * stress.h -- a storm on the running kernel, in cycles, and the verdict on what it leaves behind.
 *
 * A stress is a few parts; in each cycle each part runs on all CPUs at the same time, one part
 * after the other, and at the end of the last everything that was taken has been given back.  The
 * frame (stress.c) then drains what is put off, reads every count there is, and demands that they
 * are the same after each cycle.
 */
#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

#include "machine/machine.h"
#include "machine/random.h"

/* What the boot arguments ask for. */
struct stress_plan {
	uint64_t seed;
	uint32_t cycles;      /* that are compared; one more goes before them, for warming up */
	uint32_t operations;  /* of each CPU in each cycle, about */
	bool exhaust;         /* take all memory in every cycle, and give it back */
	bool must_not_fail;   /* with all memory taken, ask for more in a way that may not fail */
	uint32_t lose_page;   /* lose a page at every so many-th operation; 0: never */
	uint32_t lose_object; /* the same for an object */
	uint32_t corrupt;     /* flip a bit of somebody's memory at this operation; 0: never */
};

/* What one run of one part is told. */
struct stress_turn {
	const struct stress_plan *plan;
	uint32_t cycle; /* 0 is the one for warming up */
};

struct stress_part {
	const char *name;
	void (*run)(const struct stress_turn *turn, struct random *random); /* on every CPU */
	bool exhausting; /* only where the plan says so */
};

struct stress {
	const char *name;
	void (*open)(void);              /* once, before the first cycle */
	const struct stress_part *parts; /* name NULL ends them; at most STRESS_PARTS_MAX */
	const char *things;              /* what is handed over: blocks, say */
	bool tells_exhaustion;           /* memory that is gone is told on the console */
};
enum { STRESS_PARTS_MAX = 8 };

extern const struct stress kmalloc_stress, space_stress, maps_stress, spawn_stress, wake_stress;

/* --- for stresses; from any CPU --------------------------------------------------------------- */

/* What happened, in numbers that prove that the storm was one. */
enum stress_count {
	STRESS_OPERATIONS,
	STRESS_HANDED_OVER,   /* things that went to another CPU */
	STRESS_FREED_FOREIGN, /* freed by another CPU than took them */
	STRESS_REFUSED,       /* requests that found no memory */
	STRESS_COUNTS
};

/* Counts one more and returns how many there were before. */
uint32_t stress_count(enum stress_count what);

/* Bytes are not what was written.  The first report is kept; the run goes on to its end. */
void stress_content_wrong(const char *when, size_t bytes, size_t at);

/* Perhaps a point of the picture: CPU 0's calls count, some two dozen for each cycle, more where
 * time goes by between calls. */
void stress_sample(const struct stress_turn *turn);

#endif
