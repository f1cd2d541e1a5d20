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
 * Always true: a part is over when its threads are gone, and then boxes are empty and mutexes free.
 *
 * Locks: those that are tried.  Cost: see bazel run //stress:wake.
 */
#include "kernel/ksched.h"
#include "machine/atomic.h"
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
	uint64_t before[RUNNERS]; /* their `switches` when all were there */
	uint32_t here;            /* atomic: how many have begun */
};

static struct race races[CPUS_MAX];

static void look_at_turns(const struct race *race)
{
	uint64_t least = UINT64_MAX, most = 0;
	for (unsigned i = 0; i < RUNNERS; i++) {
		const uint64_t turns = race->thread[i]->switches - race->before[i];
		if (turns < least) least = turns;
		if (turns > most) most = turns;
	}
	if (most - least > 1) wake_is_wrong("turns", least + 1, most);
}

/* Nobody looks before all are there, or after the first has had enough. */
static void takes_turns(void *arg)
{
	struct race *race = arg;
	struct thread *self = sched_current(&kernel_sched);
	const uint32_t number = atomic_fetch_add_u32(&race->here, 1);
	race->thread[number] = self;
	while (atomic_load_u32(&race->here) < RUNNERS) kthread_yield();
	race->before[number] = self->switches;
	kthread_yield();
	for (uint32_t i = 0; i < race->turns && atomic_load_u32(&race->over) == 0; i++) {
		look_at_turns(race);
		stress_count(STRESS_OPERATIONS);
		kthread_yield();
	}
	atomic_fetch_add_u32(&race->over, 1);
}

/* --- parts ------------------------------------------------------------------------------------ */

static void spawn_or_panic(struct kthread_how how, struct kthread_end *end)
{
	how.end = end;
	how.priority = PRIORITY_NORMAL;
	if (kthread_spawn(&how) == THREAD_NONE) kpanic("assert", "no slot for a thread of a storm");
}

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
	{ "make", make, false }, { "pass", pass, false },       { "tokens", check_tokens, false },
	{ "add", add, false },   { "sums", check_sums, false }, { "turns", take_turns, false },
	{ NULL, NULL, false },
};

const struct stress wake_stress = {
	.name = "wake",
	.open = nothing,
	.parts = parts,
	.things = "token",
};
