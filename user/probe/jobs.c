/*
 * jobs.c -- sessions and process groups: what the end of a leader means for a terminal and its
 * foreground, and of a shell for jobs that are stopped.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "user/probe/probe.h"

static int back[2]; /* what children say, a byte for each signal */

static void tell(int sig)
{
	const char byte = (char)sig;
	write(back[1], &byte, 1);
}

static void on(int sig, void (*handler)(int sig))
{
	const struct sigaction a = { .sa_handler = handler };
	sigaction(sig, &a, NULL);
}

/* What was told until nobody is left who could. */
static void say_told(const char *what)
{
	int hang_ups = 0, go_ons = 0;
	char byte;

	close(back[1]);
	while (read(back[0], &byte, 1) == 1) {
		hang_ups += byte == SIGHUP;
		go_ons += byte == SIGCONT;
	}
	say("%s: SIGHUP %d, SIGCONT %d", what, hang_ups, go_ons);
	close(back[0]);
}

static void begin(void)
{
	if (pipe(back) != 0) say("no pipe");
}

/* Takes what comes until SIGTERM or the end of its patience. */
static void waits(void)
{
	on(SIGHUP, tell);
	on(SIGCONT, tell);
	alarm(5);
	tell(SIGURG); /* it is ready */
	for (;;) pause();
}

static void wait_ready(void)
{
	char byte;
	read(back[0], &byte, 1);
}

/* Stopped, with handlers of what may let it go on. */
static void stops(void)
{
	on(SIGHUP, tell);
	on(SIGCONT, tell);
	alarm(5);
	raise(SIGSTOP);
	usleep(100000); /* both have come by then */
	_exit(0);
}

static pid_t job(void (*run)(void), pid_t pgid)
{
	const pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, pgid);
		run();
		_exit(0);
	}
	setpgid(pid, pgid);
	return pid;
}

static void wait_stopped(pid_t pid)
{
	int status;
	waitpid(pid, &status, WUNTRACED);
}

/* --- shells that end -------------------------------------------------------------------------- */

static void ends(void)
{
	sigset_t hang_up, none;

	sigemptyset(&none);
	sigemptyset(&hang_up);
	sigaddset(&hang_up, SIGHUP);
	sigprocmask(SIG_BLOCK, &hang_up, NULL); /* until it waits for it */
	on(SIGHUP, tell);
	alarm(5);
	tell(SIGURG);
	sigsuspend(&none);
	_exit(0);
}

static void shell_leaves_stopped(void)
{
	setsid();
	const pid_t pid = job(stops, 0);
	wait_stopped(pid);
	job(ends, pid);
	wait_ready();
	_exit(0);
}

static void shell_leaves_running(void)
{
	setsid();
	job(ends, 0);
	wait_ready();
	_exit(0);
}

/* The shell is in no session of its own, and its parent lives: the job keeps a connection by that
 * of its members whose parent is elsewhere. */
static void shell_in_session(void)
{
	setpgid(0, 0);
	const pid_t pid = job(stops, 0);
	wait_stopped(pid);
	_exit(0);
}

static void run_shell(void (*shell)(void))
{
	int status;
	const pid_t pid = fork();

	if (pid == 0) shell();
	waitpid(pid, &status, 0);
}

static void jobs(void)
{
	begin();
	run_shell(shell_leaves_stopped);
	say_told("a stopped job");
	while (wait(NULL) > 0) continue;
	begin();
	const pid_t pid = fork();
	if (pid == 0) shell_leaves_running();
	waitpid(pid, NULL, 0);
	usleep(100000);
	say("a running job was told nothing: %d", waitpid(-1, NULL, WNOHANG) == 0);
	kill(-1, SIGTERM);
	say_told("a running job");
	while (wait(NULL) > 0) continue;
	begin();
	run_shell(shell_in_session);
	usleep(100000);
	pid_t left = waitpid(-1, NULL, WNOHANG);
	say("the job of another process group ended: %d", left > 0);
	kill(-1, SIGCONT);
	say_told("it");
	while (wait(NULL) > 0) continue;
}

/* A job whose first member is the only one that the shell made. */
static void first_member(void)
{
	const pid_t pid = fork();
	if (pid == 0) stops();
	wait_stopped(pid);
	tell(SIGURG);
	for (;;) pause();
}

static void members(void)
{
	begin();
	const pid_t shell = fork();
	if (shell == 0) {
		setsid();
		const pid_t first = job(first_member, 0);
		wait_ready();
		kill(first, SIGKILL);
		waitpid(first, NULL, 0);
		usleep(200000);
		_exit(0);
	}
	waitpid(shell, NULL, 0);
	say_told("after the last member that the shell made");
	while (wait(NULL) > 0) continue;
}

/* --- terminals -------------------------------------------------------------------------------- */

static int terminal;

static void in_front(void)
{
	waits();
}

/* A leader with a terminal, a job in the foreground and one in the background. */
static void leader(void)
{
	setsid();
	terminal = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
	answer_done("open", terminal);
	ANSWER(ioctl(terminal, TIOCSCTTY, 0));
	const pid_t front = job(in_front, 0);
	wait_ready();
	signal(SIGTTOU, SIG_IGN);
	ANSWER(tcsetpgrp(terminal, front));
	answer_done("open of /dev/tty", open("/dev/tty", O_RDWR));
	job(ends, 0);
	wait_ready();
	_exit(0);
}

static void leader_ends(void)
{
	begin();
	const pid_t pid = fork();
	if (pid == 0) leader();
	waitpid(pid, NULL, 0);
	usleep(100000);
	kill(-1, SIGTERM);
	say_told("the foreground");
	while (wait(NULL) > 0) continue;
	/* And the terminal is free for the next. */
	const pid_t next = fork();
	if (next == 0) {
		setsid();
		terminal = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
		ANSWER(ioctl(terminal, TIOCSCTTY, 0));
		ANSWER(tcgetpgrp(terminal) == getpid());
		_exit(0);
	}
	waitpid(next, NULL, 0);
}

int main(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	jobs();
	members();
	leader_ends();
	return 0;
}
