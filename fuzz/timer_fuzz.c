/*
 * timer_fuzz.c -- subject timer: the timer queues of up to four CPUs against sorted lists.
 *
 * Operations name a timer by handle, or a row of them ("flood", "sweep"); an addition goes to the
 * queue of the CPU that does it, a cancellation to wherever the timer is.  Deadlines are relative
 * to a clock of the subject's own, which "run" moves on, and short, so that many are equal.  A
 * timer may have something to do when it fires: add itself again, cancel another, add another that
 * is due already.
 *
 * The model is a list for each queue, sorted by deadline and then by the order of adding: it says
 * of each timer that fires whether it is the next, with the cookie of that adding, and after a run
 * that none is left that was due.  Whether an addition or a cancellation answers right, how many
 * there are and when the next is due is compared after each operation; a walk checks the heap and
 * looks for each timer in both.
 *
 * In the digest: answers, the timers that fired in their order, counts and next deadlines.
 */
#include "fuzz/frame/subject.h"
#include "sched/timer.h"

enum {
	ROW = 256, /* timers beyond the handles, for floods */
	TIMERS = SCRIPT_SLOTS + ROW,
	DEADLINES = 64, /* so far ahead, at most, a handle's deadline may be */
	FLOOD_STEP = 61,
};

enum act { ACT_NOTHING, ACT_AGAIN, ACT_CANCEL, ACT_ADD_DUE, ACTS };

static const char *const act_names[ACTS] = { "nothing", "again", "cancel", "add-due" };

struct entry {
	uint64_t deadline_ns;
	uint32_t timer;
};

/* The model of one queue: sorted, equal deadlines as they were added. */
struct queue_model {
	uint32_t count;
	struct entry entries[TIMERS];
};

struct timer_state {
	struct run *run;
	uint64_t now_ns;
	uint64_t adds;
	struct timer_queue queues[SCRIPT_CPUS_MAX];
	struct queue_model models[SCRIPT_CPUS_MAX];
	struct timer timers[TIMERS];
	uint64_t cookies[TIMERS];
	uint8_t queue_of[TIMERS]; /* its queue + 1, or 0 */
	uint8_t acts[TIMERS];
	uint32_t others[TIMERS]; /* whom the act is about */
	uint32_t in_run;         /* the queue being run + 1, or 0 */
	uint32_t fired;          /* in this run */
	uint64_t last_ns;        /* the deadline that fired before */
};

_Static_assert(sizeof(struct timer_state) <= RUN_STATE_BYTES, "a run's state holds it");

enum {
	SAW_EQUAL_DEADLINES,
	SAW_CANCEL_FIRST,
	SAW_CANCEL_WITH_CHILDREN,
	SAW_CANCEL_ELSEWHERE,
	SAW_AGAIN,
	SAW_ADDED_DUE,
	SAW_CANCELLED_DUE,
	SAW_MANY_DUE,
	SAW_STATES
};

