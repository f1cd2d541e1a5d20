/*
 * abi_task.h -- processes and threads, for abi.h: how they are made and waited for, their times,
 * limits and priorities, what they are told of the system.
 */
#ifndef KERNEL_ABI_TASK_H
#define KERNEL_ABI_TASK_H

#include <stdint.h>

/* --- making and waiting ----------------------------------------------------------------------- */

#define CLONE_SIGNAL 0xffull /* CSIGNAL */
#define CLONE_VM 0x100ull
#define CLONE_FS 0x200ull
#define CLONE_FILES 0x400ull
#define CLONE_SIGHAND 0x800ull
#define CLONE_PIDFD 0x1000ull
#define CLONE_PTRACE 0x2000ull
#define CLONE_VFORK 0x4000ull
#define CLONE_PARENT 0x8000ull
#define CLONE_THREAD 0x10000ull
#define CLONE_NEWNS 0x20000ull
#define CLONE_SYSVSEM 0x40000ull
#define CLONE_SETTLS 0x80000ull
#define CLONE_PARENT_SETTID 0x100000ull
#define CLONE_CHILD_CLEARTID 0x200000ull
#define CLONE_DETACHED 0x400000ull
#define CLONE_UNTRACED 0x800000ull
#define CLONE_CHILD_SETTID 0x1000000ull
#define CLONE_NEWCGROUP 0x2000000ull
#define CLONE_NEWUTS 0x4000000ull
#define CLONE_NEWIPC 0x8000000ull
#define CLONE_NEWUSER 0x10000000ull
#define CLONE_NEWPID 0x20000000ull
#define CLONE_NEWNET 0x40000000ull
#define CLONE_IO 0x80000000ull
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CLONE_INTO_CGROUP 0x200000000ull

struct abi_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
	uint64_t stack, stack_bytes, tls, set_tid, set_tid_count, cgroup;
};
_Static_assert(sizeof(struct abi_clone_args) == 88, "struct clone_args");
enum { CLONE_ARGS_BYTES_MIN = 64 };

enum {
	W_NOHANG = 1,
	W_UNTRACED = 2, /* WSTOPPED too */
	W_EXITED = 4,
	W_CONTINUED = 8,
	W_NOWAIT = 0x1000000,
	W_NOTHREAD = 0x20000000,
	W_ALL = 0x40000000,
};
#define W_CLONE 0x80000000u

enum { P_ALL, P_PID, P_PGID, P_PIDFD }; /* waitid */

/* --- the program's start ---------------------------------------------------------------------- */

enum {
	AT_NULL = 0,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
};

/* --- times ------------------------------------------------------------------------------------ */

enum {
	CLOCK_REALTIME = 0,
	CLOCK_MONOTONIC = 1,
	CLOCK_PROCESS_CPUTIME_ID = 2,
	CLOCK_THREAD_CPUTIME_ID = 3,
	CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5,
	CLOCK_MONOTONIC_COARSE = 6,
	CLOCK_BOOTTIME = 7,
	CLOCK_REALTIME_ALARM = 8,
	CLOCK_BOOTTIME_ALARM = 9,
	CLOCK_TAI = 11,
	TIMER_ABSTIME = 1,
	ITIMER_REAL = 0,
	ITIMER_VIRTUAL = 1,
	ITIMER_PROF = 2,
	TICKS_PER_S = 100, /* USER_HZ: of times() and /proc */
};

struct abi_timespec {
	int64_t s, ns;
};

struct abi_timeval {
	int64_t s, us;
};

struct abi_itimerval {
	struct abi_timeval interval, value;
};

struct abi_timezone {
	int32_t minutes_west, dst;
};

struct abi_tms {
	int64_t user, kernel, children_user, children_kernel; /* in ticks */
};

/* --- futexes ---------------------------------------------------------------------------------- */

enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_FD = 2,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAKE_OP = 5,
	FUTEX_LOCK_PI = 6,
	FUTEX_UNLOCK_PI = 7,
	FUTEX_TRYLOCK_PI = 8,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET = 10,
	FUTEX_WAIT_REQUEUE_PI = 11,
	FUTEX_CMP_REQUEUE_PI = 12,
	FUTEX_LOCK_PI2 = 13,
	FUTEX_COMMANDS = 127, /* which bits say the command */
	FUTEX_PRIVATE_FLAG = 128,
	FUTEX_CLOCK_REALTIME = 256,
	FUTEX_OP_SET = 0,
	FUTEX_OP_ADD = 1,
	FUTEX_OP_OR = 2,
	FUTEX_OP_ANDN = 3,
	FUTEX_OP_XOR = 4,
	FUTEX_OP_OPARG_SHIFT = 8,
	FUTEX_OP_CMP_EQ = 0,
	FUTEX_OP_CMP_NE = 1,
	FUTEX_OP_CMP_LT = 2,
	FUTEX_OP_CMP_LE = 3,
	FUTEX_OP_CMP_GT = 4,
	FUTEX_OP_CMP_GE = 5,
	ROBUST_LIST_LIMIT = 2048,
};
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu
#define FUTEX_BITSET_MATCH_ANY 0xffffffffu

