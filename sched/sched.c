/*
 * sched.c -- a scheduler as new, and who runs here.
 *
 * The parts: sched_switch.c leaves one thread for another (yields, blocks, exits, preempts);
 * sched_wake.c makes threads ready and tells CPUs; sched_idle.c is what a CPU does with nothing to
 * run; sched_clock.c has the timer and the slices; sched_balance.c evens out CPUs; sched_thread.c
 * spawns, kills and changes threads; reap.c gives back what the dead had; sched_check.c looks
 * whether all that is true.
 *
 * Who may change what:
 *   a thread's state        by compare-and-swap of its word (thread.h).  Into READY, and out of it,
 *                           only with the lock of the run queue of the CPU in t->cpu, and out of
 *                           RUNNING and WAITING too: so with that lock held, the state stands;
 *   t->cpu                  with the lock of the run queue of the CPU that it says;
 *   who runs on a CPU       that CPU, with the lock of its run queue.
 *
 * Always true: a thread that is READY and in no run queue is in the hands of one party that is in
 * sched_place(), or holds the lock.
 *
 * Locks: run queues' (RANK_RUNQ), never two at once; the table's (RANK_THREADS), outside them.
 */
#include "sched/sched_inside.h"

static void sched_init_idle(struct thread *t, uint32_t slot, uint32_t cpu)
{
	*t = (struct thread){
		.word = 1ull << 32 | THREAD_READY,
		.slot = slot,
		.cpu = cpu,
		.priority = PRIORITY_IDLE,
		.idle = 1,
		.affinity = 1u << cpu,
		.timer = { .deadline_ns = UINT64_MAX },
	};
	list_init(&t->run_link);
	list_init(&t->wait_link);
	list_init(&t->slot_link);
}

void sched_init(struct sched *s, const struct sched_config *config)
{
	ASSERT(config->cpus >= 1 && config->cpus <= CPUS_MAX);
	ASSERT(config->slice_ns >= 1 && config->slice_ns <= 1ull << 62);
	ASSERT(config->reap <= REAP_BEFORE_NEXT && config->collect_ns <= 1ull << 62);
	*s = (struct sched){ .config = *config };
	thread_table_init(&s->table, config->threads, config->slots, config->reserved,
			  config->cooldown_ns);
	for (uint32_t i = 0; i < config->cpus; i++) {
		struct sched_cpu *c = &s->cpu[i];
		runq_init(&c->runq, i);
		timer_queue_init(&c->timers, i);
		sched_init_idle(&c->idle, config->slots + i, i);
		list_init(&c->dead);
		sched_collector_init(c);
		c->slice_end_ns = c->clock_ns = UINT64_MAX;
	}
}

bool sched_killed(struct sched *s)
{
	return (atomic_load_u64(&sched_current(s)->word) & THREAD_KILLED) != 0;
}
