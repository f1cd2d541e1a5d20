/*
 * used.c -- what CPU time was used for: a program's own, and the kernel's for it, by each way that
 * tells; and the two timers that go by it.
 *
 * One and the other are told apart by doing much of only one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

enum { MS = 1000000, LONG = 200 }; /* milliseconds of work */

static char zeroes[1 << 16];
static int zero;

static long long cpu(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Hardly a call: a look at the clock for each thousand steps. */
static void think(int ms)
{
	const long long end = cpu(CLOCK_THREAD_CPUTIME_ID) + (long long)ms * MS;
	volatile unsigned n = 0;

	do {
		for (int i = 0; i < 20000; i++) n += (unsigned)i;
	} while (cpu(CLOCK_THREAD_CPUTIME_ID) < end);
}

/* Hardly anything but the kernel: it fills 64 KiB with zeroes for each call. */
static void ask(int ms)
{
	const long long end = cpu(CLOCK_THREAD_CPUTIME_ID) + (long long)ms * MS;

	while (cpu(CLOCK_THREAD_CPUTIME_ID) < end) read(zero, zeroes, sizeof(zeroes));
}

struct used {
	long user, kernel; /* microseconds */
};

static struct used by(int whose)
{
	struct rusage u;

	getrusage(whose, &u);
	return (struct used){ u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec,
			      u.ru_stime.tv_sec * 1000000 + u.ru_stime.tv_usec };
}

/* Which of the two was most of it.  Not exactly: Linux counts by ticks where it scales. */
static void mostly(const char *what, struct used was, struct used is)
{
	const long user = is.user - was.user, kernel = is.kernel - was.kernel;

	say("%s: %s", what,
	    user + kernel < LONG * 700        ? "too little"
	    : user + kernel > LONG * 1000 * 3 ? "too much"
	    : user > 3 * kernel               ? "its own"
	    : kernel > 3 * user               ? "the kernel's"
					      : "both");
}

static void by_usage(void)
{
	struct used was = by(RUSAGE_SELF), thread = by(RUSAGE_THREAD);

	think(LONG);
	mostly("think, self", was, by(RUSAGE_SELF));
	mostly("think, thread", thread, by(RUSAGE_THREAD));
	was = by(RUSAGE_SELF);
	thread = by(RUSAGE_THREAD);
	ask(LONG);
	mostly("ask, self", was, by(RUSAGE_SELF));
	mostly("ask, thread", thread, by(RUSAGE_THREAD));
}

static struct used by_times(struct used *children)
{
	struct tms t;

	times(&t);
	*children = (struct used){ t.tms_cutime * 10000, t.tms_cstime * 10000 };
	return (struct used){ t.tms_utime * 10000, t.tms_stime * 10000 };
}

static struct used by_stat(const char *path, const char *begin, const char *format)
{
	char text[1024];
	unsigned long user = 0, kernel = 0;
	const int fd = open(path, O_RDONLY);
	const ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	const char *at = strstr(text, begin);
	if (at == NULL || sscanf(at, format, &user, &kernel) != 2) say("%s: what is that?", path);
	return (struct used){ (long)user * 10000, (long)kernel * 10000 };
}

static struct used by_own_stat(void)
{
	return by_stat("/proc/self/stat", ") ",
		       ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu");
}

static struct used by_system(void)
{
	return by_stat("/proc/stat", "cpu ", "cpu %lu %*u %lu");
}

static void by_others(void)
{
	struct used children;
	struct used was = by_times(&children), own = by_own_stat(), all = by_system();

	think(LONG);
	mostly("think, times", was, by_times(&children));
	mostly("think, stat", own, by_own_stat());
	mostly("think, system", all, by_system());
	was = by_times(&children), own = by_own_stat(), all = by_system();
	ask(LONG);
	mostly("ask, times", was, by_times(&children));
	mostly("ask, stat", own, by_own_stat());
	mostly("ask, system", all, by_system());
}

static void by_children(void)
{
	const struct used none = { 0, 0 };
	struct used was = by(RUSAGE_CHILDREN), before, after;
	struct rusage u;
	int status;

	by_times(&before);
	pid_t child = fork();
	if (child == 0) {
		ask(LONG);
		_exit(0);
	}
	wait4(child, &status, 0, &u);
	mostly("child asks, wait4", none,
	       (struct used){ u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec,
			      u.ru_stime.tv_sec * 1000000 + u.ru_stime.tv_usec });
	mostly("child asks, children", was, by(RUSAGE_CHILDREN));
	by_times(&after);
	mostly("child asks, times", before, after);
	was = by(RUSAGE_CHILDREN);
	child = fork();
	if (child == 0) {
		think(LONG);
		_exit(0);
	}
	waitpid(child, &status, 0);
	mostly("child thinks, children", was, by(RUSAGE_CHILDREN));
}

static void *thread_asks(void *unused)
{
	ask(LONG);
	return unused;
}

static void by_threads(void)
{
	const struct used was = by(RUSAGE_SELF), own = by(RUSAGE_THREAD);
	pthread_t thread;

	pthread_create(&thread, NULL, thread_asks, NULL);
	pthread_join(thread, NULL);
	mostly("a thread asks, self", was, by(RUSAGE_SELF));
	const struct used now = by(RUSAGE_THREAD);
	ANSWER_TRUE(now.user + now.kernel - own.user - own.kernel < LONG * 500);
}

/* The sum of the two is the clock's time, which is the scheduler's. */
static void sums(void)
{
	const struct used a = by(RUSAGE_SELF);
	const long long clock = cpu(CLOCK_PROCESS_CPUTIME_ID);
	const struct used b = by(RUSAGE_SELF);

	ANSWER_TRUE((a.user + a.kernel) * 1000ll <= clock + 1000);
	ANSWER_TRUE((b.user + b.kernel + 2) * 1000ll >= clock);
	struct used was = by(RUSAGE_SELF);
	int back = 0;
	for (int i = 0; i < 5000; i++) {
		const struct used is = by(RUSAGE_SELF);
		back += is.user < was.user || is.kernel < was.kernel;
		was = is;
	}
	say("backwards: %d", back);
}

/* --- timers ----------------------------------------------------------------------------------- */

static volatile sig_atomic_t came[65];

static void on_signal(int sig)
{
	came[sig]++;
}

static void by_timers(const char *what, void (*work)(int ms))
{
	const struct itimerval due = { { 0, 0 }, { 0, LONG / 2 * 1000 } };
	const struct itimerval off = { { 0, 0 }, { 0, 0 } };

	came[SIGVTALRM] = came[SIGPROF] = 0;
	setitimer(ITIMER_VIRTUAL, &due, NULL);
	setitimer(ITIMER_PROF, &due, NULL);
	work(LONG);
	say("%s: SIGVTALRM %d, SIGPROF %d", what, came[SIGVTALRM], came[SIGPROF]);
	setitimer(ITIMER_VIRTUAL, &off, NULL);
	setitimer(ITIMER_PROF, &off, NULL);
}

int main(void)
{
	zero = open("/dev/zero", O_RDONLY);
	signal(SIGVTALRM, on_signal);
	signal(SIGPROF, on_signal);
	by_usage();
	by_others();
	by_children();
	by_threads();
	sums();
	by_timers("think", think);
	by_timers("ask", ask);
	return 0;
}
