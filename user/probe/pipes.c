/*
 * pipes.c -- what pipes answer: full, empty, without readers or writers, and to whom waits.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

static char buffer[1 << 17];

static void making(void)
{
	int p[2];
	struct stat s;

	ANSWER(pipe(p));
	say("%d %d", p[0], p[1]);
	ANSWER(syscall(SYS_pipe2, BAD, 0));
	ANSWER(pipe2(p, 1 << 30));
	ANSWER(fstat(3, &s));
	say("mode %o, size %ld", s.st_mode, (long)s.st_size);
	ANSWER(lseek(3, 0, SEEK_SET));
	ANSWER(pread(3, buffer, 1, 0));
	ANSWER(write(3, "x", 1));
	ANSWER(read(4, buffer, 1));
	ANSWER(ftruncate(4, 0));
	say("F_GETFL: %o %o", fcntl(3, F_GETFL), fcntl(4, F_GETFL));
	close(3);
	close(4);
	ANSWER(pipe2(p, O_CLOEXEC | O_NONBLOCK));
	say("F_GETFL: %o %o", fcntl(3, F_GETFL), fcntl(4, F_GETFL));
	say("F_GETFD: %d %d", fcntl(3, F_GETFD), fcntl(4, F_GETFD));
}

/* Descriptors 3 and 4, which do not wait. */
static void full_and_empty(void)
{
	long held = 0;
	int waiting = -1;
	struct iovec parts[2] = { { "one", 3 }, { "two", 3 } };

	ANSWER(read(3, buffer, 1));
	ANSWER(read(3, buffer, 0));
	ANSWER(write(4, "", 0));
	ANSWER(write(4, BAD, 3));
	ANSWER(write(4, "hello", 5));
	ANSWER(ioctl(3, FIONREAD, &waiting));
	say("%d waiting", waiting);
	ANSWER(read(3, BAD, 3));
	ANSWER(read(3, buffer, 3));
	ANSWER(read(3, buffer, 100));
	ANSWER(writev(4, parts, 2));
	ANSWER(read(3, buffer, 100));
	say("%.6s", buffer);
	for (long n; (n = write(4, buffer, 4096)) > 0;) held += n;
	answer("a page more", write(4, buffer, 4096));
	say("%ld bytes in a full pipe", held);
	ANSWER(write(4, buffer, 1));
	ANSWER(read(3, buffer, 100));
	ANSWER(write(4, buffer, 4096));
	ANSWER(read(3, buffer, 3996));
	ANSWER(write(4, buffer, 4096));
	ANSWER(write(4, buffer, 5000));
	while (read(3, buffer, sizeof(buffer)) > 0) continue;
	ANSWER(write(4, buffer, sizeof(buffer)));
	ANSWER(read(3, buffer, sizeof(buffer)));
	ANSWER(fcntl(3, F_GETPIPE_SZ));
}

static void polling(void)
{
	struct pollfd p[2] = { { 3, POLLIN, 0 }, { 4, POLLOUT, 0 } };
	const struct timespec now = { 0, 0 };

	answer("poll of an empty pipe", ppoll(p, 2, &now, NULL));
	say("%x %x", p[0].revents, p[1].revents);
	while (write(4, buffer, 4096) > 0) continue;
	answer("poll of a full pipe", ppoll(p, 2, &now, NULL));
	say("%x %x", p[0].revents, p[1].revents);
	close(4);
	p[1].fd = 99;
	answer("poll without a writer, and of no file", ppoll(p, 2, &now, NULL));
	say("%x %x", p[0].revents, p[1].revents);
	while (read(3, buffer, sizeof(buffer)) > 0) continue;
	p[1].fd = -1;
	answer("poll of an empty pipe without a writer", ppoll(p, 2, &now, NULL));
	say("%x %x", p[0].revents, p[1].revents);
	ANSWER(read(3, buffer, 1));
	close(3);
	const struct timespec bad = { 0, 1000000000 };
	ANSWER(ppoll(p, 0, &bad, NULL));
	ANSWER(ppoll(NULL, 1, &now, NULL));
	const struct timespec soon = { 0, 2000000 };
	ANSWER(ppoll(p, 0, &soon, NULL));
}

static volatile sig_atomic_t broken;

static void on_broken(int signal)
{
	broken += signal == SIGPIPE;
}

static void no_reader(void)
{
	int p[2], status;

	ANSWER(pipe(p));
	close(p[0]);
	const pid_t child = fork();
	if (child == 0) {
		write(p[1], "x", 1);
		_exit(0);
	}
	waitpid(child, &status, 0);
	say("a writer without a reader: signal %d, exit %d",
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0, WEXITSTATUS(status));
	signal(SIGPIPE, on_broken);
	ANSWER(write(p[1], "x", 1));
	ANSWER(write(p[1], "x", 0));
	say("signals: %d", (int)broken);
	struct pollfd end = { p[1], POLLOUT, 0 };
	answer("poll without a reader", poll(&end, 1, 0));
	say("%x", end.revents);
	close(p[1]);
}

/* A writer of more than the pipe holds waits for its reader; the reader for the writer's end. */
static void waiting(void)
{
	int p[2], status;
	long got = 0;

	ANSWER(pipe(p));
	const pid_t child = fork();
	if (child == 0) {
		close(p[0]);
		const long n = write(p[1], buffer, sizeof(buffer));
		_exit(n == (long)sizeof(buffer) ? 7 : 8);
	}
	close(p[1]);
	for (long n; (n = read(p[0], buffer, 1000)) > 0;) got += n;
	waitpid(child, &status, 0);
	say("%ld bytes got, writer's exit %d", got, WEXITSTATUS(status));
	close(p[0]);
}

/* A large write is cut where its reader stops; what it wrote so far is its answer. */
static void interrupted(void)
{
	int p[2];

	signal(SIGPIPE, SIG_IGN);
	ANSWER(pipe(p));
	const pid_t child = fork();
	if (child == 0) {
		close(p[1]);
		for (int left = 10; left > 0;) left -= (int)read(p[0], buffer, (size_t)left);
		_exit(0);
	}
	close(p[0]);
	const long n = write(p[1], buffer, sizeof(buffer));
	ANSWER_TRUE(n >= 65536 && n < (long)sizeof(buffer));
	waitpid(child, NULL, 0);
	ANSWER(write(p[1], "x", 1));
	close(p[1]);
}

int main(void)
{
	making();
	full_and_empty();
	polling();
	no_reader();
	waiting();
	interrupted();
	return 0;
}
