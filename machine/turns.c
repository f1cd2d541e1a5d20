/*
 * turns.c -- whose turn it is: the lines that decide, the same on every machine.
 *
 * At a point the planner may say who goes on; where it says nothing, whoever has the turn keeps it,
 * but for three: a CPU that relaxes in a spin loop gives the turn to another one that can run, so
 * that what it waits for can happen; one that waits for an interrupt gives it away until one comes;
 * one that has ended gives it away for good.  The turn then goes to the next CPU that does not spin
 * or, where all do, to the next: each may be what another one waits for.
 *
 * A CPU spins from the first time it relaxes until it gets a lock or passes a point that shows that
 * it got on: interrupts sent, tables changed and the like, an operation that begins.  To ask for a
 * lock, to drop one, or to unmask interrupts is none: loops that try, and fail, do those.
 *
 * When all that can run spin, some time has to be what they wait for: it moves to the earliest
 * deadline, or on by steps.  Only when that has not helped either is it a deadlock.
 *
 * Always true:
 *   T1  t->now is a CPU in state TURNS_RUNS, but inside these functions;
 *   T2  a CPU with an interrupt not taken, or a tick due, is not in TURNS_WAITS;
 *   T3  a deadline is later than the clock: one that has come is a tick that is due.
 *
 * Locks: none; only whoever has the turn is here.  Cost: a point that does not matter is counted in
 * place (turns.h); a turn is passed in some 20 instructions besides the planner's.
 */
#include "machine/turns.h"

enum {
	SPINS_MAX = 64, /* in a row, before it counts as spinning for good */
	STEPS_MAX = 18, /* of time: 2^18 ms are four minutes */
};

#define STEP_NS 1000000ull

const char *turns_stuck_name(enum turns_stuck why)
{
	static const char *const names[] = {
		[TURNS_DEADLOCK] = "deadlock",
		[TURNS_LOST_WAKE] = "lost-wake",
		[TURNS_LIVELOCK] = "livelock",
	};
	return names[why];
}

void turns_reset(struct turns *t)
{
	*t = (struct turns){ .limit = UINT64_MAX };
	for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++) t->cpu[cpu].deadline_ns = UINT64_MAX;
}

void turns_open(struct turns *t, uint32_t cpus, const struct turns_planner *planner, uint64_t limit)
{
	ASSERT(cpus >= 1 && cpus <= CPUS_MAX);
	t->cpus = cpus;
	t->now = 0;
	t->planner = planner;
	t->limit = t->points + min_u64(limit, UINT64_MAX - t->points);
	t->asks = (struct turns_counts){ .until = 0 };
	t->steps = 0;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		t->cpu[cpu].state = TURNS_RUNS;
		t->cpu[cpu].spins = 0;
	}
	planner->begin(planner->context, t);
}

/* --- time and interrupts ---------------------------------------------------------------------- */

static void rouse(struct turns_cpu *c)
{
	if (c->state == TURNS_WAITS) c->state = TURNS_RUNS;
	c->spins = 0;
}

void turns_time(struct turns *t, uint64_t to_ns)
{
	t->clock_ns = max_u64(t->clock_ns, to_ns);
	for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++) {
		struct turns_cpu *c = &t->cpu[cpu];
		if (c->deadline_ns > t->clock_ns) continue;
		c->deadline_ns = UINT64_MAX;
		c->tick_due = 1;
		rouse(c);
	}
}

void turns_timer_set(struct turns *t, uint64_t deadline_ns)
{
	struct turns_cpu *c = &t->cpu[t->now];
	c->deadline_ns = deadline_ns;
	c->tick_due = 0;
	turns_time(t, t->clock_ns);
}

/* The earliest deadline of a CPU that has not ended, UINT64_MAX if there is none. */
static uint64_t earliest(const struct turns *t)
{
	uint64_t first_ns = UINT64_MAX;
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++) {
		const struct turns_cpu *c = &t->cpu[cpu];
		if (c->state != TURNS_ENDED) first_ns = min_u64(first_ns, c->deadline_ns);
	}
	return first_ns;
}

void turns_interrupt(struct turns *t, uint32_t cpu)
{
	struct turns_cpu *c = &t->cpu[cpu];
	c->interrupted = c->woken = 1;
	rouse(c);
}

bool turns_take_ipi(struct turns *t)
{
	struct turns_cpu *c = &t->cpu[t->now];
	const bool had = c->interrupted != 0;
	c->interrupted = 0;
	return had;
}

