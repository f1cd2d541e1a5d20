/*
 * program.h -- what the stress programs share: arguments, random numbers, failures and the verdict.
 *
 * A program is run as "NAME key=number ...", checks all that it does, and its last line is its
 * verdict, "NAME: ok: WHAT" or "NAME: FAIL: WHAT"; it ends with 0 or 1 accordingly.
 */
#ifndef STRESS_USER_PROGRAM_H
#define STRESS_USER_PROGRAM_H

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The program's name, for its verdict. */
extern const char *const program;

/* Says what is wrong and ends the program, whichever thread finds it. */
__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char *format, ...)
{
	char what[300];
	va_list rest;

	va_start(rest, format);
	vsnprintf(what, sizeof(what), format, rest);
	va_end(rest);
	printf("%s: FAIL: %s\n", program, what);
	fflush(stdout);
	_exit(1);
}

#define CHECK(condition, ...) ((condition) ? (void)0 : fail(__VA_ARGS__))

/* The last thing of main(). */
__attribute__((format(printf, 1, 2))) static inline int verdict(const char *format, ...)
{
	va_list rest;

	printf("%s: ok: ", program);
	va_start(rest, format);
	vprintf(format, rest);
	va_end(rest);
	printf("\n");
	fflush(stdout);
	return 0;
}

/* The number of the argument KEY=NUMBER; `otherwise` where there is none. */
static inline unsigned long argument(char **arguments, const char *key, unsigned long otherwise)
{
	const size_t length = strlen(key);

	for (int i = 1; arguments[i] != NULL; i++)
		if (strncmp(arguments[i], key, length) == 0 && arguments[i][length] == '=')
			return strtoul(arguments[i] + length + 1, NULL, 10);
	return otherwise;
}

/* xorshift64*: the state is any number but 0. */
static inline uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d;
}

static inline uint64_t draw_below(uint64_t *state, uint64_t limit)
{
	return (draw(state) >> 11) % limit;
}

static inline void start_thread(pthread_t *t, void *(*body)(void *), void *given)
{
	const int error = pthread_create(t, NULL, body, given);

	CHECK(error == 0, "no thread: %s", strerror(error));
}

static inline void join_thread(pthread_t t)
{
	const int error = pthread_join(t, NULL);

	CHECK(error == 0, "pthread_join: %s", strerror(error));
}

#endif
