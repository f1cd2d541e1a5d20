/*
 * unshare.c -- what tasks share and then do not: descriptors, and what cannot be had apart.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

static char stack[1 << 16] __attribute__((aligned(16)));

static int opened(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void alone(void)
{
	ANSWER(unshare(0));
	ANSWER(unshare(CLONE_FILES));
	ANSWER(unshare(CLONE_FS));
	ANSWER(unshare(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM));
	ANSWER(unshare(CLONE_THREAD));
	ANSWER(unshare(CLONE_SIGHAND));
	ANSWER(unshare(CLONE_VM));
	ANSWER(unshare(CLONE_PARENT));
	ANSWER(unshare(CLONE_VFORK));
	ANSWER(unshare(0xff));
	ANSWER(unshare(CLONE_SETTLS));
	ANSWER(syscall(SYS_unshare, 1l << 40));
}

/* --- threads ---------------------------------------------------------------------------------- */

static pthread_barrier_t both;

static void meet(void)
{
	pthread_barrier_wait(&both);
}

static void *thread_alone(void *unused)
{
	const int own = open("/dev/null", O_RDONLY);

	ANSWER(unshare(CLONE_THREAD));
	ANSWER(unshare(CLONE_SIGHAND));
	ANSWER(unshare(CLONE_VM));
	ANSWER(unshare(CLONE_FILES));
	meet(); /* the other closes 20 */
	meet();
	say("in the thread: 20 %d, its own %d", opened(20), opened(own));
	close(own);
	dup2(0, 21);
	meet(); /* the other looks */
	meet();
	return unused;
}

static void threads(void)
{
	pthread_t thread;

	pthread_barrier_init(&both, NULL, 2);
	dup2(0, 20);
	pthread_create(&thread, NULL, thread_alone, NULL);
	meet();
	close(20);
	meet();
	meet();
	say("outside: 20 %d, 21 %d", opened(20), opened(21));
	meet();
	pthread_join(thread, NULL);
}

static void *thread_closes(void *unused)
{
	ANSWER(close_range(20, 30, CLOSE_RANGE_UNSHARE));
	say("in the thread: 20 %d, 0 %d", opened(20), opened(0));
	dup2(0, 25);
	return unused;
}

static void ranges(void)
{
	pthread_t thread;

	dup2(0, 20);
	pthread_create(&thread, NULL, thread_closes, NULL);
	pthread_join(thread, NULL);
	say("outside: 20 %d, 25 %d", opened(20), opened(25));
	close(20);
}

/* Who forks from a thread with descriptors of its own hands on those; who execs ends the others. */
static void *thread_forks(void *unused)
{
	unshare(CLONE_FILES);
	dup2(0, 26);
	const pid_t child = fork();
	if (child == 0) {
		say("the child: 26 %d", opened(26));
		_exit(0);
	}
	waitpid(child, NULL, 0);
	return unused;
}

static void forks(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, thread_forks, NULL);
	pthread_join(thread, NULL);
	say("outside: 26 %d", opened(26));
}

static void *thread_execs(void *path)
{
	unshare(CLONE_FILES);
	dup2(0, 27);
	execl(path, path, "again", NULL);
	return NULL;
}

static void execs(void)
{
	const pid_t child = fork();

	if (child == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, thread_execs, "/proc/self/exe");
		for (;;) pause();
	}
	waitpid(child, NULL, 0);
}

/* --- processes that share --------------------------------------------------------------------- */

static int shares_files(void *unused)
{
	(void)unused;
	dup2(0, 22);
	ANSWER(unshare(CLONE_FILES));
	dup2(0, 23);
	close(22);
	ANSWER(unshare(CLONE_FILES));
	return 0;
}

static int shares_memory(void *unused)
{
	(void)unused;
	ANSWER(unshare(CLONE_VM));
	ANSWER(unshare(CLONE_SIGHAND));
	ANSWER(unshare(CLONE_THREAD));
	return 0;
}

static void made(const char *what, int (*run)(void *), int flags)
{
	const pid_t pid = clone(run, stack + sizeof(stack), flags | SIGCHLD, NULL);

	answer_done(what, pid);
	if (pid > 0) waitpid(pid, NULL, 0);
}

static void processes(void)
{
	made("clone with files", shares_files, CLONE_FILES);
	say("here: 22 %d, 23 %d", opened(22), opened(23));
	close(22);
	made("clone with memory", shares_memory, CLONE_VM);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		say("%s: 27 %d", argv[1], opened(27));
		return 0;
	}
	alone();
	threads();
	ranges();
	forks();
	execs();
	processes();
	return 0;
}
