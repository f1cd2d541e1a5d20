/*
 * plan.h -- who is next, and how long it may take.  Plain arithmetic on times handed in.
 *
 * All times are seconds since the night began.
 */
#ifndef STRESS_NIGHTLY_PLAN_H
#define STRESS_NIGHTLY_PLAN_H

#include "stress/nightly/table.h"

struct plan {
	double now, stop;  /* at `stop` nothing may run any more */
	uint32_t jobs;     /* how many run side by side */
	double promised;   /* what those that run now may still take, together */
	uint32_t round;    /* from 1 on */
	double share_most; /* of an item with weight 1 */
	uint32_t rounds;   /* at most; 0: as many as there is time for */
};

/* By default; long nights go round more often. */
#define PLAN_SHARE_MOST_S 300.0

/* A run that would get less than this is not worth its start. */
#define PLAN_LEAST_S 5.0

/* The next item of the round that does not run, or NULL: then all had their turn, and another round
 * may begin. */
struct item *plan_next(const struct plan *plan, struct table *table);

/* What `item` may take from now on; 0: there is no time left for it. */
double plan_share(const struct plan *plan, const struct table *table, const struct item *item);

/* {size} for a run that may take `share`. */
uint64_t plan_size(const struct item *item, double share);

#endif
