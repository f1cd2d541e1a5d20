/*
 * watch.c -- what does not go on, and why.
 *
 * silent      Without a tick of its own a CPU that runs one thread takes no interrupt for as long
 *             as it likes, so silence alone says nothing.  A CPU that was not seen for half of
 *             warn_ns is sent an interrupt; one that has not shown itself warn_ns after that is
 *             silent.  Idle CPUs are left asleep: one that should not be starves somebody.
 *
 * stuck lock  A CPU that waits for a lock has its interrupts masked, and would be called silent;
 *             but it has noted what it waits for, and who has it (machine/lock.h).
 *
 * starved     By what the scheduler promises, not by a time alone, which would blame it for load:
 *             a run queue with a thread as urgent as what runs, and no switch for a slice and
 *             warn_ns; a thread in the queue while another of its priority runs that came into the
 *             queue warn_ns later; or a thread that is READY and in no queue at all, for warn_ns.
 *             Those that only more urgent ones keep from running are not starved.
 *
 * not resumed A thread that waits though its deadline passed warn_ns ago: its timer was lost, or
 *             the CPU whose timer it is does not fire it.
 *
 * When several are true the worst is told: first whatever is beyond critical_ns, then the cause
 * before what follows from it (a stuck lock, a silent CPU, a starved thread, a late one), then what
 * lasts longest.
 *
 * Locks: none is waited for.  A run queue is looked at only if its lock can be had at once: a CPU
 * that hangs with it is silent or waits for another, and is found as that.  A look is claimed by
 * one CPU at a time.
 * Cost: a few hundred instructions for each CPU and for the slots of one look; WATCH_SLOTS of
 * those, so in a table of 4,096 each slot is seen every 64 looks.
 */
#include "sched/watch.h"

enum {
	WATCH_SLOTS = 64,   /* of the table in one look */
	WATCH_QUEUED = 128, /* threads of one priority of a run queue in one look */
};

void watch_init(struct watch *w, struct sched *s, const struct watch_config *config)
{
	ASSERT(config->warn_ns > 0 && config->critical_ns >= config->warn_ns);
	ASSERT(s->config.cpus >= 1 && s->config.cpus <= CPUS_MAX && s->table.slots >= 1);
	*w = (struct watch){ .sched = s, .config = *config };
}

const char *watch_kind_name(enum watch_kind kind)
{
	static const char *const names[WATCH_KINDS] = {
		"nothing", "silent", "stuck lock", "starved", "not resumed",
	};
	ASSERT(kind < WATCH_KINDS);
	return names[kind];
}

/* --- the worst -------------------------------------------------------------------------------- */

static bool watch_is_worse(const struct watch_report *a, const struct watch_report *b)
{
	static const uint8_t weight[WATCH_KINDS] = {
		[WATCH_STUCK_LOCK] = 4,
		[WATCH_SILENT] = 3,
		[WATCH_STARVED] = 2,
		[WATCH_NOT_RESUMED] = 1,
	};
	ASSERT(a->kind != WATCH_NONE);
	if (a->critical != b->critical) return a->critical;
	if (a->kind != b->kind) return weight[a->kind] > weight[b->kind];
	return a->for_ns > b->for_ns;
}

/* Takes `found` for the worst if it is beyond the limit, and worse. */
static void watch_note(const struct watch *w, struct watch_report *worst, struct watch_report found)
{
	ASSERT(found.kind != WATCH_NONE && found.cpu < CPUS_MAX);
	if (found.for_ns <= w->config.warn_ns) return;
	found.critical = found.for_ns > w->config.critical_ns;
	if (watch_is_worse(&found, worst)) *worst = found;
}

/* Who runs on a CPU, unless its run queue is locked at the moment. */
static thread_id watch_current(struct sched_cpu *c)
{
	mach_irq_t was;
	if (!lock_try(&c->runq.lock, &was)) return THREAD_NONE;
	const thread_id id = c->current != NULL ? thread_id_of(c->current) : THREAD_NONE;
	lock_drop(&c->runq.lock, was);
	return id;
}

/* --- CPUs ------------------------------------------------------------------------------------- */

/* What CPU `cpu` waits for; false: nothing, or that has just changed. */
static bool watch_waiting(uint32_t cpu, struct watch_report *found)
{
	const struct lock_waiting *at = mach_lock_waiting(cpu);
	const uint32_t rank = atomic_load_u32(&at->rank);
	const uint64_t since_ns = atomic_load_u64(&at->since_ns);

	found->kind = WATCH_STUCK_LOCK;
	found->cpu = cpu;
	found->rank = rank;
	found->for_ns = since_ns;
	found->holder = atomic_load_u32(&at->holder);
	return rank != RANK_NONE && atomic_load_u32(&at->rank) == rank &&
	       atomic_load_u64(&at->since_ns) == since_ns;
}

