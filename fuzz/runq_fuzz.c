/*
 * runq_fuzz.c -- subject runq: the run queues of up to four CPUs against lists.
 *
 * Sixty-four threads are out (RUNNING, as far as their word says) or READY in one queue.  An
 * operation does to one CPU's queue what the scheduler does there: puts a thread in, takes the next
 * or one as urgent as something, lets the one that it took last yield, steals from another CPU,
 * moves a thread to another priority or changes where it may run.
 *
 * The model is an array for each CPU and priority.  It says which thread must come: the most urgent
 * and, among equals, the one that came first; of a steal, the first that may run here.  Apart from
 * that, each thread counts how many of its priority were taken before it since it came: never more
 * than were there then, which is the bound that the scheduler promises.  A walk compares the lists
 * from end to end, with runq_check_locked().
 *
 * In the digest: who was taken, and the counts of each queue.
 */
#include "fuzz/frame/subject.h"
#include "sched/runq.h"

enum { THREADS = SCRIPT_SLOTS, NOBODY = THREADS };

struct queue_list {
	uint32_t count;
	uint8_t slots[THREADS];
};

struct runq_state {
	struct thread_table table;
	struct thread threads[THREADS];
	struct runq queues[SCRIPT_CPUS_MAX];
	struct queue_list lists[SCRIPT_CPUS_MAX][PRIORITIES];
	uint8_t current[SCRIPT_CPUS_MAX]; /* whom it took last and did not put back, or NOBODY */
	bool queued[THREADS];
	uint32_t ahead[THREADS]; /* so many of its priority may still be taken before it */
};

_Static_assert(sizeof(struct runq_state) <= RUN_STATE_BYTES, "a run's state holds it");

enum {
	SAW_ROTATION,
	SAW_LESS_URGENT_LEFT,
	SAW_STOLEN,
	SAW_PASSED_OVER,
	SAW_NOTHING_TO_STEAL,
	SAW_PRIORITY_CHANGED,
	SAW_MOVED_AWAY,
	SAW_ALL_PRIORITIES,
	SAW_STATES
};

