/*
 * terminal.c -- the terminal at the serial line: its window, who may use it from the background, by
 * which of its names, and what is left of it for who has it open when its session ends.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "user/probe/probe.h"

static const char *const names[] = { "/dev/ttyAMA0", "/dev/tty", "/dev/console" };
static int fds[PROBE_COUNT(names)];

static void window(void)
{
	struct winsize w = { 1, 2, 3, 4 };

	ANSWER(ioctl(1, TIOCGWINSZ, &w));
	say("%u rows, %u columns, %u by %u", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
	w.ws_row = 50;
	ANSWER(ioctl(1, TIOCSWINSZ, &w));
	const int fd = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
	ANSWER(ioctl(fd, TIOCGWINSZ, &w));
	say("%u rows", w.ws_row);
	w.ws_row = 0;
	ioctl(fd, TIOCSWINSZ, &w);
	close(fd);
}

static void open_all(int flags)
{
	for (unsigned i = 0; i < PROBE_COUNT(names); i++) {
		fds[i] = open(names[i], O_RDWR | O_NOCTTY | flags);
		answer_done(names[i], fds[i]);
	}
}

/* In a child, which may be stopped: then it is let go, and says whether it had been. */
static void in_child(const char *what, void (*run)(int fd), int fd, void (*handler)(int))
{
	int status;
	const pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGTTIN, handler);
		signal(SIGTTOU, handler);
		run(fd);
		_exit(0);
	}
	setpgid(pid, pid);
	waitpid(pid, &status, WUNTRACED);
	if (WIFSTOPPED(status)) {
		say("%s: stopped by %d", what, WSTOPSIG(status));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	} else if (status != 0) {
		say("%s: status %x", what, status);
	}
}

static void reads(int fd)
{
	char byte;
	ANSWER(read(fd, &byte, 1));
}

static void writes(int fd)
{
	ANSWER(write(fd, "", 0));
	ANSWER(write(fd, "#\n", 2));
}

static void sets(int fd)
{
	struct termios modes;
	ANSWER(tcgetattr(fd, &modes));
	ANSWER(tcsetattr(fd, TCSANOW, &modes));
}

static void flushes(int fd)
{
	ANSWER(tcflush(fd, TCIFLUSH));
}

static void holds(int fd)
{
	ANSWER(tcflow(fd, TCOON));
}

static void drains(int fd)
{
	ANSWER(tcdrain(fd));
}

static void takes(int fd)
{
	ANSWER(tcsetpgrp(fd, getpid()));
}

static void resizes(int fd)
{
	struct winsize w;
	ANSWER(ioctl(fd, TIOCGWINSZ, &w));
	ANSWER(ioctl(fd, TIOCSWINSZ, &w));
}

static void all_ways(const char *what, int fd, void (*handler)(int))
{
	static void (*const run[])(int) = { reads, sets, flushes, holds, drains, takes, resizes };

	say("%s, %s:", what, handler == SIG_IGN ? "ignored" : "heeded");
	for (unsigned i = 0; i < PROBE_COUNT(run); i++) in_child(what, run[i], fd, handler);
}

static void to_stop(int on)
{
	struct termios modes;

	tcgetattr(fds[0], &modes);
	if (on)
		modes.c_lflag |= TOSTOP;
	else
		modes.c_lflag &= ~(tcflag_t)TOSTOP;
	tcsetattr(fds[0], TCSANOW, &modes);
}

static void background(void)
{
	signal(SIGTTOU, SIG_IGN);
	setsid();
	const int fd = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
	ANSWER(ioctl(fd, TIOCSCTTY, 0));
	close(fd);
	open_all(O_NONBLOCK);
	for (unsigned i = 0; i < PROBE_COUNT(names); i++) {
		all_ways(names[i], fds[i], SIG_DFL);
		tcsetpgrp(fds[0], getpgrp());
		all_ways(names[i], fds[i], SIG_IGN);
		tcsetpgrp(fds[0], getpgrp());
	}
	to_stop(1);
	for (unsigned i = 0; i < PROBE_COUNT(names); i++) {
		in_child(names[i], writes, fds[i], SIG_DFL);
		in_child(names[i], writes, fds[i], SIG_IGN);
	}
	to_stop(0);
}

/* --- when the session ends -------------------------------------------------------------------- */

static void look(const char *what, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	struct termios modes;
	struct winsize w;
	int number = getpgrp();
	char byte;

	say("%s:", what);
	p.revents = 0;
	poll(&p, 1, 0);
	say("  polled: %x", p.revents);
	ANSWER(read(fd, &byte, 1));
	ANSWER(write(fd, "#\n", 2));
	ANSWER(write(fd, "", 0));
	ANSWER(tcgetattr(fd, &modes));
	ANSWER(ioctl(fd, TIOCGWINSZ, &w));
	ANSWER(ioctl(fd, TIOCGPGRP, &number));
	ANSWER(ioctl(fd, TIOCSPGRP, &number));
	ANSWER(ioctl(fd, FIONREAD, &number));
	ANSWER(ioctl(fd, 0x12345, 0));
	ANSWER(ioctl(fd, FIOCLEX));
	ANSWER(lseek(fd, 0, SEEK_CUR));
	ANSWER(isatty(fd));
}

static void outlives(int ready)
{
	char byte;

	signal(SIGHUP, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	open_all(O_NONBLOCK);
	const int waits = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
	const int copy = dup(waits);
	write(ready, "", 1);
	/* Until the end, as the foreground. */
	answer("read until the end", read(waits, &byte, 1));
	for (unsigned i = 0; i < PROBE_COUNT(names); i++) look(names[i], fds[i]);
	ANSWER(read(copy, &byte, 1));
	ANSWER(open("/dev/tty", O_RDWR));
	const int anew = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY | O_NONBLOCK);
	answer_done("open anew", anew);
	ANSWER(read(anew, &byte, 1));
	ANSWER(write(anew, "#\n", 2));
	ANSWER(ioctl(anew, TIOCSCTTY, 0));
	say("the end");
	_exit(0);
}

static void session(void)
{
	int ready[2];
	char byte;

	setsid();
	const int fd = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
	ANSWER(ioctl(fd, TIOCSCTTY, 0));
	signal(SIGTTOU, SIG_IGN);
	pipe(ready);
	const pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		outlives(ready[1]);
	}
	setpgid(pid, pid);
	tcsetpgrp(fd, pid);
	read(ready[0], &byte, 1);
	usleep(200000); /* it reads by then */
	_exit(0);
}

/* A leader that gives its terminal up hangs up nobody. */
static void gives_up(void)
{
	setsid();
	const int fd = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY | O_NONBLOCK);
	char byte;

	signal(SIGHUP, SIG_IGN);
	ANSWER(ioctl(fd, TIOCSCTTY, 0));
	ANSWER(ioctl(fd, TIOCNOTTY, 0));
	ANSWER(read(fd, &byte, 1));
	ANSWER(open("/dev/tty", O_RDWR));
	_exit(0);
}

static void run(void (*what)(void))
{
	int held[2];
	char byte;

	pipe(held);
	const pid_t pid = fork();
	if (pid == 0) {
		close(held[0]);
		what();
		_exit(0);
	}
	close(held[1]);
	waitpid(pid, NULL, 0);
	read(held[0], &byte, 1); /* until nobody of it is left */
	close(held[0]);
}

int main(void)
{
	window();
	run(background);
	run(session);
	run(gives_up);
	return 0;
}
