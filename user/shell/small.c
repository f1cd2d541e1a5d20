/*
 * small.c -- a shell of a few words, which stands in for busybox where that cannot be downloaded:
 * in the test of //kernel:shell on a terminal (terminal_test.sh).
 *
 * As /init it opens the serial line as a session's terminal, and runs the shell there again
 * whenever it ends.  The shell edits its line (arrow keys, backspace; the arrow up brings the last
 * line back) and does with jobs what every shell does: each in a group of its own, the terminal's
 * foreground group while it is waited for, stopped and gone on with.  Its words:
 *
 *	echo WORD...  $? in one is the last status
 *	cat FILE...   a job; - is the terminal
 *	jobs, fg      the one job that is stopped
 *	stty size     rows and columns
 *	exit          ends this shell
 *	poweroff      switches the machine off
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { LINE = 200, WORDS = 16, ERASE = 0x7f, ESCAPE = 0x1b };

static char last[LINE];
static int status;
static pid_t stopped; /* the job that is, or 0 */
static char stopped_as[LINE];

static void say(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

static void prompt(void)
{
	say("\r[small] / # ");
}

/* --- the line --------------------------------------------------------------------------------- */

struct line {
	char text[LINE];
	size_t bytes, at;
};

/* Shows all from the cursor on, and goes back. */
static void show(const struct line *l)
{
	char back[16];

	if (l->bytes == l->at) return;
	say(l->text + l->at);
	snprintf(back, sizeof(back), "\033[%zuD", l->bytes - l->at);
	say(back);
}

static void insert(struct line *l, char c)
{
	if (l->bytes + 1 >= LINE) return;
	memmove(l->text + l->at + 1, l->text + l->at, l->bytes - l->at + 1);
	l->text[l->at++] = c;
	l->bytes++;
	putchar(c);
	fflush(stdout);
	show(l);
}

static void erase(struct line *l)
{
	if (l->at == 0) return;
	memmove(l->text + l->at - 1, l->text + l->at, l->bytes - l->at + 1);
	l->at--;
	l->bytes--;
	say("\b\033[J");
	show(l);
}

static void arrow(struct line *l, char which)
{
	if (which == 'D' && l->at > 0) {
		l->at--;
		say("\033[D");
	} else if (which == 'C' && l->at < l->bytes) {
		l->at++;
		say("\033[C");
	} else if (which == 'A') {
		strcpy(l->text, last);
		l->at = 0;
		l->bytes = strlen(last);
		prompt();
		say(l->text);
		say("\033[J");
		l->at = l->bytes;
	}
}

static char key(void)
{
	char c;

	if (read(0, &c, 1) != 1) exit(0);
	return c;
}

/* A line as it was typed; false: it was interrupted. */
static bool edit(struct line *l)
{
	*l = (struct line){ .bytes = 0 };
	for (;;) {
		const char c = key();
		if (c == '\r' || c == '\n') return true;
		if (c == 3) return false;
		if (c == ERASE)
			erase(l);
		else if (c == ESCAPE && key() == '[')
			arrow(l, key());
		else if (c >= ' ')
			insert(l, c);
	}
}

static bool read_line(struct line *l)
{
	struct termios cooked, raw;

	tcgetattr(0, &cooked);
	raw = cooked;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tcsetattr(0, TCSANOW, &raw);
	prompt();
	const bool whole = edit(l);
	tcsetattr(0, TCSANOW, &cooked);
	say("\n");
	return whole;
}

/* --- jobs ------------------------------------------------------------------------------------- */

static void tell_jobs(void)
{
	if (stopped != 0) printf("[1]+  Stopped                    %s\n", stopped_as);
}

static void wait_for(pid_t job, const char *name)
{
	int how = 0;

	waitpid(job, &how, WUNTRACED);
	tcsetpgrp(0, getpgrp());
	stopped = WIFSTOPPED(how) ? job : 0;
	if (stopped != 0) {
		snprintf(stopped_as, sizeof(stopped_as), "%s", name);
		tell_jobs();
	}
	status = WIFEXITED(how)     ? WEXITSTATUS(how)
		 : WIFSIGNALED(how) ? 128 + WTERMSIG(how)
				    : 128 + WSTOPSIG(how);
}

static int copy(const char *name)
{
	char bytes[1000];
	ssize_t n;
	const int fd = strcmp(name, "-") == 0 ? 0 : open(name, O_RDONLY);

	if (fd < 0) return 1;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		if (write(1, bytes, (size_t)n) != n) return 1;
	return n < 0;
}

static void cat(char **names, const char *line)
{
	const pid_t job = fork();

	if (job == 0) {
		int wrong = 0;
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		signal(SIGINT, SIG_DFL);
		signal(SIGTSTP, SIG_DFL);
		signal(SIGTTOU, SIG_DFL);
		for (; *names != NULL; names++) wrong |= copy(*names);
		_exit(wrong);
	}
	setpgid(job, job);
	tcsetpgrp(0, job);
	wait_for(job, line);
}

static void go_on(void)
{
	const pid_t job = stopped;

	if (job == 0) return;
	printf("%s\n", stopped_as);
	fflush(stdout);
	tcsetpgrp(0, job);
	kill(-job, SIGCONT);
	wait_for(job, stopped_as);
}

/* --- words ------------------------------------------------------------------------------------ */

static void echo(char **words)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, "$?") == 0)
			printf("%d ", status);
		else
			printf("%s ", *words);
	printf("\n");
}

