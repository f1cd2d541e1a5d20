/*
 * plan.c -- the planner: decisions armed and taken, and strategies that draw lots.
 *
 * machine/turns.c counts points and asks here when a countdown ends, so a run pays for points at
 * which something is decided and for hardly any other.  The countdowns belong to all lanes: each
 * armed decision keeps how many are left to it, what has been counted since is taken off them at
 * every occasion (count), and the smallest is set anew (set).  Decisions at a site look at every
 * point of that kind while they are armed.
 *
 * `after` and `calls` count whoever passes, since a schedule in their terms is a list of distances;
 * `at` counts the operation's own passings, since it says what that operation was about to do.
 *
 * Robin: at points drawn at random the turn goes to another CPU drawn at random, but to none whose
 * lane waits for others at a meeting point; and now and then the timer's interrupt comes.
 * Priority (Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of Finding
 * Bugs", ASPLOS 2010): the highest that can run has the turn; at few points, drawn at random, the
 * one that has it becomes the lowest.  A CPU that spins is passed over, or nobody would ever leave
 * a lock.  Distances are drawn between 1 and a power of two that the seed draws, evenly over the
 * powers.
 *
 * Outside of operations (at a meeting point, before the first one) nothing is decided, so that
 * every decision belongs to an operation and can be written down as such.
 *
 * Always true:
 *   P1  bit `lane` of `armed` is set exactly while that lane has a decision to take;
 *   P2  between two calls `set` is what the countdowns of turns were when the last one ended;
 *   P3  the same script gives the same decisions: nothing here depends on an address or a time.
 *
 * Locks: none; only whoever has the turn comes here.  Cost: about 20 ns for each question.
 */
#include "fuzz/plan.h"

#include "fuzz/lanes.h"
#include "machine/format.h"
#include "machine/machine.h"
#include "machine/random.h"

