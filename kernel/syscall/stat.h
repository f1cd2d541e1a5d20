/*
 * stat.h -- calls that tell of files, and change what is told.
 */
#ifndef KERNEL_SYSCALL_STAT_H
#define KERNEL_SYSCALL_STAT_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_fstat, sys_newfstatat, sys_statx, sys_statfs, sys_fstatfs, sys_readlinkat,
	sys_faccessat, sys_faccessat2, sys_fchmod, sys_fchmodat, sys_fchown, sys_fchownat,
	sys_utimensat;

#define STAT_CALLS                                                                                 \
	[SYS_fstat] = sys_fstat, [SYS_newfstatat] = sys_newfstatat, [SYS_statx] = sys_statx,       \
	[SYS_statfs] = sys_statfs, [SYS_fstatfs] = sys_fstatfs, [SYS_readlinkat] = sys_readlinkat, \
	[SYS_faccessat] = sys_faccessat, [SYS_faccessat2] = sys_faccessat2,                        \
	[SYS_fchmod] = sys_fchmod, [SYS_fchmodat] = sys_fchmodat, [SYS_fchown] = sys_fchown,       \
	[SYS_fchownat] = sys_fchownat, [SYS_utimensat] = sys_utimensat,

#endif