static const char *const saw_names[] = {
	"rotation",         "less-urgent-left", "stolen",         "passed-over", "nothing-to-steal",
	"priority-changed", "affinity-moved",   "all-priorities", NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static struct runq_state *state_of(const struct run *run)
{
	return run->state;
}

/* --- the model -------------------------------------------------------------------------------- */

static struct queue_list *list_of(struct runq_state *s, const struct thread *t)
{
	return &s->lists[t->cpu][t->priority];
}

static uint32_t list_find(const struct queue_list *l, uint32_t slot)
{
	uint32_t at = 0;

	while (at < l->count && l->slots[at] != slot) at++;
	return at;
}

static void list_cut(struct queue_list *l, uint32_t at)
{
	l->count--;
	for (; at < l->count; at++) l->slots[at] = l->slots[at + 1];
}

/* The first of the lists from `from` to `to` (priorities, both counted) that may run on `cpu`. */
static uint32_t model_first(const struct runq_state *s, uint32_t queue, unsigned to, uint32_t cpu)
{
	for (unsigned p = 0; p <= to; p++) {
		const struct queue_list *l = &s->lists[queue][p];
		for (uint32_t i = 0; i < l->count; i++)
			if (s->threads[l->slots[i]].affinity >> cpu & 1) return l->slots[i];
	}
	return NOBODY;
}

/* Thread `slot` was chosen before all others of its list. */
static void model_taken(struct runq_state *s, uint32_t slot)
{
	struct queue_list *l = list_of(s, &s->threads[slot]);
	const uint32_t at = list_find(l, slot);

	if (at == l->count)
		kpanic(ORACLE_VERDICT, "thread %u was taken from where it is not", slot);
	for (uint32_t i = 0; i < at; i++) {
		if (s->ahead[l->slots[i]]-- == 0)
			kpanic(ORACLE_VERDICT, "thread %u is passed over beyond the bound",
			       l->slots[i]);
	}
	list_cut(l, at);
	s->queued[slot] = false;
}

/* --- both in step ----------------------------------------------------------------------------- */

static void put(struct runq_state *s, uint32_t cpu, uint32_t slot)
{
	struct thread *t = &s->threads[slot];
	struct runq *rq = &s->queues[cpu];
	const mach_irq_t was = lock_take(&rq->lock);

	atomic_store_u32(&t->cpu, cpu);
	runq_add_locked(rq, t);
	struct queue_list *l = list_of(s, t);
	s->ahead[slot] = l->count;
	l->slots[l->count++] = (uint8_t)slot;
	s->queued[slot] = true;
	lock_drop(&rq->lock, was);
}

static void make_ready(struct runq_state *s, uint32_t slot)
{
	struct thread *t = &s->threads[slot];
	const enum thread_state state = thread_word_state(atomic_load_u64(&t->word));

	(void)thread_must_move(t, state, THREAD_READY, 0, 0);
}

static void pull(struct runq_state *s, uint32_t slot)
{
	struct thread *t = &s->threads[slot];
	struct runq *rq = &s->queues[t->cpu];
	const mach_irq_t was = lock_take(&rq->lock);

	runq_remove_locked(rq, t);
	lock_drop(&rq->lock, was);
	struct queue_list *l = list_of(s, t);
	list_cut(l, list_find(l, slot));
	s->queued[slot] = false;
}

/* What the queue gave for what the model wants. */
static uint32_t judge(struct run *run, const struct thread *t, uint32_t wanted)
{
	struct runq_state *s = state_of(run);
	const uint32_t got = t != NULL ? (uint32_t)(t - s->threads) : (uint32_t)NOBODY;

	run_result(run, got);
	if (got != wanted)
		kpanic(ORACLE_VERDICT, "thread %u was taken, %u is the first (%u: nobody)", got,
		       wanted, NOBODY);
	if (got != NOBODY) model_taken(s, got);
	return got;
}

/* Takes the next of at least that urgency; it runs then. */
static uint32_t take_next(struct run *run, uint32_t cpu, unsigned priority)
{
	struct runq_state *s = state_of(run);
	struct runq *rq = &s->queues[cpu];
	const uint32_t wanted = model_first(s, cpu, priority, cpu);
	const mach_irq_t was = lock_take(&rq->lock);
	struct thread *t = priority == PRIORITIES - 1 ? runq_next_locked(rq)
						      : runq_next_of_locked(rq, priority);

	lock_drop(&rq->lock, was);
	const uint32_t got = judge(run, t, wanted);
	if (got == NOBODY) {
		if (s->queues[cpu].count > 0) run_sometimes(run, SAW_LESS_URGENT_LEFT);
		return NOBODY;
	}
	(void)thread_must_move(t, THREAD_READY, THREAD_RUNNING, 0, 0);
	return got;
}

/* --- operations ------------------------------------------------------------------------------- */

static uint32_t cpus_of(const struct run *run)
{
	return run->script->world.cpus;
}

static uint32_t allowed(const struct run *run, uint32_t bits, uint32_t cpu)
{
	return (bits & ((1u << cpus_of(run)) - 1)) | 1u << cpu;
}

/* A thread becomes ready on this CPU, with whatever priority and affinity. */
static void step_add(struct run *run, const struct script_op *op)
{
	struct runq_state *s = state_of(run);
	const uint32_t cpu = mach_cpu();
	struct thread *t = &s->threads[op->slot];

	if (s->queued[op->slot]) return;
	for (uint32_t i = 0; i < SCRIPT_CPUS_MAX; i++)
		if (s->current[i] == op->slot) s->current[i] = NOBODY;
	make_ready(s, op->slot);
	t->priority = (uint8_t)(op->arg % PRIORITIES);
	t->affinity = allowed(run, op->aux, cpu);
	put(s, cpu, op->slot);
	if (s->queues[cpu].busy == (1u << PRIORITIES) - 1) run_sometimes(run, SAW_ALL_PRIORITIES);
}

static void step_next(struct run *run, const struct script_op *op)
{
	struct runq_state *s = state_of(run);
	const uint32_t cpu = mach_cpu();

	(void)op;
	s->current[cpu] = (uint8_t)take_next(run, cpu, PRIORITIES - 1);
}

static void step_next_of(struct run *run, const struct script_op *op)
{
	(void)take_next(run, mach_cpu(), op->aux);
}

/* Who was taken last goes to the end, if there is somebody as urgent. */
static void step_yield(struct run *run, const struct script_op *op)
{
	struct runq_state *s = state_of(run);
	const uint32_t cpu = mach_cpu(), current = s->current[cpu];

	(void)op;
	if (current == NOBODY) return;
	if ((s->threads[current].affinity >> cpu & 1) == 0) return;
	const uint32_t next = take_next(run, cpu, s->threads[current].priority);
	if (next == NOBODY) return;
	make_ready(s, current);
	put(s, cpu, current);
	s->current[cpu] = (uint8_t)next;
	run_sometimes(run, SAW_ROTATION);
}

static void step_remove(struct run *run, const struct script_op *op)
{
	struct runq_state *s = state_of(run);

	if (!s->queued[op->slot]) return;
	pull(s, op->slot);
	(void)thread_must_move(&s->threads[op->slot], THREAD_READY, THREAD_RUNNING, 0, 0);
}

/* This CPU takes from that one's queue, and has it in its own then. */
static void step_steal(struct run *run, const struct script_op *op)
{
	struct runq_state *s = state_of(run);
	const uint32_t cpu = mach_cpu(), from = op->aux % cpus_of(run);
	struct runq *rq = &s->queues[from];

	if (from == cpu) return;
	const uint32_t wanted = model_first(s, from, PRIORITIES - 1, cpu);
	const uint32_t first = model_first(s, from, PRIORITIES - 1, from);
	const mach_irq_t was = lock_take(&rq->lock);
	struct thread *t = runq_steal_locked(rq, cpu);
	lock_drop(&rq->lock, was);
	if (wanted == NOBODY && first != NOBODY) run_sometimes(run, SAW_NOTHING_TO_STEAL);
	if (wanted != NOBODY) run_sometimes(run, wanted != first ? SAW_PASSED_OVER : SAW_STOLEN);
	run_result(run, wanted);
	if (t != (wanted != NOBODY ? &s->threads[wanted] : NULL))
		kpanic(ORACLE_VERDICT, "what was stolen is not thread %u", wanted);
	if (t == NULL) return;
	struct queue_list *l = list_of(s, t);
	list_cut(l, list_find(l, wanted));
	put(s, cpu, wanted);
}

static void step_priority(struct run *run, const struct script_op *op)
{
	struct runq_state *s = state_of(run);
	struct thread *t = &s->threads[op->slot];
	const bool queued = s->queued[op->slot];

	if (queued) pull(s, op->slot);
	t->priority = op->aux;
	if (!queued) return;
	put(s, t->cpu, op->slot);
	run_sometimes(run, SAW_PRIORITY_CHANGED);
}

/* A thread that may no longer run where it is queued goes to the first CPU where it may. */
static void step_affinity(struct run *run, const struct script_op *op)
{
	struct runq_state *s = state_of(run);
	struct thread *t = &s->threads[op->slot];
	const uint32_t bits = op->aux & ((1u << cpus_of(run)) - 1);

	if (bits == 0) return;
	if (!s->queued[op->slot] || (bits >> t->cpu & 1) != 0) {
		t->affinity = bits;
		return;
	}
	pull(s, op->slot);
	t->affinity = bits;
	put(s, bit_lowest(bits), op->slot);
	run_sometimes(run, SAW_MOVED_AWAY);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_list(struct runq_state *s, uint32_t cpu, unsigned p)
{
	const struct list *head = &s->queues[cpu].queue[p], *link = head->next;
	const struct queue_list *l = &s->lists[cpu][p];

	for (uint32_t i = 0; i < l->count; i++, link = link->next)
		if (link != &s->threads[l->slots[i]].run_link)
			kpanic(ORACLE_WALK, "thread %u is not number %u of its list", l->slots[i],
			       i);
	if (link != head) kpanic(ORACLE_WALK, "a list is longer than the model's");
}

static void check_queue(struct run *run, uint32_t cpu, enum check_depth depth)
{
	struct runq_state *s = state_of(run);
	struct runq *rq = &s->queues[cpu];
	uint32_t count = 0;

	for (unsigned p = 0; p < PRIORITIES; p++) count += s->lists[cpu][p].count;
	run_result(run, count);
	if (atomic_load_u32(&rq->count) != count)
		kpanic(ORACLE_ACCOUNT, "a queue of %u has %u threads", count, rq->count);
	if (depth == CHECK_COUNTS) return;
	const mach_irq_t was = lock_take(&rq->lock);
	const char *why = runq_check_locked(rq);
	lock_drop(&rq->lock, was);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	for (unsigned p = 0; p < PRIORITIES; p++) check_list(s, cpu, p);
}

static void runq_check_run(struct run *run, enum check_depth depth)
{
	for (uint32_t cpu = 0; cpu < cpus_of(run); cpu++) check_queue(run, cpu, depth);
}

static void runq_open(struct run *run)
{
	struct runq_state *s = run->state;

	memset(s, 0, sizeof *s);
	thread_table_init(&s->table, s->threads, THREADS, 0, 0);
	for (uint32_t cpu = 0; cpu < SCRIPT_CPUS_MAX; cpu++) {
		runq_init(&s->queues[cpu], cpu);
		s->current[cpu] = NOBODY;
	}
	while (thread_claim(&s->table, SLOT_USER) != NULL) continue;
	for (uint32_t i = 0; i < THREADS; i++) s->threads[i].affinity = 1;
}

static void runq_close(struct run *run)
{
	struct runq_state *s = state_of(run);

	for (uint32_t cpu = 0; cpu < cpus_of(run); cpu++)
		while (take_next(run, cpu, PRIORITIES - 1) != NOBODY) continue;
	runq_check_run(run, CHECK_WALK);
	for (uint32_t cpu = 0; cpu < SCRIPT_CPUS_MAX; cpu++)
		if (s->queues[cpu].count != 0) kpanic(ORACLE_LEAK, "a thread stays in a queue");
}

/* --- the table -------------------------------------------------------------------------------- */

#define SLOT                                                     \
	{                                                        \
		"slot", IN_SLOT, FORM_NUMBER, SCRIPT_SLOTS, NULL \
	}
#define PRIORITY(place)                                          \
	{                                                        \
		"priority", place, FORM_NUMBER, PRIORITIES, NULL \
	}
#define CPUS                                                              \
	{                                                                 \
		"cpus", IN_AUX, FORM_NUMBER, 1 << SCRIPT_CPUS_DRAWN, NULL \
	}

static const struct op_kind operations[] = {
	{ "add", 40, { SLOT, CPUS, PRIORITY(IN_ARG) }, step_add },
	{ "next", 20, { { NULL, 0, 0, 0, NULL } }, step_next },
	{ "next-of", 8, { PRIORITY(IN_AUX) }, step_next_of },
	{ "yield", 16, { { NULL, 0, 0, 0, NULL } }, step_yield },
	{ "remove", 6, { SLOT }, step_remove },
	{ "steal", 12, { { "from", IN_AUX, FORM_NUMBER, SCRIPT_CPUS_DRAWN, NULL } }, step_steal },
	{ "priority", 6, { SLOT, PRIORITY(IN_AUX) }, step_priority },
	{ "affinity", 6, { SLOT, CPUS }, step_affinity },
};

const struct subject runq_subject = {
	.name = "runq",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = runq_open,
	.check = runq_check_run,
	.close = runq_close,
};
