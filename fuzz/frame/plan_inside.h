/*
 * plan_inside.h -- what the planner's files share.
 */
#ifndef FUZZ_PLAN_INSIDE_H
#define FUZZ_PLAN_INSIDE_H

#include "fuzz/frame/plan.h"

static inline struct turn plan_go_on(const struct plan *p)
{
	return (struct turn){ .cpu = (uint8_t)p->turns->now };
}

/* --- countdowns (plan.c) ---------------------------------------------------------------------- */

/* What was counted since they were set is taken off every decision that counts it. */
void plan_count(struct plan *p);

/* Asks to be asked; and for what all armed decisions need. */
void plan_set(struct plan *p, struct turns_counts c);
void plan_set_listed(struct plan *p);

/* --- listed decisions (plan_listed.c) --------------------------------------------------------- */

/* Turns are about to be taken. */
void plan_begin_listed(struct plan *p);
struct turn plan_decide_listed(struct plan *p, struct turn_point point);

/* --- strategies that draw lots (plan_draw.c) -------------------------------------------------- */

void plan_draw_priorities(struct plan *p);
struct turn plan_decide_robin(struct plan *p);
struct turn plan_decide_priority(struct plan *p);

#endif
