/*
 * limit.h -- the calls about limits, and about what was used.
 */
#ifndef KERNEL_SYSCALL_LIMIT_H
#define KERNEL_SYSCALL_LIMIT_H

#include "kernel/abi.h"
#include "kernel/syscall/syscall.h"

syscall_fn sys_prlimit64, sys_getrlimit, sys_setrlimit, sys_getrusage, sys_sysinfo;

/* clang-format off */
#define LIMIT_CALLS \
	[SYS_prlimit64] = sys_prlimit64, [SYS_getrlimit] = sys_getrlimit, \
	[SYS_setrlimit] = sys_setrlimit, [SYS_getrusage] = sys_getrusage, \
	[SYS_sysinfo] = sys_sysinfo,
/* clang-format on */

/* What was used, as programs are told. */
struct abi_rusage rusage_of(const struct task_used *used);

/* Those of the first program: Linux's. */
void limits_begin(struct limit limits[LIMITS]);

/* The space is from now on bound by the group's limits: of all that it maps, of data, of stacks. */
void limits_give(const struct limit limits[LIMITS], struct space *s);

#endif
