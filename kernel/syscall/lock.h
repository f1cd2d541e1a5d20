/*
 * lock.h -- calls on locks on files.
 */
#ifndef KERNEL_SYSCALL_LOCK_H
#define KERNEL_SYSCALL_LOCK_H

#include "kernel/syscall/syscall.h"

struct file;

syscall_fn sys_flock;

/* fcntl() with F_GETLK, F_SETLK, F_SETLKW, or those of open files, on the caller's file `f`. */
int64_t lock_record(struct task *t, struct file *f, const uint64_t *arg);

/* clang-format off */
#define LOCK_CALLS [SYS_flock] = sys_flock,
/* clang-format on */

#endif
