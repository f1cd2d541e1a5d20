/*
 * locks.c -- locks on files: flock's, those of fcntl by process, and those by open file.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

static int file, other; /* two of one file */

static void nap(int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static long lock(int fd, int how, short type, long start, long length)
{
	struct flock l = { .l_type = type, .l_start = start, .l_len = length };

	return fcntl(fd, how, &l);
}

/* What is in the way. */
static void who(const char *what, int fd, int how, short type, long start, long length)
{
	struct flock l = { .l_type = type, .l_start = start, .l_len = length };

	if (fcntl(fd, how, &l) != 0) {
		answer(what, -1);
		return;
	}
	say("%s: type %d, whence %d, start %ld, length %ld, %s", what, l.l_type, l.l_whence,
	    (long)l.l_start, (long)l.l_len,
	    l.l_pid == 0          ? "nobody"
	    : l.l_pid == -1       ? "a file"
	    : l.l_pid == getpid() ? "me"
				  : "another");
}

/* The steps by a child, which is waited for. */
static void child(void (*steps)(void))
{
	int status = -1;
	const pid_t pid = fork();

	if (pid == 0) {
		steps();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	say("child ended with %x", status);
}

/* --- flock ------------------------------------------------------------------------------------ */

static void flock_child(void)
{
	ANSWER(flock(file, LOCK_EX | LOCK_NB)); /* the same open file: it has the lock already */
	const int own = open("/tmp/lock", O_RDONLY);
	ANSWER(flock(own, LOCK_SH | LOCK_NB));
	ANSWER(flock(own, LOCK_UN));
	close(own);
}

static void flocks(void)
{
	int fds[2];

	ANSWER(flock(file, LOCK_SH));
	ANSWER(flock(other, LOCK_SH | LOCK_NB));
	ANSWER(flock(other, LOCK_EX | LOCK_NB)); /* and it has lost what it had */
	ANSWER(flock(file, LOCK_EX | LOCK_NB));
	ANSWER(flock(other, LOCK_SH | LOCK_NB));
	child(flock_child);
	ANSWER(flock(other, LOCK_EX | LOCK_NB));
	const int copy = dup(file);
	close(file);
	file = copy;
	ANSWER(flock(other, LOCK_EX | LOCK_NB)); /* the open file has it, not the descriptor */
	ANSWER(flock(file, LOCK_UN));
	ANSWER(flock(file, LOCK_UN));
	ANSWER(flock(other, LOCK_EX | LOCK_NB));
	const int third = open("/tmp/lock", O_RDONLY);
	ANSWER(flock(third, LOCK_SH | LOCK_NB));
	close(other);
	ANSWER(flock(third, LOCK_SH | LOCK_NB));
	close(third);
	other = open("/tmp/lock", O_RDWR);
	ANSWER(flock(file, 0));
	ANSWER(flock(file, LOCK_SH | LOCK_EX));
	ANSWER(flock(99, LOCK_SH));
	ANSWER(flock(99, 77));
	const int path = open("/tmp/lock", O_PATH);
	ANSWER(flock(path, LOCK_SH));
	close(path);
	ANSWER(pipe(fds));
	ANSWER(flock(fds[0], LOCK_EX | LOCK_NB));
	close(fds[0]);
	close(fds[1]);
	const int folder = open("/tmp", O_RDONLY);
	ANSWER(flock(folder, LOCK_EX | LOCK_NB));
	close(folder);
}

/* --- by process ------------------------------------------------------------------------------- */

static void record_child(void)
{
	who("others write 0+10", file, F_GETLK, F_WRLCK, 0, 10);
	who("others read 0+10", file, F_GETLK, F_RDLCK, 0, 10);
	who("others 10+10", file, F_GETLK, F_WRLCK, 10, 10);
	who("others 5+0", file, F_GETLK, F_WRLCK, 5, 0);
	ANSWER(lock(file, F_SETLK, F_WRLCK, 9, 1));
	ANSWER(lock(file, F_SETLK, F_WRLCK, 10, 1));
	ANSWER(lock(file, F_SETLK, F_RDLCK, 19, 2));
	ANSWER(lock(file, F_SETLK, F_RDLCK, 20, 5));
	ANSWER(lock(file, F_SETLK, F_WRLCK, 20, 5));
}

static void unlocked_child(void)
{
	who("others 0+0", file, F_GETLK, F_WRLCK, 0, 0);
	who("others 35+0", file, F_GETLK, F_WRLCK, 35, 0);
	who("others 45+0", file, F_GETLK, F_WRLCK, 45, 0);
	who("others 60+0", file, F_GETLK, F_WRLCK, 60, 0);
}

static void records(void)
{
	ANSWER(lock(file, F_SETLK, F_WRLCK, 0, 10));
	ANSWER(lock(file, F_SETLK, F_RDLCK, 20, 10));
	who("my own", other, F_GETLK, F_WRLCK, 0, 0);
	ANSWER(lock(other, F_SETLK, F_WRLCK, 0, 10)); /* the process has it already */
	child(record_child);
	/* Split, joined, changed in the middle. */
	ANSWER(lock(file, F_SETLK, F_WRLCK, 30, 30));
	ANSWER(lock(file, F_SETLK, F_UNLCK, 40, 5));
	ANSWER(lock(file, F_SETLK, F_RDLCK, 50, 5));
	ANSWER(lock(file, F_SETLK, F_UNLCK, 0, 25));
	child(unlocked_child);
	ANSWER(lock(file, F_SETLK, F_WRLCK, 25, 75));
	child(unlocked_child);
	ANSWER(lock(file, F_SETLK, F_WRLCK, 100, 0));
	child(unlocked_child);
	/* Any close of that file by the process gives all of them up. */
	const int third = open("/tmp/lock", O_RDONLY);
	close(third);
	child(unlocked_child);
	ANSWER(lock(file, F_SETLK, F_WRLCK, 0, 5));
	const int copy = dup(file);
	dup2(0, copy);
	child(unlocked_child);
	close(copy);
}

static void wrong(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = 5 };

	ANSWER(fcntl(file, F_SETLK, BAD));
	ANSWER(fcntl(file, F_SETLK, &l));
	ANSWER(fcntl(99, F_SETLK, BAD));
	ANSWER(lock(file, F_SETLK, 7, 0, 0));
	ANSWER(lock(file, F_GETLK, F_UNLCK, 0, 0));
	ANSWER(lock(file, F_SETLK, F_WRLCK, -1, 0));
	ANSWER(lock(file, F_SETLK, F_WRLCK, 5, -10));
	ANSWER(lock(file, F_SETLK, F_WRLCK, 5, -5));
	ANSWER(lock(file, F_SETLK, F_WRLCK, 0x7fffffffffffffff, 1));
	ANSWER(lock(file, F_SETLK, F_WRLCK, 0x7fffffffffffffff, 2));
	ANSWER(lock(file, F_SETLK, F_UNLCK, 0, 0));
	l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -1 };
	lseek(file, 0, SEEK_SET);
	ANSWER(fcntl(file, F_SETLK, &l));
	lseek(file, 3, SEEK_SET);
	ANSWER(fcntl(file, F_SETLK, &l));
	l = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_END, .l_start = -3 };
	ANSWER(fcntl(file, F_SETLK, &l));
	l = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_END, .l_start = -6 };
	ANSWER(fcntl(file, F_SETLK, &l));
	const int reader = open("/tmp/lock", O_RDONLY), writer = open("/tmp/lock", O_WRONLY);
	ANSWER(lock(reader, F_SETLK, F_RDLCK, 0, 1));
	ANSWER(lock(reader, F_SETLK, F_WRLCK, 0, 1));
	ANSWER(lock(writer, F_SETLK, F_RDLCK, 0, 1));
	ANSWER(lock(writer, F_SETLK, F_WRLCK, 0, 1));
	ANSWER(lock(reader, F_GETLK, F_WRLCK, 0, 1));
	close(reader);
	close(writer);
	const int path = open("/tmp/lock", O_PATH);
	ANSWER(lock(path, F_SETLK, F_RDLCK, 0, 1));
	close(path);
	l = (struct flock){ .l_type = F_WRLCK, .l_pid = 5 };
	ANSWER(fcntl(file, F_OFD_SETLK, &l));
	ANSWER(fcntl(file, F_OFD_GETLK, &l));
}

