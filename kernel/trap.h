/*
 * trap.h -- what exceptions from EL0 lead to in the image.
 */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include "kernel/trap_judge.h"
#include "mm/space.h"

/*
 * An exception from EL0, of a program with the space `s`, with ESR_EL1 and FAR_EL1: brings the page
 * that was missing, or works out why there is none.  False: the program goes on.  True: *signal is
 * what it is to get for it.  Interrupts unmasked, nothing held.
 */
bool trap_refused(struct space *s, struct user_regs *regs, uint64_t esr, uint64_t far,
		  struct trap_verdict *signal);

#endif
