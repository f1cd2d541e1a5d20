/*
 * cpu.h -- virtual CPUs.
 */
#ifndef MACHINE_HOST_CPU_H
#define MACHINE_HOST_CPU_H

#include "machine/base.h"

/* Moves mach_now_ns() on; nothing else does. */
void host_clock_advance(uint64_t ns);

#endif
