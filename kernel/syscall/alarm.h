/*
 * alarm.h -- the calls about interval timers.
 */
#ifndef KERNEL_SYSCALL_ALARM_H
#define KERNEL_SYSCALL_ALARM_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_setitimer, sys_getitimer;

#define ALARM_CALLS [SYS_setitimer] = sys_setitimer, [SYS_getitimer] = sys_getitimer,

#endif
