/*
 * futex.h -- the calls about futexes: kernel/task/futex.h.
 */
#ifndef KERNEL_SYSCALL_FUTEX_H
#define KERNEL_SYSCALL_FUTEX_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_futex, sys_set_robust_list, sys_get_robust_list;

/* clang-format off */
#define FUTEX_CALLS \
	[SYS_futex] = sys_futex, [SYS_set_robust_list] = sys_set_robust_list, \
	[SYS_get_robust_list] = sys_get_robust_list,
/* clang-format on */

#endif
