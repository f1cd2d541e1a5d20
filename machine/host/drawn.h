/*
 * drawn.h -- for tests of CPUs that take turns: a planner that draws lots.  The same seed gives the
 * same run.
 */
#ifndef MACHINE_HOST_DRAWN_H
#define MACHINE_HOST_DRAWN_H

#include "machine/random.h"
#include "machine/turns.h"

struct drawn {
	struct random lots;
	uint32_t about; /* points from one decision to the next, at most */
	uint32_t ticks; /* one decision in so many lets the timer's interrupt come; 0: none */
	uint32_t asked; /* how many decisions there were */
};

static inline void drawn_begin(void *context, struct turns *t)
{
	struct drawn *d = context;
	t->asks.until = 1 + random_below(&d->lots, d->about);
}

static inline struct turn drawn_decide(void *context, struct turns *t, struct turn_point point)
{
	struct drawn *d = context;
	(void)point;
	d->asked++;
	t->asks.until = 1 + random_below(&d->lots, d->about);
	return (struct turn){
		.cpu = (uint8_t)random_below(&d->lots, t->cpus),
		.tick = d->ticks != 0 && random_one_in(&d->lots, d->ticks),
	};
}

/* What any planner of a test does when nobody can go on. */
static inline void drawn_stuck(void *context, enum turns_stuck why)
{
	(void)context;
	kpanic(turns_stuck_name(why), "nobody can go on");
}

#endif
