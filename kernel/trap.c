/*
 * trap.c -- what exceptions from EL0 lead to: pages, signals, system calls.
 *
 * Locks: none here.
 */
#include "kernel/trap.h"

#include "kernel/abi.h"

enum { INSTRUCTION_BYTES = 4 };

/* A page that is not there for want of memory costs who wanted it its life. */
static bool page_refused(struct space *s, struct trap_verdict *v)
{
	v->kind = TRAP_SIGNAL;
	v->signal = SIGSEGV;
	switch (space_fault(s, v->address, v->access)) {
	case FAULT_DONE: return false;
	case FAULT_NOT_MAPPED: v->code = SEGV_MAPERR; return true;
	case FAULT_NOT_ALLOWED: v->code = SEGV_ACCERR; return true;
	case FAULT_BEYOND:
		v->signal = SIGBUS;
		v->code = BUS_ADRERR;
		return true;
	case FAULT_NO_MEMORY: break;
	}
	v->signal = SIGKILL;
	v->code = SI_KERNEL;
	return true;
}

bool trap_refused(struct space *s, struct user_regs *regs, uint64_t esr, uint64_t far,
		  struct trap_verdict *signal)
{
	*signal = trap_judge(regs, esr, far);
	switch (signal->kind) {
	case TRAP_PAGE: return page_refused(s, signal);
	case TRAP_SKIP: regs->pc += INSTRUCTION_BYTES; return false;
	default: return true;
	}
}
