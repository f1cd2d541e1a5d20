/*
 * build.h -- a new program's space, made while the old one still runs.
 */
#ifndef KERNEL_EXEC_BUILD_H
#define KERNEL_EXEC_BUILD_H

#include "kernel/exec/args.h"
#include "kernel/exec/exec.h"
#include "kernel/exec/load.h"

/* What execve works with: one for each call, in the kernel's memory. */
struct exec_work {
	struct task *task;
	const struct exec_config *config;
	struct vm *vm;
	struct kmalloc *memory;
	void (*random)(void *arg, void *to, size_t bytes);
	void *random_arg;
	uint32_t uid, acting_uid, gid, acting_gid; /* whose it is to be */
	bool secure;                               /* it acts as somebody else than who began it */
	bool secret;                               /* or nobody may read it: not to be looked at */
	uint64_t stack_limit;                      /* bytes (RLIMIT_STACK) */
	uint64_t space_limit;                      /* pages; 0: none */
	struct space_limits limits;
	uint32_t flags;
	int folder;
	const char *path; /* that was asked for: AT_EXECFN */
	struct args arguments, environment;
	uint8_t head[LOAD_HEAD_BYTES]; /* of the file; a script's is taken apart in place */
	struct load program;
	struct load *interpreter; /* of the program; NULL: it has none */
	/* the result */
	struct space *space;
	uint64_t entry, stack;
};

/* Opens what w->path names, and what that says is to run in its place, as far as it goes; judges
 * what is left.  w->program.file is held from then on. */
struct elf_verdict exec_find(struct exec_work *w);

/* Makes w->space of w->program.  It is there even when it failed late, and is the caller's. */
struct elf_verdict exec_build(struct exec_work *w);

/* Gives back all that is in *w: files, strings, the space if nobody has taken it. */
void exec_work_drop(struct exec_work *w);

/* A script's first line: the path of what runs it and its one argument (NULL: none), both ended in
 * place.  False: `head` is not the beginning of a script, or of one that cannot be run. */
bool exec_script(uint8_t *head, size_t bytes, char **path, char **argument);

#endif
