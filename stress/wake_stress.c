/*
 * wake_stress.c -- waiting and waking from all CPUs at once: wait queues with deadlines, mutexes,
 * and how fairly threads of one CPU take turns.
 *
 * Boxes.  Threads that may run anywhere put tokens into boxes of little room and take tokens out of
 * others, waiting where there is none, with a deadline: who is late goes to another box.  A wake
 * that is lost shows as a token that nobody comes for, and in the end as a run without an end; at
 * the end of the part as many were taken as put, of each CPU's threads and in all.
 *
 * Mutexes.  Each guards two numbers that are equal whenever nobody owns it, and are not meanwhile,
 * across a yield; threads lock it for ever, with a deadline, and at a try.  The sum of what was
 * added is what the threads have counted.
 *
 * Turns.  Threads of equal priority that stay on one CPU do nothing but yield, and demand at each
 * of their turns what sched.h promises: nobody among them has been chosen more than once oftener
 * than another.  The number of times is the scheduler's own (thread.switches).
 *
 * Shares, in the cycle for warming up.  CPU 0 has five threads that do nothing but run, the others
 * one each.  When all are there they may go anywhere; a while later each is given the same time to
 * count in, and tells its count: with all CPUs even, nobody has a third of what another has.
 * (Where CPUs run freely that says more about the machine, and is told only.)
 *
 * Always true: a part is over when its threads are gone, and then boxes are empty and mutexes free.
 *
 * Locks: those that are tried.  Cost: see bazel run //stress:wake.
 */
#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/ksched.h"
#include "kernel/platform.h"
#include "machine/atomic.h"
#include "machine/limits.h"
#include "sched/mutex.h"
#include "stress/stress.h"

enum {
	BOXES = 4,
	ROOM = 2,    /* tokens in a box */
	WORKERS = 5, /* threads of each CPU in the first two parts */
	MUTEXES = 3,
	RUNNERS = 5, /* threads of each CPU in the third */
	PATIENCE_NS = 20000,
};

struct box {
	struct wait_queue queue;
	uint32_t tokens, from; /* guarded by queue.lock; the CPU of who put the last one */
};

struct guarded {
	struct mutex mutex;
	uint64_t first, second; /* by its owner */
	uint32_t cpu;           /* of its last owner */
};

struct worker {
	struct random random;
	uint32_t operations;
	uint64_t puts, takes, adds;
};

static struct box boxes[BOXES];
static struct guarded guarded[MUTEXES];
static struct worker workers[CPUS_MAX][WORKERS];

static void wake_is_wrong(const char *when, uint64_t wanted, uint64_t got)
{
	stress_content_wrong(when, (size_t)wanted, (size_t)got);
}

/* --- boxes ------------------------------------------------------------------------------------ */

static bool put(struct box *box, uint64_t deadline_ns)
{
	enum wait_result result = WAIT_WOKEN;
	const mach_irq_t was = wait_enter(&box->queue);
	while (box->tokens == ROOM && result == WAIT_WOKEN)
		result = wait_sleep(&kernel_sched, &box->queue, deadline_ns);
	const bool done = box->tokens != ROOM;
	if (done) {
		box->tokens++;
		box->from = mach_cpu();
		wait_wake_all(&kernel_sched, &box->queue);
	}
	wait_leave(&box->queue, was);
	return done;
}

static bool take(struct box *box, uint64_t deadline_ns)
{
	enum wait_result result = WAIT_WOKEN;
	const mach_irq_t was = wait_enter(&box->queue);
	while (box->tokens == 0 && result == WAIT_WOKEN)
		result = wait_sleep(&kernel_sched, &box->queue, deadline_ns);
	const bool done = box->tokens != 0;
	const bool far = done && box->from != mach_cpu();
	if (done) {
		box->tokens--;
		wait_wake_all(&kernel_sched, &box->queue);
	}
	wait_leave(&box->queue, was);
	if (far) stress_count(STRESS_HANDED_OVER);
	return done;
}

static struct box *some_box(struct worker *w)
{
	return &boxes[random_below(&w->random, BOXES)];
}

/* Every thread takes as many as it puts, so no box can be short of them for ever. */
static void passes_tokens(void *arg)
{
	struct worker *w = arg;
	for (uint32_t i = 0; i < w->operations; i++) {
		while (!put(some_box(w), mach_now_ns() + PATIENCE_NS)) {
		}
		w->puts++;
		if (random_one_in(&w->random, 4)) kthread_yield();
		while (!take(some_box(w), mach_now_ns() + PATIENCE_NS)) {
		}
		w->takes++;
		stress_count(STRESS_OPERATIONS);
	}
}

/* --- mutexes ---------------------------------------------------------------------------------- */

static bool get(struct worker *w, struct mutex *m)
{
	switch (random_below(&w->random, 3)) {
	case 0: return mutex_try(&kernel_sched, m);
	case 1: return mutex_lock(&kernel_sched, m, mach_now_ns() + PATIENCE_NS) == WAIT_WOKEN;
	default: return mutex_lock(&kernel_sched, m, WAIT_FOREVER) == WAIT_WOKEN;
	}
}

