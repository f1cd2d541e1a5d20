/*
 * test_sim.h -- for tests of threads that run: a scheduler over virtual CPUs that take turns, whose
 * planner draws lots (test_turns.h).
 *
 * A test starts threads by sim_thread() and has sim_run() run them to their end, on as many CPUs as
 * it asks for; then everything must be back: no thread, no timer, nothing in a run queue.
 */
#ifndef SCHED_TEST_SIM_H
#define SCHED_TEST_SIM_H

#include "sched/mutex.h"
#include "sched/sched.h"
#include "sched/test_turns.h"
#include "sched/wait.h"

enum { SIM_THREADS = 24, SIM_SLICE_NS = 1000, SIM_STACK_BYTES = 4096, SIM_POINTS = 4000000 };

/* Lies in the arena, where accesses are seen. */
struct sim {
	struct sched sched;
	uint64_t more[64]; /* for the test */
	struct thread threads[SIM_THREADS];
	uint32_t started, reaped; /* atomic */
};

static struct sim *sim;

/* --- a world ---------------------------------------------------------------------------------- */

static void (*sim_tick)(void); /* what else an interrupt of the timer does, or NULL */

static void sim_timer(void *arg)
{
	if (sim_tick != NULL) sim_tick();
	sched_timer_fired(arg);
}

static void sim_ipi(void *arg)
{
	sched_ipi_came(arg);
}

static void sim_reaped(void *arg, const struct thread_gone *gone)
{
	(void)arg, (void)gone;
	(void)atomic_fetch_add_u32(&sim->reaped, 1);
}

/* All that were started are gone: this CPU leaves, and so do the others, which may be asleep. */
static bool sim_idle(void *arg, uint32_t cpu)
{
	(void)arg;
	if (atomic_load_u32(&sim->reaped) != atomic_load_u32(&sim->started)) return true;
	for (uint32_t i = 0; i < sim->sched.config.cpus; i++)
		if (i != cpu) mach_ipi(i);
	return false;
}

static void sim_open(uint64_t seed, uint32_t cpus, uint32_t slots)
{
	host_reset();
	sim = host_arena_base();
	mach_unpoison(sim, align_up(sizeof *sim, 8));
	memset(sim, 0, sizeof *sim);
	turns_draw_seed(seed);
	const struct sched_config config = {
		.cpus = cpus,
		.threads = sim->threads,
		.slots = slots,
		.slice_ns = SIM_SLICE_NS,
		.reap = REAP_AFTER_SWITCH,
		.reaped = sim_reaped,
		.idle = sim_idle,
	};
	sched_init(&sim->sched, &config);
}

/* THREAD_NONE: no slot is free now. */
static thread_id sim_thread(void (*entry)(void *arg), void *arg)
{
	static uint32_t stacks;
	const struct thread_how how = {
		.entry = entry,
		.arg = arg,
		.stack = HOST_RAM_BASE + (uint64_t)(++stacks % 512) * SIM_STACK_BYTES * 2,
		.stack_bytes = SIM_STACK_BYTES,
		.class = SLOT_USER,
		.priority = PRIORITY_NORMAL,
	};
	(void)atomic_fetch_add_u32(&sim->started, 1);
	const thread_id id = sched_spawn(&sim->sched, &how);
	if (id == THREAD_NONE) (void)atomic_fetch_add_u32(&sim->started, UINT32_MAX);
	return id;
}

static void sim_cpu(void *arg)
{
	sched_run(arg);
}

static void sim_run(uint64_t seed, const char *name)
{
	host_handlers_set(sim_timer, sim_ipi, &sim->sched);
	if (!host_run_together(sim->sched.config.cpus, sim_cpu, &sim->sched, &turns_draw,
			       SIM_POINTS)) {
		fprintf(stderr, "%s, seed %lu: %s: %s\n", name, (unsigned long)seed, panic_id,
			panic_text);
		exit(1);
	}
	const char *why = sched_check(&sim->sched);
	if (why != NULL) fprintf(stderr, "%s, seed %lu: %s\n", name, (unsigned long)seed, why);
	EXPECT(why == NULL && thread_count(&sim->sched.table) == 0);
	for (uint32_t i = 0; i < sim->sched.config.cpus; i++)
		EXPECT(timer_next_ns(&sim->sched.cpu[i].timers) == UINT64_MAX);
}

#endif
