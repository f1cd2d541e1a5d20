/*
 * exec.h -- the calls that run another program.
 */
#ifndef KERNEL_SYSCALL_EXEC_H
#define KERNEL_SYSCALL_EXEC_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_execve, sys_execveat;

/* clang-format off */
#define EXEC_CALLS                                                                                 \
	[SYS_execve] = sys_execve,                                                                 \
	[SYS_execveat] = sys_execveat,
/* clang-format on */

#endif
