/*
 * psci.h -- the firmware's power calls (Arm DEN0022).
 */
#ifndef MACHINE_AARCH64_PSCI_H
#define MACHINE_AARCH64_PSCI_H

#include "machine/base.h"

enum psci_conduit { PSCI_NONE, PSCI_HVC, PSCI_SMC };

/* How to call, and the number of CPU_ON, which firmware older than 0.2 chose for itself. */
void psci_init(enum psci_conduit conduit, uint32_t cpu_on);

/* Starts the CPU of that affinity at a physical address, with `context` in x0; 0 or an error. */
int64_t psci_cpu_on(uint64_t affinity, paddr_t entry, uint64_t context);
const char *psci_error_name(int64_t error);

/* Returns only when there is no such firmware. */
void psci_system_off(void);

#endif
