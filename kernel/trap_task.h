/*
 * trap_task.h -- exceptions from EL0 lead to tasks.
 */
#ifndef KERNEL_TRAP_TASK_H
#define KERNEL_TRAP_TASK_H

#include "kernel/task/task.h"

/* From here on whatever comes from EL0 is of tasks.  After ksched_start(). */
void trap_open(void);

/* For struct task_machine: goes on in the task's program, with t->regs and t->tls, which is how it
 * begins, and begins anew after execve. */
NORETURN void trap_run(struct task *t);

#endif
