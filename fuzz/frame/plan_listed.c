/*
 * plan_listed.c -- the decisions that a script lists: armed, counted down, taken.
 *
 * Decisions wait in queues, one for each lane, for those of the operation that it performs, and one
 * for each CPU, for what it does in no operation.  A queue is the records behind one operation:
 * the first is armed when that operation begins, each other when the one before it was taken.
 *
 * `after` and `calls` count whoever passes, since a schedule in their terms is a list of distances;
 * `at` counts the queue's own passings, since it says what the operation was about to do.
 *
 * A rebuilt program may pass a site less often than the one that a decision was written down in.
 * Loads, stores and atomic operations are counted to the next named point at the latest; a site of
 * another kind that was passed, but not often enough, is made good for when the operation ends:
 * both are near to where the turn went.
 *
 * Locks: none; only whoever has the turn comes here.  Cost: about 20 ns for each question.
 */
#include "fuzz/frame/lanes.h"
#include "fuzz/frame/plan_inside.h"
#include "machine/machine.h"

enum { SITE_MASK = (1u << 21) - 1 };

/* --- queues ----------------------------------------------------------------------------------- */

static uint64_t bit_of(unsigned queue)
{
	return 1ull << queue;
}

static unsigned queue_outside(uint32_t cpu)
{
	return RUN_LANES_MAX + cpu;
}

static bool belongs(unsigned queue, const struct script_op *op)
{
	if ((op->slot & PLAN_OUTSIDE) == 0) return queue < RUN_LANES_MAX;
	return queue == queue_outside(op->cpu);
}

static struct script_op record(const struct plan *p, uint32_t n)
{
	return script_op_for(p->run->script, p->run->subject, n);
}

/* The queue's next record, if there is one, becomes what it waits for. */
static void arm(struct plan *p, unsigned queue)
{
	struct plan_armed *a = &p->queue[queue];
	p->armed &= ~bit_of(queue);
	while (a->next != a->end) {
		const struct script_op op = record(p, a->next++);
		if (!belongs(queue, &op)) continue;
		const uint32_t n = op.code == PLAN_AT ? op.arg >> 21 : op.arg;
		a->code = op.code;
		a->site = op.code == PLAN_AT ? op.arg & SITE_MASK : 0;
		a->left = n == 0 ? 1 : n;
		a->with = op.slot;
		a->to = op.aux % p->run->script->world.cpus;
		a->passed = plan_site_is_access(a->site);
		p->armed |= bit_of(queue);
		return;
	}
}

static void queue_open(struct plan *p, unsigned queue, uint32_t next, uint32_t end)
{
	p->queue[queue].next = next;
	p->queue[queue].end = end;
	arm(p, queue);
}

/* The queues of CPUs that have a record among these. */
static void queues_open_outside(struct plan *p, uint32_t next, uint32_t end)
{
	uint32_t cpus = 0;
	for (uint32_t n = next; n < end; n++) {
		const struct script_op op = record(p, n);
		if (op.slot & PLAN_OUTSIDE) cpus |= 1u << op.cpu;
	}
	for (; cpus != 0; cpus &= cpus - 1)
		queue_open(p, queue_outside(bit_lowest(cpus)), next, end);
}

void plan_begin_listed(struct plan *p)
{
	queues_open_outside(p, 0, plan_end(p->run->script, p->run->subject, 0));
	plan_set_listed(p);
}

void plan_begins(struct plan *p, unsigned lane, uint32_t n)
{
	const struct run *run = p->run;
	const uint32_t cpu = p->turns->now;
	p->began[cpu] = n;
	if (run->script->world.strategy != PLAN_LISTED) return;
	const uint32_t end = plan_end(run->script, run->subject, n + 1);
	const uint64_t outside = bit_of(queue_outside(cpu));
	if (end == n + 1 && (p->armed & outside) == 0) return;
	plan_count(p);
	p->armed &= ~outside;
	queue_open(p, lane, n + 1, end);
	queues_open_outside(p, n + 1, end);
	plan_set_listed(p);
}

/* --- decisions -------------------------------------------------------------------------------- */

static struct turn turn_of(const struct plan *p, const struct plan_armed *a)
{
	struct turn turn = plan_go_on(p);
	if ((a->with & PLAN_STAY) == 0) turn.cpu = a->to;
	turn.tick = a->with & PLAN_TICK;
	return turn;
}

static void pass(struct plan_armed *a, struct turn_point point)
{
	const uint32_t site = plan_site(point);
	if (a->site == site || (plan_is_access(point) && a->site == plan_place(point))) {
		a->passed = true;
		a->left--;
	} else if (plan_site_is_access(a->site) && plan_site_is_named(site) &&
		   !plan_site_is(site, SITE_STEP)) {
		a->left = 0; /* it is not beyond this point */
	}
}

/* The queue that counts the caller's passings. */
static unsigned queue_now(const struct plan *p)
{
	const unsigned lane = lanes_now(p->run);
	return lanes_in_operation(p->run, lane) ? lane : queue_outside(p->turns->now);
}

struct turn plan_decide_listed(struct plan *p, struct turn_point point)
{
	const unsigned own = queue_now(p);
	struct turn turn = p->late ? p->late_turn : plan_go_on(p);
	bool decided = p->late;
	p->late = false;
	plan_count(p);
	for (uint64_t queues = p->armed; queues != 0; queues &= queues - 1) {
		const unsigned queue = bit_lowest(queues);
		struct plan_armed *a = &p->queue[queue];
		if (a->code == PLAN_AT && queue == own) pass(a, point);
		if (a->left != 0) continue;
		if (decided) { /* one at a time: this one at the next point */
			a->code = PLAN_AFTER;
			a->left = 1;
			continue;
		}
		decided = true;
		turn = turn_of(p, a);
		arm(p, queue);
	}
	plan_set_listed(p);
	return turn;
}

/* What the lane still waits for, having come close, is taken at the next point: the first of what
 * is left that moves the turn. */
static void make_good(struct plan *p, unsigned lane)
{
	const struct plan_armed *a = &p->queue[lane];
	if (a->code != PLAN_AT || !a->passed) return;
	while ((p->armed & bit_of(lane)) != 0 && (a->with & PLAN_STAY) != 0) arm(p, lane);
	if ((p->armed & bit_of(lane)) == 0) return;
	p->late = true;
	p->late_turn = turn_of(p, a);
}

void plan_ends(struct plan *p, unsigned lane)
{
	if ((p->armed & bit_of(lane)) == 0) return;
	plan_count(p);
	make_good(p, lane);
	p->armed &= ~bit_of(lane);
	plan_set_listed(p);
}
