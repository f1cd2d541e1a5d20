/*
 * leash.c -- programs that end when the driver does.
 *
 * The leash holds the reading end of a pipe whose only writing end is the driver's; the kernel
 * closes that at the driver's death, of whatever kind.  The program is the leader of a process
 * group of its own, which gets SIGTERM, and SIGKILL two seconds later: QEMU below two shells goes
 * the same way as an engine.  When the program ends by itself its group is ended too.  Who made a
 * group of its own (timeout does) becomes a child of the leash when his parents are gone, and is
 * ended then; so nothing of the program's runs on when its leash has ended.
 *
 * Always true: no process but the driver has a writing end; every other descriptor of the driver's
 * is closed in the leash, but for the one that it is told to keep: while that is open somewhere, a
 * program of the driver's may still run.
 *
 * Locks: none.  Cost: a process a run, asleep.
 */
#include "stress/nightly/leash.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 50, GRACE_MS = 2000, NOT_STARTED = 127, BY_SIGNAL = 128 };

static bool open_as(const char *path, int as)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0) return false;
	const bool done = dup2(fd, as) == as;
	if (fd != as) close(fd);
	return done;
}

static NORETURN void become(char *const *argv, const char *out, const char *err,
			    const char *temporary)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	const int nothing = open("/dev/null", O_RDONLY);
	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0) _exit(NOT_STARTED);
	if (!open_as(out, STDOUT_FILENO)) _exit(NOT_STARTED);
	if (strcmp(out, err) == 0 ? dup2(STDOUT_FILENO, STDERR_FILENO) < 0
				  : !open_as(err, STDERR_FILENO))
		_exit(NOT_STARTED);
	setenv("TMPDIR", temporary, 1);
	execv(argv[0], argv);
	const char *why = strerror(errno);
	(void)!write(STDERR_FILENO, argv[0], strlen(argv[0]));
	(void)!write(STDERR_FILENO, ": ", 2);
	(void)!write(STDERR_FILENO, why, strlen(why));
	(void)!write(STDERR_FILENO, "\n", 1);
	_exit(NOT_STARTED);
}

static int status_of(int raw)
{
	return WIFEXITED(raw) ? WEXITSTATUS(raw) : BY_SIGNAL + WTERMSIG(raw);
}

/* Waits so many milliseconds for either end; true when the program ended. */
static bool program_ends(pid_t program, int hold, int ms, int *raw, bool *let_go)
{
	struct pollfd look = { .fd = hold };
	for (int gone = 0; gone < ms; gone += LOOK_MS) {
		if (waitpid(program, raw, WNOHANG) == program) return true;
		if (*let_go)
			usleep(LOOK_MS * 1000);
		else if (poll(&look, 1, LOOK_MS) > 0)
			*let_go = true;
		if (*let_go && ms != GRACE_MS) return false;
	}
	return waitpid(program, raw, WNOHANG) == program;
}

/* Kills all children there are now. */
static void kill_children(void)
{
	char path[64];
	int pid;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *list = fopen(path, "re");
	while (list != NULL && fscanf(list, "%d", &pid) == 1) kill(pid, SIGKILL);
	if (list != NULL) fclose(list);
}

static NORETURN void watch(pid_t program, int hold)
{
	bool let_go = false, ended = false;
	int raw = 0;
	setpgid(program, program); /* whoever of the two is first */
	while (!ended && !let_go) ended = program_ends(program, hold, 1000, &raw, &let_go);
	if (!ended) {
		kill(-program, SIGTERM);
		ended = program_ends(program, hold, GRACE_MS, &raw, &let_go);
	}
	kill(-program, SIGKILL);
	if (!ended) waitpid(program, &raw, 0);
	do kill_children();
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
	_exit(status_of(raw));
}

static void close_all_but(int kept, int too)
{
	const int most = (int)sysconf(_SC_OPEN_MAX);
	for (int fd = STDERR_FILENO + 1; fd < most && fd < 4096; fd++)
		if (fd != kept && fd != too) close(fd);
}

bool leash_start(struct leash *leash, char *const *argv, const char *out, const char *err,
		 const char *temporary, int kept)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0) return false;
	leash->pid = fork();
	if (leash->pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return false;
	}
	if (leash->pid == 0) {
		setsid(); /* a terminal's signals are the driver's to judge */
		close_all_but(ends[0], kept);
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		const pid_t program = fork();
		if (program == 0) become(argv, out, err, temporary);
		if (program < 0) _exit(NOT_STARTED);
		watch(program, ends[0]);
	}
	close(ends[0]);
	leash->hold = ends[1];
	return true;
}

void leash_let_go(struct leash *leash)
{
	if (leash->hold >= 0) close(leash->hold);
	leash->hold = -1;
}

bool leash_ended(struct leash *leash, int *status)
{
	int raw;
	if (waitpid(leash->pid, &raw, WNOHANG) != leash->pid) return false;
	leash_let_go(leash);
	*status = status_of(raw);
	return true;
}
