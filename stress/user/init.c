/*
 * init.c -- /init of a stress: runs a list of programs in cycles, and says whether memory
 * stabilises.
 *
 * /etc/stress has in its first line "CYCLES WARM SLACK", then a program with its arguments in each
 * line:
 *
 *	4 8 0
 *	/stress/boxtest
 *	/stress/mmapstorm operations=20000
 *
 * All run once in each cycle.  After each cycle, when nothing is left of them, whatever the kernel
 * keeps for the next who asks is given back (/proc/sys/vm/drop_caches), on all CPUs, and free
 * memory is read.  CYCLES readings in a row must be equal, after at most WARM others: the first
 * cycle leaves behind what lasts (a file's pages that were never read before), what leaks goes on.
 * On our kernel they are equal to the page, with one CPU or with many.  Where caches float, as
 * Linux's do, they may differ by SLACK KiB.
 *
 * Every program ends with status 0, or the stress has failed.  The last line is the verdict:
 * "stress: memory stabilised ..." or "stress: FAIL: ...".  Then the machine is switched off.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "stress/user/program.h"

const char *const program = "stress";

enum { LINES_MAX = 64, LINE_BYTES = 200, WORDS_MAX = 16, CYCLES_MAX = 1000 };

static char line[LINES_MAX][LINE_BYTES];
static char *words[LINES_MAX][WORDS_MAX + 1];
static int programs, cycles, warm;
static long slack;
static int drop = -1; /* /proc/sys/vm/drop_caches, open all the time */
static long reading[CYCLES_MAX];

__attribute__((noreturn)) static void power_off(void)
{
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;) pause();
}

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *format, ...)
{
	va_list rest;

	printf("stress: FAIL: ");
	va_start(rest, format);
	vprintf(format, rest);
	va_end(rest);
	printf("\n");
	power_off();
}

static void mount_all(void)
{
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, "");
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, "");
	mkdir("/tmp", 0755);
	mount("tmpfs", "/tmp", "tmpfs", 0, "");
	drop = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	if (drop < 0) give_up("no drop_caches: %s", strerror(errno));
}

static void read_list(void)
{
	FILE *const list = fopen("/etc/stress", "re");

	if (list == NULL || fscanf(list, "%d %d %ld\n", &cycles, &warm, &slack) != 3 ||
	    cycles < 4 || warm < 0 || cycles + warm > CYCLES_MAX)
		give_up("no /etc/stress, or not at least 4 cycles in it");
	while (programs < LINES_MAX && fgets(line[programs], LINE_BYTES, list) != NULL) {
		int n = 0;
		char *rest = NULL, *word = strtok_r(line[programs], " \n", &rest);
		for (; word != NULL && n < WORDS_MAX; word = strtok_r(NULL, " \n", &rest))
			words[programs][n++] = word;
		programs += n > 0;
	}
	fclose(list);
}

static void run(char **command)
{
	static char *const environment[] = { "PATH=/bin:/stress", NULL };
	int status = 0;

	fflush(stdout);
	const pid_t child = fork();
	if (child == 0) {
		execve(command[0], command, environment);
		printf("stress: no %s: %s\n", command[0], strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	if (child < 0) give_up("no process for %s: %s", command[0], strerror(errno));
	while (waitpid(-1, &status, 0) != child) continue; /* or an orphan of its */
	if (status != 0)
		give_up("%s: %s %d", command[0], WIFSIGNALED(status) ? "signal" : "exit",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* KiB, with nobody running but this process, and what is kept given back.  Nothing is opened or
 * made for it: where that came to lie would count. */
static long free_memory(void)
{
	struct sysinfo now;

	while (waitpid(-1, NULL, 0) > 0) continue;
	usleep(100000);
	if (pwrite(drop, "3", 1, 0) != 1) give_up("drop_caches: %s", strerror(errno));
	if (sysinfo(&now) != 0) give_up("sysinfo: %s", strerror(errno));
	return (long)(now.freeram * now.mem_unit >> 10);
}

/* Whether the last `cycles` readings of `count` are within the slack. */
static bool is_stable(int count)
{
	if (count < cycles) return false;
	for (int i = count - cycles; i < count; i++)
		if (labs(reading[i] - reading[count - 1]) > slack) return false;
	return true;
}

int main(void)
{
	if (getpid() != 1) fail("I am no init");
	mount_all();
	read_list();
	int count = 0;
	while (count < warm + cycles && !is_stable(count)) {
		for (int i = 0; i < programs; i++) run(words[i]);
		reading[count++] = free_memory();
		printf("stress: cycle %d: %ld KiB free\n", count, reading[count - 1]);
	}
	if (!is_stable(count))
		give_up("memory drifts: %ld KiB free after the first cycle, %ld after the last of "
			"%d",
			reading[0], reading[count - 1], count);
	printf("stress: memory stabilised: %ld KiB free after each of %d cycles, of %d\n",
	       reading[count - 1], cycles, count);
	power_off();
}
