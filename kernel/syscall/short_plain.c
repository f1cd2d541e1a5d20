/*
 * short_plain.c -- cases of short_test.c: calls that need no memory.
 */
#include "kernel/syscall/short.h"

static uint64_t mask(void)
{
	const uint64_t bits = 1;

	return short_bytes(&bits, sizeof bits);
}

static uint64_t stack(void)
{
	const struct abi_sigaltstack there = { .sp = TO, .bytes = 4 * PAGE };

	return short_bytes(&there, sizeof there);
}

static uint64_t action(void)
{
	const struct abi_sigaction ignore = { .handler = SIG_IGNORE };

	return short_bytes(&ignore, sizeof ignore);
}

#define ROW(name, ...)                          \
	static int64_t makes_##name(void)       \
	{                                       \
		return CALL(name, __VA_ARGS__); \
	}
ROW(close, 0)
ROW(close_range, 0, 2, 0)
ROW(unshare, CLONE_FILES)
ROW(dup3, 0, 4, 0)
ROW(fcntl, 0, F_SETFL, O_APPEND)
ROW(ioctl, 2, FIONREAD, SHORT_AT)
ROW(fchdir, 1)
ROW(fstat, 0, TO)
ROW(fstatfs, 0, TO)
ROW(fchmod, 0, 0600)
ROW(fchown, 0, 7, 8)
ROW(fsync, 0)
ROW(fdatasync, 0)
ROW(sync, 0)
ROW(lseek, 0, 10, WHENCE_SET)
ROW(umask, 077)
ROW(set_tid_address, TO)
ROW(set_robust_list, TO, 24)
ROW(get_robust_list, 0, TO, TO + 8)
ROW(nanosleep, soon(), 0)
ROW(clock_nanosleep, CLOCK_MONOTONIC, 0, soon(), 0)
ROW(getitimer, ITIMER_REAL, TO)
ROW(setitimer, ITIMER_REAL, TO, TO + 64)
ROW(clock_settime, CLOCK_REALTIME, TO)
ROW(clock_gettime, CLOCK_MONOTONIC, TO)
ROW(clock_getres, CLOCK_MONOTONIC, TO)
ROW(gettimeofday, TO, 0)
ROW(settimeofday, 0, 0)
ROW(times, TO)
ROW(syslog, 3, TO, 100)
ROW(sched_setparam, 0, TO)
ROW(sched_setscheduler, 0, 0, TO)
ROW(sched_getscheduler, 0)
ROW(sched_getparam, 0, TO)
ROW(sched_setaffinity, 0, 8, mask())
ROW(sched_getaffinity, 0, 8, TO)
ROW(sched_yield, 0)
ROW(sched_get_priority_max, 1)
ROW(sched_get_priority_min, 1)
ROW(sched_rr_get_interval, 0, TO)
ROW(sigaltstack, stack(), 0)
ROW(rt_sigaction, SIGUSR1, action(), TO, 8)
ROW(rt_sigprocmask, 0, mask(), TO, 8)
ROW(rt_sigpending, TO, 8)
ROW(getpriority, 0, 0)
ROW(setpriority, 0, 0, 5)
ROW(setregid, 1, 2)
ROW(setgid, 3)
ROW(setreuid, 0, 0)
ROW(setuid, 0)
ROW(setresuid, 1, 2, 3)
ROW(setresgid, 1, 2, 3)
ROW(getresuid, TO, TO, TO)
ROW(getresgid, TO, TO, TO)
ROW(setfsuid, 0)
ROW(setfsgid, 1)
ROW(getpgid, 0)
ROW(getsid, 0)
ROW(getgroups, 0, 0)
ROW(setgroups, 0, 0)
ROW(uname, TO)
ROW(sethostname, short_text("another"), 7)
ROW(setdomainname, short_text("another"), 7)
ROW(getrlimit, RLIMIT_NOFILE, TO)
ROW(setrlimit, RLIMIT_CORE, TO)
ROW(prlimit64, 0, RLIMIT_CORE, TO, TO + 16)
ROW(getrusage, 0, TO)
ROW(sysinfo, TO)
ROW(prctl, PR_SET_NAME, short_text("renamed"))
ROW(getcpu, TO, TO, 0)
ROW(getpid, 0)
ROW(getppid, 0)
ROW(gettid, 0)
ROW(getuid, 0)
ROW(geteuid, 0)
ROW(getgid, 0)
ROW(getegid, 0)
ROW(getrandom, TO, 100, 0)
ROW(personality, 0xffffffff)
ROW(membarrier, MEMBARRIER_CMD_QUERY, 0)
ROW(msync, SHORT_AT, PAGE, 4)
ROW(munlockall, 0)
ROW(waitid, P_ALL, 0, TO, W_EXITED | W_NOHANG, 0)
ROW(wait4, UINT64_MAX, 0, W_NOHANG, 0)
ROW(restart_syscall, 0)
ROW(rseq, 0, 0)

