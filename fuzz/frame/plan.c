/*
 * plan.c -- the planner: what machine/turns.c asks, and who answers.
 *
 * machine/turns.c counts points and asks here when a countdown ends, so a run pays for points at
 * which something is decided and for hardly any other.  The countdowns belong to all queues of
 * decisions: each that is armed keeps how many are left to it, what has been counted since is taken
 * off them at every occasion (plan_count), and the smallest is set anew (plan_set).  Decisions at a
 * site look at every point of that kind while they are armed.
 *
 * Listed decisions are plan_listed.c's, strategies that draw lots plan_draw.c's.
 *
 * Always true:
 *   P1  bit n of `armed` is set exactly while queue n has a decision to take;
 *   P2  between two calls `set` is what the countdowns of turns were when the last one ended;
 *   P3  the same script gives the same decisions: nothing here depends on an address or a time.
 *
 * Locks: none; only whoever has the turn comes here.  Cost: about 20 ns for each question.
 */
#include "fuzz/frame/plan_inside.h"

#include "fuzz/frame/lanes.h"
#include "machine/format.h"
#include "machine/machine.h"

enum {
	POINTS_BASE = 1 << 20,
	POINTS_PER_OP = 1 << 16,
};

static const struct plan_watch *watch;

void plan_watch_set(const struct plan_watch *chosen)
{
	watch = chosen;
}

uint32_t plan_end(const struct script *script, const struct subject *subject, uint32_t n)
{
	while (n < script->ops && op_is_decision(subject, script_op(script, n).code)) n++;
	return n;
}

bool plan_is_named(const struct script *script, const struct subject *subject)
{
	if (subject->together == NULL) return true;
	if (script->world.strategy != PLAN_LISTED) return false;
	for (uint32_t n = 0; n < script->ops; n++) {
		const struct script_op op = script_op_for(script, subject, n);
		if (op.code == PLAN_AFTER) return false;
		if (op.code == PLAN_AT && !plan_site_is_named(op.arg & ((1u << 21) - 1)))
			return false;
	}
	return true;
}

uint64_t plan_limit(const struct script *script)
{
	return POINTS_BASE + (uint64_t)script->ops * POINTS_PER_OP;
}

/* --- countdowns ------------------------------------------------------------------------------- */

static const struct turns_counts *counts_of(const struct plan *p)
{
	return watch != NULL ? &p->countdown : &p->turns->asks;
}

/* What was counted since they were set is taken off every decision that counts it. */
void plan_count(struct plan *p)
{
	const struct turns_counts *now = counts_of(p);
	const uint32_t points = p->set.until - now->until;
	const uint32_t named = p->set.until_named - now->until_named;
	for (uint64_t queues = p->armed; queues != 0; queues &= queues - 1) {
		struct plan_armed *a = &p->queue[bit_lowest(queues)];
		if (a->code == PLAN_AFTER) a->left -= points;
		if (a->code == PLAN_CALLS) a->left -= named;
	}
	p->set = *now;
}

static uint32_t smaller(uint32_t set, uint32_t wanted)
{
	return set == 0 || wanted < set ? wanted : set;
}

/* What must be asked for one decision. */
static void want(struct turns_counts *c, const struct plan_armed *a)
{
	if (a->code == PLAN_AFTER) {
		c->until = smaller(c->until, a->left);
	} else if (a->code == PLAN_CALLS) {
		c->until_named = smaller(c->until_named, a->left);
	} else if (plan_site_is_named(a->site)) {
		c->until_named = 1;
	} else if (a->site < PLAN_ELSEWHERE && (c->until_place == 0 || c->place == a->site)) {
		c->until_place = 1;
		c->place = a->site;
	} else { /* a second place, or a kind that nobody counts */
		c->until = 1;
	}
}

void plan_set(struct plan *p, struct turns_counts c)
{
	p->set = c;
	p->countdown = c;
	if (p->turns == NULL) return;
	if (watch != NULL) c = (struct turns_counts){ .until = 1 };
	p->turns->asks = c;
}

void plan_set_listed(struct plan *p)
{
	struct turns_counts c = { .until = p->late };
	for (uint64_t queues = p->armed; queues != 0; queues &= queues - 1)
		want(&c, &p->queue[bit_lowest(queues)]);
	plan_set(p, c);
}

