/*
 * folder.h -- calls that change names, list them, and say where the caller is; sizes of files;
 * mounts.
 */
#ifndef KERNEL_SYSCALL_FOLDER_H
#define KERNEL_SYSCALL_FOLDER_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_mkdirat, sys_mknodat, sys_unlinkat, sys_renameat, sys_renameat2, sys_linkat,
	sys_symlinkat, sys_getdents64, sys_getcwd, sys_chdir, sys_chroot, sys_fchdir, sys_umask;
syscall_fn sys_truncate, sys_ftruncate, sys_fallocate, sys_sync, sys_fsync, sys_mount, sys_umount2;

#define FOLDER_CALLS                                                                               \
	[SYS_mkdirat] = sys_mkdirat, [SYS_mknodat] = sys_mknodat, [SYS_unlinkat] = sys_unlinkat,   \
	[SYS_renameat] = sys_renameat, [SYS_renameat2] = sys_renameat2, [SYS_linkat] = sys_linkat, \
	[SYS_symlinkat] = sys_symlinkat, [SYS_getdents64] = sys_getdents64,                        \
	[SYS_getcwd] = sys_getcwd, [SYS_chdir] = sys_chdir, [SYS_chroot] = sys_chroot,             \
	[SYS_fchdir] = sys_fchdir, [SYS_umask] = sys_umask, [SYS_truncate] = sys_truncate,         \
	[SYS_ftruncate] = sys_ftruncate, [SYS_fallocate] = sys_fallocate, [SYS_sync] = sys_sync,   \
	[SYS_fsync] = sys_fsync, [SYS_fdatasync] = sys_fsync, [SYS_mount] = sys_mount,             \
	[SYS_umount2] = sys_umount2,

#endif
