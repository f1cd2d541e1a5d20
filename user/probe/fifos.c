/*
 * fifos.c -- pipes with a name: who waits for whom, what is told of them, and when they are empty.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

static char buffer[100];

static void nap(int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void events(const char *what, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM };
	const int n = poll(&p, 1, 0);

	say("%s: poll = %d, %x", what, n, p.revents);
}

static void making(void)
{
	struct stat s;

	ANSWER(mkfifo("/tmp/f", 0640));
	ANSWER(mkfifo("/tmp/f", 0640));
	ANSWER(mkfifo("/tmp/none/f", 0640));
	ANSWER(stat("/tmp/f", &s));
	say("mode %o, size %ld, links %lu", s.st_mode, (long)s.st_size, (unsigned long)s.st_nlink);
	ANSWER(truncate("/tmp/f", 0));
	ANSWER(open("/tmp/f", O_RDONLY | O_DIRECTORY));
	ANSWER(open("/tmp/f/x", O_RDONLY));
	const int fd = open("/tmp/f", O_PATH);
	ANSWER_DONE(fd);
	ANSWER(read(fd, buffer, 1));
	close(fd);
}

static void without_waiting(void)
{
	ANSWER(open("/tmp/f", O_WRONLY | O_NONBLOCK));
	ANSWER(open("/tmp/f", O_WRONLY | O_NONBLOCK | O_TRUNC | O_CREAT, 0600));
	const int reader = open("/tmp/f", O_RDONLY | O_NONBLOCK);
	ANSWER_DONE(reader);
	ANSWER(read(reader, buffer, 10));
	ANSWER(write(reader, "x", 1));
	events("reader alone", reader);
	const int writer = open("/tmp/f", O_WRONLY | O_NONBLOCK);
	ANSWER_DONE(writer);
	ANSWER(read(writer, buffer, 1));
	ANSWER(read(reader, buffer, 10));
	events("reader", reader);
	events("writer", writer);
	ANSWER(write(writer, "hello", 5));
	events("reader of 5", reader);
	int left = -1;
	ANSWER(ioctl(reader, FIONREAD, &left));
	say("left %d", left);
	ANSWER(lseek(reader, 0, SEEK_CUR));
	ANSWER(pread(reader, buffer, 1, 0));
	ANSWER(ftruncate(writer, 0));
	ANSWER(fsync(writer));
	ANSWER(fcntl(writer, F_GETPIPE_SZ));
	struct stat s;
	ANSWER(fstat(reader, &s));
	say("mode %o, size %ld", s.st_mode, (long)s.st_size);
	ANSWER(read(reader, buffer, 2));
	close(writer);
	events("reader of 3, no writer", reader);
	ANSWER(read(reader, buffer, 10));
	ANSWER(read(reader, buffer, 10));
	events("reader, no writer", reader);
	ANSWER(fcntl(reader, F_GETFL) & O_NONBLOCK);
	const int second = open("/tmp/f", O_RDONLY | O_NONBLOCK);
	events("second reader, no writer", second);
	events("first reader, no writer", reader);
	close(second);
	const int again = open("/tmp/f", O_WRONLY);
	ANSWER(write(again, "more", 4));
	close(again);
	ANSWER(read(reader, buffer, 10));
	close(reader);
}

static void both_ways(void)
{
	signal(SIGPIPE, SIG_IGN);
	const int both = open("/tmp/f", O_RDWR);
	ANSWER_DONE(both);
	events("both", both);
	ANSWER(write(both, "abc", 3));
	events("both of 3", both);
	ANSWER(read(both, buffer, 1));
	const int writer = open("/tmp/f", O_WRONLY);
	ANSWER(write(writer, "d", 1));
	close(both);
	events("writer, no reader", writer);
	ANSWER(write(writer, "e", 1));
	/* What was in it stays while anybody has it open. */
	const int reader = open("/tmp/f", O_RDONLY);
	ANSWER(read(reader, buffer, 10));
	ANSWER(write(writer, "lost", 4));
	close(writer);
	close(reader);
	const int later = open("/tmp/f", O_RDONLY | O_NONBLOCK);
	ANSWER(read(later, buffer, 10));
	close(later);
}

static void waiting(void)
{
	int status = -1;

	/* A reader waits for a writer, a writer for a reader; the path is gone meanwhile. */
	pid_t child = fork();
	if (child == 0) {
		nap(30);
		const int fd = open("/tmp/f", O_WRONLY);
		_exit(fd >= 0 && write(fd, "late", 4) == 4 ? 3 : 4);
	}
	const int reader = open("/tmp/f", O_RDONLY);
	ANSWER_DONE(reader);
	ANSWER(read(reader, buffer, 10));
	ANSWER(read(reader, buffer, 10));
	waitpid(child, &status, 0);
	say("status %x", status);
	close(reader);
	child = fork();
	if (child == 0) {
		nap(30);
		unlink("/tmp/f");
		_exit(mkfifo("/tmp/f", 0600) == 0 ? 3 : 4);
	}
	waitpid(child, &status, 0);
	say("status %x", status);
	child = fork();
	if (child == 0) {
		nap(30);
		const int fd = open("/tmp/f", O_RDONLY);
		_exit(fd >= 0 && read(fd, buffer, 10) == 2 ? 3 : 4);
	}
	const int writer = open("/tmp/f", O_WRONLY);
	ANSWER_DONE(writer);
	ANSWER(write(writer, "hi", 2));
	close(writer);
	waitpid(child, &status, 0);
	say("status %x", status);
}

static void nothing(int signal)
{
	(void)signal;
}

static void interrupted(int flags)
{
	struct sigaction a = { .sa_handler = nothing, .sa_flags = flags };
	int status = -1;

	sigaction(SIGUSR1, &a, NULL);
	const pid_t me = getpid(), child = fork();
	if (child == 0) {
		nap(30);
		kill(me, SIGUSR1);
		nap(30);
		const int fd = open("/tmp/f", O_WRONLY | O_NONBLOCK);
		_exit(fd >= 0 ? 3 : 4);
	}
	const int fd = open("/tmp/f", O_RDONLY);
	answer_done("interrupted open", fd);
	waitpid(child, &status, 0);
	say("status %x", status);
	close(fd);
}

/* A reader killed while it waits is no reader. */
static void killed(void)
{
	int status = -1;
	const pid_t child = fork();

	if (child == 0) _exit(open("/tmp/f", O_RDONLY) >= 0);
	nap(30);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	say("status %x", status);
	ANSWER(open("/tmp/f", O_WRONLY | O_NONBLOCK));
}

int main(void)
{
	mkdir("/tmp", 0777);
	making();
	without_waiting();
	both_ways();
	waiting();
	interrupted(0);
	interrupted(SA_RESTART);
	killed();
	ANSWER(unlink("/tmp/f"));
	return 0;
}
