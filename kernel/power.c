/*
 * power.c -- leaving the machine, by whichever door there is.
 *
 * The order is semihosting (only when a boot argument enabled it: without QEMU's option its
 * instruction is undefined), PSCI SYSTEM_OFF, rest.  Each returns only when it is not there.
 */
#include "kernel/power.h"

#include "kernel/console.h"
#include "machine/aarch64/cpu.h"
#include "machine/aarch64/psci.h"
#include "machine/aarch64/semihost.h"

void power_off(int status)
{
	cpu_irq_mask();
	semihost_exit(status);
	psci_system_off();
	console_report("anvil: no way to power off; resting with status %d\n", status);
	for (;;) __asm__ volatile("wfi" : : : "memory");
}