static void adds_under_mutexes(void *arg)
{
	struct worker *w = arg;
	for (uint32_t i = 0; i < w->operations; i++) {
		struct guarded *g = &guarded[random_below(&w->random, MUTEXES)];
		stress_count(STRESS_OPERATIONS);
		if (!get(w, &g->mutex)) {
			kthread_yield();
			continue;
		}
		const uint64_t first = g->first++;
		if (random_one_in(&w->random, 4)) kthread_yield();
		if (g->second++ != first) wake_is_wrong("two owners", first, g->second);
		w->adds++;
		if (g->cpu != mach_cpu()) stress_count(STRESS_FREED_FOREIGN);
		g->cpu = mach_cpu();
		mutex_unlock(&kernel_sched, &g->mutex);
	}
}

/* --- turns ------------------------------------------------------------------------------------ */

struct race {
	uint32_t turns; /* of each thread */
	uint32_t over;  /* atomic: threads that have had them */
	struct thread *thread[RUNNERS];
	uint64_t before[RUNNERS]; /* their `switches` when all were there, at one moment */
	uint32_t here, there;     /* atomic: how many have begun; and can be looked at */
	uint32_t on;              /* atomic: `before` stands */
};

static struct race races[CPUS_MAX];

/* Interrupts are masked meanwhile: all of them are this CPU's, so none runs. */
static void look_at_turns(const struct race *race)
{
	uint64_t least = UINT64_MAX, most = 0;
	const mach_irq_t was = mach_irq_save();
	for (unsigned i = 0; i < RUNNERS; i++) {
		const uint64_t turns = race->thread[i]->switches - race->before[i];
		if (turns < least) least = turns;
		if (turns > most) most = turns;
	}
	mach_irq_restore(was);
	if (most - least > 1) wake_is_wrong("turns", least + 1, most);
}

static void begin_race(struct race *race)
{
	const mach_irq_t was = mach_irq_save();
	for (unsigned i = 0; i < RUNNERS; i++) race->before[i] = race->thread[i]->switches;
	mach_irq_restore(was);
	atomic_store_u32(&race->on, 1);
}

/* Nobody looks before all are there, or after the first has had enough. */
static void takes_turns(void *arg)
{
	struct race *race = arg;
	race->thread[atomic_fetch_add_u32(&race->here, 1)] = sched_current(&kernel_sched);
	if (atomic_fetch_add_u32(&race->there, 1) == RUNNERS - 1) begin_race(race);
	while (atomic_load_u32(&race->on) == 0) kthread_yield();
	for (uint32_t i = 0; i < race->turns && atomic_load_u32(&race->over) == 0; i++) {
		look_at_turns(race);
		stress_count(STRESS_OPERATIONS);
		kthread_yield();
	}
	atomic_fetch_add_u32(&race->over, 1);
}

static void spawn_or_panic(struct kthread_how how, struct kthread_end *end)
{
	how.end = end;
	how.priority = PRIORITY_NORMAL;
	if (kthread_spawn(&how) == THREAD_NONE) kpanic("assert", "no slot for a thread of a storm");
}

/* --- shares ----------------------------------------------------------------------------------- */

enum { HOGS = 5, HOGS_MOST = HOGS + CPUS_MAX, EVEN_MS = 5 * TICK_MS, COUNT_MS = 8 * TICK_MS };
#define NS_PER_MS 1000000ull

static struct {
	uint64_t from_ns, until_ns; /* atomic; 0: not yet known */
	uint64_t counts[HOGS_MOST];
	thread_id id[HOGS_MOST];
	uint32_t here; /* atomic: hogs that have begun */
} hogs;

static void hogs_a_cpu(void *arg)
{
	uint64_t *count = &hogs.counts[(uintptr_t)arg], now_ns;
	hogs.id[(uintptr_t)arg] = thread_id_of(sched_current(&kernel_sched));
	atomic_fetch_add_u32(&hogs.here, 1);
	do {
		/* Much work for each yield: a yield is dear where instructions are counted. */
		for (volatile unsigned i = 0; i < 1000; i++) continue;
		mach_relax();
		now_ns = mach_now_ns();
		*count += now_ns >= atomic_load_u64(&hogs.from_ns);
	} while (now_ns < atomic_load_u64(&hogs.until_ns));
}

static uint64_t gifts(void)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < kernel_sched.config.cpus; i++) sum += kernel_sched.cpu[i].gifts;
	return sum;
}

static void look_at_shares(unsigned count, uint64_t given)
{
	uint64_t least = UINT64_MAX, most = 0;
	for (unsigned i = 0; i < count; i++) {
		least = min_u64(least, hogs.counts[i]);
		most = max_u64(most, hogs.counts[i]);
	}
	console_print(
		"# shares: %u threads, %u on one CPU at first; %lu moved; least %lu, most %lu\n",
		count, HOGS, given, least, most);
	if (bootarg_is_set(boot.platform.bootargs, "even") && most > 3 * least)
		wake_is_wrong("shares", most / 3, least);
}

