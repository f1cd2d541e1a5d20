/*
 * poll.h -- calls that wait for any of several files.
 */
#ifndef KERNEL_SYSCALL_POLL_H
#define KERNEL_SYSCALL_POLL_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_ppoll, sys_pselect6;

#define POLL_CALLS [SYS_ppoll] = sys_ppoll, [SYS_pselect6] = sys_pselect6,

#endif
