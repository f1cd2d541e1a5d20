/*
 * panic.h -- the end of a run that found something wrong; kpanic() itself is in machine/base.h.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "machine/base.h"

/*
 * Somebody who wants to take over panics, or NULL: called first, on the CPU that panics, with
 * interrupts masked, possibly on its emergency stack and with any lock held.  It may leave by
 * smp_escape(); when it returns, the panic goes on.
 */
void panic_hook_set(void (*hook)(const char *id, const char *message));

#endif