struct abi_robust_list_head {
	uint64_t first;       /* an entry, its first word leads to the next; bit 0: of PI */
	int64_t futex_offset; /* from an entry to its futex */
	uint64_t pending;
};
_Static_assert(sizeof(struct abi_robust_list_head) == 24, "struct robust_list_head");

/* --- scheduling ------------------------------------------------------------------------------- */

enum {
	SCHED_NORMAL = 0, /* SCHED_OTHER */
	SCHED_FIFO = 1,
	SCHED_RR = 2,
	SCHED_BATCH = 3,
	SCHED_IDLE = 5,
	SCHED_DEADLINE = 6,
	SCHED_RESET_ON_FORK = 0x40000000,
};

struct abi_sched_attr {
	uint32_t bytes, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
_Static_assert(sizeof(struct abi_sched_attr) == 48, "struct sched_attr, first form");

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

/* --- limits and use --------------------------------------------------------------------------- */

enum {
	RLIMIT_CPU,
	RLIMIT_FSIZE,
	RLIMIT_DATA,
	RLIMIT_STACK,
	RLIMIT_CORE,
	RLIMIT_RSS,
	RLIMIT_NPROC,
	RLIMIT_NOFILE,
	RLIMIT_MEMLOCK,
	RLIMIT_AS,
	RLIMIT_LOCKS,
	RLIMIT_SIGPENDING,
	RLIMIT_MSGQUEUE,
	RLIMIT_NICE,
	RLIMIT_RTPRIO,
	RLIMIT_RTTIME,
	RLIM_NLIMITS,
};

struct abi_rlimit {
	uint64_t soft, hard; /* UINT64_MAX: none */
};

enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_THREAD = 1 };

struct abi_rusage {
	struct abi_timeval user, kernel;
	int64_t maxrss_kib, ixrss, idrss, isrss;
	int64_t minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct abi_rusage) == 144, "struct rusage");

struct abi_sysinfo {
	int64_t uptime_s;
	uint64_t loads[3]; /* 1, 5, 15 minutes; 1 is 65,536 */
	uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad, pad2[2];
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit, pad3;
};
_Static_assert(sizeof(struct abi_sysinfo) == 112, "struct sysinfo");

enum { UTS_BYTES = 65 };

/* What uname() and /proc/version say this kernel is. */
#define UTS_RELEASE "6.1.0-anvil"
#define UTS_VERSION "#1 SMP Anvil"

struct abi_utsname {
	char sysname[UTS_BYTES], nodename[UTS_BYTES], release[UTS_BYTES];
	char version[UTS_BYTES], machine[UTS_BYTES], domainname[UTS_BYTES];
};
_Static_assert(sizeof(struct abi_utsname) == 390, "struct new_utsname");

/* --- the rest --------------------------------------------------------------------------------- */

enum {
	PR_SET_PDEATHSIG = 1,
	PR_GET_PDEATHSIG = 2,
	PR_GET_DUMPABLE = 3,
	PR_SET_DUMPABLE = 4,
	PR_GET_KEEPCAPS = 7,
	PR_SET_KEEPCAPS = 8,
	PR_SET_NAME = 15,
	PR_GET_NAME = 16,
	PR_CAPBSET_READ = 23,
	PR_SET_TIMERSLACK = 29,
	PR_GET_TIMERSLACK = 30,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER = 37,
	PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS = 39,
	PR_GET_TID_ADDRESS = 40,
	PR_SET_THP_DISABLE = 41,
	PR_GET_THP_DISABLE = 42,
};

#define REBOOT_MAGIC1 0xfee1deadu
#define REBOOT_MAGIC2 0x28121969u
#define REBOOT_MAGIC2A 0x05121996u
#define REBOOT_MAGIC2B 0x16041998u
#define REBOOT_MAGIC2C 0x20112000u
#define REBOOT_RESTART 0x01234567u
#define REBOOT_HALT 0xcdef0123u
#define REBOOT_CAD_ON 0x89abcdefu
#define REBOOT_CAD_OFF 0u
#define REBOOT_POWER_OFF 0x4321fedcu
#define REBOOT_RESTART2 0xa1b2c3d4u

enum { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4 };

enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };
enum { MCL_CURRENT = 1, MCL_FUTURE = 2, MCL_ONFAULT = 4, MLOCK_ONFAULT = 1 };

enum { MEMBARRIER_CMD_QUERY = 0, MEMBARRIER_CMD_GLOBAL = 1 };

#endif