enum {
	TICK_ONE_IN = 8,
	LOOK_EVERY = 16,   /* points between two looks whether a higher CPU can run again */
	CHANGES_MEAN = 64, /* points asked at between two changes of priorities */
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

static struct turn go_on(const struct plan *p)
{
	return (struct turn){ .cpu = (uint8_t)p->turns->now };
}

/* --- countdowns ------------------------------------------------------------------------------- */

static const struct turns_counts *counts_of(const struct plan *p)
{
	return watch != NULL ? &p->countdown : &p->turns->asks;
}

/* What was counted since they were set is taken off every decision that counts it. */
static void count(struct plan *p)
{
	const struct turns_counts *now = counts_of(p);
	const uint32_t points = p->set.until - now->until;
	const uint32_t named = p->set.until_named - now->until_named;
	for (uint32_t lanes = p->armed; lanes != 0; lanes &= lanes - 1) {
		struct plan_armed *a = &p->lane[bit_lowest(lanes)];
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

static void set(struct plan *p, struct turns_counts c)
{
	p->set = c;
	p->countdown = c;
	if (p->turns == NULL) return;
	if (watch != NULL) c = (struct turns_counts){ .until = 1 };
	p->turns->asks = c;
}

static void set_listed(struct plan *p)
{
	struct turns_counts c = { 0 };
	for (uint32_t lanes = p->armed; lanes != 0; lanes &= lanes - 1)
		want(&c, &p->lane[bit_lowest(lanes)]);
	set(p, c);
}

/* --- listed decisions ------------------------------------------------------------------------- */

/* The next record of the lane's operation, if there is one, becomes what it waits for. */
static void arm(struct plan *p, unsigned lane)
{
	struct plan_armed *a = &p->lane[lane];
	p->armed &= ~(1u << lane);
	if (a->next == a->end) return;
	const struct script *script = p->run->script;
	const struct script_op op = script_op_for(script, p->run->subject, a->next++);
	const uint32_t n = op.code == PLAN_AT ? op.arg >> 21 : op.arg;
	a->code = op.code;
	a->site = op.code == PLAN_AT ? op.arg & ((1u << 21) - 1) : 0;
	a->left = n == 0 ? 1 : n;
	a->turn = (struct turn){ .cpu = op.aux % script->world.cpus, .tick = op.slot & 1 };
	p->armed |= 1u << lane;
}

static bool is_due(struct plan_armed *a, bool own, uint32_t site)
{
	if (a->code == PLAN_AT && own && a->site == site) a->left--;
	return a->left == 0;
}

static struct turn decide_listed(struct plan *p, unsigned own, struct turn_point point)
{
	const uint32_t site = plan_site(point);
	unsigned due = RUN_NO_LANE;
	count(p);
	for (uint32_t lanes = p->armed; lanes != 0; lanes &= lanes - 1) {
		const unsigned lane = bit_lowest(lanes);
		if (!is_due(&p->lane[lane], lane == own, site)) continue;
		if (due == RUN_NO_LANE)
			due = lane;
		else /* one at a time: this one at the next point */
			p->lane[lane].left = 1;
	}
	struct turn turn = go_on(p);
	if (due != RUN_NO_LANE) {
		turn = p->lane[due].turn;
		arm(p, due);
	}
	set_listed(p);
	return turn;
}

void plan_begins(struct plan *p, unsigned lane, uint32_t n)
{
	const struct run *run = p->run;
	struct plan_armed *a = &p->lane[lane];
	if (run->script->world.strategy != PLAN_LISTED) return;
	a->next = n + 1;
	a->end = plan_end(run->script, run->subject, a->next);
	if (a->next == a->end) return;
	count(p);
	arm(p, lane);
	set_listed(p);
}

void plan_ends(struct plan *p, unsigned lane)
{
	if ((p->armed >> lane & 1) == 0) return;
	count(p);
	p->armed &= ~(1u << lane);
	set_listed(p);
}

/* --- strategies that draw lots ---------------------------------------------------------------- */

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

static struct turn decide_robin(struct plan *p)
{
	struct random r = { p->random };
	struct turn turn = go_on(p);
	uint32_t skip = random_below(&r, p->turns->cpus);
	for (uint32_t i = 1; i < p->turns->cpus; i++) {
		const uint32_t cpu = (p->turns->now + i + skip) % p->turns->cpus;
		if (cpu == p->turns->now || !has_work(p, cpu)) continue;
		turn.cpu = (uint8_t)cpu;
		break;
	}
	turn.tick = random_one_in(&r, TICK_ONE_IN);
	p->random = r.state;
	set(p, (struct turns_counts){ .until = draw_distance(p) });
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

static struct turn decide_priority(struct plan *p)
{
	struct turn turn = go_on(p);
	struct random r = { p->random };
	if (p->changes_in-- == 0) {
		lower(p);
		p->changes_in = random_below(&r, CHANGES_MEAN);
		turn.tick = random_one_in(&r, 2);
	}
	p->random = r.state;
	turn.cpu = (uint8_t)highest(p);
	set(p, (struct turns_counts){ .until = (uint32_t)min_u64(draw_distance(p), LOOK_EVERY) });
	return turn;
}

static void draw_priorities(struct plan *p)
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

/* --- questions -------------------------------------------------------------------------------- */

static struct turn decide_now(struct plan *p, struct turn_point point)
{
	const unsigned lane = lanes_now(p->run);
	const bool listed = p->run->script->world.strategy == PLAN_LISTED;
	if (listed) return decide_listed(p, lane, point);
	if (!lanes_in_operation(p->run, lane)) { /* asked again at the next point */
		set(p, (struct turns_counts){ .until = 1 });
		return go_on(p);
	}
	return p->run->script->world.strategy == PLAN_ROBIN ? decide_robin(p) : decide_priority(p);
}

/* A watched run is asked at every point, and counts for itself what turns would have counted. */
static struct turn decide_watched(struct plan *p, struct turn_point point)
{
	const unsigned lane = lanes_now(p->run);
	struct plan_seen seen = {
		.turns = p->turns, .point = point, .lane = RUN_NO_LANE, .turn = go_on(p)
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
	if (p->muted || p->run->lanes == NULL) return go_on(p); /* or it is over */
	return watch != NULL ? decide_watched(p, point) : decide_now(p, point);
}

static void begin(void *context, struct turns *t)
{
	struct plan *p = context;
	p->turns = t;
	set(p, (struct turns_counts){ .until = p->run->script->world.strategy == PLAN_LISTED ? 0
											     : 1 });
}

/* Who is where, for the report: "cpu 0 spins in lock.alloc, cpu 1 waits". */
static size_t say_cpus(const struct plan *p, char *out, size_t room)
{
	static const char *const words[] = {
		[TURNS_RUNS] = "spins", [TURNS_WAITS] = "waits", [TURNS_ENDED] = "has ended"
	};
	size_t at = 0;
	for (uint32_t cpu = 0; cpu < p->turns->cpus; cpu++)
		at += format_text(out + at, room - at, "%scpu %u %s", cpu == 0 ? "" : ", ", cpu,
				  words[p->turns->cpu[cpu].state]);
	return at;
}

static void stuck(void *context, enum turns_stuck why)
{
	char words[128];
	say_cpus(context, words, sizeof(words));
	kpanic(turns_stuck_name(why), "after %lu points: %s",
	       (unsigned long)((struct plan *)context)->turns->points, words);
}

void plan_open(struct plan *p, struct run *run)
{
	*p = (struct plan){
		.planner = { .begin = begin, .decide = decide, .stuck = stuck, .context = p },
		.run = run,
		.random = run->script->world.seed * 0x9e3779b97f4a7c15ull +
			  run->script->world.strategy,
	};
	draw_priorities(p);
}

void plan_mute(struct plan *p, bool mute)
{
	if (p->turns == NULL) return;
	if (mute) {
		count(p);
		p->muted = true;
		p->turns->asks = (struct turns_counts){ .until = 0 };
		return;
	}
	p->muted = false;
	if (p->run->script->world.strategy == PLAN_LISTED)
		set_listed(p);
	else
		set(p, (struct turns_counts){ .until = 1 });
}
