/*
 * panic.c -- what a plain host program does about kpanic: says it in one line and aborts.
 *
 * For unit tests and benchmarks.  The suite's targets have their own (they escape from the run and
 * report), and a test that provokes panics has its own too; a program that defines kpanic and
 * kpanic_claim does not get this file from the archive.
 *
 * The line is put together first and written at once, so that it is whole even when other output
 * is interleaved, and a newline goes before it so that "panic:" stands at the start of a line
 * whatever was printed last.  Takes no lock and allocates nothing.
 */
#include <stdlib.h>

#include "machine/format.h"
#include "machine/machine.h"

enum { LINE_BYTES = 512 };

NORETURN void kpanic(const char *id, const char *format, ...)
{
	char line[LINE_BYTES];
	size_t used = format_text(line, sizeof(line) - 1, "\npanic: %s ", id);
	va_list args;
	va_start(args, format);
	used += format_text_v(line + used, sizeof(line) - 1 - used, format, args);
	va_end(args);
	line[used++] = '\n';
	mach_console(line, used);
	abort();
}

NORETURN void kpanic_claim(const char *file, int line, const char *claim)
{
	kpanic("assert", "%s:%d: %s", file, line, claim);
}
