/*
 * limits.c -- limits, usage, identities, scheduling, and what the system says of itself.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

static void limits(void)
{
	struct rlimit r, less = { 10, 20 };
	const struct rlimit wrong = { 20, 10 };
	int fds = 0;

	ANSWER(syscall(SYS_prlimit64, 0, 99, NULL, &r));
	ANSWER(syscall(SYS_prlimit64, 99999, RLIMIT_NOFILE, NULL, &r));
	ANSWER(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, BAD, NULL));
	ANSWER(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, BAD));
	ANSWER(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, NULL));
	ANSWER(setrlimit(RLIMIT_NOFILE, &wrong));
	ANSWER(getrlimit(RLIMIT_NOFILE, &r));
	say("files: %lu %lu", (unsigned long)r.rlim_cur, (unsigned long)r.rlim_max);
	ANSWER(getrlimit(RLIMIT_STACK, &r));
	say("stack: %lu", (unsigned long)r.rlim_cur);
	ANSWER(getrlimit(RLIMIT_AS, &r));
	ANSWER_TRUE(r.rlim_cur == RLIM_INFINITY);
	if (fork() == 0) {
		ANSWER(setrlimit(RLIMIT_NOFILE, &less));
		while (dup(0) >= 0) fds++;
		say("files more: %d", fds);
		ANSWER(dup(0));
		ANSWER(dup2(0, 9));
		ANSWER(dup2(0, 10));
		ANSWER(open("/", O_RDONLY));
		ANSWER(fcntl(0, F_DUPFD, 10));
		_exit(0);
	}
	wait(NULL);
}

/* Processes of one owner, root excepted: so another owner. */
static void processes(void)
{
	const struct rlimit few = { 5, 5 };
	int made = 0;

	if (fork() == 0) {
		setpgid(0, 0);
		answer("setuid", setuid(1000));
		answer("setrlimit of processes", setrlimit(RLIMIT_NPROC, &few));
		for (int i = 0; i < 20; i++) {
			const pid_t p = fork();
			if (p == 0) {
				for (;;) pause();
			}
			if (p < 0) break;
			made++;
		}
		const int error = errno;
		say("children: %d, then %s", made, strerrorname_np(error));
		signal(SIGTERM, SIG_IGN);
		kill(0, SIGTERM);
		signal(SIGTERM, SIG_DFL);
		while (made-- > 0) wait(NULL);
		_exit(0);
	}
	wait(NULL);
}

static void usage(void)
{
	struct rusage u;

	ANSWER(getrusage(RUSAGE_SELF, &u));
	ANSWER_TRUE(u.ru_maxrss > 0 && u.ru_minflt > 0);
	ANSWER(getrusage(RUSAGE_CHILDREN, &u));
	ANSWER(getrusage(RUSAGE_THREAD, &u));
	ANSWER(getrusage(5, &u));
	ANSWER(getrusage(RUSAGE_SELF, BAD));
	const long before = (getrusage(RUSAGE_SELF, &u), u.ru_minflt);
	char *p = mmap(NULL, 50 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 50; i++) p[i * 4096] = 1;
	getrusage(RUSAGE_SELF, &u);
	ANSWER_TRUE(u.ru_minflt - before >= 50 && u.ru_minflt - before < 80);
	munmap(p, 50 * 4096);
}

