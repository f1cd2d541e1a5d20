/*
 * test_world.h -- for tests of what only looks: a scheduler put together by hand, where nothing
 * runs, and threads in it in whatever state the test wants to be looked at.
 */
#ifndef SCHED_TEST_WORLD_H
#define SCHED_TEST_WORLD_H

#include "machine/host/expect.h"
#include "sched/sched.h"

#define MS 1000000ull

enum { WORLD_CPUS = 4, WORLD_SLOTS = 200 };

#define WORLD_SLICE_NS (10 * MS)

static struct thread world_threads[WORLD_SLOTS];
static struct sched world;

/* Every CPU online, alive at this moment, and running its idle thread. */
static void world_make(uint64_t now_ns)
{
	memset(&world, 0, sizeof world);
	world.config = (struct sched_config){ .cpus = WORLD_CPUS, .slice_ns = WORLD_SLICE_NS };
	thread_table_init(&world.table, world_threads, WORLD_SLOTS, 8, 0);
	for (uint32_t i = 0; i < WORLD_CPUS; i++) {
		struct sched_cpu *c = &world.cpu[i];
		runq_init(&c->runq, i);
		timer_queue_init(&c->timers, i);
		c->idle.word = 1ull << 32 | THREAD_RUNNING;
		c->idle.idle = 1;
		c->idle.priority = PRIORITY_IDLE;
		c->current = &c->idle;
		c->online = 1;
		c->switch_ns = c->beat_ns = now_ns;
	}
}

/* A READY thread of that CPU and priority, in no run queue yet. */
static struct thread *world_thread(uint32_t cpu, uint8_t priority, uint64_t now_ns)
{
	struct thread *t = thread_claim(&world.table, SLOT_USER);

	EXPECT(t != NULL);
	t->cpu = cpu;
	t->priority = priority;
	t->affinity = (1u << WORLD_CPUS) - 1;
	t->ready_ns = now_ns;
	(void)thread_must_move(t, THREAD_INITIALIZING, THREAD_READY, 0, 0);
	return t;
}

static struct thread *world_ready(uint32_t cpu, uint8_t priority, uint64_t now_ns)
{
	struct thread *t = world_thread(cpu, priority, now_ns);
	const mach_irq_t was = lock_take(&world.cpu[cpu].runq.lock);

	runq_add_locked(&world.cpu[cpu].runq, t);
	lock_drop(&world.cpu[cpu].runq.lock, was);
	return t;
}

static struct thread *world_running(uint32_t cpu, uint8_t priority, uint64_t ready_ns)
{
	struct thread *t = world_thread(cpu, priority, ready_ns);

	(void)thread_must_move(t, THREAD_READY, THREAD_RUNNING, 0, 0);
	world.cpu[cpu].current = t;
	return t;
}

static struct thread *world_waiting(uint32_t cpu, uint64_t until_ns)
{
	struct thread *t = world_running(cpu, PRIORITY_NORMAL, 0);

	t->wait_until_ns = until_ns;
	(void)thread_must_move(t, THREAD_RUNNING, THREAD_WAITING, 0, 0);
	world.cpu[cpu].current = &world.cpu[cpu].idle;
	return t;
}

#endif
