/*
 * trap_judge.h -- what an exception from EL0 means, by ESR_EL1 and FAR_EL1 alone.
 */
#ifndef KERNEL_TRAP_JUDGE_H
#define KERNEL_TRAP_JUDGE_H

#include "machine/machine.h"

enum trap_kind {
	TRAP_PAGE,   /* an access to `address` that its space may allow: space_fault() */
	TRAP_SIGNAL, /* the program's fault */
	TRAP_SKIP,   /* an instruction that does nothing: the program goes on behind it */
};

struct trap_verdict {
	enum trap_kind kind;
	enum mach_access access; /* of TRAP_PAGE */
	int signal, code;        /* of TRAP_SIGNAL, as Linux has them in siginfo */
	uint64_t address;        /* si_addr; of TRAP_PAGE without its tag */
};

/* Of any exception from EL0 but a system call or an interrupt; `regs` are the program's. */
struct trap_verdict trap_judge(const struct user_regs *regs, uint64_t esr, uint64_t far);

#endif
