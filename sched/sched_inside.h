/*
 * sched_inside.h -- what the files of the scheduler promise each other.  For them alone.
 *
 * In all of these interrupts are masked: mach_cpu() is steady but across a switch.
 */
#ifndef SCHED_SCHED_INSIDE_H
#define SCHED_SCHED_INSIDE_H

#include "sched/sched.h"

static inline struct sched_cpu *sched_here(struct sched *s)
{
	ASSERT_SLOW(mach_irq_masked());
	return &s->cpu[mach_cpu()];
}

static inline bool sched_may_run(const struct thread *t, uint32_t cpu)
{
	return (t->affinity >> cpu & 1) != 0;
}

/* --- sched_switch.c --------------------------------------------------------------------------- */

/*
 * With the lock of c, this CPU's: goes on in `to`, which is READY and in no queue any more; the
 * caller's thread has been moved on before.  Returns when somebody has switched back, on whatever
 * CPU that is; no lock is held then.
 */
void sched_switch_locked(struct sched *s, struct sched_cpu *c, struct thread *to, uint64_t now_ns);

/* No lock held: the thread that runs here goes on, or, where another should run, READY or on its
 * way to a CPU that it may run on.  An idle thread goes on. */
void sched_choose(struct sched *s);

/* The first function of a new context; `arg` is the scheduler. */
void sched_begin(void *arg);

/* --- sched_wake.c ----------------------------------------------------------------------------- */

/* Takes the lock of the run queue that the thread belongs to: t->cpu is steady then. */
struct sched_cpu *sched_lock_cpu_of(struct sched *s, struct thread *t);

/* With the lock of t->cpu: a CPU that is online and that t may run on, that one if it can be. */
uint32_t sched_cpu_for_locked(struct sched *s, const struct thread *t);

/* For who alone moves the thread on, no run queue's lock held: into a run queue, whatever comes
 * between.  It is INITIALIZING, READY in no queue, or RUNNING on no CPU; t->cpu is of s. */
void sched_place(struct sched *s, struct thread *t);

/* Something came into c's queue, or priorities changed, with its lock held: whether that CPU is to
 * be told; the second, with the lock dropped, tells it. */
enum sched_press { PRESS_NONE, PRESS_IDLE, PRESS_CLOCK, PRESS_CHOOSE };
enum sched_press sched_press_locked(struct sched_cpu *c, uint64_t now_ns);
void sched_tell(struct sched *s, uint32_t cpu, enum sched_press press);

/* A thread that may run on the CPUs `affinity` is ready on `cpu`, which is busy: if another idles
 * that could take it, that one is woken. */
void sched_offer(struct sched *s, uint32_t affinity, uint32_t cpu);

/* --- sched_clock.c ---------------------------------------------------------------------------- */

/* With the lock of c, this CPU's: who runs there now has a slice if it needs one. */
void sched_slice_locked(struct sched *s, struct sched_cpu *c, uint64_t now_ns);

/* c is this CPU: its timer comes no later than there is something to do; the second form: then,
 * and not before. */
void sched_clock_set(struct sched_cpu *c);
void sched_clock_set_exactly(struct sched_cpu *c);

/* --- sched_balance.c -------------------------------------------------------------------------- */

/* A slice may have ended on c, this CPU, no lock held: gives a thread to a CPU that has fewer. */
void sched_balance(struct sched *s, struct sched_cpu *c);

/* --- reap.c ----------------------------------------------------------------------------------- */

/* `t` has ended on c, this CPU, which has left its context; no lock held. */
void sched_bury(struct sched *s, struct sched_cpu *c, struct thread *t);

/* Reaps the dead of c; how many. */
uint32_t sched_reap_of(struct sched *s, struct sched_cpu *c);

/* A collector as new; and off duty, where c, this CPU, has just reaped its dead and idles. */
void sched_collector_init(struct sched_cpu *c);
void sched_collector_rest(struct sched_cpu *c);

#endif