static void watch_lock_of(const struct watch *w, uint32_t cpu, uint64_t now_ns,
			  struct watch_report *worst)
{
	struct watch_report found = { .kind = WATCH_NONE };

	if (!watch_waiting(cpu, &found)) return;
	found.for_ns = sub_or_zero(now_ns, found.for_ns);
	if (found.for_ns <= w->config.warn_ns) return;
	found.thread = watch_current(&w->sched->cpu[cpu]);
	watch_note(w, worst, found);
}

/* How long the CPU has not answered, 0 when it has or was not asked. */
static uint64_t watch_silence_ns(struct watch *w, uint32_t cpu, uint64_t now_ns)
{
	struct sched_cpu *c = &w->sched->cpu[cpu];
	struct watch_cpu *seen = &w->cpu[cpu];
	const uint64_t beat_ns = atomic_load_u64(&c->beat_ns);

	if (cpu == mach_cpu() || atomic_load_u32(&c->online) == 0 ||
	    atomic_load_u32(&c->idles) != 0 || beat_ns != seen->beat_ns) {
		*seen = (struct watch_cpu){ .beat_ns = beat_ns };
		return 0;
	}
	if (seen->asked_ns != 0) return sub_or_zero(now_ns, seen->asked_ns);
	if (sub_or_zero(now_ns, beat_ns) <= w->config.warn_ns / 2) return 0;
	seen->asked_ns = max_u64(now_ns, 1);
	mach_ipi(cpu);
	return 0;
}

static void watch_silent(struct watch *w, uint32_t cpu, uint64_t now_ns, struct watch_report *worst)
{
	const uint64_t for_ns = watch_silence_ns(w, cpu, now_ns);

	if (for_ns <= w->config.warn_ns) return;
	watch_note(w, worst,
		   (struct watch_report){ .kind = WATCH_SILENT,
					  .cpu = cpu,
					  .thread = watch_current(&w->sched->cpu[cpu]),
					  .for_ns = for_ns });
}

/* --- run queues ------------------------------------------------------------------------------- */

static const struct thread *watch_queued(const struct list *link)
{
	return CONTAINER_OF(link, struct thread, run_link);
}

/* A thread that `current` has overtaken by more than warn_ns, or NULL. */
static const struct thread *watch_overtaken_locked(const struct watch *w, const struct runq *rq,
						   const struct thread *current)
{
	const struct list *head = &rq->queue[current->priority];
	uint32_t seen = 0;

	ASSERT(current->priority < PRIORITIES && !current->idle);
	for (const struct list *l = head->next; l != head && seen < WATCH_QUEUED; l = l->next) {
		const struct thread *t = watch_queued(l);
		if (sub_or_zero(current->ready_ns, t->ready_ns) > w->config.warn_ns) return t;
		seen++;
	}
	return NULL;
}

/* The same, or a thread that waits for a switch that does not come; how long in *for_ns. */
static const struct thread *watch_starved_locked(const struct watch *w, const struct sched_cpu *c,
						 uint64_t now_ns, uint64_t *for_ns)
{
	const struct runq *rq = &c->runq;
	const struct thread *current = c->current;

	if (rq->busy == 0 || current == NULL) return NULL;
	const unsigned urgent = bit_lowest(rq->busy);
	ASSERT(urgent < PRIORITIES && !list_empty(&rq->queue[urgent]));
	if (urgent > current->priority) return NULL; /* what runs comes first */
	const struct thread *first = watch_queued(rq->queue[urgent].next);
	const uint64_t since_ns = max_u64(first->ready_ns, atomic_load_u64(&c->switch_ns));
	*for_ns = sub_or_zero(sub_or_zero(now_ns, since_ns), w->sched->config.slice_ns);
	if (*for_ns > w->config.warn_ns) return first;
	if (current->priority >= PRIORITIES) return NULL;
	const struct thread *overtaken = watch_overtaken_locked(w, rq, current);
	if (overtaken != NULL) *for_ns = sub_or_zero(now_ns, overtaken->ready_ns);
	return overtaken;
}

static void watch_runq(const struct watch *w, uint32_t cpu, uint64_t now_ns,
		       struct watch_report *worst)
{
	struct sched_cpu *c = &w->sched->cpu[cpu];
	struct watch_report found = { .kind = WATCH_STARVED, .cpu = cpu };
	mach_irq_t was;

