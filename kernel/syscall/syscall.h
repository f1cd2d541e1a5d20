/*
 * syscall.h -- Linux's system calls, AArch64: from a task's registers to what does it, and back.
 *
 * Each call is a function of the task and the six arguments as they came; its answer goes into x0,
 * errors negated.  `arg` are the task's registers themselves, so a call that changes these has read
 * its arguments before.
 *
 * A file of this folder offers its calls in its header: their declarations, and a macro with a row
 * of the table for each ("[SYS_munmap] = sys_munmap,").  table.c is where all these macros stand.
 * A number without a row answers -ERR_NOSYS and is logged once.
 */
#ifndef KERNEL_SYSCALL_SYSCALL_H
#define KERNEL_SYSCALL_SYSCALL_H

#include "kernel/abi.h"
#include "kernel/task/task.h"

typedef int64_t syscall_fn(struct task *t, const uint64_t *arg);

extern syscall_fn *const syscall_table[SYS_CALLS];

/* Does the call that t->regs ask for (number in w8, arguments in x0 to x5) and leaves the answer in
 * x0; or an enum task_answer in t->interrupted, with t->work set.  A thread's own context,
 * interrupts unmasked, nothing held. */
void syscall_do(struct task *t);

#endif
