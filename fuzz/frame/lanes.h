/*
 * lanes.h -- operations side by side: which run in which lane, and where each lane is.  For run.c
 * and the planner.
 */
#ifndef FUZZ_LANES_H
#define FUZZ_LANES_H

#include "fuzz/frame/plan.h"

struct lane {
	uint64_t digest;
	uint32_t op;   /* that it performs, or performed last */
	uint32_t met;  /* meeting points that it has left */
	uint16_t next; /* its next operation, or LANES_NONE */
	uint16_t meet; /* its next meeting point, or LANES_NONE */
	bool arrived;  /* there */
	bool busy, stops, over;
	bool due; /* calm.c: waits for its turn, with operation `next` */
};

enum { LANES_NONE = 0xffff };

struct lanes {
	struct lane lane[RUN_LANES_MAX];
	struct plan plan;
	uint32_t count;
	uint32_t began, busy; /* operations; and how many of them have not ended */
	uint16_t first_meet;
	uint16_t
		next[SCRIPT_OPS_MAX]; /* of each operation: the next of its lane; of a meet: meet */
	struct meeting *meeting;
	uint32_t meet;   /* number of the meet at which structures are being checked */
	bool checks;     /* they are, by whoever has the turn */
	bool ended;      /* every CPU is back */
	uint64_t digest; /* of what those checks say */
};

/* Before open: the state goes into the arena.  And before the operations. */
void lanes_place_state(struct run *run);
void lanes_open(struct run *run);

/* Runs them; false when an oracle fired.  In either case lanes_close() has been called. */
bool lanes_run(struct run *run);

/* run->op and run->digest are for good, and run->lanes is gone; again does nothing. */
void lanes_close(struct run *run);

/* The lane of the calling code, or RUN_NO_LANE. */
unsigned lanes_now(struct run *run);

/* Where a result of the calling code goes. */
uint64_t *lanes_digest(struct run *run);

/* Whether it is one that waits at a meeting point for others. */
bool lanes_waits(const struct run *run, unsigned lane);

/* In a calm run, before the lane's operation `next`: waits until it is its turn.  False: it stopped
 * there. */
bool calm_turn(struct run *run, unsigned lane);

/* Whether `lane` is one and performs an operation. */
bool lanes_in_operation(const struct run *run, unsigned lane);

#endif
