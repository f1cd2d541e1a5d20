/*
 * capabilities.h -- what this CPU has that programs ask for, as Linux tells them.
 */
#ifndef MACHINE_AARCH64_CAPABILITIES_H
#define MACHINE_AARCH64_CAPABILITIES_H

#include "machine/base.h"

/* AT_HWCAP: bits of Linux's <asm/hwcap.h>, of what this CPU has and EL0 may use here.  AT_HWCAP2
 * has none of these: they are of extensions that the kernel does not set up. */
uint64_t cpu_capabilities(void);

#endif
