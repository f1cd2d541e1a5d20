/*
 * run.c -- an /init that runs programs one after another and says how each ended.
 *
 * /etc/run has a line for each: a path and its arguments, one space between; "#" begins a remark.
 * What they print goes to the console between two lines of ours:
 *
 *	run: begin /probe/files
 *	run: end /probe/files: exit 0           (or: signal 11)
 *
 * A program has /dev, /proc and /tmp as far as the kernel has them to mount, no open file but the
 * console as 0, 1 and 2, and one environment variable, PATH.  The last line counts: "run: 3 ended,
 * 0 of them badly".  Then the machine is switched off.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_BYTES = 512, ARGUMENTS_MAX = 32 };

/* On our kernel some of these are there already; who needs one and has it not will say so. */
static void mount_all(void)
{
	static const char *const what[][2] = {
		{ "devtmpfs", "/dev" },
		{ "proc", "/proc" },
		{ "tmpfs", "/tmp" },
	};

	for (unsigned i = 0; i < sizeof(what) / sizeof(*what); i++) {
		mkdir(what[i][1], 0755);
		mount(what[i][0], what[i][1], what[i][0], 0, "");
	}
}

/* The words of `line`, which is cut up; how many. */
static int split(char *line, char **words)
{
	int n = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, " \n", &rest); word != NULL && n < ARGUMENTS_MAX;
	     word = strtok_r(NULL, " \n", &rest))
		words[n++] = word;
	words[n] = NULL;
	return n;
}

/* Whether it ended well.  Orphans of any program come to us, and are waited for meanwhile. */
static int run_one(char **words)
{
	static char *const environment[] = { "PATH=/bin:/sbin", NULL };
	int status;

	printf("run: begin %s\n", words[0]);
	fflush(stdout);
	const pid_t child = fork();
	if (child == 0) {
		execve(words[0], words, environment);
		printf("run: no %s: %s\n", words[0], strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	pid_t ended = child;
	while (child > 0 && (ended = waitpid(-1, &status, 0)) > 0 && ended != child) continue;
	if (child < 0 || ended != child) {
		printf("run: end %s: no child: %s\n", words[0], strerror(errno));
		return 0;
	}
	if (WIFSIGNALED(status))
		printf("run: end %s: signal %d\n", words[0], WTERMSIG(status));
	else
		printf("run: end %s: exit %d\n", words[0], WEXITSTATUS(status));
	return status == 0;
}

int main(void)
{
	char line[LINE_BYTES], *words[ARGUMENTS_MAX + 1];
	int ended = 0, badly = 0;

	mount_all();
	FILE *list = fopen("/etc/run", "re");
	if (list == NULL) printf("run: no /etc/run: %s\n", strerror(errno));
	while (list != NULL && fgets(line, sizeof(line), list) != NULL) {
		if (*line == '#' || split(line, words) == 0) continue;
		ended++;
		badly += !run_one(words);
	}
	printf("run: %d ended, %d of them badly\n", ended, badly);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
