/*
 * together.c -- functions on CPUs that take turns: each CPU's part is called by its runner (smp.c),
 * between joining the play and leaving it.
 *
 * CPUs that have no part in a play are the kernel's as ever.
 */
#include "kernel/together.h"

#include "kernel/smp.h"
#include "machine/aarch64/baton.h"

struct part {
	void (*fn)(void *);
	void *arg;
	unsigned cpus;
};

static void play(void *arg)
{
	const struct part *part = arg;
	if (mach_cpu() >= part->cpus) return;
	baton_join();
	part->fn(part->arg);
	baton_leave();
}

bool together_run(unsigned cpus, void (*fn)(void *), void *arg, const struct turns_planner *planner,
		  uint64_t limit)
{
	struct part part = { fn, arg, cpus };
	baton_open(cpus, planner, limit, smp_escape);
	const bool whole = smp_run_all(play, &part);
	baton_close();
	return whole;
}

static void play_alone(void *arg)
{
	const struct part *part = arg;
	baton_join_alone();
	part->fn(part->arg);
	baton_leave();
}

bool together_run_on(unsigned cpu, void (*fn)(void *), void *arg)
{
	struct part part = { fn, arg, 1 };
	return smp_run_on(cpu, play_alone, &part);
}
