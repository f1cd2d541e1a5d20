/*
 * sched_interrupts.h -- interrupts of a run's CPUs, where they go to a scheduler of the world.
 */
#ifndef FUZZ_SCHED_INTERRUPTS_H
#define FUZZ_SCHED_INTERRUPTS_H

#include "fuzz/frame/subject.h"
#include "sched/sched.h"

static inline void sched_interrupts_timer(void *sched)
{
	sched_timer_fired(sched);
}

static inline void sched_interrupts_ipi(void *sched)
{
	sched_ipi_came(sched);
}

/* Until the machine's next reset; nothing where CPUs have interrupts of their own. */
static inline void sched_takes_interrupts(const struct run *run, struct sched *s)
{
	if (run->machine->handlers != NULL)
		run->machine->handlers(sched_interrupts_timer, sched_interrupts_ipi, s);
}

#endif
