/*
 * words.h -- a line of a score, word by word.  Words have one space between them.  And how a player
 * says a line of its own.
 */
#ifndef USER_REPLAY_WORDS_H
#define USER_REPLAY_WORDS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of a line. */
struct words {
	const char *at, *end;
};

struct word {
	const char *at;
	size_t length;
};

/* The next line of *text, which ends with a NUL, without its end; false: there is none. */
bool line_next(const char **text, struct words *line);

bool word_next(struct words *w, struct word *word);
bool word_is(struct word word, const char *what);

/* The next word is this one; otherwise all is left as it was. */
bool words_take(struct words *w, const char *what);

/* A number: decimal, and perhaps negative, or hexadecimal (0x). */
bool word_number(struct word word, uint64_t *value);
bool number_next(struct words *w, uint64_t *value);

/* The bytes that a text of hexadecimal digits stands for; how many, at most `room`. */
size_t word_bytes(struct word word, void *to, size_t room);

/* The whole of a file, behind it a NUL, mapped; NULL, with errno set.  Never given back. */
char *text_of_file(const char *path);

/* Says a line, or the first 510 bytes of it, by one write; false, with errno set: it cannot. */
bool line_say(int fd, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#endif
