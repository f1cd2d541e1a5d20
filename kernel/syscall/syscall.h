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

/* For syscall_do() alone: what a number without a row is answered; and an answer below all errors,
 * which is not for the program. */
int64_t syscall_unknown(struct task *t, uint32_t number);
void syscall_interrupted(struct task *t, int64_t answer);

/*
 * Does the call that t->regs ask for (number in w8, arguments in x0 to x5) and leaves the answer in
 * x0; or an enum task_answer in t->interrupted, with t->work set: there is something to do before
 * the program goes on.  A thread's own context, interrupts unmasked, nothing held.  In line, for
 * who takes the exception: about 18 instructions besides the call's own.
 */
static inline void syscall_do(struct task *t)
{
	struct user_regs *regs = t->regs;
	const uint32_t number = (uint32_t)regs->x[8];
	int64_t answer;

	if (UNLIKELY(number >= SYS_CALLS || syscall_table[number] == NULL))
		answer = syscall_unknown(t, number);
	else
		answer = syscall_table[number](t, regs->x);
	if (UNLIKELY(answer < ANSWER_LOWEST_ERRNO))
		syscall_interrupted(t, answer);
	else
		regs->x[0] = (uint64_t)answer;
}

#endif
