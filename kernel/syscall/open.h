/*
 * open.h -- calls that make, copy, mark and close descriptors.
 */
#ifndef KERNEL_SYSCALL_OPEN_H
#define KERNEL_SYSCALL_OPEN_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_openat, sys_close, sys_close_range, sys_dup, sys_dup3, sys_fcntl, sys_ioctl,
	sys_pipe2;

/* clang-format off */
#define OPEN_CALLS                                                                               \
	[SYS_openat] = sys_openat, [SYS_close] = sys_close, [SYS_close_range] = sys_close_range, \
	[SYS_dup] = sys_dup, [SYS_dup3] = sys_dup3, [SYS_fcntl] = sys_fcntl,                     \
	[SYS_ioctl] = sys_ioctl, [SYS_pipe2] = sys_pipe2,
/* clang-format on */

#endif