static void tell_size(void)
{
	struct winsize size = { 0 };

	ioctl(0, TIOCGWINSZ, &size);
	printf("%d %d\n", size.ws_row, size.ws_col);
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
}

static void obey(char *line)
{
	char *word[WORDS + 1] = { NULL }, *rest = NULL, all[LINE];
	int n = 0;

	strcpy(all, line);
	for (char *w = strtok_r(line, " ", &rest); w != NULL && n < WORDS;
	     w = strtok_r(NULL, " ", &rest))
		word[n++] = w;
	if (n == 0) return;
	if (strcmp(word[0], "echo") == 0)
		echo(word + 1);
	else if (strcmp(word[0], "cat") == 0)
		cat(word + 1, all);
	else if (strcmp(word[0], "jobs") == 0)
		tell_jobs();
	else if (strcmp(word[0], "fg") == 0)
		go_on();
	else if (strcmp(word[0], "stty") == 0)
		tell_size();
	else if (strcmp(word[0], "exit") == 0)
		exit(0);
	else if (strcmp(word[0], "poweroff") == 0)
		power_off();
}

static void take_window(void)
{
	FILE *const f = fopen("/etc/window", "re");
	struct winsize size = { 0 };

	if (f == NULL) return;
	if (fscanf(f, "%hu %hu", &size.ws_row, &size.ws_col) == 2) ioctl(0, TIOCSWINSZ, &size);
	fclose(f);
}

__attribute__((noreturn)) static void shell(void)
{
	struct line l;

	signal(SIGINT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	take_window();
	for (;;) {
		if (!read_line(&l)) continue;
		if (l.bytes != 0) strcpy(last, l.text);
		obey(l.text);
	}
}

/* --- /init ------------------------------------------------------------------------------------ */

static void begin_session(void)
{
	setsid();
	for (int fd = 0; fd < 3; fd++) close(fd);
	if (open("/dev/ttyAMA0", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2) _exit(1);
	ioctl(0, TIOCSCTTY, 0);
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "--list") == 0) return 0; /* it has no other names */
	if (getpid() != 1) shell();
	mount("devtmpfs", "/dev", "devtmpfs", 0, "");
	for (;;) {
		const pid_t child = fork();
		if (child == 0) {
			begin_session();
			shell();
		}
		while (waitpid(-1, NULL, 0) != child) continue;
	}
}
