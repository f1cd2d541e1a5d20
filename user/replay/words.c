/*
 * words.c -- lines and words of a score, the file they are in, and lines of a player.
 *
 * Nothing is copied or allocated: words lie where the text lies.
 */
#include "user/replay/words.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 512 };

bool line_next(const char **text, struct words *line)
{
	const char *end = strchr(*text, '\n');

	if (end == NULL) return false;
	*line = (struct words){ *text, end };
	*text = end + 1;
	return true;
}

bool word_next(struct words *w, struct word *word)
{
	while (w->at < w->end && *w->at == ' ') w->at++;
	word->at = w->at;
	while (w->at < w->end && *w->at != ' ') w->at++;
	word->length = (size_t)(w->at - word->at);
	return word->length != 0;
}

bool word_is(struct word word, const char *what)
{
	return word.length == strlen(what) && memcmp(word.at, what, word.length) == 0;
}

bool words_take(struct words *w, const char *what)
{
	struct words rest = *w;
	struct word word;

	if (!word_next(&rest, &word) || !word_is(word, what)) return false;
	*w = rest;
	return true;
}

bool word_number(struct word word, uint64_t *value)
{
	char digits[32], *end;

	if (word.length == 0 || word.length >= sizeof digits) return false;
	memcpy(digits, word.at, word.length);
	digits[word.length] = '\0';
	*value = *digits == '-' ? (uint64_t)strtoll(digits, &end, 10) : strtoull(digits, &end, 0);
	return *end == '\0';
}

bool number_next(struct words *w, uint64_t *value)
{
	struct word word;

	return word_next(w, &word) && word_number(word, value);
}

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

size_t word_bytes(struct word word, void *to, size_t room)
{
	unsigned char *byte = to;
	size_t n = 0;

	for (; n < room && 2 * n + 1 < word.length; n++)
		byte[n] = (unsigned char)(digit(word.at[2 * n]) << 4 | digit(word.at[2 * n + 1]));
	return n;
}

char *text_of_file(const char *path)
{
	struct stat about;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t bytes = 1;

	if (fd < 0 || fstat(fd, &about) != 0) return NULL;
	char *text = mmap(NULL, (size_t)about.st_size + 1, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	while (text != MAP_FAILED && done < (size_t)about.st_size && bytes > 0) {
		bytes = read(fd, text + done, (size_t)about.st_size - done);
		done += bytes > 0 ? (size_t)bytes : 0;
	}
	close(fd);
	return text != MAP_FAILED && bytes > 0 ? text : NULL;
}

bool line_say(int fd, const char *format, va_list args)
{
	char line[LINE_BYTES];
	int bytes = vsnprintf(line, sizeof line - 1, format, args);

	if (bytes > (int)sizeof line - 2) bytes = sizeof line - 2;
	line[bytes] = '\n';
	return write(fd, line, (size_t)bytes + 1) >= 0;
}
