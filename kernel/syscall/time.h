/*
 * time.h -- the calls about clocks and sleeping, and what others need of times.
 */
#ifndef KERNEL_SYSCALL_TIME_H
#define KERNEL_SYSCALL_TIME_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_clock_gettime, sys_clock_getres, sys_clock_settime, sys_gettimeofday;
syscall_fn sys_settimeofday, sys_nanosleep, sys_clock_nanosleep, sys_times, sys_restart_syscall;
syscall_fn sys_sched_yield;

/* clang-format off */
#define TIME_CALLS \
	[SYS_clock_gettime] = sys_clock_gettime, [SYS_clock_getres] = sys_clock_getres, \
	[SYS_clock_settime] = sys_clock_settime, [SYS_gettimeofday] = sys_gettimeofday, \
	[SYS_settimeofday] = sys_settimeofday, [SYS_nanosleep] = sys_nanosleep, \
	[SYS_clock_nanosleep] = sys_clock_nanosleep, [SYS_times] = sys_times, \
	[SYS_restart_syscall] = sys_restart_syscall,
/* clang-format on */

#define TIME_NS_MAX ((uint64_t)INT64_MAX) /* later than that is that */

/* As Linux judges a struct timespec: not negative, less than 10^9 nanoseconds.  In nanoseconds, at
 * most TIME_NS_MAX. */
bool time_ns_of(const struct abi_timespec *time, uint64_t *ns);
struct abi_timespec time_of_ns(uint64_t ns);

uint64_t time_after(uint64_t from_ns, uint64_t ns); /* from + ns, at most TIME_NS_MAX */

/* When mach_now_ns() will be what CLOCK_REALTIME is at wall_ns; 0: it was before. */
uint64_t time_of_wall(const struct task *t, uint64_t wall_ns);

#endif
