/*
 * signal.h -- the calls about signals: kernel/task/signal.h.
 */
#ifndef KERNEL_SYSCALL_SIGNAL_H
#define KERNEL_SYSCALL_SIGNAL_H

#include "kernel/syscall/syscall.h"

syscall_fn sys_kill, sys_tkill, sys_tgkill, sys_rt_sigqueueinfo, sys_rt_tgsigqueueinfo;
syscall_fn sys_rt_sigaction, sys_rt_sigprocmask, sys_rt_sigpending, sys_rt_sigsuspend;
syscall_fn sys_rt_sigtimedwait, sys_rt_sigreturn, sys_sigaltstack;

/* clang-format off */
#define SIGNAL_CALLS \
	[SYS_kill] = sys_kill, [SYS_tkill] = sys_tkill, [SYS_tgkill] = sys_tgkill, \
	[SYS_rt_sigqueueinfo] = sys_rt_sigqueueinfo, \
	[SYS_rt_tgsigqueueinfo] = sys_rt_tgsigqueueinfo, \
	[SYS_rt_sigaction] = sys_rt_sigaction, [SYS_rt_sigprocmask] = sys_rt_sigprocmask, \
	[SYS_rt_sigpending] = sys_rt_sigpending, [SYS_rt_sigsuspend] = sys_rt_sigsuspend, \
	[SYS_rt_sigtimedwait] = sys_rt_sigtimedwait, [SYS_rt_sigreturn] = sys_rt_sigreturn, \
	[SYS_sigaltstack] = sys_sigaltstack,
/* clang-format on */

#endif
