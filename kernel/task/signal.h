/*
 * signal.h -- signals: sent, blocked, waited for, and what programs ask about them.
 *
 * Numbers, actions, order and restarts are Linux's, and so is who may send what (right.h).  A
 * signal is pending for one task or for a group; which of the group's tasks
 * takes it is chosen when it is sent, and again when that one blocks it or ends.
 *
 * Sending is for any context that holds no lock of rank RANK_TASKS or above; the calls of programs
 * are for the task's own thread, interrupts unmasked.
 */
#ifndef KERNEL_TASK_SIGNAL_H
#define KERNEL_TASK_SIGNAL_H

#include "kernel/abi.h"
#include "kernel/task/task.h"

struct signal_set_up {
	struct abi_sigaction action[SIGNALS]; /* (w) by number - 1 */
};

/* What is known of a pending signal.  Of a standard one there is at most one. */
struct signal_note {
	struct list link;
	struct abi_siginfo info;
};

/* --- sending ---------------------------------------------------------------------------------- */

/* From the kernel: to all members of a process group (a terminal's), to a group, to the caller (who
 * wrote to a pipe that nobody reads).  How many, or whether it is there. */
uint32_t signal_send_pgid(struct task_world *w, int32_t pgid, int sig);
bool signal_send_group(struct task_world *w, int32_t pid, int sig);
void signal_send_self(struct task *t, int sig);

/* Whether a signal sent to the caller would have no effect now: it is blocked or ignored. */
bool signal_is_moot(struct task *t, int sig);

/* Whether nobody is left who could let the caller's process group go on, once it is stopped. */
bool signal_is_orphaned(struct task *t);

/* kill(); tkill() and tgkill() (tgid 0: any); the same with what the program says of it.  As Linux
 * answers. */
int signal_kill(struct task *t, int32_t pid, int sig);
int signal_kill_task(struct task *t, int32_t tgid, int32_t tid, int sig);
int signal_queue(struct task *t, int32_t pid, int sig, struct abi_siginfo *info);
int signal_queue_task(struct task *t, int32_t tgid, int32_t tid, int sig, struct abi_siginfo *info);

/* --- a task's own ----------------------------------------------------------------------------- */

/* Either may be NULL.  -ERR_INVAL. */
int signal_action(struct task *t, int sig, const struct abi_sigaction *to,
		  struct abi_sigaction *was);

sigset signal_mask(struct task *t, sigset mask); /* blocks these from now on; what it blocked */
sigset signal_pending(struct task *t);           /* that wait, and are blocked */

/* For calls that block others for as long as they wait (sigsuspend, ppoll).  The second puts back
 * what was before, unless a signal came (`interrupted`): then a handler is to run first. */
void signal_mask_begin(struct task *t, sigset mask);
void signal_mask_end(struct task *t, bool interrupted);

/* RESTART_NOHAND, when a signal has come. */
int signal_suspend(struct task *t, sigset mask);

/* Takes one of `which`: its number; -ERR_AGAIN: none until then; -ERR_INTR: another came. */
int signal_wait(struct task *t, sigset which, uint64_t deadline_ns, struct abi_siginfo *info);

/* Either may be NULL; `sp` is the program's.  -ERR_PERM, -ERR_INVAL, -ERR_NOMEM. */
int signal_stack(struct task *t, uint64_t sp, const struct abi_sigaltstack *to,
		 struct abi_sigaltstack *was);

/* rt_sigreturn: the registers of before, if the program has left them as they were.  Else it gets
 * SIGSEGV. */
void signal_return(struct task *t);

/* NULL, or what is wrong with a set and its notes. */
const char *signal_check(sigset pending, const struct list *notes);

#endif
