/*
 * uart.c -- a PL011 (Arm DDI 0183): console output, or the host's where there is none, and what
 * is typed, where somebody listens.
 *
 * Until the device tree has said where the UART is, text is kept in a small buffer, and what does
 * not fit is dropped: the first lines of a boot are the ones that explain it.  The wait for room
 * in the FIFO is bounded, so a UART that never drains costs characters, not the machine.
 *
 * Locks: none; lines mix in a panic, by design of mach_console().
 */
#include "uart.h"

#include "gic.h"
#include "mmio.h"
#include "semihost.h"

enum {
	UART_DATA = 0x00,
	UART_FLAGS = 0x18,
	UART_FLAGS_FULL = 1 << 5,
	UART_CONTROL = 0x30,
	UART_CONTROL_ON = 1 << 0 | 1 << 8 | 1 << 9, /* enabled, transmitting, receiving */
	UART_FLAGS_EMPTY = 1 << 4,
	UART_LINE = 0x2c,
	UART_LINE_FIFO = 1 << 4 | 3 << 5, /* 8 bits, through FIFOs */
	UART_MASK = 0x38,
	UART_RECEIVED = 1 << 4 | 1 << 6, /* so many bytes; or some, and nothing since */
	FIFO_BYTES = 32,
	PATIENCE = 1000000,
};

static uintptr_t uart;
static char backlog[512];
static size_t backlog_bytes;
static bool to_host;

static struct {
	unsigned interrupt;
	void (*take)(void *arg, const uint8_t *bytes, size_t count);
	void *arg;
} listener;

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
	mmio_write(uart + UART_LINE, UART_LINE_FIFO); /* empties what was received */
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

/* --- what is typed ---------------------------------------------------------------------------- */

void uart_listen(unsigned interrupt, void (*take)(void *arg, const uint8_t *bytes, size_t count),
		 void *arg)
{
	if (uart == 0) return;
	listener.take = take;
	listener.arg = arg;
	listener.interrupt = interrupt;
	mmio_write(uart + UART_MASK, UART_RECEIVED);
	gic_enable_shared(interrupt);
}

unsigned uart_interrupt(void)
{
	return listener.interrupt;
}

/* A FIFO at a time: what comes meanwhile is the next interrupt's.  Both interrupts go when the FIFO
 * is empty, and are not cleared by hand: one that is, with bytes left, need not come again. */
void uart_came(void)
{
	uint8_t bytes[FIFO_BYTES];
	size_t count = 0;
	while (count < FIFO_BYTES && (mmio_read(uart + UART_FLAGS) & UART_FLAGS_EMPTY) == 0)
		bytes[count++] = (uint8_t)mmio_read(uart + UART_DATA);
	listener.take(listener.arg, bytes, count);
}
