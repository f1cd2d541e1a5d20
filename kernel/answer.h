/*
 * answer.h -- what system calls answer that no program sees.
 */
#ifndef KERNEL_ANSWER_H
#define KERNEL_ANSWER_H

/*
 * What a call answers, instead of an errno, to the kernel alone: below every error, so no program
 * sees one.  The task's x0 is then still the first argument, `interrupted` is the answer, and
 * task_work() settles it before the task goes back: by EINTR in x0, or by going back to the call
 * (RESTART_CALL: as restart_syscall, with `restart`).  Linux's names are given.
 */
enum task_answer {
	ANSWER_IN_REGS = -5000, /* the call has set the registers itself (rt_sigreturn, execve) */
	RESTART_SYS = -5001,    /* ERESTARTSYS: EINTR for a handler without SA_RESTART */
	RESTART_NOINTR = -5002, /* ERESTARTNOINTR: whatever came */
	RESTART_NOHAND = -5003, /* ERESTARTNOHAND: EINTR for any handler */
	RESTART_CALL = -5004,   /* ERESTART_RESTARTBLOCK: the same */
	ANSWER_LOWEST_ERRNO = -4095,
};

#endif