	if (atomic_load_u32(&c->online) == 0 || !lock_try(&c->runq.lock, &was)) return;
	const struct thread *t = watch_starved_locked(w, c, now_ns, &found.for_ns);
	if (t != NULL) found.thread = thread_id_of(t);
	lock_drop(&c->runq.lock, was);
	if (t != NULL) watch_note(w, worst, found);
}

/* --- slots ------------------------------------------------------------------------------------ */

/* Whether the thread is READY in `word` and in no run queue; false also when that cannot be told
 * at the moment. */
static bool watch_is_lost(const struct watch *w, const struct thread *t, uint64_t word)
{
	const uint32_t cpu = atomic_load_u32(&t->cpu);
	mach_irq_t was;

	if (cpu >= w->sched->config.cpus) return false;
	struct lock *l = &w->sched->cpu[cpu].runq.lock;
	if (!lock_try(l, &was)) return false;
	const bool lost = atomic_load_u32(&t->cpu) == cpu && atomic_load_u64(&t->word) == word &&
			  !list_linked(&t->run_link);
	lock_drop(l, was);
	return lost;
}

/* Who wakes a thread makes it READY and then puts it into a queue, so once is not enough. */
static void watch_suspect(struct watch *w, uint64_t now_ns, struct watch_report *worst)
{
	const struct thread *t = &w->sched->table.threads[w->suspect];

	if (w->suspect_word == 0) return;
	ASSERT(w->suspect < w->sched->table.slots);
	ASSERT(thread_word_state(w->suspect_word) == THREAD_READY);
	if (atomic_load_u64(&t->word) != w->suspect_word) {
		w->suspect_word = 0;
		return;
	}
	const uint64_t for_ns = sub_or_zero(now_ns, w->suspect_ns);
	if (for_ns <= w->config.warn_ns) return;
	if (!watch_is_lost(w, t, w->suspect_word)) {
		w->suspect_word = 0;
		return;
	}
	watch_note(w, worst,
		   (struct watch_report){ .kind = WATCH_STARVED,
					  .cpu = atomic_load_u32(&t->cpu) % CPUS_MAX,
					  .thread = thread_id_of(t),
					  .for_ns = for_ns });
}

static void watch_slot(struct watch *w, uint32_t slot, uint64_t now_ns, struct watch_report *worst)
{
	const struct thread *t = &w->sched->table.threads[slot];
	const uint64_t word = atomic_load_u64(&t->word);
	const enum thread_state state = thread_word_state(word);

	if (state == THREAD_READY && w->suspect_word == 0 && watch_is_lost(w, t, word)) {
		w->suspect = slot;
		w->suspect_word = word;
		w->suspect_ns = now_ns;
	}
	if (state != THREAD_WAITING) return;
	const uint64_t until_ns = atomic_load_u64(&t->wait_until_ns);
	const uint32_t cpu = atomic_load_u32(&t->cpu);
	if (atomic_load_u64(&t->word) != word || now_ns <= until_ns) return;
	watch_note(w, worst,
		   (struct watch_report){ .kind = WATCH_NOT_RESUMED,
					  .cpu = cpu % CPUS_MAX,
					  .thread = thread_id_of(t),
					  .for_ns = now_ns - until_ns });
}

static void watch_slots(struct watch *w, uint64_t now_ns, struct watch_report *worst)
{
	const uint32_t slots = w->sched->table.slots;

	ASSERT(w->next_slot < slots);
	for (uint32_t i = 0; i < slots && i < WATCH_SLOTS; i++) {
		watch_slot(w, w->next_slot, now_ns, worst);
		w->next_slot = (w->next_slot + 1) % slots;
	}
}

/* --- the look --------------------------------------------------------------------------------- */

struct watch_report watch_look(struct watch *w, uint64_t now_ns)
{
	struct watch_report worst = { .kind = WATCH_NONE, .holder = CPUS_MAX };

	mach_lock_none_held(RANK_RUNQ);
	const mach_irq_t was = mach_irq_save();
	if (!atomic_claim_u32(&w->looking, 1)) {
		mach_irq_restore(was);
		return worst;
	}
	for (uint32_t cpu = 0; cpu < w->sched->config.cpus; cpu++) {
		watch_lock_of(w, cpu, now_ns, &worst);
		watch_silent(w, cpu, now_ns, &worst);
		watch_runq(w, cpu, now_ns, &worst);
	}
	watch_suspect(w, now_ns, &worst);
	watch_slots(w, now_ns, &worst);
	if (worst.kind != WATCH_NONE) {
		uint64_t *reported = &w->reported[worst.kind];
		atomic_store_u64(reported, atomic_load_u64(reported) + 1);
	}
	ASSERT(atomic_load_u32(&w->looking) == 1);
	atomic_store_u32(&w->looking, 0);
	mach_irq_restore(was);
	return worst;
}