#define PLAIN_CASE(name, wanted)                        \
	{                                               \
#name, NULL, makes_##name, wanted, 0, 0 \
	}

const struct short_case short_plain[] = {
	PLAIN_CASE(dup3, ANY),
	PLAIN_CASE(fcntl, ANY),
	PLAIN_CASE(ioctl, ANY),
	PLAIN_CASE(fchdir, ANY),
	PLAIN_CASE(fstat, ANY),
	PLAIN_CASE(fstatfs, ANY),
	PLAIN_CASE(fchmod, ANY),
	PLAIN_CASE(fchown, ANY),
	PLAIN_CASE(fsync, ANY),
	PLAIN_CASE(fdatasync, ANY),
	PLAIN_CASE(sync, ANY),
	PLAIN_CASE(lseek, ANY),
	PLAIN_CASE(umask, ANY),
	PLAIN_CASE(set_tid_address, ANY),
	PLAIN_CASE(set_robust_list, ANY),
	PLAIN_CASE(get_robust_list, ANY),
	PLAIN_CASE(nanosleep, ANY),
	PLAIN_CASE(clock_nanosleep, ANY),
	PLAIN_CASE(getitimer, ANY),
	PLAIN_CASE(setitimer, ANY),
	PLAIN_CASE(clock_settime, -ERR_PERM),
	PLAIN_CASE(clock_gettime, ANY),
	PLAIN_CASE(clock_getres, ANY),
	PLAIN_CASE(gettimeofday, ANY),
	PLAIN_CASE(settimeofday, -ERR_PERM),
	PLAIN_CASE(times, ANY),
	PLAIN_CASE(syslog, ANY),
	PLAIN_CASE(sched_setparam, ANY),
	PLAIN_CASE(sched_setscheduler, ANY),
	PLAIN_CASE(sched_getscheduler, ANY),
	PLAIN_CASE(sched_getparam, ANY),
	PLAIN_CASE(sched_setaffinity, ANY),
	PLAIN_CASE(sched_getaffinity, ANY),
	PLAIN_CASE(sched_yield, ANY),
	PLAIN_CASE(sched_get_priority_max, ANY),
	PLAIN_CASE(sched_get_priority_min, ANY),
	PLAIN_CASE(sched_rr_get_interval, ANY),
	PLAIN_CASE(sigaltstack, ANY),
	PLAIN_CASE(rt_sigaction, ANY),
	PLAIN_CASE(rt_sigprocmask, ANY),
	PLAIN_CASE(rt_sigpending, ANY),
	PLAIN_CASE(getpriority, ANY),
	PLAIN_CASE(setpriority, ANY),
	PLAIN_CASE(getresuid, ANY),
	PLAIN_CASE(getresgid, ANY),
	PLAIN_CASE(getpgid, ANY),
	PLAIN_CASE(getsid, ANY),
	PLAIN_CASE(getgroups, ANY),
	PLAIN_CASE(uname, ANY),
	PLAIN_CASE(sethostname, ANY),
	PLAIN_CASE(setdomainname, ANY),
	PLAIN_CASE(getrlimit, ANY),
	PLAIN_CASE(setrlimit, ANY),
	PLAIN_CASE(prlimit64, ANY),
	PLAIN_CASE(getrusage, ANY),
	PLAIN_CASE(sysinfo, ANY),
	PLAIN_CASE(prctl, ANY),
	PLAIN_CASE(getcpu, ANY),
	PLAIN_CASE(getpid, ANY),
	PLAIN_CASE(getppid, ANY),
	PLAIN_CASE(gettid, ANY),
	PLAIN_CASE(getuid, ANY),
	PLAIN_CASE(geteuid, ANY),
	PLAIN_CASE(getgid, ANY),
	PLAIN_CASE(getegid, ANY),
	PLAIN_CASE(getrandom, ANY),
	PLAIN_CASE(personality, ANY),
	PLAIN_CASE(membarrier, -ERR_NOSYS),
	PLAIN_CASE(msync, ANY),
	PLAIN_CASE(munlockall, ANY),
	PLAIN_CASE(waitid, -ERR_CHILD),
	PLAIN_CASE(wait4, -ERR_CHILD),
	PLAIN_CASE(restart_syscall, -ERR_INTR),
	PLAIN_CASE(rseq, -ERR_NOSYS),
	PLAIN_CASE(setregid, ANY),
	PLAIN_CASE(setgid, ANY),
	PLAIN_CASE(setresgid, ANY),
	PLAIN_CASE(setfsgid, ANY),
	PLAIN_CASE(setgroups, ANY),
	PLAIN_CASE(setuid, ANY),
	PLAIN_CASE(setfsuid, ANY),
	PLAIN_CASE(setreuid, ANY),
	PLAIN_CASE(setresuid, ANY),
	PLAIN_CASE(close, ANY),
	PLAIN_CASE(close_range, ANY),
	PLAIN_CASE(unshare, ANY),
	{ .name = NULL },
};
