/*
 * uart.h -- the PL011, written to only; mach_console() is its other half.
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

#endif
