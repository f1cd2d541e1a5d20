/*
 * script.c -- files that name what runs them: "#!", a path, perhaps one argument, the line's end.
 *
 * Linux's rules (fs/binfmt_script.c of 6.1): blanks and tabs around path and argument do not count;
 * the argument is all that is left of the line, blanks inside it kept; a line longer than what was
 * read is cut off inside the argument, but a path is never run that may have been cut off.  A NUL
 * ends the path.
 *
 * Locks: none.  Cost: one look at each byte.
 */
#include "kernel/exec/build.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *at, const char *end)
{
	while (at < end && is_blank(*at)) at++;
	return at;
}

/* The end of the word at `at`: a blank, a NUL, or `end`. */
static char *word_end(char *at, const char *end)
{
	while (at < end && !is_blank(*at) && *at != 0) at++;
	return at;
}

/* Where the line ends, blanks before that left out; NULL: it goes on, and so may the path. */
static char *line_end(char *from, char *last)
{
	char *end = from;

	while (end <= last && *end != '\n') end++;
	if (end > last) {
		char *path = skip_blanks(from, end);
		if (word_end(path, end) == end) return NULL;
		end = last;
	}
	while (end > from && is_blank(end[-1])) end--;
	return end;
}

bool exec_script(uint8_t *head, size_t bytes, char **path, char **argument)
{
	char *text = (char *)head;

	ASSERT(bytes > 2);
	if (text[0] != '#' || text[1] != '!') return false;
	char *end = line_end(text + 2, text + bytes - 1);
	if (end == NULL) return false;
	*path = skip_blanks(text + 2, end);
	if (*path == end) return false;
	char *stop = word_end(*path, end);
	*argument = NULL;
	if (stop < end && *stop != 0) {
		char *rest = skip_blanks(stop, end);
		if (rest < end) *argument = rest;
	}
	*stop = 0;
	*end = 0;
	return true;
}
