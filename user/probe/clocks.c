/*
 * clocks.c -- clocks, sleeping, timers: what may be asked, and that time passes as it should.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

static int64_t now(clockid_t clock)
{
	struct timespec t = { 0, -1 };

	syscall(SYS_clock_gettime, clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void asking(void)
{
	struct timespec t;
	static const struct {
		const char *name;
		clockid_t clock;
	} all[] = { { "REALTIME", 0 },         { "MONOTONIC", 1 },     { "PROCESS", 2 },
		    { "THREAD", 3 },           { "MONOTONIC_RAW", 4 }, { "REALTIME_COARSE", 5 },
		    { "MONOTONIC_COARSE", 6 }, { "BOOTTIME", 7 },      { "number 10", 10 },
		    { "number 16", 16 },       { "number -1", -1 } };

	for (unsigned i = 0; i < PROBE_COUNT(all); i++) {
		errno = 0;
		answer(all[i].name, syscall(SYS_clock_gettime, all[i].clock, &t));
		if (errno == 0)
			say("  nanoseconds are some: %d", t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
		answer("  resolution", syscall(SYS_clock_getres, all[i].clock, &t));
	}
	ANSWER(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, BAD));
	ANSWER(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
	syscall(SYS_clock_getres, CLOCK_MONOTONIC, &t);
	say("resolution of MONOTONIC: %ld ns", t.tv_nsec);
	ANSWER(syscall(SYS_gettimeofday, BAD, NULL));
	ANSWER(syscall(SYS_gettimeofday, NULL, NULL));
}

static void passing(void)
{
	const int64_t mono = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME);
	int64_t was = mono;
	int back = 0;
	uint64_t ticks, later, hertz;

	for (int i = 0; i < 10000; i++) {
		const int64_t t = now(CLOCK_MONOTONIC);
		back += t < was;
		was = t;
	}
	say("backwards: %d", back);
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks));
	usleep(30000);
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tmrs %1, cntfrq_el0"
			 : "=r"(later), "=r"(hertz));
	const int64_t passed = now(CLOCK_MONOTONIC) - mono;
	ANSWER_TRUE(passed >= 30000000 && passed < 2000000000);
	ANSWER_TRUE(now(CLOCK_REALTIME) - real >= 30000000);
	ANSWER_TRUE((later - ticks) * 1000 / hertz >= 30 && (later - ticks) / hertz < 2);
	ANSWER_TRUE(now(CLOCK_PROCESS_CPUTIME_ID) > 0);
	ANSWER_TRUE(now(CLOCK_PROCESS_CPUTIME_ID) < now(CLOCK_MONOTONIC));
	const int64_t cpu = now(CLOCK_THREAD_CPUTIME_ID);
	usleep(50000);
	ANSWER_TRUE(now(CLOCK_THREAD_CPUTIME_ID) - cpu < 40000000);
	ANSWER_TRUE(times(NULL) > 0);
	ANSWER(sysconf(_SC_CLK_TCK));
}

static void sleeping(void)
{
	const struct timespec bad = { 0, 1000000000 }, minus = { -1, 0 }, nothing = { 0, 0 },
			      some = { 0, 20000000 };
	struct timespec until;
	int64_t start = now(CLOCK_MONOTONIC);

	ANSWER(syscall(SYS_nanosleep, &bad, NULL));
	ANSWER(syscall(SYS_nanosleep, &minus, NULL));
	ANSWER(syscall(SYS_nanosleep, BAD, NULL));
	ANSWER(syscall(SYS_nanosleep, &nothing, NULL));
	ANSWER(syscall(SYS_nanosleep, &some, BAD));
	ANSWER_TRUE(now(CLOCK_MONOTONIC) - start >= 20000000);
	ANSWER(syscall(SYS_clock_nanosleep, 99, 0, &some, NULL));
	ANSWER(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &some, NULL));
	ANSWER(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &some, NULL));
	clock_gettime(CLOCK_MONOTONIC, &until);
	ANSWER(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
	start = now(CLOCK_MONOTONIC);
	until.tv_sec = start / 1000000000;
	until.tv_nsec = start % 1000000000 + 10000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	ANSWER(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
	ANSWER_TRUE(now(CLOCK_MONOTONIC) - start >= 10000000);
	clock_gettime(CLOCK_REALTIME, &until);
	ANSWER(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL));
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void timers(void)
{
	const struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, off = { { 0, 0 }, { 0, 0 } },
			       wrong = { { 0, 0 }, { 0, 1000000 } };
	struct itimerval was;

	signal(SIGALRM, on_alarm);
	ANSWER(setitimer(ITIMER_REAL, &wrong, NULL));
	ANSWER(setitimer(9, &often, NULL));
	ANSWER(setitimer(ITIMER_REAL, &often, NULL));
	for (int i = 0; i < 1000 && alarms < 3; i++) usleep(10000);
	ANSWER_TRUE(alarms >= 3);
	ANSWER(getitimer(ITIMER_REAL, &was));
	ANSWER_TRUE(was.it_interval.tv_usec == 5000 && was.it_value.tv_usec <= 5000);
	ANSWER(setitimer(ITIMER_REAL, &off, NULL));
	ANSWER(getitimer(ITIMER_REAL, &was));
	ANSWER_TRUE(was.it_value.tv_usec == 0 && was.it_value.tv_sec == 0);
	ANSWER(alarm(100));
	ANSWER(alarm(0));
	ANSWER(alarm(0));
}

int main(void)
{
	asking();
	passing();
	sleeping();
	timers();
	return 0;
}