/* --- waiting ---------------------------------------------------------------------------------- */

static int talk[2];

/* A child that has [start, +10) locked, says so, and keeps it so long. */
static pid_t holder(long start, int ms)
{
	char c;
	const pid_t pid = fork();

	if (pid == 0) {
		lock(file, F_SETLK, F_WRLCK, start, 10);
		(void)!write(talk[1], "x", 1);
		nap(ms);
		_exit(0);
	}
	(void)!read(talk[0], &c, 1);
	return pid;
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void waiting(void)
{
	int status;
	char c;
	struct sigaction a = { .sa_handler = on_alarm };

	ANSWER(pipe(talk));
	/* Its end gives the lock up. */
	pid_t pid = holder(0, 30);
	ANSWER(lock(file, F_SETLK, F_WRLCK, 5, 1));
	ANSWER(lock(file, F_SETLKW, F_WRLCK, 5, 1));
	waitpid(pid, &status, 0);
	/* Each waits for what the other has. */
	ANSWER(lock(file, F_SETLK, F_UNLCK, 0, 0));
	ANSWER(lock(file, F_SETLK, F_WRLCK, 100, 10));
	pid = fork();
	if (pid == 0) {
		lock(file, F_SETLK, F_WRLCK, 200, 10);
		(void)!write(talk[1], "x", 1);
		_exit(lock(file, F_SETLKW, F_WRLCK, 100, 1) == 0 ? 3 : 4);
	}
	(void)!read(talk[0], &c, 1);
	nap(30);
	ANSWER(lock(file, F_SETLKW, F_WRLCK, 200, 1));
	ANSWER(lock(file, F_SETLK, F_UNLCK, 100, 10));
	waitpid(pid, &status, 0);
	say("status %x", status);
	/* A signal ends waiting. */
	sigaction(SIGALRM, &a, NULL);
	pid = holder(0, 100);
	ualarm(30000, 0);
	ANSWER(lock(file, F_SETLKW, F_RDLCK, 0, 10));
	waitpid(pid, &status, 0);
	/* The same of flock; the child's end closes its own file. */
	pid = fork();
	if (pid == 0) {
		const int own = open("/tmp/lock", O_RDONLY);
		flock(own, LOCK_EX);
		(void)!write(talk[1], "x", 1);
		nap(60);
		_exit(0);
	}
	(void)!read(talk[0], &c, 1);
	ANSWER(flock(file, LOCK_SH | LOCK_NB));
	ualarm(20000, 0);
	ANSWER(flock(file, LOCK_SH));
	ANSWER(flock(file, LOCK_SH));
	ANSWER(flock(file, LOCK_UN));
	waitpid(pid, &status, 0);
	/* Who is killed waits no more, and has nothing. */
	pid = fork();
	ANSWER(lock(file, F_SETLK, F_WRLCK, 0, 10));
	if (pid == 0) {
		nap(10);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	pid = fork();
	if (pid == 0) _exit(lock(file, F_SETLKW, F_WRLCK, 0, 10) == 0 ? 3 : 4);
	nap(30);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	say("status %x", status);
	ANSWER(lock(file, F_SETLK, F_UNLCK, 0, 0));
}

/* --- by open file ----------------------------------------------------------------------------- */

static void ofd_child(void)
{
	ANSWER(lock(file, F_OFD_SETLK, F_WRLCK, 0, 5)); /* the same open file */
	who("process against file", file, F_GETLK, F_WRLCK, 0, 0);
	const int own = open("/tmp/lock", O_RDWR);
	who("file against file", own, F_OFD_GETLK, F_WRLCK, 0, 0);
	ANSWER(lock(own, F_OFD_SETLK, F_WRLCK, 0, 5));
	close(own);
}

static void by_file(void)
{
	ANSWER(lock(file, F_OFD_SETLK, F_WRLCK, 0, 10));
	ANSWER(lock(other, F_OFD_SETLK, F_WRLCK, 5, 10));
	ANSWER(lock(other, F_SETLK, F_WRLCK, 5, 10));
	who("same process, other file", other, F_OFD_GETLK, F_RDLCK, 5, 10);
	const int third = open("/tmp/lock", O_RDONLY);
	close(third); /* gives up nothing */
	child(ofd_child);
	ANSWER(lock(file, F_OFD_SETLK, F_UNLCK, 0, 0));
	ANSWER(lock(other, F_OFD_SETLKW, F_WRLCK, 5, 10));
	close(other);
	ANSWER(lock(file, F_OFD_SETLK, F_WRLCK, 0, 0));
	ANSWER(lock(file, F_OFD_SETLK, F_UNLCK, 0, 0));
	other = open("/tmp/lock", O_RDWR);
}

int main(void)
{
	mkdir("/tmp", 0777);
	file = open("/tmp/lock", O_RDWR | O_CREAT, 0600);
	other = open("/tmp/lock", O_RDWR);
	ANSWER(write(file, "12345", 5));
	flocks();
	records();
	wrong();
	waiting();
	by_file();
	return 0;
}
