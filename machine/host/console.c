/*
 * console.c -- the host's console: standard error, unbuffered.
 *
 * A panic's line must come out whole, whatever runs and on whichever stack, so nothing is kept
 * back here and nothing is allocated: what is handed in is written before the call returns.  A
 * write that is interrupted goes on; one that fails for good is given up, because there is nobody
 * left to tell.
 *
 * host_die() is for the world's limits that stand before any run: no address space, a size that
 * cannot be.  One line that says what and why, and exit status 4, which means "environment".
 *
 * Locks: none.  Cost: a system call per call.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine/format.h"
#include "machine/host/console.h"
#include "machine/machine.h"

void mach_console(const char *text, size_t bytes)
{
	while (bytes > 0) {
		const ssize_t wrote = write(STDERR_FILENO, text, bytes);
		if (wrote < 0 && errno == EINTR) continue;
		if (wrote <= 0) return;
		text += wrote;
		bytes -= (size_t)wrote;
	}
}

NORETURN void host_die(const char *format, ...)
{
	char line[256];
	va_list args;
	va_start(args, format);
	size_t length = format_text_v(line, sizeof(line) - 1, format, args);
	va_end(args);
	line[length++] = '\n';
	mach_console(line, length);
	exit(HOST_EXIT_ENVIRONMENT);
}
