/*
 * identity.h -- the calls about who a task is and what machine it is on.
 */
#ifndef KERNEL_SYSCALL_IDENTITY_H
#define KERNEL_SYSCALL_IDENTITY_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_getuid, sys_geteuid, sys_getgid, sys_getegid, sys_setuid, sys_setgid, sys_setreuid;
syscall_fn sys_setregid, sys_setresuid, sys_setresgid, sys_getresuid, sys_getresgid, sys_setfsuid;
syscall_fn sys_setfsgid, sys_getgroups, sys_setgroups;
syscall_fn sys_uname, sys_sethostname, sys_setdomainname, sys_prctl, sys_personality, sys_reboot;
syscall_fn sys_syslog, sys_absent;

/* clang-format off */
#define IDENTITY_CALLS \
	[SYS_getuid] = sys_getuid, [SYS_geteuid] = sys_geteuid, [SYS_getgid] = sys_getgid, \
	[SYS_getegid] = sys_getegid, [SYS_setuid] = sys_setuid, [SYS_setgid] = sys_setgid, \
	[SYS_setfsuid] = sys_setfsuid, [SYS_setfsgid] = sys_setfsgid, \
	[SYS_setreuid] = sys_setreuid, [SYS_setregid] = sys_setregid, \
	[SYS_setresuid] = sys_setresuid, [SYS_setresgid] = sys_setresgid, \
	[SYS_getresuid] = sys_getresuid, [SYS_getresgid] = sys_getresgid, \
	[SYS_getgroups] = sys_getgroups, \
	[SYS_setgroups] = sys_setgroups, [SYS_uname] = sys_uname, \
	[SYS_sethostname] = sys_sethostname, [SYS_setdomainname] = sys_setdomainname, \
	[SYS_prctl] = sys_prctl, [SYS_personality] = sys_personality, [SYS_reboot] = sys_reboot, \
	[SYS_syslog] = sys_syslog, [SYS_rseq] = sys_absent, [SYS_membarrier] = sys_absent,
/* clang-format on */

/* The names that uname tells until somebody sets others. */
void host_names_begin(struct task_world *w);

#endif
