/*
 * record.c -- a run's turns, written down as decisions.
 *
 * The run is watched: at each point the passings of that site by that operation, or by that CPU
 * outside of operations, are counted, since its beginning or its last decision, which is just how
 * the planner counts for an `at`.  Counts lie in a small table for each queue of decisions, emptied
 * by a new number rather than by writing.  All is in memory shared with the child that runs the
 * script, so it survives the child.
 *
 * A turn at a load, a store or an atomic operation is written as two decisions: the named point
 * that was passed last, at which the turn stays, and how many accesses of that sort from there; as
 * the second alone where the operation has just begun.
 *
 * Turns that machine/turns.c gives by itself, because a CPU spins, waits or has ended, follow from
 * the others and need no decision.
 *
 * Locks: none.  Cost: some tens of nanoseconds for each point, a child process for each run.
 */
#include "fuzz/frame/record.h"

#include <string.h>

#include "fuzz/frame/bytes.h"
#include "fuzz/frame/replay.h"

enum {
	HEAD_BYTES = SCRIPT_WORLD_BYTES + 2,
	EVENTS_MAX = SCRIPT_OPS_MAX,
	SITES = PLAN_SITES - PLAN_PLACES,
	RUN_SECONDS = 60,
};

struct event {
	uint32_t op; /* behind which it stands; UINT32_MAX: in front of all */
	struct script_op decision;
};

struct cell {
	uint32_t number, count;
};

/* What one queue's owner has passed since its operation began, or its last decision. */
struct passed {
	uint32_t op, number;
	struct cell cell[SITES];
	uint32_t named, named_nth; /* the last named site, and which passing that was; 0: none */
	uint32_t accesses[SITE_ATOMIC + 1 - SITE_LOAD]; /* since then */
};

struct recording {
	const char *why; /* it cannot be written down */
	uint32_t count;
	struct event event[EVENTS_MAX];
	struct passed queue[PLAN_QUEUES];
};

static struct recording *recording;

/* --- counting --------------------------------------------------------------------------------- */

static void empty(struct passed *p, uint32_t op)
{
	p->op = op;
	p->number++;
	p->named_nth = 0;
	memset(p->accesses, 0, sizeof(p->accesses));
}

static uint32_t count_passing(struct passed *p, uint32_t site)
{
	struct cell *c = &p->cell[site - PLAN_PLACES];
	if (c->number != p->number) *c = (struct cell){ .number = p->number };
	c->count++;
	if (!plan_site_is_named(site)) return c->count;
	p->named = site;
	p->named_nth = c->count;
	memset(p->accesses, 0, sizeof(p->accesses));
	return c->count;
}

static void put_event(const struct plan_seen *seen, struct script_op decision)
{
	if (recording->count == EVENTS_MAX) {
		recording->why = "too many turns";
		return;
	}
	decision.code = PLAN_AT;
	if (seen->lane == RUN_NO_LANE) {
		decision.slot |= PLAN_OUTSIDE;
		decision.cpu = (uint8_t)seen->turns->now;
	}
	recording->event[recording->count++] = (struct event){ seen->op, decision };
}

/* The turn stays: the next decision counts from there. */
static void put_landmark(const struct plan_seen *seen, uint32_t site, uint32_t nth)
{
	for (; nth != 0; nth -= min_u64(nth, PLAN_NTH - 1))
		put_event(seen, (struct script_op){
					.slot = PLAN_STAY,
					.arg = (uint32_t)min_u64(nth, PLAN_NTH - 1) << 21 | site,
				});
}

static void put_turn(const struct plan_seen *seen, uint32_t site, uint32_t nth)
{
	const uint32_t last = (nth - 1) % (PLAN_NTH - 1) + 1;
	put_landmark(seen, site, nth - last);
	put_event(seen, (struct script_op){
				.slot = seen->turn.tick != 0 ? PLAN_TICK : 0,
				.aux = seen->turn.cpu,
				.arg = last << 21 | site,
			});
}

static void see(void *context, const struct plan_seen *seen)
{
	const bool outside = seen->lane == RUN_NO_LANE;
	const uint32_t site = plan_site(seen->point);
	(void)context;
	if (recording->why != NULL) return;
	struct passed *p =
		&recording->queue[outside ? RUN_LANES_MAX + seen->turns->now : seen->lane];
	if (p->op != seen->op) empty(p, seen->op);
	uint32_t nth;
	if (plan_is_access(seen->point))
		nth = ++p->accesses[(site - plan_site_make(SITE_LOAD, 0)) / 256];
	else
		nth = count_passing(p, site);
	if (!seen->decided) return;
	if (plan_is_access(seen->point) && !plan_site_is(p->named, SITE_STEP))
		put_landmark(seen, p->named, p->named_nth);
	put_turn(seen, site, nth);
	empty(p, seen->op);
}

