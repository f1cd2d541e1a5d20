/*
 * ktrace.h -- what CPUs and threads did last, for when something hangs: a ring of entries for each
 * CPU, each thread's last call, and barriers before memory calls.  Calls are the kernel's own
 * memory calls (vm.h), and all that programs make.
 *
 * Boot arguments: trace or trace=N, entries that each CPU keeps (64); barrier=mmap, munmap, fork or
 * all, a full barrier before each of these calls, to see whether a hang goes away with it.
 *
 * Off unless asked for: then nothing is allocated, and a call pays less than 20 instructions.
 */
#ifndef KERNEL_KTRACE_H
#define KERNEL_KTRACE_H

#include "sched/sched.h"

/* A program's call is its number and KTRACE_SYSTEM. */
enum ktrace_call { KTRACE_MMAP, KTRACE_MUNMAP, KTRACE_FORK, KTRACE_CALLS, KTRACE_SYSTEM = 16 };

/* Makes the rings where the boot arguments ask for them, for `cpus` CPUs and `slots` slots of
 * threads.  NULL, or why it cannot be done. */
const char *ktrace_start(const char *bootargs, unsigned cpus, uint32_t slots);

bool ktrace_is_on(void);

/* For the scheduler's hooks, while it is on. */
void ktrace_switch(const struct thread *from, const struct thread *to);
void ktrace_observe(void *unused, enum sched_seen seen, const struct thread *t);

/* --- calls ------------------------------------------------------------------------------------ */

enum { KTRACE_RECORDS = 1, KTRACE_BARRIERS = 2 };
extern uint32_t ktrace_calls; /* bits of these two */

void ktrace_entered(enum ktrace_call call, uint64_t a, uint64_t b, uint64_t c);
void ktrace_left(enum ktrace_call call, int64_t result);

/* The same for a program's call, with its arguments, x0 to x5. */
void ktrace_call_entered(uint32_t number, const uint64_t *arg);
void ktrace_call_left(uint32_t number, int64_t result);

/* Around a call, by the thread that makes it. */
static inline void ktrace_enter(enum ktrace_call call, uint64_t a, uint64_t b, uint64_t c)
{
	if (UNLIKELY(ktrace_calls != 0)) ktrace_entered(call, a, b, c);
}

static inline void ktrace_leave(enum ktrace_call call, int64_t result)
{
	if (UNLIKELY(ktrace_calls != 0)) ktrace_left(call, result);
}

/* --- reports, without locks: console_report() ------------------------------------------------- */

/* What thread `t` did with its last call, as the rest of a line: "entered and not left" is a hang
 * inside the call, "left and not resumed" one after it.  Nothing where it made none. */
void ktrace_print_call(const struct thread *t, uint64_t now_ns);

/* The last calls of all threads that do not run; then all that the rings have, by time. */
void ktrace_print(uint64_t now_ns);

/* Before the machine is left: how many barriers there were, and how the run ended. */
void ktrace_print_barriers(int status);

#endif
