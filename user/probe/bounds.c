/*
 * bounds.c -- limits that bind, clocks of CPU time, shares of it, and what was used.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

enum { MS = 1000000 };

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void works(int64_t ns)
{
	const int64_t end = now(CLOCK_PROCESS_CPUTIME_ID) + ns;

	while (now(CLOCK_PROCESS_CPUTIME_ID) < end)
		for (volatile int i = 0; i < 1000; i++) continue;
}

static void limit(int which, rlim_t soft, rlim_t hard)
{
	const struct rlimit r = { soft, hard };

	if (setrlimit(which, &r) != 0) say("no limit %d: %s", which, strerrorname_np(errno));
}

static volatile sig_atomic_t came;
static int64_t came_at[8];

static void on_signal(int sig)
{
	(void)sig;
	if (came < 8) came_at[came] = now(CLOCK_PROCESS_CPUTIME_ID);
	came++;
}

/* Is about so much, seen to a tick or two of Linux's. */
static int about(int64_t is, int64_t wanted)
{
	return is > wanted - 10 * MS && is < wanted + 40 * MS;
}

static void in_child(void (*run)(void))
{
	int status;
	const pid_t pid = fork();

	if (pid == 0) {
		run();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status)) say("  ended by %s", sigabbrev_np(WTERMSIG(status)));
	if (WIFEXITED(status)) say("  exit %d", WEXITSTATUS(status));
}

/* --- CPU time --------------------------------------------------------------------------------- */

static void seconds(void)
{
	signal(SIGXCPU, on_signal);
	limit(RLIMIT_CPU, 1, 3);
	while (came < 2) works(MS);
	ANSWER_TRUE(about(came_at[0], 1000 * MS));
	ANSWER_TRUE(about(came_at[1], 2000 * MS));
	struct rlimit r;
	getrlimit(RLIMIT_CPU, &r);
	say("  limit now %ld %ld", (long)r.rlim_cur, (long)r.rlim_max);
	works(5000ll * MS);
	say("  it lives");
}

static void second(void)
{
	limit(RLIMIT_CPU, 1, RLIM_INFINITY);
	if (fork() == 0) { /* has its own second */
		works(300 * MS);
		_exit(0);
	}
	wait(NULL);
	works(600 * MS);
	say("  not yet");
	works(5000ll * MS);
}

static void no_second(void)
{
	works(20 * MS);
	limit(RLIMIT_CPU, 0, RLIM_INFINITY);
	works(5000ll * MS);
}

static void sleeping_is_free(void)
{
	limit(RLIMIT_CPU, 1, 1);
	works(500 * MS);
	usleep(1500000);
	say("  it lives");
	works(5000ll * MS);
}

static void timers(void)
{
	const struct itimerval often = { { 0, 50000 }, { 0, 100000 } },
			       off = { { 0, 0 }, { 0, 0 } };
	static const int which[] = { ITIMER_VIRTUAL, ITIMER_PROF };
	struct itimerval was;

	signal(SIGVTALRM, on_signal);
	signal(SIGPROF, on_signal);
	for (int i = 0; i < 2; i++) {
		came = 0;
		ANSWER(getitimer(which[i], &was));
		ANSWER_TRUE(was.it_value.tv_sec == 0 && was.it_value.tv_usec == 0);
		const int64_t from = now(CLOCK_PROCESS_CPUTIME_ID);
		ANSWER(setitimer(which[i], &often, NULL));
		usleep(300000);
		ANSWER_TRUE(came == 0);
		while (came < 3) works(MS);
		ANSWER_TRUE(about(came_at[0] - from, 100 * MS));
		ANSWER_TRUE(about(came_at[1] - came_at[0], 50 * MS));
		ANSWER_TRUE(about(came_at[2] - came_at[0], 100 * MS));
		ANSWER(setitimer(which[i], &off, &was));
		ANSWER_TRUE(was.it_interval.tv_usec == 50000 && was.it_value.tv_usec <= 60000);
		works(200 * MS);
		ANSWER_TRUE(came == 3);
	}
	ANSWER(setitimer(ITIMER_PROF, &often, NULL));
	if (fork() == 0) {
		getitimer(ITIMER_PROF, &was);
		say("  a child has none: %d", was.it_value.tv_usec == 0);
		_exit(0);
	}
	wait(NULL);
	ANSWER(setitimer(3, &often, NULL));
	ANSWER(getitimer(3, &was));
	ANSWER(getitimer(ITIMER_PROF, BAD));
}

/* --- sizes of files --------------------------------------------------------------------------- */

