/*
 * child.c -- running scripts in a child process, so that a death costs one script and not the rest.
 *
 * A sanitizer's report, a wild access and an endless loop cannot be left by escape.  The child
 * runs script after script; what it is at lies in shared memory, and when it dies the parent reads
 * there which oracle fired at which operation, and starts another child after that script.
 *
 * A signal that no sanitizer explained is an access to memory that is nobody's.  SIGPROF is time
 * that ran out: no oracle, but a hang.  It is the child's own time on a CPU: how long that takes is
 * for others on the machine to say, and a verdict must not depend on them.  (Where operations run
 * side by side, points are counted besides, and more than a script can need are a livelock long
 * before that.)  A child that is on no CPU any more gets SIGALRM, which means the same.  SIGKILL is
 * never the script's doing: a debugger was left, or the host has no memory, and that ends the
 * replay.
 *
 * Always true: the parent runs no script.
 *
 * Locks: none.  Cost: a fork for each child, some milliseconds under ASan.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/frame/replay.h"

static int stderr_kept = -1;

void *child_shared(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at != MAP_FAILED) return at;
	perror("replay: memory");
	exit(EXIT_ENVIRONMENT);
}

void quiet_begin(void)
{
	if (stderr_kept < 0) stderr_kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nowhere < 0 || stderr_kept < 0) return;
	dup2(nowhere, STDERR_FILENO);
	close(nowhere);
}

void quiet_end(void)
{
	if (stderr_kept >= 0) dup2(stderr_kept, STDERR_FILENO);
}

/* `quiet` is the child's: what ends it must not end us. */
static void silent_death(void)
{
	const bool quiet = harness->quiet;
	harness->quiet = false;
	harness_fatal(ORACLE_POISON, "the process died of a signal");
	harness->quiet = quiet;
}

static void end_if_killed(int status)
{
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) return;
	fprintf(stderr, "replay: killed from outside, by a debugger or for want of memory\n");
	exit(EXIT_ENVIRONMENT);
}

void child_limit(uint32_t seconds)
{
	enum { MORE_AT_REST = 40 };
	const struct itimerval busy = { .it_value = { .tv_sec = seconds } };

	setitimer(ITIMER_PROF, &busy, NULL);
	alarm(seconds * MORE_AT_REST);
}

bool child_run(void (*fn)(void *arg), void *arg)
{
	int status = 0;
	fflush(stdout);
	const pid_t child = fork();
	if (child < 0) {
		perror("replay: fork");
		exit(EXIT_ENVIRONMENT);
	}
	if (child == 0) {
		fn(arg);
		fflush(stdout);
		_exit(EXIT_OK);
	}
	while (waitpid(child, &status, 0) < 0) continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK) return true;
	end_if_killed(status);
	const bool late =
		WIFSIGNALED(status) && (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM);
	if (late)
		harness->oracle = NULL;
	else if (harness->oracle == NULL)
		silent_death();
	if (harness->ours) {
		fprintf(stderr, "replay: the suite itself failed, outside of any run: see above\n");
		exit(EXIT_FINDING);
	}
	harness->running = false;
	return false;
}

const char *replay_where(void)
{
	static char number[16];
	if (harness->run.phase == RUN_OPENS) return "open";
	if (harness->run.phase == RUN_CLOSES) return "close";
	snprintf(number, sizeof(number), "%u", harness->run.op);
	return number;
}
