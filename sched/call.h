/*
 * call.h -- having another CPU call a function, in its interrupt, and waiting for it; with an end
 * to the waiting, since a CPU that was halted never answers.
 */
#ifndef SCHED_CALL_H
#define SCHED_CALL_H

#include "machine/list.h"
#include "machine/lock.h"

struct call_cpu {
	struct lock lock; /* RANK_CALL */
	struct list calls GUARDED_BY(&lock);
	uint64_t asked;  /* atomic, changed under the lock: how many calls ever were asked of it */
	uint64_t served; /* atomic: how many it has called */
	uint32_t listed; /* atomic, changed under the lock: how many wait to be begun */
	uint32_t pad;
};

struct call_board {
	uint32_t cpus;
	struct call_cpu cpu[CPUS_MAX];
};

enum call_result { CALL_DONE, CALL_TIMEOUT };

void call_init(struct call_board *b, uint32_t cpus);

/*
 * Calls fn(arg) on CPU `cpu`, on this one directly, and waits up to `timeout_ns`, serving others'
 * calls meanwhile.  CALL_TIMEOUT: it was not begun and will not be; once begun it is waited for.
 * fn runs with interrupts masked and may not wait.  Interrupts unmasked, no lock held.  The time is
 * mach_now_ns(), so where only timers move that, the caller has one set.
 */
enum call_result call_cpu(struct call_board *b, uint32_t cpu, void (*fn)(void *arg), void *arg,
			  uint64_t timeout_ns);

/* All CPUs of the bits `cpus` but this one, at the same time, so fn() may run on several at once;
 * the bits of those that did not begin within `timeout_ns`. */
uint32_t call_cpus(struct call_board *b, uint32_t cpus, void (*fn)(void *arg), void *arg,
		   uint64_t timeout_ns);

/* From the handler of mach_ipi(): calls what was asked of this CPU before it began to look. */
void call_serve(struct call_board *b);

const char *call_check(struct call_board *b); /* NULL when sound */

#endif
