/*
 * table.c -- all system calls there are: each file's rows, from its header.
 */
#include "kernel/syscall/alarm.h"
#include "kernel/syscall/exec.h"
#include "kernel/syscall/folder.h"
#include "kernel/syscall/futex.h"
#include "kernel/syscall/identity.h"
#include "kernel/syscall/limit.h"
#include "kernel/syscall/lock.h"
#include "kernel/syscall/memory.h"
#include "kernel/syscall/open.h"
#include "kernel/syscall/poll.h"
#include "kernel/syscall/process.h"
#include "kernel/syscall/read.h"
#include "kernel/syscall/schedule.h"
#include "kernel/syscall/signal.h"
#include "kernel/syscall/stat.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/time.h"

/* clang-format off */
syscall_fn *const syscall_table[SYS_CALLS] = {
	ALARM_CALLS
	EXEC_CALLS
	FOLDER_CALLS
	FUTEX_CALLS
	IDENTITY_CALLS
	LIMIT_CALLS
	LOCK_CALLS
	MEMORY_CALLS
	OPEN_CALLS
	POLL_CALLS
	PROCESS_CALLS
	READ_CALLS
	SCHEDULE_CALLS
	SIGNAL_CALLS
	STAT_CALLS
	TIME_CALLS
};
