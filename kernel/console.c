/*
 * console.c -- formatting into a line and sending it to the machine's console.
 *
 * The lock is the innermost of all (RANK_CONSOLE), so a line can be printed from anywhere but from
 * inside the console.  Reports of a panic go around it: the CPU that held it may be the one that
 * is reporting, or one that has been stopped.
 *
 * Always true: line_open says whether the last byte written was not a line's end.
 */
#include "kernel/console.h"

#include "machine/lock.h"

static struct lock console = { .rank = RANK_CONSOLE };
static uint32_t holder; /* CPU + 1 while it has the lock, or 0 */
static bool line_open;

static void write(const char *text, size_t bytes)
{
	if (bytes == 0) return;
	mach_console(text, bytes);
	line_open = text[bytes - 1] != '\n';
}

void console_write(const char *text, size_t bytes)
{
	const mach_irq_t was = lock_take(&console);
	atomic_store_u32(&holder, mach_cpu() + 1);
	write(text, bytes);
	atomic_store_u32(&holder, 0);
	lock_drop(&console, was);
}

void console_print_v(const char *format, va_list args)
{
	char line[CONSOLE_LINE_BYTES];
	console_write(line, format_text_v(line, sizeof(line), format, args));
}

void console_print(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	console_print_v(format, args);
	va_end(args);
}

void console_hint(const char *format, ...)
{
	char line[CONSOLE_LINE_BYTES];
	va_list args;
	va_start(args, format);
	const size_t bytes = format_text_v(line, sizeof(line), format, args);
	va_end(args);
	mach_irq_t was;
	const bool got = lock_try(&console, &was);
	if (got) atomic_store_u32(&holder, mach_cpu() + 1);
	write(line, bytes);
	if (!got) return;
	atomic_store_u32(&holder, 0);
	lock_drop(&console, was);
}

void console_report(const char *format, ...)
{
	char line[CONSOLE_LINE_BYTES];
	va_list args;
	va_start(args, format);
	const size_t bytes = format_text_v(line, sizeof(line), format, args);
	va_end(args);
	write(line, bytes);
}

void console_fresh_line(void)
{
	if (line_open) write("\n", 1);
}

void console_forget(void)
{
	if (atomic_load_u32(&holder) != mach_cpu() + 1) return;
	atomic_store_u32(&holder, 0);
	atomic_store_u32(&console.serving, console.serving + 1); /* others may wait their turn */
}
