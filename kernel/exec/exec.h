/*
 * exec.h -- execve: a task's program gives way to another one.
 *
 * The new program is complete, in a space of its own, before the old one loses anything: its file
 * was found, opened and judged, its arguments are copied, all that is mapped is mapped, its stack
 * is written.  Until then every failure is an error, and nothing has changed.  Then the other tasks
 * of the group end, and the caller moves over (task_exec_alone, task_exec_commit).
 *
 * What Linux finds out only after its own point of no return (a segment that cannot be mapped)
 * kills the program here, too, with SIGSEGV, so that its parent sees the same.
 *
 * For a task's own thread, interrupts unmasked and no lock held.
 */
#ifndef KERNEL_EXEC_EXEC_H
#define KERNEL_EXEC_EXEC_H

#include "kernel/file/file.h"
#include "kernel/task/task.h"

/* How programs are laid out, and where their files come from.  One for each kernel. */
struct exec_config {
	/*
	 * Opens for execution what `path` names, seen from descriptor `folder` (AT_FDCWD: from
	 * where the task is), by the flags of execveat.  0 and *out held, or -ERR_ACCES: it is no
	 * regular file, or may not be executed; or what opening says.
	 */
	int (*open)(struct task *t, int folder, const char *path, uint32_t flags,
		    struct file **out);
	/* Closes what is to be closed on execve, in a table that is the group's alone from then
	 * on.  False without memory; may be NULL: there are no files. */
	bool (*close)(struct task *t);
	struct backing *trampoline; /* exec_trampoline() */
	const char *platform;       /* "aarch64" */
	uint64_t capabilities;      /* AT_HWCAP: of what the CPUs have and EL0 may use */
	uint64_t capabilities2;
	bool random; /* stacks and programs lie anywhere; else always in the same places */
	site_t site; /* who asks for the memory of programs */
};

/* The page that every program has at TASK_TRAMPOLINE, held once; NULL without memory. */
struct backing *exec_trampoline(struct vm *vm, site_t site);

/*
 * The system calls execve (folder AT_FDCWD, flags 0) and execveat.  Addresses are the caller's
 * program's.  0: t->regs are the new program's, which begins when the task goes back; or an error,
 * with nothing changed, unless the task is ending.
 */
int exec_call(struct task *t, int folder, uint64_t path, uint64_t arguments, uint64_t environment,
	      uint32_t flags);

/* The same for a task whose first program it is; the lists are the kernel's, ended by NULL. */
int exec_first(struct task *t, const char *path, const char *const *arguments,
	       const char *const *environment);

#endif