/* --- running ---------------------------------------------------------------------------------- */

struct job {
	const struct subject *subject;
	const uint8_t *body;
	size_t bytes;
	uint32_t seconds;
	bool watched;
};

static void run_job(void *arg)
{
	static const struct plan_watch watch = { see, NULL };
	const struct job *job = arg;
	plan_watch_set(job->watched ? &watch : NULL);
	harness->announce = NULL;
	harness->quiet = true;
	quiet_begin();
	child_limit(job->seconds);
	harness_run(job->subject, job->body, job->bytes, false);
	child_limit(0);
}

/* What a child leaves in *harness; run.lanes and the like are the child's own. */
static struct ending run_child(const struct job *job)
{
	harness->oracle = NULL;
	harness->run.oracle = NULL;
	const bool returned = child_run(run_job, (void *)(uintptr_t)job);
	return (struct ending){
		.oracle = harness->oracle,
		.hung = !returned && harness->oracle == NULL,
		.op = harness->run.op,
		.reached = harness->run.reached,
		.digest = harness->run.digest,
		.points = harness->run.points,
		.switches = harness->run.switches,
	};
}

struct ending end_of(const struct subject *subject, const uint8_t *body, size_t bytes,
		     uint32_t seconds)
{
	const struct job job = { subject, body, bytes, seconds, false };
	return run_child(&job);
}

/* --- writing ---------------------------------------------------------------------------------- */

static uint8_t *put_op(uint8_t *at, const struct script_op *op)
{
	script_op_write(op, at);
	return at + SCRIPT_OP_BYTES;
}

/* What was recorded of operation `n`, or of UINT32_MAX; returns how many they are. */
static uint32_t put_recorded(uint8_t **at, uint32_t n)
{
	uint32_t ops = 0;
	for (uint32_t i = 0; i < recording->count; i++) {
		if (recording->event[i].op != n) continue;
		*at = put_op(*at, &recording->event[i].decision);
		ops++;
	}
	return ops;
}

/* Operations as they are, without decisions; behind each those that were recorded. */
static size_t write_script(const struct script *s, const struct subject *subject, uint8_t *out,
			   size_t room)
{
	struct script_world world = s->world;
	uint8_t *at = out + HEAD_BYTES;
	if (HEAD_BYTES + (s->ops + recording->count) * (size_t)SCRIPT_OP_BYTES > room) return 0;
	world.strategy = PLAN_LISTED;
	script_world_clamp(&world);
	script_world_write(&world, out);
	uint32_t ops = put_recorded(&at, UINT32_MAX);
	for (uint32_t n = 0; n < s->ops; n++) {
		const struct script_op op = script_op_for(s, subject, n);
		if (op_is_decision(subject, op.code)) continue;
		at = put_op(at, &op);
		ops += 1 + put_recorded(&at, n);
	}
	put_u16(out + SCRIPT_WORLD_BYTES, (uint16_t)ops);
	return ops <= SCRIPT_OPS_MAX ? (size_t)(at - out) : 0;
}

size_t record_turns(const struct subject *subject, const uint8_t *body, size_t bytes, uint8_t *out,
		    size_t room, const char **why)
{
	const struct job job = { subject, body, bytes, RUN_SECONDS, true };
	struct script script;
	if (recording == NULL) recording = child_shared(sizeof(*recording));
	recording->why = NULL;
	recording->count = 0;
	for (unsigned n = 0; n < PLAN_QUEUES; n++) empty(&recording->queue[n], UINT32_MAX);
	if (run_child(&job).hung) recording->why = "it does not end";
	*why = recording->why;
	if (*why != NULL) return 0;
	script_open(&script, body, bytes);
	const size_t length = write_script(&script, subject, out, room);
	if (length == 0) *why = "too many turns";
	return length;
}

size_t record_finding(const struct subject *subject, const uint8_t *body, size_t bytes,
		      const char *oracle, uint8_t *out, size_t room, const char **why)
{
	const size_t length = record_turns(subject, body, bytes, out, room, why);
	if (length == 0) return 0;
	const struct ending end = end_of(subject, out, length, RUN_SECONDS);
	if (end.oracle != NULL && strcmp(end.oracle, oracle) == 0) return length;
	*why = "with its turns written down it ends otherwise";
	return 0;
}
