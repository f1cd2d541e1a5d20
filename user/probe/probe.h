/*
 * probe.h -- how a probe says what a kernel answers.
 *
 * A probe is a program that asks one area of the system-call interface and prints a line for each
 * answer.  Lines say nothing of addresses, process numbers or times, so that two kernels which mean
 * the same print the same.  expected/NAME.txt has what Debian's Linux printed.
 */
#ifndef USER_PROBE_PROBE_H
#define USER_PROBE_PROBE_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A line; at once, so that a fork finds nothing left to print twice. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
	va_list rest;

	va_start(rest, format);
	vprintf(format, rest);
	va_end(rest);
	putchar('\n');
	fflush(stdout);
}

/* What was asked and what the answer was; errno's name for -1. */
static inline void answer(const char *what, long value)
{
	const int error = errno;

	if (value != -1)
		say("%s = %ld", what, value);
	else
		say("%s = -%s", what, strerrorname_np(error));
}

/* Only whether it was done: for answers that are numbers or addresses of the kernel's choice. */
static inline void answer_done(const char *what, long value)
{
	const int error = errno;

	if (value != -1)
		say("%s: done", what);
	else
		say("%s = -%s", what, strerrorname_np(error));
}

#define ANSWER(call) answer(#call, (long)(call))
#define ANSWER_DONE(call) answer_done(#call, (long)(call))

/* An address that nobody has mapped, of which no compiler knows what it is. */
static void *volatile const probe_bad = (void *)0x10;
#define BAD probe_bad

#define ANSWER_TRUE(condition) say("%s: %s", #condition, (condition) ? "yes" : "no")

#define PROBE_COUNT(array) (sizeof(array) / sizeof(*(array)))

#endif
