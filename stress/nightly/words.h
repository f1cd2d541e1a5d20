/*
 * words.h -- text that grows, and small questions about text, for the nightly driver.
 *
 * A host program that finds no memory for a few words cannot go on: then it ends with status 4.
 */
#ifndef STRESS_NIGHTLY_WORDS_H
#define STRESS_NIGHTLY_WORDS_H

#include "machine/base.h"

struct words {
	char *at; /* ends with a zero; NULL as long as nothing was put */
	size_t bytes, room;
};

void words_put(struct words *w, const char *format, ...) PRINTF_LIKE(2, 3);
void words_put_bytes(struct words *w, const char *at, size_t bytes);
void words_put_count(struct words *w, uint64_t count); /* 1,234,567 */
void words_free(struct words *w);

/* What stands in `w`; never NULL. */
const char *words_text(const struct words *w);

/* A copy; free() it. */
char *words_copy(const char *text);

/* A path or other short text, made anew by each call; free() it. */
char *words_made(const char *format, ...) PRINTF_LIKE(1, 2);

/* The whole file, or its last `most` bytes; NULL when it cannot be read.  free() it. */
char *words_of_file(const char *path, size_t most);

/* Cuts the first line off `*rest`: NULL when there is none left.  The newline becomes a zero. */
char *words_line(char **rest);

bool words_begin(const char *text, const char *with);

/* The number at `text`; 0 where there is none. */
uint64_t words_number(const char *text);

#endif
