/*
 * table.c -- all system calls there are: each file's rows, from its header.
 */
#include "kernel/syscall/folder.h"
#include "kernel/syscall/open.h"
#include "kernel/syscall/read.h"
#include "kernel/syscall/stat.h"
#include "kernel/syscall/syscall.h"

/* clang-format off */
syscall_fn *const syscall_table[SYS_CALLS] = {
	FOLDER_CALLS
	OPEN_CALLS
	READ_CALLS
	STAT_CALLS
};
