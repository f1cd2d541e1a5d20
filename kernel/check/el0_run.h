/*
 * el0_run.h -- runs the programs of el0_users.S in processes of their own, without tasks: what they
 * ask for is done here.
 */
#ifndef KERNEL_EL0_RUN_H
#define KERNEL_EL0_RUN_H

#include "kernel/check/el0_users.h"
#include "kernel/process.h"
#include "kernel/trap.h"

#define EL0_NAME(name) EL0_AT_##name,
enum el0_name { EL0_USERS(EL0_NAME) EL0_NAMES };
#undef EL0_NAME

#define EL0_CODE 0x400000ull
#define EL0_DATA 0x10000000ull   /* two pages, the second of which may only be read */
#define EL0_STACKS 0x20000000ull /* of each thread EL0_STACK_BYTES, a gap before each */
enum { EL0_STACK_BYTES = 16 << 10, EL0_THREADS_MAX = 8 };

/* A thread; what it is to do, and then how that ended. */
struct el0_user {
	enum el0_name name;
	uint64_t arg;
	uint32_t affinity; /* bits of CPUs; 0: all */
	bool later;        /* begun by another's EL0_FORK_FLOATS, not at once */
	bool refused;      /* by `verdict`; else it left with `code` */
	bool ended;        /* by el0_end() */
	uint64_t code;
	uint64_t from_ns, to_ns; /* when it went to EL0, and when it left for good */
	struct trap_verdict verdict;
	struct el0_group *group;
	struct user_regs *regs;
	struct mach_fp *floats; /* to begin with, or NULL: none */
	uint32_t work;          /* atomic */
	/* A sweep: words of code, each to be begun in turn whatever became of the one before. */
	uint32_t sweeps, at; /* how many, and the next; atomic reads */
};

/* A process. */
struct el0_group {
	struct el0_user users[EL0_THREADS_MAX];
	unsigned count;
	const uint32_t *code; /* instead of el0_users.S: so many words, for a sweep */
	process_id id;
	struct space *space;
	const char *wrong;           /* with itself */
	struct mach_fp forked, kept; /* floating-point registers */
};

/* From here on exceptions from EL0 come here. */
void el0_open(void);

/* Begins the group's threads, all but those of `later`; false: not even the first.  And waits until
 * all are gone and their process is; a panic, "hang", if that takes too long. */
bool el0_begin(struct el0_group *g);
void el0_wait(void);

/* Ends a thread, as when it were killed. */
void el0_end(struct el0_user *u);

/* Registers to begin with, but for the program counter. */
void el0_fresh(struct el0_user *u);

#endif
