/*
 * ktrace_inside.h -- what the trace's two files share: ktrace.c writes, ktrace_print.c reads.
 */
#ifndef KERNEL_KTRACE_INSIDE_H
#define KERNEL_KTRACE_INSIDE_H

#include "kernel/ktrace.h"

#define KTRACE_NONE UINT32_MAX /* no call: a thread has made none */

enum { KTRACE_NUMBERS = 4 };
enum ktrace_kind { KTRACE_SWITCH, KTRACE_CLAIM, KTRACE_READY, KTRACE_ENTER, KTRACE_LEAVE };

struct ktrace_entry {
	uint64_t time_ns;
	thread_id thread; /* who did it; THREAD_NONE: nobody, as before the scheduler runs */
	uint32_t kind;    /* enum ktrace_kind */
	uint32_t call;    /* as in ktrace.h; of a switch: the state of who was left */
	uint64_t n[KTRACE_NUMBERS];
};

struct ktrace_ring {
	uint64_t count;
	struct ktrace_entry *entries;
};

/* A thread's last call, and when it last left a CPU. */
struct ktrace_record {
	thread_id thread;
	uint32_t call;
	uint32_t inside; /* 1: entered, not left; 0: left */
	uint64_t entered_ns, left_ns, off_ns;
	uint64_t n[KTRACE_NUMBERS];
	int64_t result;
};

/* Of programs' calls by number, made from abi_calls.h; NULL where Linux has none. */
extern const char *const call_names[];

extern const char *const ktrace_call_names[KTRACE_CALLS];
extern struct ktrace_ring ktrace_rings[CPUS_MAX];
extern struct ktrace_record *ktrace_records;   /* by slot; NULL: the trace is off */
extern uint32_t ktrace_kept;                   /* entries of each ring */
extern uint32_t ktrace_barrier_before;         /* bits of enum ktrace_call */
extern uint32_t ktrace_barriers[KTRACE_CALLS]; /* atomic */

#endif