static const char *const saw_names[] = {
	"equal-deadlines",  "cancel-first", "cancel-with-children",
	"cancel-elsewhere", "added-again",  "added-due",
	"cancelled-due",    "many-due",     NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static struct timer_state *state_of(const struct run *run)
{
	return run->state;
}

/* --- the model -------------------------------------------------------------------------------- */

/* Puts `timer` behind all that are due no later; where that is. */
static uint32_t model_add(struct queue_model *m, uint32_t timer, uint64_t deadline_ns)
{
	uint32_t at = m->count++;

	while (at > 0 && m->entries[at - 1].deadline_ns > deadline_ns) {
		m->entries[at] = m->entries[at - 1];
		at--;
	}
	m->entries[at] = (struct entry){ deadline_ns, timer };
	return at;
}

static uint32_t model_find(const struct queue_model *m, uint32_t timer)
{
	uint32_t at = 0;

	while (at < m->count && m->entries[at].timer != timer) at++;
	return at;
}

static void model_remove(struct queue_model *m, uint32_t at)
{
	m->count--;
	for (; at < m->count; at++) m->entries[at] = m->entries[at + 1];
}

static uint64_t model_next_ns(const struct queue_model *m)
{
	return m->count > 0 ? m->entries[0].deadline_ns : UINT64_MAX;
}

/* --- both in step ----------------------------------------------------------------------------- */

static void fire(void *arg, struct timer *timer, uint64_t cookie);

static void add(struct timer_state *s, uint32_t cpu, uint32_t n, uint64_t deadline_ns)
{
	const uint64_t cookie = ++s->adds;

	s->cookies[n] = cookie;
	s->queue_of[n] = (uint8_t)(cpu + 1);
	const uint32_t at = model_add(&s->models[cpu], n, deadline_ns);
	const bool first = timer_add(&s->queues[cpu], &s->timers[n], deadline_ns, cookie);
	run_result(s->run, first);
	if (first != (at == 0))
		kpanic(ORACLE_VERDICT, "a timer is%s the earliest, and %u come before it",
		       first ? "" : " not", at);
}

static void cancel(struct timer_state *s, uint32_t cpu, uint32_t n)
{
	const uint32_t queue = s->queue_of[n] != 0 ? s->queue_of[n] - 1u : cpu;
	struct queue_model *m = &s->models[queue];
	const uint32_t at = model_find(m, n);
	const bool queued = at < m->count;

	if (queued && at == 0) run_sometimes(s->run, SAW_CANCEL_FIRST);
	if (queued && s->timers[n].child != NULL) run_sometimes(s->run, SAW_CANCEL_WITH_CHILDREN);
	if (queued && queue != cpu) run_sometimes(s->run, SAW_CANCEL_ELSEWHERE);
	if (queued && s->in_run != 0 && m->entries[at].deadline_ns <= s->now_ns)
		run_sometimes(s->run, SAW_CANCELLED_DUE);
	const bool done = timer_cancel(&s->queues[queue], &s->timers[n]);
	run_result(s->run, done);
	if (done != queued)
		kpanic(ORACLE_VERDICT, "a timer %s cancelled, and it was%s in the queue",
		       done ? "was" : "could not be", queued ? "" : " not");
	if (queued) model_remove(m, at);
	s->queue_of[n] = 0;
}

static void do_act(struct timer_state *s, uint32_t cpu, uint32_t n)
{
	const uint32_t other = s->others[n];
	const enum act act = s->acts[n];

	s->acts[n] = ACT_NOTHING;
	if (act == ACT_AGAIN) {
		run_sometimes(s->run, SAW_AGAIN);
		add(s, cpu, n, s->now_ns + 1 + other % DEADLINES);
	}
	if (act == ACT_CANCEL) cancel(s, cpu, other);
	if (act == ACT_ADD_DUE && s->queue_of[other] == 0) {
		run_sometimes(s->run, SAW_ADDED_DUE);
		add(s, cpu, other, s->now_ns);
	}
}

/* A timer fires: it must be the first of the model, due, with the cookie of its last adding. */
static void fire(void *arg, struct timer *timer, uint64_t cookie)
{
	struct timer_state *s = arg;
	const uint32_t n = (uint32_t)(timer - s->timers), cpu = s->in_run - 1;
	struct queue_model *m = &s->models[cpu];

	if (s->in_run == 0 || n >= TIMERS || m->count == 0 || m->entries[0].timer != n)
		kpanic(ORACLE_VERDICT, "timer %u fires, and it is not its turn", n);
	if (m->entries[0].deadline_ns > s->now_ns || cookie != s->cookies[n])
		kpanic(ORACLE_VERDICT, "timer %u fires early, or for an earlier adding", n);
	if (s->fired++ > 0 && m->entries[0].deadline_ns == s->last_ns)
		run_sometimes(s->run, SAW_EQUAL_DEADLINES);
	s->last_ns = m->entries[0].deadline_ns;
	run_result(s->run, n);
	model_remove(m, 0);
	s->queue_of[n] = 0;
	do_act(s, cpu, n);
}

/* --- operations ------------------------------------------------------------------------------- */

static void step_add(struct run *run, const struct script_op *op)
{
	struct timer_state *s = state_of(run);

	if (s->queue_of[op->slot] != 0) cancel(s, mach_cpu(), op->slot);
	s->acts[op->slot] = op->aux;
	s->others[op->slot] = op->arg / DEADLINES % TIMERS;
	add(s, mach_cpu(), op->slot, s->now_ns + op->arg % DEADLINES);
}

static void step_cancel(struct run *run, const struct script_op *op)
{
	cancel(state_of(run), mach_cpu(), op->slot);
}

static void step_run(struct run *run, const struct script_op *op)
{
	struct timer_state *s = state_of(run);
	const uint32_t cpu = mach_cpu();

	s->now_ns += op->arg % DEADLINES;
	s->in_run = cpu + 1;
	s->fired = 0;
	const mach_irq_t was = mach_irq_save();
	const uint32_t fired = timer_run(&s->queues[cpu], s->now_ns, s);
	mach_irq_restore(was);
	s->in_run = 0;
	run_result(run, fired);
	if (fired != s->fired)
		kpanic(ORACLE_ACCOUNT, "%u timers are said to have fired, %u did", fired, s->fired);
	if (model_next_ns(&s->models[cpu]) <= s->now_ns)
		kpanic(ORACLE_VERDICT, "a timer was due and did not fire");
	if (fired >= 32) run_sometimes(run, SAW_MANY_DUE);
}

/* A row of timers: shuffled deadlines, some of them equal. */
static void step_flood(struct run *run, const struct script_op *op)
{
	struct timer_state *s = state_of(run);

	for (uint32_t i = 0; i <= op->aux; i++) {
		const uint32_t n = SCRIPT_SLOTS + (op->slot + i) % ROW;
		if (s->queue_of[n] != 0) continue;
		s->acts[n] = ACT_NOTHING;
		add(s, mach_cpu(), n, s->now_ns + i * op->arg % FLOOD_STEP);
	}
}

static void step_sweep(struct run *run, const struct script_op *op)
{
	struct timer_state *s = state_of(run);

	for (uint32_t n = SCRIPT_SLOTS + op->slot; n < TIMERS; n += 1 + op->aux)
		cancel(s, mach_cpu(), n);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_counts(struct run *run)
{
	struct timer_state *s = state_of(run);

	for (uint32_t cpu = 0; cpu < run->script->world.cpus; cpu++) {
		const struct timer_queue *q = &s->queues[cpu];
		const struct queue_model *m = &s->models[cpu];
		if (q->count != m->count)
			kpanic(ORACLE_ACCOUNT, "%u timers in a queue, %u in the model", q->count,
			       m->count);
		if (timer_next_ns(q) != model_next_ns(m))
			kpanic(ORACLE_VERDICT, "the next deadline is not the model's");
		run_result(run, m->count);
		run_result(run, model_next_ns(m));
	}
}

static void timer_check_run(struct run *run, enum check_depth depth)
{
	struct timer_state *s = state_of(run);

	check_counts(run);
	if (depth == CHECK_COUNTS) return;
	for (uint32_t cpu = 0; cpu < run->script->world.cpus; cpu++) {
		const char *why = timer_check(&s->queues[cpu]);
		if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	}
	for (uint32_t n = 0; n < TIMERS; n++) {
		const bool queued = s->timers[n].deadline_ns != UINT64_MAX;
		if (queued != (s->queue_of[n] != 0))
			kpanic(ORACLE_WALK, "timer %u is%s in a queue, unlike the model", n,
			       queued ? "" : " not");
	}
}

static void timer_open(struct run *run)
{
	struct timer_state *s = run->state;

	memset(s, 0, sizeof *s);
	s->run = run;
	for (uint32_t cpu = 0; cpu < SCRIPT_CPUS_MAX; cpu++) timer_queue_init(&s->queues[cpu], cpu);
	for (uint32_t n = 0; n < TIMERS; n++) timer_init(&s->timers[n], fire);
}

static void timer_close(struct run *run)
{
	struct timer_state *s = state_of(run);

	for (uint32_t n = 0; n < TIMERS; n++)
		if (s->queue_of[n] != 0) cancel(s, mach_cpu(), n);
	timer_check_run(run, CHECK_WALK);
	for (uint32_t cpu = 0; cpu < SCRIPT_CPUS_MAX; cpu++)
		if (s->queues[cpu].first != NULL) kpanic(ORACLE_LEAK, "a timer stays in a queue");
}

/* --- the table -------------------------------------------------------------------------------- */

#define SLOT                                                     \
	{                                                        \
		"slot", IN_SLOT, FORM_NUMBER, SCRIPT_SLOTS, NULL \
	}
#define STEP                                                    \
	{                                                       \
		"step", IN_AUX, FORM_NUMBER, SCRIPT_SLOTS, NULL \
	}

static const struct op_kind operations[] = {
	{ "add",
	  40,
	  { SLOT,
	    { "act", IN_AUX, FORM_NAMES, ACTS, act_names },
	    { "time", IN_ARG, FORM_NUMBER, DEADLINES *TIMERS, NULL } },
	  step_add },
	{ "cancel", 20, { SLOT }, step_cancel },
	{ "run", 15, { { "time", IN_ARG, FORM_NUMBER, DEADLINES, NULL } }, step_run },
	{ "flood",
	  3,
	  { SLOT,
	    { "more", IN_AUX, FORM_NUMBER, ROW, NULL },
	    { "time", IN_ARG, FORM_NUMBER, FLOOD_STEP, NULL } },
	  step_flood },
	{ "sweep", 3, { SLOT, STEP }, step_sweep },
};

const struct subject timer_subject = {
	.name = "timer",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = timer_open,
	.check = timer_check_run,
	.close = timer_close,
};