/* --- questions -------------------------------------------------------------------------------- */

static struct turn decide_now(struct plan *p, struct turn_point point)
{
	const struct run *run = p->run;
	if (run->script->world.strategy == PLAN_LISTED) return plan_decide_listed(p, point);
	if (!lanes_in_operation(run, lanes_now(p->run))) { /* asked again at the next point */
		plan_set(p, (struct turns_counts){ .until = 1 });
		return plan_go_on(p);
	}
	return run->script->world.strategy == PLAN_ROBIN ? plan_decide_robin(p)
							 : plan_decide_priority(p);
}

/* A watched run is asked at every point, and counts for itself what turns would have counted. */
static struct turn decide_watched(struct plan *p, struct turn_point point)
{
	const unsigned lane = lanes_now(p->run);
	struct plan_seen seen = {
		.turns = p->turns,
		.point = point,
		.lane = RUN_NO_LANE,
		.op = p->began[p->turns->now],
		.turn = plan_go_on(p),
	};
	if (lanes_in_operation(p->run, lane)) {
		seen.lane = lane;
		seen.op = run_op(p->run);
	}
	if (turns_counts_down(&p->countdown, point)) seen.turn = decide_now(p, point);
	seen.decided = seen.turn.cpu != p->turns->now || seen.turn.tick != 0;
	watch->at(watch->context, &seen);
	p->turns->asks.until = p->muted ? 0 : 1;
	return seen.turn;
}

static struct turn decide(void *context, struct turns *t, struct turn_point point)
{
	struct plan *p = context;
	p->turns = t;
	if (p->muted || p->run->lanes == NULL) return plan_go_on(p); /* or it is over */
	if (run_is_calm(p->run)) return plan_go_on(p);
	return watch != NULL ? decide_watched(p, point) : decide_now(p, point);
}

static void begin(void *context, struct turns *t)
{
	struct plan *p = context;
	p->turns = t;
	if (p->run->script->world.strategy == PLAN_LISTED)
		plan_begin_listed(p);
	else if (!run_is_calm(p->run))
		plan_set(p, (struct turns_counts){ .until = 1 });
}

/* Who is where, for the report: "cpu 0 spins in lock.alloc, cpu 1 waits". */
static size_t say_cpus(const struct plan *p, char *out, size_t room)
{
	static const char *const words[] = {
		[TURNS_RUNS] = "spins", [TURNS_WAITS] = "waits", [TURNS_ENDED] = "has ended"
	};
	size_t at = 0;
	if (p->turns == NULL) return format_text(out, room, "before the first turn");
	for (uint32_t cpu = 0; cpu < p->turns->cpus; cpu++)
		at += format_text(out + at, room - at, "%scpu %u %s", cpu == 0 ? "" : ", ", cpu,
				  words[p->turns->cpu[cpu].state]);
	return at;
}

static void stuck(void *context, enum turns_stuck why)
{
	const struct plan *p = context;
	char words[128];
	say_cpus(p, words, sizeof(words));
	kpanic(turns_stuck_name(why), "after %lu points: %s",
	       (unsigned long)(p->turns != NULL ? p->turns->points : 0), words);
}

void plan_open(struct plan *p, struct run *run)
{
	*p = (struct plan){
		.planner = { .begin = begin, .decide = decide, .stuck = stuck, .context = p },
		.run = run,
		.random = run->script->world.seed * 0x9e3779b97f4a7c15ull +
			  run->script->world.strategy,
	};
	for (unsigned cpu = 0; cpu < SCRIPT_CPUS_MAX; cpu++) p->began[cpu] = UINT32_MAX;
	plan_draw_priorities(p);
}

void plan_mute(struct plan *p, bool mute)
{
	if (p->turns == NULL) return;
	if (mute) {
		plan_count(p);
		p->muted = true;
		p->turns->asks = (struct turns_counts){ .until = 0 };
		return;
	}
	p->muted = false;
	if (p->run->script->world.strategy == PLAN_LISTED)
		plan_set_listed(p);
	else
		plan_set(p, (struct turns_counts){ .until = 1 });
}
