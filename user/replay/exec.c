/*
 * exec.c -- files written and run: a score's lines about execve.
 *
 * A child runs the file.  A pipe whose end execve closes tells what came of it: the child writes
 * the error there, or nothing comes, and then the old program is given up.  A program that is to
 * die of what it is must die by itself, though one that runs and dies of its first instruction
 * looks the same; one that is to run is ended at once, whatever its bytes would do.
 *
 * This is all done by actor 0's first process, which the C library has made: its calls are used.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/replay/play.h"

enum { STRINGS_MAX = 64, PATIENCE = 5000 };

static const char *path_of(const struct line *l)
{
	static char path[PATH_BYTES];

	memcpy(path, l->path, l->path_length);
	path[l->path_length] = '\0';
	return path;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool write_pieces(int fd, const struct line *l)
{
	unsigned char piece[512];

	for (size_t done = 0, now; done < l->count; done += now) {
		now = l->count - done < sizeof piece ? l->count - done : sizeof piece;
		line_bytes(l, done, piece, now);
		if (pwrite(fd, piece, now, l->arg[0].value + (off_t)done) != (ssize_t)now)
			return false;
	}
	return true;
}

void does_file(const struct line *l)
{
	const int fd = open(path_of(l), O_RDWR | O_CREAT | O_CLOEXEC, 0755);
	const bool written = fd >= 0 && (l->verb == DO_WRITE ? write_pieces(fd, l)
							     : ftruncate(fd, l->arg[0].value) == 0);

	if (written)
		turn_next();
	else
		turn_differs("errno %d", errno);
	if (fd >= 0) close(fd);
}

/* --- strings ---------------------------------------------------------------------------------- */

struct strings {
	char *list[2][STRINGS_MAX + 1]; /* arguments, environment */
	unsigned count[2];
	char *bytes; /* mapped */
	size_t room, used;
};

/* "ax12": the letter, so many times; what follows it, or NULL. */
static const char *add_string(struct strings *s, const char *word)
{
	char *rest;
	const unsigned which = word[0] == 'e';
	const unsigned long length = strtoul(word + 2, &rest, 10);

	if (s->count[which] == STRINGS_MAX || length >= s->room - s->used) return NULL;
	char *at = s->bytes + s->used;
	memset(at, word[1], length);
	at[length] = '\0';
	s->used += length + 1;
	s->list[which][s->count[which]++] = at;
	return rest;
}

static bool strings_make(struct strings *s, const char *word, size_t length)
{
	const char *end = word + length;

	*s = (struct strings){ .room = 4 << 20 };
	s->bytes = mmap(NULL, s->room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->bytes == MAP_FAILED) return false;
	if (*word == '-') return true;
	while (word != NULL && word < end) {
		word = add_string(s, word);
		if (word != NULL && word < end) word++; /* the dot */
	}
	return word != NULL;
}

/* --- running ---------------------------------------------------------------------------------- */

static void becomes(const struct line *l, struct strings *s, int tell)
{
	execve(path_of(l), s->list[0], s->list[1]);
	const int error = errno;
	const bool told = write(tell, &error, sizeof error) == sizeof error;
	_exit(told ? 0 : 1);
}

/* True: it died by itself. */
static bool dies(pid_t child)
{
	const struct timespec moment = { 0, 1000000 };

	for (unsigned n = 0; n < PATIENCE; n++) {
		int status;
		if (waitpid(child, &status, WNOHANG) == child) return WIFSIGNALED(status);
		nanosleep(&moment, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return false;
}

static int64_t runs(const struct line *l, struct strings *s)
{
	int ends[2], error = 0;

	if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
	const pid_t child = fork();
	if (child == 0) becomes(l, s, ends[1]);
	close(ends[1]);
	const bool refused = child > 0 && read(ends[0], &error, sizeof error) == sizeof error;
	close(ends[0]);
	if (child < 0) return -EAGAIN;
	if (!refused && l->answer.value == EXEC_DIES) return dies(child) ? EXEC_DIES : EXEC_RUNS;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return refused ? -error : EXEC_RUNS;
}

void does_exec(const struct line *l)
{
	struct strings s;
	const bool made = strings_make(&s, l->bytes, l->count);
	const int64_t answer = made ? runs(l, &s) : -ENOMEM;

	if (s.bytes != MAP_FAILED) munmap(s.bytes, s.room);
	if (answer == l->answer.value || l->doubt) /* what follows does not depend on it */
		turn_next();
	else if (answer == EXEC_RUNS)
		turn_differs("it runs");
	else if (answer == EXEC_DIES)
		turn_differs("it dies");
	else
		turn_differs("%lld", (long long)answer);
}
