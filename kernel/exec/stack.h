/*
 * stack.h -- what a program finds on its stack when it begins: arguments, environment, and what the
 * kernel tells it (the auxiliary vector), as Linux has them on AArch64.
 */
#ifndef KERNEL_EXEC_STACK_H
#define KERNEL_EXEC_STACK_H

#include "kernel/exec/args.h"

enum { STACK_RANDOM_BYTES = 16 };

/* All that is to be on it.  Addresses are those that the program runs at. */
struct stack_plan {
	struct space *space;
	uint64_t top; /* one past its highest byte, a multiple of 16 */
	const struct args *arguments, *environment;
	const char *path; /* that the program was called by (AT_EXECFN) */
	uint64_t entry;
	uint64_t table; /* the program's segments, and how many */
	uint32_t segments;
	uint64_t base; /* where its interpreter was put; 0: it has none */
	uint64_t capabilities, capabilities2;
	uint32_t uid, acting_uid, gid, acting_gid; /* whose it is */
	bool secure;                               /* it has rights that who began it has not */
	const char *platform;
	uint8_t random[STACK_RANDOM_BYTES];
};

/* Bytes that it takes, at most. */
uint64_t stack_bytes(const struct stack_plan *plan);

/* Writes it; *sp is where the program's stack pointer begins, a multiple of 16.  0, or -ERR_FAULT:
 * what is mapped there cannot be written to, or there was no memory for it. */
int stack_write(const struct stack_plan *plan, uint64_t *sp);

#endif
