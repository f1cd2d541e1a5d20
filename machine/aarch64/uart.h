/*
 * uart.h -- the PL011; mach_console() is how it is written to.
 */
#ifndef MACHINE_AARCH64_UART_H
#define MACHINE_AARCH64_UART_H

#include "machine/machine.h"

/* Where its registers are, mapped.  What mach_console() got before is written now. */
void uart_init(uintptr_t registers);

/* There is no UART, but a host: it gets the text, by semihosting. */
void uart_is_host(void);

/* What is still waiting for a UART, when there will be none: at most `*bytes` bytes. */
const char *uart_backlog(size_t *bytes);

/* What is typed is given to `take`, on this CPU, in its interrupt `interrupt` (32 to 1019). */
void uart_listen(unsigned interrupt, void (*take)(void *arg, const uint8_t *bytes, size_t count),
		 void *arg);

/* Which that is, 0: nobody listens; and it has come. */
unsigned uart_interrupt(void);
void uart_came(void);

#endif