/* From CPU 0: all of them. */
static void share(const struct stress_turn *turn, struct random *random)
{
	const unsigned cpus = kernel_sched.config.cpus, count = HOGS + cpus - 1;
	struct kthread_end end;
	(void)random;
	if (turn->cycle != 0 || mach_cpu() != 0) return;
	kthread_end_init(&end);
	memset(&hogs, 0, sizeof(hogs));
	hogs.from_ns = hogs.until_ns = UINT64_MAX;
	for (uintptr_t i = 0; i < count; i++)
		spawn_or_panic((struct kthread_how){ .entry = hogs_a_cpu,
						     .arg = (void *)i,
						     .affinity = i < HOGS ? 1u : 2u << (i - HOGS) },
			       &end);
	while (atomic_load_u32(&hogs.here) < count) kthread_sleep(NS_PER_MS);
	const uint64_t before = gifts(), now_ns = mach_now_ns();
	for (unsigned i = 0; i < count; i++)
		sched_set_affinity(&kernel_sched, hogs.id[i], (1u << cpus) - 1);
	atomic_store_u64(&hogs.from_ns, now_ns + EVEN_MS * NS_PER_MS);
	atomic_store_u64(&hogs.until_ns, now_ns + (EVEN_MS + COUNT_MS) * NS_PER_MS);
	kthread_wait(&end);
	look_at_shares(count, gifts() - before);
}

/* --- parts ------------------------------------------------------------------------------------ */

/* This CPU's workers, wherever they run, until they are gone. */
static void work(const struct stress_turn *turn, struct random *random, void (*entry)(void *))
{
	struct worker *mine = workers[mach_cpu()];
	struct kthread_end end;
	kthread_end_init(&end);
	for (unsigned i = 0; i < WORKERS; i++) {
		mine[i] = (struct worker){
			.random = { random_u64(random) },
			.operations = turn->plan->operations / WORKERS,
		};
		spawn_or_panic((struct kthread_how){ .entry = entry, .arg = &mine[i] }, &end);
	}
	kthread_wait(&end);
	stress_sample(turn);
}

static void make(const struct stress_turn *turn, struct random *random)
{
	(void)turn, (void)random;
	if (mach_cpu() != 0) return;
	for (unsigned i = 0; i < BOXES; i++) {
		boxes[i].tokens = 0;
		wait_init(&boxes[i].queue, RANK_WAIT);
	}
	for (unsigned i = 0; i < MUTEXES; i++) {
		guarded[i].first = guarded[i].second = 0;
		mutex_init(&guarded[i].mutex);
	}
}

static void pass(const struct stress_turn *turn, struct random *random)
{
	work(turn, random, passes_tokens);
}

static void check_tokens(const struct stress_turn *turn, struct random *random)
{
	(void)turn, (void)random;
	for (unsigned i = 0; i < WORKERS; i++) {
		const struct worker *w = &workers[mach_cpu()][i];
		if (w->puts != w->takes) wake_is_wrong("tokens of one", w->puts, w->takes);
	}
	for (unsigned i = 0; i < BOXES && mach_cpu() == 0; i++)
		if (boxes[i].tokens != 0) wake_is_wrong("tokens left", 0, boxes[i].tokens);
}

static void add(const struct stress_turn *turn, struct random *random)
{
	work(turn, random, adds_under_mutexes);
}

static void check_sums(const struct stress_turn *turn, struct random *random)
{
	uint64_t added = 0, sum = 0;
	(void)turn, (void)random;
	if (mach_cpu() != 0) return;
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		for (unsigned i = 0; i < WORKERS; i++) added += workers[cpu][i].adds;
	for (unsigned i = 0; i < MUTEXES; i++) {
		sum += guarded[i].first;
		if (mutex_check(&guarded[i].mutex) != NULL) wake_is_wrong("a mutex", 0, i);
	}
	if (sum != added) wake_is_wrong("sums", added, sum);
}

static void take_turns(const struct stress_turn *turn, struct random *random)
{
	const unsigned cpu = mach_cpu();
	struct race *race = &races[cpu];
	struct kthread_end end;
	(void)random;
	*race = (struct race){ .turns = turn->plan->operations / RUNNERS };
	kthread_end_init(&end);
	for (unsigned i = 0; i < RUNNERS; i++)
		spawn_or_panic((struct kthread_how){ .entry = takes_turns,
						     .arg = race,
						     .affinity = 1u << cpu },
			       &end);
	kthread_wait(&end);
	if (race->over != RUNNERS) wake_is_wrong("who takes turns", RUNNERS, race->over);
	stress_sample(turn);
}

static void nothing(void)
{
}

static const struct stress_part parts[] = {
	{ "make", make, false },   { "pass", pass, false },       { "tokens", check_tokens, false },
	{ "add", add, false },     { "sums", check_sums, false }, { "turns", take_turns, false },
	{ "share", share, false }, { NULL, NULL, false },
};

const struct stress wake_stress = {
	.name = "wake",
	.open = nothing,
	.parts = parts,
	.things = "token",
};
