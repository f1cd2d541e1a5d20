/*
 * identity.h -- the calls about who a task is and what machine it is on.
 */
#ifndef KERNEL_SYSCALL_IDENTITY_H
#define KERNEL_SYSCALL_IDENTITY_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_root_id, sys_set_id, sys_set_ids, sys_get_ids, sys_getgroups, sys_setgroups;
syscall_fn sys_uname, sys_sethostname, sys_setdomainname, sys_prctl, sys_personality, sys_reboot;
syscall_fn sys_syslog, sys_absent;

/* clang-format off */
#define IDENTITY_CALLS \
	[SYS_getuid] = sys_root_id, [SYS_geteuid] = sys_root_id, [SYS_getgid] = sys_root_id, \
	[SYS_getegid] = sys_root_id, [SYS_setuid] = sys_set_id, [SYS_setgid] = sys_set_id, \
	[SYS_setfsuid] = sys_root_id, [SYS_setfsgid] = sys_root_id, [SYS_setreuid] = sys_set_ids, \
	[SYS_setregid] = sys_set_ids, [SYS_setresuid] = sys_set_ids, \
	[SYS_setresgid] = sys_set_ids, [SYS_getresuid] = sys_get_ids, \
	[SYS_getresgid] = sys_get_ids, [SYS_getgroups] = sys_getgroups, \
	[SYS_setgroups] = sys_setgroups, [SYS_uname] = sys_uname, \
	[SYS_sethostname] = sys_sethostname, [SYS_setdomainname] = sys_setdomainname, \
	[SYS_prctl] = sys_prctl, [SYS_personality] = sys_personality, [SYS_reboot] = sys_reboot, \
	[SYS_syslog] = sys_syslog, [SYS_rseq] = sys_absent, [SYS_membarrier] = sys_absent,
/* clang-format on */

/* The names that uname tells until somebody sets others. */
void host_names_begin(struct task_world *w);

#endif
