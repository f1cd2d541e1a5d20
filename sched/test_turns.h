/*
 * test_turns.h -- for tests of CPUs that take turns: a planner that draws lots.  The same seed
 * gives the same run.
 */
#ifndef SCHED_TEST_TURNS_H
#define SCHED_TEST_TURNS_H

#include "machine/host/arena.h"
#include "machine/host/expect.h"
#include "machine/host/panics.h"
#include "machine/turns.h"

/* Steele, Lea and Flood's splitmix64, one for the planner and one for each that asks. */
struct lots {
	uint64_t state;
};

static uint32_t lots_below(struct lots *l, uint32_t n)
{
	uint64_t z = l->state += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)(((z ^ z >> 31) >> 32) * n >> 32);
}

static struct lots planner_lots;
static uint32_t planner_reach; /* points between two decisions, at most */
static bool planner_ticks;     /* time moves on at decisions, besides when all wait */

static void turns_draw_next(struct turns *t)
{
	t->asks.until = 1 + lots_below(&planner_lots, planner_reach);
}

static void turns_draw_begin(void *context, struct turns *t)
{
	(void)context;
	turns_draw_next(t);
}

static struct turn turns_draw_decide(void *context, struct turns *t, struct turn_point point)
{
	(void)context, (void)point;
	turns_draw_next(t);
	return (struct turn){ .cpu = (uint8_t)lots_below(&planner_lots, t->cpus),
			      .tick = planner_ticks && lots_below(&planner_lots, 8) == 0 };
}

static void turns_draw_stuck(void *context, enum turns_stuck why)
{
	static const char *const ids[] = { "deadlock", "lost-wake", "livelock" };
	(void)context;
	kpanic(ids[why], "nobody can go on");
}

static void turns_draw_seed(uint64_t seed)
{
	planner_lots.state = seed;
	planner_ticks = true;
	planner_reach = 1u << (1 + lots_below(&planner_lots, 8));
}

static const struct turns_planner turns_draw = { turns_draw_begin, turns_draw_decide,
						 turns_draw_stuck, NULL };

#endif
