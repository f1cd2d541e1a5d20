/*
 * kprocess.h -- short names for processes of the kernel's world (kernel_processes, ksched.h):
 * ordinary ones, which may run anywhere; they remember who called.
 */
#ifndef KERNEL_KPROCESS_H
#define KERNEL_KPROCESS_H

#include "kernel/process.h"

/* process_spawn() of a child of the caller's process (of nobody, where it has none), process_fork()
 * and process_thread_spawn() of one more thread of it. */
int kprocess_spawn(void (*entry)(void *arg), void *arg, process_id *id);
int kprocess_fork(void (*entry)(void *arg), void *arg, process_id *id);
int kprocess_thread(void (*entry)(void *arg), void *arg, thread_id *thread);

#endif
