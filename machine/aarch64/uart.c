/*
 * uart.c -- console output through a PL011 (Arm DDI 0183), or the host's where there is none.
 *
 * Until the device tree has said where the UART is, text is kept in a small buffer, and what does
 * not fit is dropped: the first lines of a boot are the ones that explain it.  The wait for room
 * in the FIFO is bounded, so a UART that never drains costs characters, not the machine.
 *
 * Locks: none; lines mix in a panic, by design of mach_console().
 */
#include "uart.h"

#include "mmio.h"
#include "semihost.h"

enum {
	UART_DATA = 0x00,
	UART_FLAGS = 0x18,
	UART_FLAGS_FULL = 1 << 5,
	UART_CONTROL = 0x30,
	UART_CONTROL_ON = 1 << 0 | 1 << 8, /* enabled, transmitting */
	PATIENCE = 1000000,
};

static uintptr_t uart;
static char backlog[512];
static size_t backlog_bytes;
static bool to_host;

static void put(char c)
{
	for (unsigned tries = 0; mmio_read(uart + UART_FLAGS) & UART_FLAGS_FULL; tries++) {
		if (tries == PATIENCE) return;
		mach_relax();
	}
	mmio_write(uart + UART_DATA, (uint8_t)c);
}

void uart_init(uintptr_t registers)
{
	uart = registers;
	mmio_write(uart + UART_CONTROL, UART_CONTROL_ON);
	mach_console(backlog, backlog_bytes);
	backlog_bytes = 0;
}

void uart_is_host(void)
{
	to_host = true;
	mach_console(backlog, backlog_bytes);
	backlog_bytes = 0;
}

const char *uart_backlog(size_t *bytes)
{
	*bytes = backlog_bytes;
	return backlog;
}

void mach_console(const char *text, size_t bytes)
{
	if (to_host) {
		semihost_print(text, bytes);
		return;
	}
	for (size_t i = 0; i < bytes; i++) {
		if (uart != 0)
			put(text[i]);
		else if (backlog_bytes < sizeof(backlog))
			backlog[backlog_bytes++] = text[i];
	}
}
