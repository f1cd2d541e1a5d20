/*
 * mutate_plan.h -- decisions drawn and changed at random: the schedule's part of mutation.
 */
#ifndef FUZZ_MUTATE_PLAN_H
#define FUZZ_MUTATE_PLAN_H

#include "fuzz/frame/plan.h"
#include "fuzz/frame/swarm.h"

/* A decision at a small distance; a change of one that there is, which may become another one. */
struct script_op plan_draw(struct swarm *swarm);
void plan_change(struct swarm *swarm, struct script_op *op);

/* A world's CPUs and strategy, for operations side by side. */
void plan_draw_world(struct random *random, struct script_world *w);

/* Writes a new operation and what comes with it to `out`, at most `room`; how many it is. */
uint32_t plan_draw_op(struct swarm *swarm, const struct script_world *w, struct script_op *out,
		      uint32_t room);

#endif
