/*
 * ledger.c -- lines that are added and never taken back.
 *
 * One write() of a whole line to a file opened for appending, then fsync: after a kill at any
 * moment the file holds all lines that were reported as added, and at most a piece of one more.
 * That piece is closed by a newline when the ledger is opened next, and has no dot at its end.
 *
 * Always true: a line that ledger_read() shows was written whole.
 *
 * Locks: none; one process at a time has a night's folder (main.c).  Cost: a sync a line.
 */
#include "stress/nightly/ledger.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress/nightly/words.h"

enum { LINE_ROOM = 1024 };

static bool ends_within_a_line(int fd)
{
	char last;
	const off_t end = lseek(fd, 0, SEEK_END);
	return end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';
}

bool ledger_open(struct ledger *ledger, const char *path)
{
	ledger->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (ledger->fd < 0) return false;
	return !ends_within_a_line(ledger->fd) || write(ledger->fd, "\n", 1) == 1;
}

bool ledger_add(struct ledger *ledger, const char *format, ...)
{
	char line[LINE_ROOM];
	va_list list;
	va_start(list, format);
	const int length = vsnprintf(line, sizeof(line) - sizeof(" .\n"), format, list);
	va_end(list);
	if (length < 0) return false;
	strcat(line, " .\n");
	const size_t bytes = strlen(line);
	return write(ledger->fd, line, bytes) == (ssize_t)bytes && fsync(ledger->fd) == 0;
}

static bool is_whole(const char *line)
{
	const size_t length = strlen(line);
	return length >= 2 && strcmp(line + length - 2, " .") == 0;
}

void ledger_read(const char *path, void (*visit)(const char *line, void *context), void *context)
{
	char *text = words_of_file(path, SIZE_MAX >> 1), *rest = text, *line;
	while ((line = words_line(&rest)) != NULL)
		if (is_whole(line)) visit(line, context);
	free(text);
}

/* Where the value of `key` begins, or NULL. */
static const char *find_value(const char *line, const char *key)
{
	const size_t length = strlen(key);
	for (const char *at = strchr(line, ' '); at != NULL; at = strchr(at + 1, ' '))
		if (strncmp(at + 1, key, length) == 0 && at[1 + length] == '=')
			return at + length + 2;
	return NULL;
}

const char *ledger_word(const char *line, const char *key, char *out, size_t room)
{
	const char *value = find_value(line, key);
	const size_t length = value == NULL ? 0 : strcspn(value, " ");
	snprintf(out, room, "%.*s", (int)length, value == NULL ? "" : value);
	return out;
}

uint64_t ledger_number(const char *line, const char *key)
{
	const char *value = find_value(line, key);
	return value == NULL ? 0 : words_number(value);
}
