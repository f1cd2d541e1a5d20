/*
 * table.c -- all system calls there are: each file's rows, from its header.
 */
#include "kernel/syscall/syscall.h"

/* clang-format off */
syscall_fn *const syscall_table[SYS_CALLS] = {
	[SYS_getpid] = NULL,
};
