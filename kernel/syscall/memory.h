/*
 * memory.h -- the calls about a program's memory.
 */
#ifndef KERNEL_SYSCALL_MEMORY_H
#define KERNEL_SYSCALL_MEMORY_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_mmap, sys_munmap, sys_mprotect, sys_mremap, sys_madvise, sys_brk, sys_mincore;
syscall_fn sys_msync, sys_mlock, sys_mlock2, sys_munlock, sys_mlockall, sys_munlockall;
syscall_fn sys_getrandom;

/* clang-format off */
#define MEMORY_CALLS \
	[SYS_mmap] = sys_mmap, [SYS_munmap] = sys_munmap, [SYS_mprotect] = sys_mprotect, \
	[SYS_mremap] = sys_mremap, [SYS_madvise] = sys_madvise, [SYS_brk] = sys_brk, \
	[SYS_mincore] = sys_mincore, [SYS_msync] = sys_msync, [SYS_mlock] = sys_mlock, \
	[SYS_mlock2] = sys_mlock2, [SYS_munlock] = sys_munlock, [SYS_mlockall] = sys_mlockall, \
	[SYS_munlockall] = sys_munlockall, [SYS_getrandom] = sys_getrandom,
/* clang-format on */

#endif