static void identities(void)
{
	gid_t groups[4];

	say("%u %u %u %u", getuid(), geteuid(), getgid(), getegid());
	ANSWER(getgroups(0, groups));
	ANSWER(setuid(0));
	ANSWER(setgid(0));
	ANSWER_TRUE(getpid() != 1 && getppid() == 1);
	ANSWER_TRUE(syscall(SYS_getpgid, 0) == getpgrp());
	ANSWER(getpgid(99999));
	ANSWER(getsid(99999));
	ANSWER(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	ANSWER(setpriority(PRIO_PROCESS, 0, 5));
	ANSWER(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	ANSWER(setpriority(PRIO_PROCESS, 0, 0));
}

static void scheduling(void)
{
	struct sched_param p = { 0 };
	cpu_set_t set;
	unsigned long words[16];

	ANSWER(sched_yield());
	ANSWER(sched_getscheduler(0));
	ANSWER(sched_getparam(0, &p));
	ANSWER(sched_setscheduler(0, SCHED_FIFO, &p));
	p.sched_priority = 10;
	ANSWER(sched_setscheduler(0, SCHED_OTHER, &p));
	ANSWER(sched_setscheduler(0, SCHED_FIFO, &p));
	ANSWER(sched_getscheduler(0));
	p.sched_priority = 100;
	ANSWER(sched_setparam(0, &p));
	p.sched_priority = 0;
	ANSWER(sched_setscheduler(0, SCHED_OTHER, &p));
	ANSWER(sched_setscheduler(0, 77, &p));
	ANSWER(sched_getscheduler(99999));
	ANSWER(sched_get_priority_min(SCHED_FIFO));
	ANSWER(sched_get_priority_max(SCHED_FIFO));
	ANSWER(sched_get_priority_max(SCHED_OTHER));
	ANSWER(sched_get_priority_max(77));
	answer_done("sched_getaffinity", syscall(SYS_sched_getaffinity, 0, sizeof(words), words));
	say("CPU 0 among them: %d", (int)(words[0] & 1));
	ANSWER(syscall(SYS_sched_getaffinity, 0, 4, words));
	ANSWER(syscall(SYS_sched_getaffinity, 0, 64, BAD));
	CPU_ZERO(&set);
	ANSWER(sched_setaffinity(0, sizeof(set), &set));
	CPU_SET(0, &set);
	ANSWER(sched_setaffinity(0, sizeof(set), &set));
	ANSWER(sched_getcpu());
	unsigned cpu = 9, node = 9;
	ANSWER(syscall(SYS_getcpu, &cpu, &node, NULL));
	say("cpu %u, node %u", cpu, node);
}

static void system_says(void)
{
	struct utsname u;
	struct sysinfo s;

	ANSWER(uname(&u));
	say("%s, %s", u.sysname, u.machine);
	ANSWER_TRUE(u.release[0] >= '3');
	ANSWER(syscall(SYS_uname, BAD));
	ANSWER(sysinfo(&s));
	ANSWER_TRUE(s.mem_unit > 0 && s.totalram > s.freeram && s.freeram > 0 && s.procs > 0 &&
		    s.totalswap == 0);
	ANSWER(syscall(SYS_sysinfo, BAD));
	ANSWER(getpagesize());
	ANSWER_TRUE(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	ANSWER(getauxval(AT_PAGESZ));
	ANSWER_TRUE(getauxval(AT_RANDOM) != 0 && getauxval(AT_PHDR) != 0 &&
		    getauxval(AT_HWCAP) != 0);
	ANSWER(getauxval(AT_CLKTCK));
	ANSWER(getauxval(AT_SECURE));
	say("%s", (const char *)getauxval(AT_PLATFORM));
	say("%s", (const char *)getauxval(AT_EXECFN));
}

static void several(void)
{
	char name[20] = "", bytes[256];

	ANSWER(getrandom(bytes, 256, 0));
	ANSWER(getrandom(bytes, 0, 0));
	ANSWER(getrandom(bytes, 10, 0x100));
	ANSWER(syscall(SYS_getrandom, BAD, 10, 0));
	ANSWER(prctl(PR_SET_NAME, "a long name of sixteen and more"));
	ANSWER(prctl(PR_GET_NAME, name));
	say("'%s'", name);
	ANSWER(prctl(PR_SET_PDEATHSIG, 99));
	ANSWER(prctl(PR_SET_PDEATHSIG, 0));
	ANSWER(prctl(9999));
	say("umask %o %o", umask(077), umask(022));
	ANSWER(syscall(1000));
	ANSWER(syscall(-1));
}

int main(void)
{
	limits();
	processes();
	usage();
	identities();
	scheduling();
	system_says();
	several();
	return 0;
}
