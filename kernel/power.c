/*
 * power.c -- leaving the machine, by whichever door there is.
 *
 * The order is semihosting (only when a boot argument enabled it: without QEMU's option its
 * instruction is undefined), PSCI SYSTEM_OFF, rest.  Each returns only when it is not there.
 */
#include "kernel/power.h"

#include "kernel/console.h"
#include "kernel/ktrace.h"
#include "kernel/tlbtrace.h"
#include "machine/aarch64/cpu.h"
#include "machine/aarch64/psci.h"
#include "machine/aarch64/semihost.h"
#include "machine/aarch64/uart.h"

/* A run that ends before a UART was found has said its last words to nobody.  A device tree that
 * cannot be read has no boot arguments either, so here the host is asked for without permission,
 * by an instruction that is allowed to be undefined. */
static void say_what_waits(void)
{
	size_t bytes;
	const char *text = uart_backlog(&bytes);
	if (bytes > 0 && (semihost_enabled() || semihost_detect())) semihost_print(text, bytes);
}

void power_off(int status)
{
	cpu_irq_mask();
	say_what_waits();
	ktrace_print_barriers(status);
	if (CHECK_LEVEL >= 2) tlbtrace_end();
	semihost_exit(status);
	psci_system_off();
	console_report("anvil: no way to power off; resting with status %d\n", status);
	for (;;) __asm__ volatile("wfi" : : : "memory");
}
