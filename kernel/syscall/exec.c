/*
 * exec.c -- the calls that run another program: arguments for kernel/exec.
 *
 * Locks: none here.
 */
#include "kernel/syscall/exec.h"

#include "kernel/exec/exec.h"

int64_t sys_execve(struct task *t, const uint64_t *arg)
{
	return exec_call(t, AT_FDCWD, arg[0], arg[1], arg[2], 0);
}

int64_t sys_execveat(struct task *t, const uint64_t *arg)
{
	return exec_call(t, (int32_t)arg[0], arg[1], arg[2], arg[3], (uint32_t)arg[4]);
}
