/*
 * plan_draw.c -- strategies that draw lots, within operations.
 *
 * Outside of them they decide nothing: who waits at a meeting point in a thread, and is preempted
 * at every turn, would never see the time pass that it waits for.
 *
 * Robin: at points drawn at random the turn goes to another CPU drawn at random, but to none whose
 * lane waits for others at a meeting point; and now and then the timer's interrupt comes.
 * Priority (Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of Finding
 * Bugs", ASPLOS 2010): the highest that can run has the turn; at few points, drawn at random, the
 * one that has it becomes the lowest.  A CPU that spins is passed over, or nobody would ever leave
 * a lock.  Distances are drawn between 1 and a power of two that the seed draws, evenly over the
 * powers.
 *
 * Always true: the same world draws the same lots.
 *
 * Locks: none; only whoever has the turn comes here.  Cost: about 20 ns for each question.
 */
#include "fuzz/frame/lanes.h"
#include "fuzz/frame/plan_inside.h"
#include "machine/random.h"

enum {
	TICK_ONE_IN = 8,
	LOOK_EVERY = 16,   /* points between two looks whether a higher CPU can run again */
	CHANGES_MEAN = 64, /* points asked at between two changes of priorities */
};

static uint32_t draw_distance(struct plan *p)
{
	struct random r = { p->random };
	const uint32_t bits = random_below(&r, p->bits);
	const uint32_t distance = 1 + random_below(&r, 1u << bits);
	p->random = r.state;
	return distance;
}

static bool can_run(const struct plan *p, uint32_t cpu)
{
	return p->turns->cpu[cpu].state == TURNS_RUNS;
}

/* Where lanes are CPUs, one that waits for others at a meeting point has nothing to interleave. */
static bool has_work(const struct plan *p, uint32_t cpu)
{
	const bool waits = p->run->subject->lane_now == NULL && lanes_waits(p->run, cpu);
	return can_run(p, cpu) && !waits;
}

struct turn plan_decide_robin(struct plan *p)
{
	struct random r = { p->random };
	struct turn turn = plan_go_on(p);
	uint32_t skip = random_below(&r, p->turns->cpus);
	for (uint32_t i = 1; i < p->turns->cpus; i++) {
		const uint32_t cpu = (p->turns->now + i + skip) % p->turns->cpus;
		if (cpu == p->turns->now || !has_work(p, cpu)) continue;
		turn.cpu = (uint8_t)cpu;
		break;
	}
	turn.tick = random_one_in(&r, TICK_ONE_IN);
	p->random = r.state;
	plan_set(p, (struct turns_counts){ .until = draw_distance(p) });
	return turn;
}

/* Among CPUs that do not spin; where all do, they take turns as they relax. */
static uint32_t highest(const struct plan *p)
{
	uint32_t best = p->turns->now;
	bool found = false;
	for (uint32_t cpu = 0; cpu < p->turns->cpus; cpu++) {
		if (!can_run(p, cpu) || p->turns->cpu[cpu].spins != 0) continue;
		if (found && p->priority[cpu] <= p->priority[best]) continue;
		best = cpu;
		found = true;
	}
	return best;
}

/* The CPU that has the turn becomes the lowest, the order of the others stays. */
static void lower(struct plan *p)
{
	const uint8_t was = p->priority[p->turns->now];
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		if (p->priority[cpu] < was) p->priority[cpu]++;
	p->priority[p->turns->now] = 0;
}

struct turn plan_decide_priority(struct plan *p)
{
	struct turn turn = plan_go_on(p);
	struct random r = { p->random };
	if (p->changes_in-- == 0) {
		lower(p);
		p->changes_in = random_below(&r, CHANGES_MEAN);
		turn.tick = random_one_in(&r, 2);
	}
	p->random = r.state;
	turn.cpu = (uint8_t)highest(p);
	plan_set(p,
		 (struct turns_counts){ .until = (uint32_t)min_u64(draw_distance(p), LOOK_EVERY) });
	return turn;
}

void plan_draw_priorities(struct plan *p)
{
	struct random r = { p->random };
	for (uint8_t cpu = 0; cpu < CPUS_MAX; cpu++) {
		const uint32_t at = random_below(&r, cpu + 1u);
		p->priority[cpu] = p->priority[at];
		p->priority[at] = cpu;
	}
	p->changes_in = random_below(&r, CHANGES_MEAN);
	p->bits = 2 + random_below(&r, 11);
	p->random = r.state;
}