static void sizes(void)
{
	char bytes[3000] = "";
	struct iovec two[2] = { { bytes, 600 }, { bytes, 600 } };
	const int fd = open("/tmp/bound", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int pipes[2];

	signal(SIGXFSZ, on_signal);
	limit(RLIMIT_FSIZE, 1000, 5000);
	came = 0;
	ANSWER(write(fd, bytes, 400));
	ANSWER(write(fd, bytes, 800));
	ANSWER(lseek(fd, 0, SEEK_CUR));
	say("  signals %d", came);
	ANSWER(write(fd, bytes, 1));
	say("  signals %d", came);
	ANSWER(write(fd, bytes, 0));
	ANSWER(pwrite(fd, bytes, 10, 995));
	ANSWER(pwrite(fd, bytes, 10, 1000));
	ANSWER(pwrite(fd, bytes, 10, 4000));
	say("  signals %d", came);
	ANSWER(ftruncate(fd, 1000));
	ANSWER(ftruncate(fd, 1001));
	ANSWER(truncate("/tmp/bound", 1001));
	ANSWER(truncate("/tmp/bound", 0));
	say("  signals %d", came);
	lseek(fd, 0, SEEK_SET);
	ANSWER(writev(fd, two, 2));
	ANSWER(writev(fd, two, 2));
	say("  signals %d", came);
	limit(RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY);
	ANSWER(ftruncate(fd, 3000));
	limit(RLIMIT_FSIZE, 1000, RLIM_INFINITY);
	ANSWER(ftruncate(fd, 2000)); /* it only gets less */
	const int more = open("/tmp/bound", O_WRONLY | O_APPEND);
	ANSWER(write(more, bytes, 1));
	const int other = open("/tmp/bound2", O_RDWR | O_CREAT | O_TRUNC, 0600);
	lseek(fd, 0, SEEK_SET);
	ANSWER(sendfile(other, fd, NULL, 2000));
	ANSWER(sendfile(other, fd, NULL, 2000));
	say("  signals %d", came);
	ANSWER(pipe(pipes));
	ANSWER(write(pipes[1], bytes, 3000));
	limit(RLIMIT_FSIZE, 0, 0);
	ANSWER(write(pipes[1], bytes, 10));
	ANSWER(open("/tmp/bound3", O_WRONLY | O_CREAT, 0600) >= 0);
	say("  signals %d", came);
	unlink("/tmp/bound"), unlink("/tmp/bound2"), unlink("/tmp/bound3");
}

static void size_kills(void)
{
	const int fd = open("/tmp/bound", O_RDWR | O_CREAT | O_TRUNC, 0600);

	limit(RLIMIT_FSIZE, 0, 0);
	unlink("/tmp/bound");
	write(fd, "x", 1);
}

static void size_ignored(void)
{
	const int fd = open("/tmp/bound", O_RDWR | O_CREAT | O_TRUNC, 0600);

	signal(SIGXFSZ, SIG_IGN);
	limit(RLIMIT_FSIZE, 0, 0);
	unlink("/tmp/bound");
	ANSWER(write(fd, "x", 1));
}

/* --- memory ----------------------------------------------------------------------------------- */

static char *map(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void space(void)
{
	limit(RLIMIT_AS, 64 << 20, RLIM_INFINITY);
	answer_done("32 MiB", (long)map(32 << 20));
	answer_done("64 MiB", (long)map(64 << 20));
	ANSWER(sbrk(64 << 20) == (void *)-1);
	limit(RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY);
	answer_done("64 MiB without a limit", (long)map(64 << 20));
}

static void data(void)
{
	char *p = map(4096);

	limit(RLIMIT_DATA, 16 << 20, RLIM_INFINITY);
	answer_done("8 MiB", (long)map(8 << 20));
	answer_done("16 MiB", (long)map(16 << 20));
	answer_done("16 MiB, to be read",
		    (long)mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ANSWER(sbrk(16 << 20) == (void *)-1);
	munmap(p, 4096);
}

static void deep(int left)
{
	volatile char frame[1024];

	frame[0] = 1;
	if (left > 0) deep(left - 1);
	frame[1] = frame[0];
}

static void stack_holds(void)
{
	deep(200); /* 200 KiB and more */
}

static void stack_bursts(void)
{
	deep(2000);
}

static void stack(void)
{
	limit(RLIMIT_STACK, 1 << 20, RLIM_INFINITY);
	in_child(stack_holds);
	in_child(stack_bursts);
}

static void descriptors(void)
{
	int fds[2];

	limit(RLIMIT_NOFILE, 4, 4);
	ANSWER(dup(0) >= 0);
	ANSWER(dup(0));
	ANSWER(pipe(fds));
	ANSWER(open("/", O_RDONLY));
	ANSWER(dup2(0, 4));
	ANSWER(dup2(0, 3));
}

static volatile int shared_done;

static int closes_for_itself(void *arg)
{
	(void)arg;
	ANSWER(close_range(10, 20, CLOSE_RANGE_UNSHARE));
	ANSWER(close_range(10, 20, CLOSE_RANGE_UNSHARE));
	ANSWER(dup(10));
	shared_done = 1;
	_exit(0);
}

static void tables(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	dup2(1, 10);
	const pid_t pid =
		clone(closes_for_itself, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL);
	waitpid(pid, NULL, 0);
	ANSWER(close_range(10, 20, 8));
	ANSWER(close_range(10, 20, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC));
	ANSWER(fcntl(10, F_GETFD)); /* its own, and marked now */
	ANSWER(close(10));
}

/* --- shares ----------------------------------------------------------------------------------- */

/* CPU time that two get of a second, one as nice as that. */
static void share(int nice_of_one, int *per_cent)
{
	int64_t *got = (int64_t *)map(4096);
	const int64_t end = now(CLOCK_MONOTONIC) + 1500ll * MS;
	pid_t pid[2];

	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i] != 0) continue;
		if (i == 0) setpriority(PRIO_PROCESS, 0, nice_of_one);
		while (now(CLOCK_MONOTONIC) < end)
			for (volatile int n = 0; n < 1000; n++) continue;
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		struct rusage use;
		wait4(pid[i], NULL, 0, &use);
		got[i] = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000ll +
			 use.ru_utime.tv_usec + use.ru_stime.tv_usec;
	}
	*per_cent = (int)(got[0] * 100 / (got[0] + got[1]));
	munmap(got, 4096);
}

