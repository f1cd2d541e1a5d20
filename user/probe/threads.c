/*
 * threads.c -- clone: what threads share and have of their own, how they end, what is told of that.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

static long raw_clone(unsigned long flags, void *stack, void *parent_tid, void *tls,
		      void *child_tid)
{
	return syscall(SYS_clone, flags, stack, parent_tid, tls, child_tid);
}

/* --- flags that make no sense ----------------------------------------------------------------- */

static void refused(void)
{
	ANSWER(raw_clone(CLONE_THREAD | SIGCHLD, NULL, NULL, NULL, NULL));
	ANSWER(raw_clone(CLONE_THREAD | CLONE_VM, NULL, NULL, NULL, NULL));
	ANSWER(raw_clone(CLONE_SIGHAND | SIGCHLD, NULL, NULL, NULL, NULL));
	ANSWER(raw_clone(CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL));
}

/* --- ids and words ---------------------------------------------------------------------------- */

static _Atomic int parent_word, child_word;

static void ids(void)
{
	int status = 0;
	const unsigned long flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID;
	const long child =
		raw_clone(flags | SIGCHLD, NULL, (void *)&parent_word, NULL, (void *)&child_word);

	if (child == 0) _exit(child_word == getpid() && getpid() == gettid() ? 1 : 2);
	waitpid((pid_t)child, &status, 0);
	say("a child knows its id in its own word: %d", WEXITSTATUS(status));
	say("the parent's word: %d; the child's word here: %d", parent_word == child, child_word);
	ANSWER_TRUE(gettid() == getpid());
	ANSWER_TRUE(syscall(SYS_set_tid_address, &child_word) == gettid());
	const long bad = raw_clone(flags | SIGCHLD, NULL, BAD, NULL, BAD);
	if (bad == 0) _exit(3);
	answer_done("words that are not there", bad);
	if (bad > 0) waitpid((pid_t)bad, &status, 0);
	say("exit %d", WEXITSTATUS(status));
}

/* --- what is shared --------------------------------------------------------------------------- */

static __thread int own = 5;
static int shared = 5;

static void *member(void *argument)
{
	own += 1;
	shared += 1;
	say("thread: own %d, shared %d, same process %d, another tid %d", own, shared,
	    getpid() == *(pid_t *)argument, gettid() != getpid());
	chdir("/etc");
	return &shared;
}

