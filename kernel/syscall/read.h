/*
 * read.h -- calls that move bytes of open files, or the place where they are moved.
 */
#ifndef KERNEL_SYSCALL_READ_H
#define KERNEL_SYSCALL_READ_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_read, sys_write, sys_readv, sys_writev, sys_pread64, sys_pwrite64, sys_preadv,
	sys_pwritev, sys_lseek, sys_sendfile;

#define READ_CALLS                                                                             \
	[SYS_read] = sys_read, [SYS_write] = sys_write, [SYS_readv] = sys_readv,               \
	[SYS_writev] = sys_writev, [SYS_pread64] = sys_pread64, [SYS_pwrite64] = sys_pwrite64, \
	[SYS_preadv] = sys_preadv, [SYS_pwritev] = sys_pwritev, [SYS_lseek] = sys_lseek,       \
	[SYS_sendfile] = sys_sendfile,

#endif
