/*
 * words.c -- text that grows.
 *
 * Always true: what stands in a struct words ends with a zero that is not counted.
 *
 * Locks: none.
 */
#include "stress/nightly/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/files.h"

enum { ROOM_LEAST = 256 };

static NORETURN void no_memory(void)
{
	fputs("nightly: out of memory\n", stderr);
	exit(EXIT_ENVIRONMENT);
}

static void make_room(struct words *w, size_t more)
{
	if (w->at != NULL && w->room - w->bytes > more) return;
	w->room = (w->bytes + more + 1) * 2;
	if (w->room < ROOM_LEAST) w->room = ROOM_LEAST;
	char *moved = realloc(w->at, w->room);
	if (moved == NULL) no_memory();
	w->at = moved;
	w->at[w->bytes] = '\0';
}

void words_put_bytes(struct words *w, const char *at, size_t bytes)
{
	make_room(w, bytes);
	if (bytes != 0) memcpy(w->at + w->bytes, at, bytes);
	w->bytes += bytes;
	w->at[w->bytes] = '\0';
}

static void put_list(struct words *w, const char *format, va_list list)
{
	va_list again;
	va_copy(again, list);
	const int length = vsnprintf(NULL, 0, format, list);
	if (length > 0) {
		make_room(w, (size_t)length);
		vsnprintf(w->at + w->bytes, (size_t)length + 1, format, again);
		w->bytes += (size_t)length;
	}
	va_end(again);
}

void words_put(struct words *w, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	put_list(w, format, list);
	va_end(list);
}

void words_put_count(struct words *w, uint64_t count)
{
	if (count >= 1000) {
		words_put_count(w, count / 1000);
		words_put(w, ",%03u", (unsigned)(count % 1000));
	} else {
		words_put(w, "%u", (unsigned)count);
	}
}

void words_free(struct words *w)
{
	free(w->at);
	*w = (struct words){ 0 };
}

const char *words_text(const struct words *w)
{
	return w->at == NULL ? "" : w->at;
}

char *words_copy(const char *text)
{
	char *copy = strdup(text);
	if (copy == NULL) no_memory();
	return copy;
}

char *words_made(const char *format, ...)
{
	struct words w = { 0 };
	va_list list;
	make_room(&w, 0);
	va_start(list, format);
	put_list(&w, format, list);
	va_end(list);
	return w.at;
}

char *words_of_file(const char *path, size_t most)
{
	struct words w = { 0 };
	char piece[4096];
	size_t got;
	FILE *file = fopen(path, "re");
	if (file == NULL) return NULL;
	if (fseek(file, 0, SEEK_END) == 0) {
		const long bytes = ftell(file);
		const long skip = bytes > (long)most ? bytes - (long)most : 0;
		if (fseek(file, skip, SEEK_SET) != 0) clearerr(file);
	}
	make_room(&w, 0);
	while ((got = fread(piece, 1, sizeof(piece), file)) != 0) words_put_bytes(&w, piece, got);
	fclose(file);
	for (size_t i = 0; i < w.bytes; i++) /* text of strangers: a zero would end it */
		if (w.at[i] == '\0') w.at[i] = '?';
	return w.at;
}

char *words_line(char **rest)
{
	char *line = *rest;
	if (line == NULL || *line == '\0') return NULL;
	char *end = strchr(line, '\n');
	*rest = end == NULL ? NULL : end + 1;
	if (end != NULL) *end = '\0';
	return line;
}

bool words_begin(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

uint64_t words_number(const char *text)
{
	return *text < '0' || *text > '9' ? 0 : strtoull(text, NULL, 10);
}
