/*
 * play.c -- plays scores: what tasks of the fuzzing world did, done again by real processes and
 * threads on the kernel that this runs on, and compared.
 *
 *	replay FILE
 *
 * Each score is played by processes of its own, which a conductor, this one, begins and ends.  One
 * line is done at a time, by the actor that it names: a shared word says which line is next, and
 * all others sleep on it, or in a call that a line has begun and another one ends.  The conductor's
 * own lines wait until an actor is gone, or until those in such calls sleep, and find out who is
 * back already; it sees to it that a score goes on, and ends every process that is left.
 *
 * Prints, for the first line of a score that came to something else,
 *
 *	differs NAME: line 12: 0 call 57 1 0 0 0 0 0 = 0: here -9
 *
 * and at the end "replay: N scores, L lines, D differ".  Exit: 0 none differs; 1 some do; 2 usage;
 * 3 the file is no score; 4 it cannot be read, or there is no memory.
 *
 * Where the first processes stand is the same for all: descriptors 0 to 7 are free, the break is
 * where it was, files /f0, /f1, /f2, /program and /script are not there.
 *
 * Always true: one process or thread works at a time, the one whose line it is; others may be on
 * their way into a call that they have begun, or back from it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/replay/play.h"
#include "user/replay/words.h"

enum { OUT = 100, PATIENCE_SECONDS = 30, EXIT_BAD_FILE = 3, EXIT_NO_ROOM };

struct stage *stage;

/* --- what all say and do ---------------------------------------------------------------------- */

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!line_say(OUT, format, args)) _exit(EXIT_NO_ROOM);
	va_end(args);
}

static void turn_to(uint32_t line)
{
	const int64_t wake[] = { (int64_t)(uintptr_t)&stage->now, FUTEX_WAKE, INT_MAX, 0, 0, 0 };

	atomic_store(&stage->now, line);
	call_raw(SYS_futex, wake);
}

void turn_next(void)
{
	stage->done++;
	turn_to(atomic_load(&stage->now) + 1);
}

void turn_last(void)
{
	turn_to(stage->score.lines);
}

void turn_differs(const char *format, ...)
{
	const struct score *s = &stage->score;
	const uint32_t now = atomic_load(&stage->now);
	const struct line *l = &s->line[now < s->lines ? now : s->lines - 1];
	char what[128];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	say("differs %.*s: line %u: %.*s: here %s", s->name_length, s->name, l->number,
	    l->length < 160 ? l->length : 160, l->text, what);
	stage->differs = true;
	turn_last();
}

int64_t number_here(struct number n)
{
	switch (n.kind) {
	case TASK: return stage->task[n.value].tid;
	case PARENT: return stage->parent;
	case BREAK: return (int64_t)stage->broke + n.value;
	default: return n.value;
	}
}

/* --- the conductor ---------------------------------------------------------------------------- */

static time_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Who waits for something that nobody tells of: looks often at first. */
struct wait {
	time_t begun;
	long rest_ns;
};

/* After a moment; false, and it differs: it has been long enough. */
static bool looks_again(struct wait *w, const char *what)
{
	enum { FIRST = 200000, LAST = 50000000 };
	const struct timespec moment = { 0, w->rest_ns == 0 ? FIRST : w->rest_ns };

	if (w->rest_ns == 0) w->begun = seconds_now();
	w->rest_ns = moment.tv_nsec < LAST ? moment.tv_nsec + moment.tv_nsec / 8 : LAST;
	nanosleep(&moment, NULL);
	if (seconds_now() - w->begun <= PATIENCE_SECONDS) return true;
	turn_differs("%s", what);
	return false;
}

/* The letter that /proc says of a task, or 0. */
static char state_of(int32_t pid, int32_t tid)
{
	char path[64], stat[128];

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
	const int fd = open(path, O_RDONLY);
	if (fd < 0) return '\0';
	const ssize_t bytes = read(fd, stat, sizeof stat - 1);
	close(fd);
	stat[bytes > 0 ? bytes : 0] = '\0';
	const char *name = strrchr(stat, ')');
	return name != NULL && name[1] == ' ' ? name[2] : '\0';
}

/* It has nothing any more: its number is free, or only waited for. */
static bool is_gone(unsigned actor)
{
	const int32_t pid = stage->task[actor].pid, tid = stage->task[actor].tid;
	const char state = state_of(pid, tid);

	return state == 'Z' || (state == '\0' && syscall(SYS_tgkill, pid, tid, 0) != 0);
}

