/*
 * panics.h -- for unit tests that provoke panics: kpanic takes note and leaves the CPU.
 *
 * Include it in the test's one source file; the program then needs no //machine/host:panic.  A
 * panic outside a CPU is the test's own failure and ends it.
 */
#ifndef MACHINE_HOST_PANICS_H
#define MACHINE_HOST_PANICS_H

#include <stdlib.h>
#include <string.h>

#include "machine/format.h"
#include "machine/host/cpu.h"
#include "machine/machine.h"

/* The last panic: its id, and what it said. */
static char panic_id[32];
static char panic_text[256];

NORETURN void kpanic(const char *id, const char *format, ...)
{
	format_text(panic_id, sizeof(panic_id), "%s", id);
	va_list args;
	va_start(args, format);
	format_text_v(panic_text, sizeof(panic_text), format, args);
	va_end(args);
	if (host_on_cpu()) host_escape();
	mach_console(panic_id, strlen(panic_id));
	mach_console(": ", 2);
	mach_console(panic_text, strlen(panic_text));
	mach_console("\n", 1);
	abort();
}

NORETURN void kpanic_claim(const char *file, int line, const char *claim)
{
	kpanic("assert", "%s:%d: %s", file, line, claim);
}

/* Runs fn(arg) on CPU `cpu` and demands that it ends in the panic `id`, or, NULL, in none. */
static inline void expect_panic(unsigned cpu, void (*fn)(void *arg), void *arg, const char *id,
				const char *name)
{
	panic_id[0] = '\0';
	const bool returned = host_run_on(cpu, fn, arg);
	const char *got = returned ? "no panic" : panic_id;
	if (strcmp(got, id != NULL ? id : "no panic") == 0) return;
	char said[sizeof(panic_text)]; /* kpanic writes there what it is given here */
	format_text(said, sizeof(said), "%s: %s", got, returned ? "" : panic_text);
	kpanic("test", "%s: wanted %s, got %s", name, id != NULL ? id : "no panic", said);
}

#endif
