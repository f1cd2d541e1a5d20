/*
 * console.h -- text for people, a line at a time.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include "machine/format.h"

enum { CONSOLE_LINE_BYTES = 256 };

/* Formats (machine/format.h; cut at CONSOLE_LINE_BYTES) and writes in one piece: lines of several
 * CPUs do not mix.  Takes a lock of RANK_CONSOLE, so any other may be held. */
void console_print(const char *format, ...) PRINTF_LIKE(1, 2);
void console_print_v(const char *format, va_list args);

/* Bytes as they are, in one piece. */
void console_write(const char *text, size_t bytes);

/* As console_print(), but waits for nobody: in the middle of another's line, where that may
 * hang. */
void console_hint(const char *format, ...) PRINTF_LIKE(1, 2);

/* The same without the lock, for reports when nothing can be trusted.  console_fresh_line() ends
 * a line that somebody had begun. */
void console_report(const char *format, ...) PRINTF_LIKE(1, 2);
void console_fresh_line(void);

/* What this CPU was doing is abandoned: if it was printing, the lock is free again. */
void console_forget(void);

#endif
