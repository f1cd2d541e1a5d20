/*
 * spawnstorm.c -- processes come and go: fork, vfork and exec, posix_spawn, many at once, and
 * orphans.
 *
 *	spawnstorm spawns=500 alive=16
 *
 * Every child ends in the way it was told to, exit or signal, and the parent checks each status.  A
 * forked child writes to memory that it shares with its parent until then, and both look at it.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "stress/user/program.h"

const char *const program = "spawnstorm";

enum { ALIVE_MAX = 256, WORDS = 16 * 1024 };

extern char **environ;

static char *self;
static volatile unsigned own[WORDS];

/* How child number `n` ends. */
static int code_of(unsigned long n)
{
	return (int)(n % 200) + 1;
}

static bool by_signal(unsigned long n)
{
	return n % 5 == 4;
}

__attribute__((noreturn)) static void end(unsigned long n)
{
	if (by_signal(n)) {
		kill(getpid(), n % 2 ? SIGKILL : SIGTERM);
		for (;;) pause();
	}
	_exit(code_of(n));
}

static void check_status(unsigned long n, int status)
{
	if (by_signal(n))
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == (n % 2 ? SIGKILL : SIGTERM),
		      "child %lu: status %x", n, status);
	else
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code_of(n),
		      "child %lu: status %x", n, status);
}

/* Writes to every page, which were the parent's until then. */
static void forked(unsigned long n)
{
	for (int i = 0; i < WORDS; i += 256) {
		CHECK(own[i] == 7, "a child sees %u", own[i]);
		own[i] = (unsigned)n;
	}
	for (int i = 0; i < WORDS; i += 256)
		CHECK(own[i] == (unsigned)n, "a child lost its writes");
	end(n);
}

static pid_t start(unsigned long n)
{
	char number[20];
	char *words[] = { self, "child", number, NULL };
	pid_t child = -1;

	snprintf(number, sizeof(number), "%lu", n);
	switch (n % 3) {
	case 0:
		child = fork();
		if (child == 0) forked(n);
		break;
	case 1:
		child = vfork();
		if (child == 0) {
			execve(self, words, environ);
			_exit(255);
		}
		break;
	default: errno = posix_spawn(&child, self, NULL, NULL, words, environ);
	}
	CHECK(child > 0, "child %lu: %s", n, strerror(errno));
	return child;
}

static struct {
	pid_t pid;
	unsigned long n;
} alive[ALIVE_MAX];

/* Whichever ends first. */
static void reap(unsigned long count)
{
	int status = 0;
	const pid_t pid = waitpid(-1, &status, 0);

	CHECK(pid > 0, "waitpid: %s", strerror(errno));
	for (unsigned long i = 0; i < count; i++) {
		if (alive[i].pid != pid) continue;
		check_status(alive[i].n, status);
		alive[i] = alive[count - 1];
		return;
	}
	fail("process %d is nobody's child", pid);
}

/* A child ends before its own child does.  That one becomes the first process's, and says by a pipe
 * what it saw. */
static void orphans(unsigned long count)
{
	int status = 0, line[2];

	for (unsigned long n = 0; n < count; n++) {
		CHECK(pipe(line) == 0, "pipe: %s", strerror(errno));
		const pid_t child = fork();
		CHECK(child >= 0, "fork: %s", strerror(errno));
		if (child == 0) {
			const pid_t parent = getpid();
			if (fork() != 0) _exit(78);
			while (getppid() == parent) usleep(100);
			const char first = getppid() == 1 ? 'f' : 'o';
			_exit(write(line[1], &first, 1) == 1 ? 0 : 1);
		}
		char said[2] = "";
		close(line[1]);
		CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 78,
		      "an orphan's parent: status %x", status);
		CHECK(read(line[0], said, 2) == 1 && *said == 'f', "an orphan says '%.1s'", said);
		CHECK(read(line[0], said, 1) == 0, "an orphan does not end");
		close(line[0]);
	}
}

int main(int count, char **arguments)
{
	const struct rlimit no_core = { 0, 0 };
	unsigned long living = 0;

	self = arguments[0];
	if (count == 3 && strcmp(arguments[1], "child") == 0) end(strtoul(arguments[2], NULL, 10));
	const unsigned long spawns = argument(arguments, "spawns", 500);
	const unsigned long most = argument(arguments, "alive", 16);
	CHECK(most >= 1 && most <= ALIVE_MAX, "%lu alive", most);
	setrlimit(RLIMIT_CORE, &no_core);
	for (int i = 0; i < WORDS; i++) own[i] = 7;
	for (unsigned long n = 0; n < spawns; n++) {
		if (living == most) reap(living--);
		alive[living].n = n;
		alive[living++].pid = start(n);
	}
	while (living > 0) reap(living--);
	CHECK(waitpid(-1, NULL, 0) < 0 && errno == ECHILD, "somebody is left");
	for (int i = 0; i < WORDS; i++) CHECK(own[i] == 7, "a child wrote to its parent's memory");
	orphans(spawns / 20 + 1);
	return verdict("%lu processes, %lu at once, %lu orphans", spawns, most, spawns / 20 + 1);
}
