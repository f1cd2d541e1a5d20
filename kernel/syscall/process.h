/*
 * process.h -- the calls about tasks and groups: made, ended, waited for, numbered, grouped.
 */
#ifndef KERNEL_SYSCALL_PROCESS_H
#define KERNEL_SYSCALL_PROCESS_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_clone, sys_clone3, sys_exit, sys_exit_group, sys_wait4, sys_waitid, sys_unshare;
syscall_fn sys_set_tid_address, sys_getpid, sys_getppid, sys_gettid;
syscall_fn sys_setpgid, sys_getpgid, sys_setsid, sys_getsid;

/* clang-format off */
#define PROCESS_CALLS \
	[SYS_clone] = sys_clone, [SYS_clone3] = sys_clone3, [SYS_exit] = sys_exit, \
	[SYS_exit_group] = sys_exit_group, [SYS_wait4] = sys_wait4, [SYS_waitid] = sys_waitid, \
	[SYS_set_tid_address] = sys_set_tid_address, [SYS_getpid] = sys_getpid, \
	[SYS_getppid] = sys_getppid, [SYS_gettid] = sys_gettid, [SYS_setpgid] = sys_setpgid, \
	[SYS_getpgid] = sys_getpgid, [SYS_setsid] = sys_setsid, [SYS_getsid] = sys_getsid, \
	[SYS_unshare] = sys_unshare,
/* clang-format on */

#endif