static void sharing(void)
{
	pthread_t t;
	pid_t pid = getpid();
	void *result = NULL;
	char where[100];
	const int fd = dup(1);

	answer("pthread_create", pthread_create(&t, NULL, member, &pid));
	answer("pthread_join", pthread_join(t, &result));
	say("main: own %d, shared %d, result %d, in %s", own, shared, result == &shared,
	    getcwd(where, sizeof(where)));
	chdir("/");
	close(fd);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void *ends_process(void *code)
{
	if (code != NULL) exit((int)(intptr_t)code);
	syscall(SYS_exit_group, 21);
	return NULL;
}

static void *faults(void *nothing)
{
	(void)nothing;
	*(volatile char *)BAD = 1;
	return NULL;
}

static void *lasts(void *nothing)
{
	(void)nothing;
	usleep(20000);
	_exit(31);
	return NULL;
}

static void *waits(void *nothing)
{
	for (;;) pause();
	return nothing;
}

static void *kills(void *nothing)
{
	kill(getpid(), SIGTERM);
	for (;;) pause();
	return nothing;
}

static const struct {
	const char *name;
	void *(*thread)(void *);
	int main_exits;
} ends[] = {
	{ "exit_group by a thread", ends_process, 0 },
	{ "a thread faults", faults, 0 },
	{ "the first thread exits before another", lasts, 1 },
	{ "main returns while a thread waits", waits, 2 },
	{ "a thread kills the process", kills, 0 },
};

static void endings(void)
{
	for (unsigned i = 0; i < PROBE_COUNT(ends); i++) {
		int status = 0;
		const pid_t child = fork();
		if (child == 0) {
			pthread_t t;
			pthread_create(&t, NULL, ends[i].thread, NULL);
			if (ends[i].main_exits == 1) syscall(SYS_exit, 30);
			if (ends[i].main_exits == 2) exit(32);
			for (;;) pause();
		}
		waitpid(child, &status, 0);
		say("%s: exit %d, signal %d", ends[i].name, WEXITSTATUS(status), WTERMSIG(status));
	}
}

/* The word that is cleared, and who waits for it, when a thread ends. */
static char stack[65536] __attribute__((aligned(16)));
static _Atomic int clear_word;

static int bare(void *argument)
{
	(void)argument;
	return 0;
}

static void cleared(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID;
	int parent = 0;

	clear_word = 1;
	const int tid = clone(bare, stack + sizeof(stack), flags, NULL, &parent, NULL, &clear_word);
	answer_done("a bare thread", tid);
	while (clear_word != 0) syscall(SYS_futex, &clear_word, FUTEX_WAIT, 1, NULL, NULL, 0);
	say("its word is cleared; the parent's: %d", parent == tid);
	int gone = 0;
	for (int tries = 0; tries < 1000 && gone == 0; tries++) {
		gone = syscall(SYS_tgkill, getpid(), tid, 0) != 0 && errno == ESRCH;
		sched_yield();
	}
	say("it is gone: %d", gone);
	ANSWER(waitpid(tid, NULL, 0));
}

/* vfork: the parent waits until the child has gone, or has become another program. */
static void borrowed(void)
{
	volatile int seen = 0;
	int status = 0;
	const pid_t child = vfork();

	if (child == 0) {
		usleep(10000);
		seen = 7;
		_exit(8);
	}
	say("after vfork: seen %d", seen);
	waitpid(child, &status, 0);
	say("exit %d", WEXITSTATUS(status));
}

/* CLONE_VM without CLONE_THREAD: another process in the same memory, and no signal when it ends. */
static volatile int touched;

static int touches(void *argument)
{
	(void)argument;
	touched = getpid() != getppid();
	return 9;
}

static void in_one_space(void)
{
	int status = 0;
	const int child = clone(touches, stack + sizeof(stack), CLONE_VM, NULL);

	answer("wait4 without __WALL", waitpid(child, &status, 0));
	answer("wait4 with __WALL: the child", waitpid(child, &status, __WALL) == child);
	say("touched %d, exit %d", touched, WEXITSTATUS(status));
}

/* A signal to the process goes to whichever thread takes it; one to a thread, to that. */
static _Atomic int receiver;

static void on_signal(int signal)
{
	(void)signal;
	receiver = gettid();
}

static void *waits_open(void *tid_to)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGUSR1);
	*(_Atomic int *)tid_to = gettid();
	sigsuspend(&all);
	return NULL;
}

static void signals(void)
{
	pthread_t t;
	_Atomic int tid = 0;
	sigset_t set;

	signal(SIGUSR1, on_signal);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&t, NULL, waits_open, &tid);
	while (tid == 0) sched_yield();
	usleep(5000);
	kill(getpid(), SIGUSR1);
	pthread_join(t, NULL);
	say("the process's signal went to the thread that takes it: %d", receiver == tid);
	tid = 0;
	pthread_create(&t, NULL, waits_open, &tid);
	while (tid == 0) sched_yield();
	usleep(5000);
	answer("tgkill", (int)syscall(SYS_tgkill, getpid(), tid, SIGUSR1));
	pthread_join(t, NULL);
	say("the thread's went to it: %d", receiver == tid);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Many at once, and a mutex and a condition among them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int next;

static void *in_turn(void *number)
{
	pthread_mutex_lock(&lock);
	while (next != (int)(intptr_t)number) pthread_cond_wait(&turn, &lock);
	next++;
	pthread_cond_broadcast(&turn);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void many(void)
{
	pthread_t t[20];

	for (int i = 19; i >= 0; i--) pthread_create(&t[i], NULL, in_turn, (void *)(intptr_t)i);
	for (int i = 0; i < 20; i++) pthread_join(t[i], NULL);
	say("20 threads in turn: %d", next);
}

int main(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	refused();
	ids();
	sharing();
	endings();
	cleared();
	borrowed();
	in_one_space();
	signals();
	many();
	return 0;
}