static void awaits_end(unsigned actor)
{
	struct wait wait = { 0 };

	atomic_store(&stage->task[actor].call, NOT_IN_CALL);
	while (!is_gone(actor))
		if (!looks_again(&wait, "it is still there")) return;
	turn_next();
}

static bool is_stopped(unsigned actor)
{
	return state_of(stage->task[actor].pid, stage->task[actor].tid) == 'T';
}

static void awaits_stop(unsigned actor)
{
	struct wait wait = { 0 };

	while (!is_stopped(actor))
		if (!looks_again(&wait, "it is not stopped")) return;
	turn_next();
}

/* False, and it differs: it does not sleep in the call that it is in. */
static bool sleeps(unsigned actor)
{
	struct wait wait = { 0 };

	do {
		const char state = state_of(stage->task[actor].pid, stage->task[actor].tid);
		if (state == 'T') return true; /* wherever it was */
		if (atomic_load(&stage->task[actor].call) == BACK_FROM_CALL) {
			turn_differs("actor %u is back with %lld", actor,
				     (long long)stage->task[actor].answer);
			return false;
		}
		if (state == 'S') return true;
	} while (looks_again(&wait, "one that is in a call does not sleep"));
	return false;
}

/* Nobody has come back who was not told to. */
static void awaits_rest(void)
{
	for (unsigned n = 0; n < ACTORS_MAX; n++)
		if (atomic_load(&stage->task[n].call) != NOT_IN_CALL && !sleeps(n)) return;
	turn_next();
}

/* Until no line is left, or no line is done in a long time. */
static void conducts(void)
{
	const struct timespec patience = { PATIENCE_SECONDS, 0 };

	for (;;) {
		const uint32_t now = atomic_load(&stage->now);
		if (now >= stage->score.lines) return;
		const struct line *l = &stage->score.line[now];
		if (l->verb == DO_REST)
			awaits_rest();
		else if (l->verb == DO_STOPPED)
			awaits_stop(l->other);
		else if (l->actor == CONDUCTOR)
			awaits_end(l->other);
		else if (syscall(SYS_futex, &stage->now, FUTEX_WAIT, now, &patience, NULL, 0) !=
				 0 &&
			 errno == ETIMEDOUT)
			turn_differs("no answer in %d seconds", PATIENCE_SECONDS);
	}
}

/* What has one of the names of actors' files here, and all that is in it. */
static void removes_below(void)
{
	static const char *const names[] = { "f0", "f1", "f2" };

	for (unsigned n = 0; n < sizeof names / sizeof *names; n++) {
		if (unlink(names[n]) == 0 || errno != EISDIR || chdir(names[n]) != 0) continue;
		removes_below();
		if (chdir("..") != 0 || rmdir(names[n]) != 0) say("replay: a folder stays");
	}
}

static void ends_all(void)
{
	static const char *const files[] = { "/program", "/script" };

	for (unsigned n = 0; n < ACTORS_MAX; n++)
		if (stage->task[n].pid != 0) kill(stage->task[n].pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) continue;
	for (unsigned n = 0; n < sizeof files / sizeof *files; n++) unlink(files[n]);
	if (chdir("/") == 0) removes_below();
}

static void plays(void)
{
	if (actor_first() < 0) {
		say("replay: no process: %s", strerror(errno));
		exit(EXIT_NO_ROOM);
	}
	conducts();
	ends_all();
}

/* --- the file --------------------------------------------------------------------------------- */

static const char *text_of(const char *path)
{
	const char *text = text_of_file(path);

	if (text != NULL) return text;
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	exit(access(path, R_OK) == 0 ? EXIT_NO_ROOM : EXIT_BAD_FILE);
}

int main(int argc, char **argv)
{
	unsigned scores = 0, lines = 0, differ = 0, number = 0;

	if (argc != 2 || argv[1][0] == '-') {
		fputs("usage: replay FILE\n", stderr);
		return 2;
	}
	const char *text = text_of(argv[1]);
	stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (stage == MAP_FAILED || dup2(1, OUT) != OUT) {
		perror("replay");
		return EXIT_NO_ROOM;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	while (*text != '\0') {
		memset(stage, 0, sizeof *stage);
		if (!score_read(&stage->score, &text, &number)) return EXIT_BAD_FILE;
		plays();
		scores++;
		lines += stage->done;
		differ += stage->differs;
		munmap(stage->score.line, stage->score.room);
	}
	if (scores == 0) {
		say("replay: %s has no score", argv[1]);
		return EXIT_BAD_FILE;
	}
	say("replay: %u scores, %u lines, %u differ", scores, lines, differ);
	return differ != 0;
}