static void shares(void)
{
	int p;

	share(0, &p);
	ANSWER_TRUE(p >= 42 && p <= 58);
	share(5, &p); /* 335 to 1024: 24.6 */
	ANSWER_TRUE(p >= 18 && p <= 32);
	share(19, &p); /* 15 to 1024 */
	ANSWER_TRUE(p <= 6);
	share(-5, &p); /* 3121 to 1024: 75 */
	ANSWER_TRUE(p >= 68 && p <= 82);
}

/* --- what was used ---------------------------------------------------------------------------- */

static int64_t us(const struct timeval *t)
{
	return t->tv_sec * 1000000ll + t->tv_usec;
}

static void touches(void)
{
	char *p = map(8 << 20);

	for (int i = 0; i < 8 << 20; i += 4096) p[i] = 1;
	munmap(p, 8 << 20);
	works(200 * MS);
	for (int i = 0; i < 10; i++) usleep(1000);
	for (int i = 0; i < 10; i++) sched_yield();
}

static void used(void)
{
	struct rusage before, u;
	struct tms t, t2;

	getrusage(RUSAGE_SELF, &before);
	ANSWER_TRUE(before.ru_maxrss < 8 << 10);
	times(&t);
	if (fork() == 0) {
		touches();
		_exit(0);
	}
	wait4(-1, NULL, 0, &u);
	ANSWER_TRUE(u.ru_maxrss >= 8 << 10 && u.ru_maxrss < 10 << 10);
	ANSWER_TRUE(u.ru_minflt >= 2048 && u.ru_minflt < 2300);
	ANSWER_TRUE(us(&u.ru_utime) + us(&u.ru_stime) >= 200000);
	ANSWER_TRUE(us(&u.ru_utime) + us(&u.ru_stime) < 400000);
	ANSWER_TRUE(u.ru_nvcsw >= 10 && u.ru_nvcsw < 20);
	ANSWER_TRUE(u.ru_nivcsw >= 0 && u.ru_nivcsw < 200);
	say("  swaps %ld, in %ld, out %ld, messages %ld", u.ru_nswap, u.ru_inblock, u.ru_oublock,
	    u.ru_msgsnd);
	getrusage(RUSAGE_CHILDREN, &u);
	ANSWER_TRUE(u.ru_maxrss >= 8 << 10 && u.ru_minflt >= 2048 && u.ru_nvcsw >= 10);
	getrusage(RUSAGE_SELF, &u);
	ANSWER_TRUE(u.ru_maxrss < 8 << 10 && u.ru_nvcsw > before.ru_nvcsw);
	ANSWER_TRUE(times(&t2) > 0);
	ANSWER_TRUE(t2.tms_cutime + t2.tms_cstime - t.tms_cutime - t.tms_cstime >= 19);
	char *p = map(8 << 20);
	for (int i = 0; i < 8 << 20; i += 4096) p[i] = 1;
	munmap(p, 8 << 20);
	getrusage(RUSAGE_SELF, &u);
	ANSWER_TRUE(u.ru_maxrss >= 8 << 10); /* it was there once */
	getrusage(RUSAGE_THREAD, &u);
	ANSWER_TRUE(u.ru_minflt >= 2048 && u.ru_maxrss >= 8 << 10);
	if (fork() == 0) {
		getrusage(RUSAGE_SELF, &u);
		ANSWER_TRUE(u.ru_maxrss < 8 << 10 && u.ru_minflt < 1000);
		getrusage(RUSAGE_CHILDREN, &u);
		ANSWER_TRUE(us(&u.ru_utime) + us(&u.ru_stime) == 0 && u.ru_maxrss == 0);
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	in_child(seconds);
	in_child(second);
	in_child(no_second);
	in_child(sleeping_is_free);
	in_child(timers);
	in_child(sizes);
	in_child(size_kills);
	in_child(size_ignored);
	in_child(space);
	in_child(data);
	stack();
	in_child(descriptors);
	in_child(tables);
	in_child(shares);
	in_child(used);
	return 0;
}
