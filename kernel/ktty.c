/*
 * ktty.c -- the terminal at the serial line: the UART's bytes go in, its own go out by the console.
 *
 * Programs' output and the kernel's own lines share the line, byte by byte here and a line at a
 * time there: one of the kernel's may come in the middle of a program's.
 *
 * Locks: the terminal's, taken in the UART's interrupt, and the console's within.
 */
#include "kernel/ktty.h"

#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/ksched.h"
#include "machine/aarch64/uart.h"

struct tty kernel_tty;

static void typed(void *tty, const uint8_t *bytes, size_t count)
{
	tty_input(tty, bytes, count);
}

static void put(void *unused, const char *text, size_t bytes)
{
	(void)unused;
	console_write(text, bytes);
}

void ktty_start(const struct tty_host *host)
{
	struct tty_host with_line = *host;
	if (with_line.put == NULL) with_line.put = put;
	tty_init(&kernel_tty, &kernel_sched, &with_line);
	if (boot.platform.uart_interrupt != 0)
		uart_listen(boot.platform.uart_interrupt, typed, &kernel_tty);
}
