/*
 * schedule.h -- the calls about who runs when, and where.
 */
#ifndef KERNEL_SYSCALL_SCHEDULE_H
#define KERNEL_SYSCALL_SCHEDULE_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_sched_yield, sys_sched_setaffinity, sys_sched_getaffinity;
syscall_fn sys_sched_setscheduler, sys_sched_getscheduler, sys_sched_setparam, sys_sched_getparam;
syscall_fn sys_sched_get_priority_max, sys_sched_get_priority_min, sys_sched_rr_get_interval;
syscall_fn sys_setpriority, sys_getpriority, sys_getcpu;

/* clang-format off */
#define SCHEDULE_CALLS \
	[SYS_sched_yield] = sys_sched_yield, [SYS_sched_setaffinity] = sys_sched_setaffinity, \
	[SYS_sched_getaffinity] = sys_sched_getaffinity, \
	[SYS_sched_setscheduler] = sys_sched_setscheduler, \
	[SYS_sched_getscheduler] = sys_sched_getscheduler, \
	[SYS_sched_setparam] = sys_sched_setparam, [SYS_sched_getparam] = sys_sched_getparam, \
	[SYS_sched_get_priority_max] = sys_sched_get_priority_max, \
	[SYS_sched_get_priority_min] = sys_sched_get_priority_min, \
	[SYS_sched_rr_get_interval] = sys_sched_rr_get_interval, \
	[SYS_setpriority] = sys_setpriority, [SYS_getpriority] = sys_getpriority, \
	[SYS_getcpu] = sys_getcpu,
/* clang-format on */

/* The scheduler's priority for it: 0 to PRIORITIES - 1; and how long its turns are, where usual
 * ones are so long (at most 2^58). */
unsigned schedule_priority(const struct task_schedule *s);
uint64_t schedule_slice_ns(const struct task_schedule *s, uint64_t usual_ns);

#endif
