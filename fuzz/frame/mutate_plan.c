/*
 * mutate_plan.c -- decisions drawn and changed at random.
 *
 * A race shows within a few switches, and mostly close to where operations begin: so few operations
 * have decisions, few have more than one, and distances are drawn evenly over the powers of two up
 * to a size that the script has drawn.  A change doubles or halves a distance, or moves it by one,
 * and so finds the point next to the one that was nearly right; or it turns the decision to another
 * CPU, or counts in other terms.
 *
 * Half of all new scripts list their decisions; the others leave it to a strategy and a seed, which
 * finds what is shallow with no search at all.
 *
 * Always true: what is drawn is in range, so decoding changes nothing.
 *
 * Locks: none.  Cost: about 30 ns a decision.
 */
#include "fuzz/frame/mutate_plan.h"

#include "fuzz/frame/mutate.h"

enum {
	MEET_ONE_IN = 24,
	DECIDED_ONE_IN = 3, /* operations that have decisions */
	MORE_ONE_IN = 2,    /* after each, one more */
	TICK_ONE_IN = 8,
	DISTANCE_BITS = 10,
};

static uint32_t draw_distance(struct swarm *swarm, uint32_t bits)
{
	struct random *r = swarm->random;
	return 1 + random_below(r, 1u << random_below(r, bits));
}

static struct script_op at_site(struct swarm *swarm)
{
	const uint32_t nth = draw_distance(swarm, 4);
	const uint32_t site = plan_common_site(random_below(swarm->random, plan_common_sites));
	return (struct script_op){ .code = PLAN_AT, .arg = nth << 21 | site };
}

static uint8_t draw_target(struct swarm *swarm)
{
	return (uint8_t)random_below(swarm->random, swarm->cpus);
}

struct script_op plan_draw(struct swarm *swarm)
{
	struct random *r = swarm->random;
	const uint32_t kind = random_below(r, 8);
	struct script_op op = { .code = kind < 4 ? PLAN_AFTER : PLAN_CALLS };
	op.arg = draw_distance(swarm, kind < 4 ? DISTANCE_BITS : DISTANCE_BITS / 2);
	if (kind == 7) op = at_site(swarm);
	op.aux = draw_target(swarm);
	op.slot = random_one_in(r, TICK_ONE_IN);
	return op;
}

/* The count of a decision, whichever it counts. */
static uint32_t distance_of(const struct script_op *op)
{
	return op->code == PLAN_AT ? op->arg >> 21 : op->arg;
}

static void distance_set(struct script_op *op, uint32_t n)
{
	if (n == 0) n = 1;
	if (op->code == PLAN_AT)
		op->arg = (uint32_t)min_u64(n, PLAN_NTH - 1) << 21 | (op->arg & ((1u << 21) - 1));
	else
		op->arg = n;
}

void plan_change(struct swarm *swarm, struct script_op *op)
{
	struct random *r = swarm->random;
	const uint32_t n = distance_of(op);
	switch (random_below(r, 8)) {
	case 0: distance_set(op, n * 2); break;
	case 1: distance_set(op, n / 2); break;
	case 2: distance_set(op, n + 1); break;
	case 3: distance_set(op, n - 1); break;
	case 4: distance_set(op, n + random_below(r, n + 2)); break;
	case 5: op->aux = draw_target(swarm); break;
	case 6: op->slot ^= 1; break;
	default: *op = plan_draw(swarm);
	}
}

static enum plan_strategy only = PLAN_STRATEGIES;

void plan_draw_only(enum plan_strategy strategy)
{
	only = strategy;
}

void plan_draw_world(struct random *r, struct script_world *w)
{
	const uint32_t kind = random_below(r, 8);
	if (w->cpus == 1) w->cpus = (uint8_t)(2 + random_below(r, SCRIPT_CPUS_DRAWN - 1));
	w->strategy = kind < 4 ? PLAN_LISTED : kind < 7 ? PLAN_ROBIN : PLAN_PRIORITY;
	if (only != PLAN_STRATEGIES) w->strategy = only;
	w->seed = (uint16_t)random_u64(r);
	script_world_clamp(w);
}

uint32_t plan_draw_op(struct swarm *swarm, const struct script_world *w, struct script_op *out,
		      uint32_t room)
{
	struct random *r = swarm->random;
	uint32_t n = 0;
	if (random_one_in(r, MEET_ONE_IN))
		out[n++] = (struct script_op){ .code = PLAN_MEET };
	else
		out[n++] = swarm_op(swarm);
	if (w->strategy != PLAN_LISTED || !random_one_in(r, DECIDED_ONE_IN)) return n;
	do {
		if (n < room) out[n++] = plan_draw(swarm);
	} while (n < room && random_one_in(r, MORE_ONE_IN));
	return n;
}
