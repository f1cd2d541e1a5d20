/*
 * sanitizer.c -- sanitizers' reports as oracles.
 *
 * AddressSanitizer calls __asan_on_error() and UBSan __ubsan_on_report() when they have found
 * something and before they describe it: the place to say which oracle that is and to save the
 * finding, so that the signature line comes first and what the sanitizer prints explains it.  Both
 * hold locks by then, and both end the process afterwards; nothing here may run on.
 *
 * Which oracle: memory of the arena is poisoned by us, and all ASan can tell of it is that it is
 * nobody's (poison).  Where ASan knows more, of its own heap, stacks and globals, so do we.
 *
 * The run-time libraries are reached by weak references: this file links without them, and then
 * nobody calls it.
 *
 * Locks: called under the sanitizers' own.  Cost: none until something is found.
 */
#include <string.h>

#include "fuzz/frame/harness.h"

const char *__asan_get_report_description(void) __attribute__((weak));
void __ubsan_get_current_report_data(const char **kind, const char **message, const char **file,
				     unsigned *line, unsigned *column, char **address)
	__attribute__((weak));
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
void __asan_on_error(void);
void __ubsan_on_report(void);

/* Leaks are counted by our own oracles; malloc is used by nothing that is tested.  So what is freed
 * need not be kept from reuse for long either: ASan's 256 MB of it is a page fault for every 4 KiB
 * an engine ever allocates.  77 is how libFuzzer's users know a finding, whoever found it. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0:allocator_may_return_null=1:exitcode=77:quarantine_size_mb=1";
}

const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}

static bool ends_with(const char *text, const char *tail)
{
	const size_t length = strlen(text), tail_length = strlen(tail);
	return length >= tail_length && strcmp(text + length - tail_length, tail) == 0;
}

static const char *oracle_of(const char *description)
{
	if (ends_with(description, "use-after-free")) return ORACLE_USE_AFTER_FREE;
	if (ends_with(description, "double-free")) return ORACLE_DOUBLE_FREE;
	if (ends_with(description, "buffer-overflow") || ends_with(description, "buffer-underflow"))
		return ORACLE_REDZONE;
	return ORACLE_POISON;
}

void __asan_on_error(void)
{
	const char *description = __asan_get_report_description();
	harness_fatal(oracle_of(description), description);
}

void __ubsan_on_report(void)
{
	const char *kind = "", *message = "", *file;
	unsigned line, column;
	char *address;
	__ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
	harness_fatal(ORACLE_UNDEFINED, message);
}

enum oracle_eyes harness_eyes(void)
{
	if (HOST_WATCHED == 2) return EYES_THREADS; /* by machine/host's build file */
	if (HOST_WATCHED) return EYES_WATCHED;
	return __asan_get_report_description != NULL ? EYES_SANITIZED : EYES_HOSTED;
}
