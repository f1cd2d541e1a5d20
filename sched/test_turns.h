/*
 * test_turns.h -- for tests of CPUs that take turns: a planner that draws lots.  The same seed
 * gives the same run.
 */
#ifndef SCHED_TEST_TURNS_H
#define SCHED_TEST_TURNS_H

#include "machine/host/arena.h"
#include "machine/host/drawn.h"
#include "machine/host/expect.h"
#include "machine/host/panics.h"

static struct drawn drawn;

static const struct turns_planner turns_draw = { drawn_begin, drawn_decide, drawn_stuck, &drawn };

static void turns_draw_seed(uint64_t seed)
{
	drawn = (struct drawn){ .lots = { seed }, .ticks = 8 };
	drawn.about = 1u << (1 + random_below(&drawn.lots, 8));
}

#endif
