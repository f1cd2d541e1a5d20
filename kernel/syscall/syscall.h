/*
 * syscall.h -- Linux's system calls, AArch64: from a task's registers to what does it, and back.
 *
 * Each call is a function of the task and the six arguments as they came; its answer goes into x0,
 * errors negated.  The table is made of rows that the files of this folder offer; a number that has
 * none answers -ERR_NOSYS and is logged once.
 */
#ifndef KERNEL_SYSCALL_SYSCALL_H
#define KERNEL_SYSCALL_SYSCALL_H

#include "kernel/task/task.h"

typedef int64_t syscall_fn(struct task *t, const uint64_t *arg);

/* Does the call that t->regs ask for (number in x8, arguments in x0 to x5) and leaves the answer in
 * x0, unless the call has set the registers itself (rt_sigreturn, execve).  A thread's own context,
 * interrupts unmasked, nothing held. */
void syscall_do(struct task *t);

#endif
