/*
 * futex.c -- waiting, waking, moving waiters, times, and locks whose owners die.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

static long futex(void *word, int op, unsigned value, const void *time, void *word2,
		  unsigned value3)
{
	return syscall(SYS_futex, word, op, value, time, word2, value3);
}

static _Atomic int word, other;
static const struct timespec none = { 0, 0 }, soon = { 0, 3000000 }, bad = { 0, 1000000000 },
			     negative = { -1, 0 };

static void answers(void)
{
	ANSWER(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAIT, 0, &none, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAIT, 0, &soon, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAIT, 1, &bad, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAIT, 0, &negative, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAIT, 0, BAD, NULL, 0));
	ANSWER(futex((char *)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0));
	ANSWER(futex((char *)&word + 2, FUTEX_WAKE, 1, NULL, NULL, 0));
	ANSWER(futex(BAD, FUTEX_WAIT, 0, NULL, NULL, 0));
	ANSWER(futex(BAD, FUTEX_WAKE, 1, NULL, NULL, 0));
	ANSWER(futex(BAD, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	ANSWER(futex((void *)0xffff000000000000, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAIT_BITSET, 0, &none, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAIT_BITSET, 0, &none, NULL, 1));
	ANSWER(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	ANSWER(futex(&word, 99, 0, NULL, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
	ANSWER(futex(&word, FUTEX_REQUEUE, 1, (void *)1, &other, 0));
	ANSWER(futex(&word, FUTEX_REQUEUE, 1, (void *)-1l, &other, 0));
	ANSWER(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 5));
	ANSWER(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 0));
	ANSWER(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, BAD, 0));
}

/* --- waiters ---------------------------------------------------------------------------------- */

enum { WAITERS = 5 };
static _Atomic int waiting, woken;

static void *waiter(void *on)
{
	waiting++;
	futex(on, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	woken++;
	return NULL;
}

static pthread_t thread[WAITERS];

static void start_waiters(void)
{
	waiting = woken = 0;
	for (int i = 0; i < WAITERS; i++) pthread_create(&thread[i], NULL, waiter, &word);
	while (waiting != WAITERS) sched_yield();
	usleep(20000);
}

static void join_waiters(void)
{
	for (int i = 0; i < WAITERS; i++) pthread_join(thread[i], NULL);
	say("woken: %d", woken);
}

static void waking(void)
{
	start_waiters();
	ANSWER(futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	join_waiters();
	start_waiters();
	ANSWER(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &other, 0));
	ANSWER(futex(&other, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	ANSWER(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	join_waiters();
	start_waiters();
	/* Adds 1 to `other`; wakes of it too when it was 0. */
	ANSWER(futex(&word, FUTEX_WAKE_OP_PRIVATE, 3, (void *)2, &other,
		     FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0)));
	say("other word: %d", other);
	ANSWER(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	join_waiters();
	other = 0;
}

static void bits(void)
{
	ANSWER(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 100, NULL, NULL, 2));
	start_waiters();
	ANSWER(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 2, NULL, NULL, 4));
	ANSWER(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	join_waiters();
}

/* A word in memory that two processes share; the same place after fork is not the same word. */
static void processes(void)
{
	_Atomic int *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct timespec while_ = { 0, 200000000 };
	int status = 0;

	if (fork() == 0) {
		shared[1] = 1;
		_exit(futex(&shared[0], FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 1 : 2);
	}
	while (shared[1] == 0) sched_yield();
	usleep(20000);
	ANSWER(futex(&shared[0], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	ANSWER(futex(&shared[0], FUTEX_WAKE, 1, NULL, NULL, 0));
	wait(&status);
	say("exit %d", WEXITSTATUS(status));
	shared[1] = 0;
	if (fork() == 0) {
		shared[1] = 1;
		_exit(futex(&word, FUTEX_WAIT, 0, &while_, NULL, 0) != 0 && errno == ETIMEDOUT);
	}
	while (shared[1] == 0) sched_yield();
	usleep(20000);
	ANSWER(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	wait(&status);
	say("a child's own word: timed out %d", WEXITSTATUS(status));
	munmap((void *)shared, 4096);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* A child that sends SIGALRM after a while. */
static pid_t alarm_soon(void)
{
	const struct timespec late = { 0, 40000000 };
	const pid_t child = fork();

	if (child != 0) return child;
	nanosleep(&late, NULL);
	kill(getppid(), SIGALRM);
	_exit(0);
}

static void interrupted(void)
{
	const struct timespec longer = { 5, 0 };
	struct sigaction act = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &act, NULL);
	pid_t child = alarm_soon();
	ANSWER(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0));
	waitpid(child, NULL, 0);
	act.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &act, NULL);
	child = alarm_soon();
	ANSWER(futex(&word, FUTEX_WAIT, 0, &longer, NULL, 0));
	waitpid(child, NULL, 0);
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	ANSWER(futex(&word, FUTEX_WAIT_BITSET, 0, &until, NULL, 1));
	clock_gettime(CLOCK_REALTIME, &until);
	ANSWER(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &until, NULL, 1));
}

/* --- owners that die -------------------------------------------------------------------------- */

static pthread_mutex_t robust;

static void *dies(void *nothing)
{
	pthread_mutex_lock(&robust);
	return nothing;
}

static void dead_owners(void)
{
	pthread_mutexattr_t kind;
	pthread_t t;
	struct robust_list_head *head = NULL;
	size_t bytes = 0;

	pthread_mutexattr_init(&kind);
	pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &kind);
	pthread_create(&t, NULL, dies, NULL);
	pthread_join(t, NULL);
	say("lock of a dead thread's: %s", strerrorname_np(pthread_mutex_lock(&robust)));
	answer("made consistent", pthread_mutex_consistent(&robust));
	answer("unlock", pthread_mutex_unlock(&robust));
	ANSWER(syscall(SYS_get_robust_list, 0, &head, &bytes));
	say("bytes %zu", bytes);
	ANSWER(syscall(SYS_set_robust_list, head, 7));
	ANSWER(syscall(SYS_get_robust_list, 99999, &head, &bytes));
}

int main(void)
{
	answers();
	waking();
	bits();
	processes();
	interrupted();
	dead_owners();
	return 0;
}