bool turns_take_tick(struct turns *t)
{
	struct turns_cpu *c = &t->cpu[t->now];
	const bool had = c->tick_due != 0;
	c->tick_due = 0;
	return had;
}

/* --- who goes on ------------------------------------------------------------------------------ */

static bool can_run(const struct turns *t, uint32_t cpu)
{
	return cpu < t->cpus && t->cpu[cpu].state == TURNS_RUNS;
}

/* The next that can run and has relaxed at most so often since it got on; the one that has the turn
 * comes last; t->cpus: nobody can. */
static uint32_t next(const struct turns *t, uint32_t spins)
{
	for (uint32_t i = 1; i <= t->cpus; i++) {
		const uint32_t cpu = (t->now + i) % t->cpus;
		if (can_run(t, cpu) && t->cpu[cpu].spins <= spins) return cpu;
	}
	return t->cpus;
}

/* One that does not spin, else any; t->cpus: nobody can run. */
static uint32_t next_busy(const struct turns *t)
{
	const uint32_t busy = next(t, 0);
	return busy < t->cpus ? busy : next(t, UINT32_MAX);
}

static void stuck(struct turns *t, enum turns_stuck why)
{
	t->planner->stuck(t->planner->context, why);
	kpanic("livelock", "a planner goes on where nobody can");
}

static bool all_spin(const struct turns *t)
{
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++)
		if (can_run(t, cpu) && t->cpu[cpu].spins <= SPINS_MAX) return false;
	return true;
}

static void all_spin_on(struct turns *t)
{
	const uint64_t first_ns = earliest(t);
	if (t->steps++ == STEPS_MAX) stuck(t, TURNS_DEADLOCK);
	turns_time(t, first_ns != UINT64_MAX ? first_ns : t->clock_ns + (STEP_NS << t->steps));
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++) t->cpu[cpu].spins = 0;
}

bool turns_spin_alone(struct turns *t)
{
	struct turns_cpu *me = &t->cpu[t->now];
	if (++me->spins <= SPINS_MAX) return true;
	if (t->steps++ == STEPS_MAX) return false;
	turns_time(t, min_u64(me->deadline_ns, t->clock_ns + (STEP_NS << t->steps)));
	me->spins = 0;
	return true;
}

/* The CPU that has the turn cannot go on: `wished`, if that can, else another one that can. */
static uint32_t leave(struct turns *t, uint32_t wished)
{
	if (wished != t->now && can_run(t, wished)) return wished;
	uint32_t cpu = next_busy(t);
	if (cpu == t->cpus) {
		const uint64_t first_ns = earliest(t);
		if (first_ns == UINT64_MAX) stuck(t, TURNS_LOST_WAKE);
		turns_time(t, first_ns);
		cpu = next_busy(t);
		ASSERT(cpu < t->cpus);
	}
	return cpu;
}

static uint32_t relax(struct turns *t, uint32_t wished)
{
	struct turns_cpu *me = &t->cpu[t->now];
	if (++me->spins > SPINS_MAX && all_spin(t)) all_spin_on(t);
	return leave(t, wished);
}

static uint32_t wait(struct turns *t, uint32_t wished)
{
	struct turns_cpu *me = &t->cpu[t->now];
	me->spins = 0;
	if (me->woken == 0 && me->tick_due == 0) me->state = TURNS_WAITS;
	return leave(t, wished);
}

static uint32_t give(struct turns *t, uint32_t cpu)
{
	if (cpu != t->now) t->switches++;
	t->now = cpu;
	return cpu;
}

uint32_t turns_pass(struct turns *t, struct turn_point point, bool asked)
{
	const struct turns_planner *planner = t->planner;
	struct turn turn = { .cpu = (uint8_t)t->now };
	if (t->points > t->limit) stuck(t, TURNS_LIVELOCK);
	if (asked) turn = planner->decide(planner->context, t, point);
	if (turn.tick != 0 && t->cpu[t->now].deadline_ns != UINT64_MAX)
		turns_time(t, t->cpu[t->now].deadline_ns);
	if (point.kind == TURN_RELAX) return give(t, relax(t, turn.cpu));
	if (point.kind == TURN_WAIT) return give(t, wait(t, turn.cpu));
	return give(t, can_run(t, turn.cpu) ? turn.cpu : t->now);
}

uint32_t turns_end(struct turns *t)
{
	t->cpu[t->now].state = TURNS_ENDED;
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++)
		if (t->cpu[cpu].state != TURNS_ENDED) return give(t, leave(t, t->now));
	return t->cpus;
}
