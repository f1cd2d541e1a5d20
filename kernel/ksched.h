/*
 * ksched.h -- the kernel's scheduler: one struct sched for all CPUs, the processes whose threads it
 * runs besides the kernel's own, and short names for these.
 *
 * Boot arguments: threads=N, how many slots for threads there are (1,024 by default); processes=N,
 * for processes (256); reap=after, idle or before, when the dead are reaped (enum reap_form);
 * layout=documents, 32 slots of which 8 are the system's, with 10 ms before one is used again.
 *
 * A thread of the kernel has a stack of kernel_stacks (kernel/vm.h): a guard page below it, a
 * canary at its low end, and where it asked for that its floating-point registers at the high end.
 * The stack goes back when the thread is reaped.
 */
#ifndef KERNEL_KSCHED_H
#define KERNEL_KSCHED_H

#include "kernel/process.h"
#include "sched/call.h"
#include "sched/sched.h"
#include "sched/wait.h"

extern struct sched kernel_sched;
extern struct call_board kernel_calls;
extern struct process_world kernel_processes;

/* Makes it, as the boot arguments say, for `cpus` CPUs; interrupts go to it from now on.  After
 * kvm_start().  NULL, or why it cannot be done. */
const char *ksched_start(unsigned cpus, const char *bootargs);

/* This CPU takes part, for good: the one path for the CPU that booted and all others. */
NORETURN void ksched_run(void);

/* Who waits for the end of some threads.  Lives until kthread_wait() has returned. */
struct kthread_end {
	struct thread_kind kind; /* OWNER_OTHER: it is the threads' owner */
	struct wait_queue queue;
	uint32_t left; /* guarded by queue.lock: threads that are not gone yet */
};

struct kthread_how {
	void (*entry)(void *arg); /* returning is the thread's end */
	void *arg;
	uint32_t affinity;       /* bits of CPUs; 0: all */
	uint8_t priority;        /* 0 to PRIORITIES - 1; PRIORITY_NORMAL */
	bool fp;                 /* it may use floating-point and vector registers */
	bool system;             /* SLOT_SYSTEM */
	struct kthread_end *end; /* or NULL: nobody waits */
};

/* THREAD_NONE: no slot, or no memory for a stack.  Any context that may allocate. */
thread_id kthread_spawn(const struct kthread_how *how);

/* An end that no thread has yet; and waiting until all that were spawned with it are gone: then
 * their slots are free and their stacks are back.  From a thread. */
void kthread_end_init(struct kthread_end *end);
void kthread_wait(struct kthread_end *end);

/* Of the thread that asks. */
void kthread_yield(void);
void kthread_sleep(uint64_t ns);

#endif
