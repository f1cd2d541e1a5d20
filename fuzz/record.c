/*
 * record.c -- a run's turns, written down as decisions.
 *
 * The run is watched: at each point of an operation the passings of that site by that operation are
 * counted, since its beginning or its last decision, which is just how the planner counts for an
 * `at`.  Counts lie in a small table for each lane, emptied by a new number rather than by writing.
 * All is in memory shared with the child that runs the script, so it survives the child.
 *
 * Turns that machine/turns.c gives by itself, because a CPU spins, waits or has ended, follow from
 * the others and need no decision.
 *
 * Locks: none.  Cost: some tens of nanoseconds for each point, a child process for each run.
 */
#include "fuzz/record.h"

#include <string.h>
#include <unistd.h>

#include "fuzz/bytes.h"
#include "fuzz/replay.h"

enum {
	HEAD_BYTES = SCRIPT_WORLD_BYTES + 2,
	EVENTS_MAX = SCRIPT_OPS_MAX,
	CELLS = 1 << 13, /* sites that one operation passes between two decisions */
	RUN_SECONDS = 60,
};

struct event {
	uint32_t op;
	struct script_op decision;
};

struct cell {
	uint32_t site, count, number;
};

struct sites {
	uint32_t op, number, used;
	struct cell cell[CELLS];
};

struct recording {
	const char *why; /* it cannot be written down */
	uint32_t count;
	struct event event[EVENTS_MAX];
	struct sites lane[RUN_LANES_MAX];
};

static struct recording *recording;

/* --- counting --------------------------------------------------------------------------------- */

static void empty(struct sites *s, uint32_t op)
{
	s->op = op;
	s->number++;
	s->used = 0;
}

static struct cell *cell_of(struct sites *s, uint32_t site)
{
	uint32_t at = site * 0x9e3779b1u >> 19;
	while (s->cell[at].number == s->number && s->cell[at].site != site) at = (at + 1) % CELLS;
	struct cell *c = &s->cell[at];
	if (c->number != s->number) {
		*c = (struct cell){ .site = site, .number = s->number };
		s->used++;
	}
	return c;
}

static void write_down(const struct plan_seen *seen, uint32_t site, uint32_t nth)
{
	if (recording->count == EVENTS_MAX || nth >= PLAN_NTH) {
		recording->why = nth >= PLAN_NTH ? "a site is passed too often" : "too many turns";
		return;
	}
	recording->event[recording->count++] = (struct event){
		.op = seen->op,
		.decision = { .code = PLAN_AT,
			      .slot = seen->turn.tick,
			      .aux = seen->turn.cpu,
			      .arg = nth << 21 | site },
	};
}

static void see(void *context, const struct plan_seen *seen)
{
	(void)context;
	if (recording->why != NULL) return;
	if (seen->lane == RUN_NO_LANE) {
		if (seen->decided) recording->why = "a turn outside of operations";
		return;
	}
	struct sites *s = &recording->lane[seen->lane];
	const uint32_t site = plan_site(seen->point);
	if (s->number == 0 || s->op != seen->op) empty(s, seen->op);
	if (s->used >= CELLS / 2) { /* only a place further on would need to be told */
		recording->why = "an operation passes too many sites";
		return;
	}
	const uint32_t nth = ++cell_of(s, site)->count;
	if (!seen->decided) return;
	write_down(seen, site, nth);
	empty(s, seen->op);
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
	alarm(job->seconds);
	harness_run(job->subject, job->body, job->bytes, false);
	alarm(0);
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

/* Operations as they are, without decisions; behind each those that were recorded. */
static size_t write_script(const struct script *s, const struct subject *subject, uint8_t *out,
			   size_t room)
{
	struct script_world world = s->world;
	uint32_t ops = 0, left = recording->count;
	uint8_t *at = out + HEAD_BYTES;
	world.strategy = PLAN_LISTED;
	script_world_clamp(&world);
	script_world_write(&world, out);
	for (uint32_t n = 0; n < s->ops; n++) {
		const struct script_op op = script_op_for(s, subject, n);
		if (op_is_decision(subject, op.code)) continue;
		if ((size_t)(at - out) + (left + 1) * (size_t)SCRIPT_OP_BYTES > room) return 0;
		at = put_op(at, &op);
		ops++;
		for (uint32_t i = 0; i < recording->count; i++) {
			if (recording->event[i].op != n) continue;
			at = put_op(at, &recording->event[i].decision);
			ops++;
			left--;
		}
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
	for (unsigned n = 0; n < RUN_LANES_MAX; n++) empty(&recording->lane[n], UINT32_MAX);
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
