/*
 * bench.h -- figures in guest instructions, under QEMU's -icount shift=0, where each instruction
 * takes a nanosecond of the machine's time.
 */
#ifndef KERNEL_BENCH_H
#define KERNEL_BENCH_H

#include "machine/base.h"

/* A figure of a table: `run` does its work `times` times over, and has a state of its own. */
struct bench {
	const char *name;
	void (*run)(uint32_t times);
	uint32_t times;
	uint32_t share;  /* what one time is divided by: pages in it, say */
	uint32_t target; /* the figure is to be below; 0: for the record */
	/* A smaller piece of work, run as often, that is taken off; NULL: none. */
	void (*less)(uint32_t times);
};

/* Runs each once to warm up, then for its figure, interrupts masked; prints a line for each.  How
 * many are not below their target. */
unsigned bench_run(const struct bench *benches, unsigned count);

/* The figures of spaces (bench_space.c); how many are missed. */
unsigned bench_spaces(void);

/* Inside a run: what is done between the two is not counted. */
void bench_pause(void);
void bench_resume(void);

/* Prints one figure, in tenths of instructions; false when it is not below `target` (0: none). */
bool bench_tell(const char *name, uint64_t tenths, unsigned target);

#endif
