/*
 * users.h -- the kernel's instances of what programs see: tasks, files, the terminal, execve; and
 * the first program.
 *
 * Boot arguments: init=PATH, the first program (/init); -- and words behind it, its arguments;
 * random, programs and stacks lie anywhere (kernel/chance.h); time=N, what time it was at the
 * start, in seconds since 1970 (0); warn-memory=KIB, a line for each program that grows above (0:
 * none).
 */
#ifndef KERNEL_USERS_H
#define KERNEL_USERS_H

#include "kernel/task/task.h"

extern struct task_world kernel_tasks;

/* Makes all of it; what an initrd has is in the tree then.  From a thread, once.  NULL, or what is
 * wrong, having said where. */
const char *users_start(void);

/* Runs the first program until it ends: the status that it exited with, 128 and the number of the
 * signal that killed it, or an enum status with a line said why it could not be run. */
int users_run(void);

#endif
