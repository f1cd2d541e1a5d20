/*
 * psci.c -- starting CPUs and powering off by PSCI, over HVC or SMC as the device tree says.
 *
 * Which of the two the machine has is a stranger's claim.  The one that it does not have is
 * undefined, which probing turns into an answer: a CPU is then not started, and power-off, the way
 * out of every report, tries the other.
 */
#include "psci.h"

#include "cpu.h"

enum { PSCI_SYSTEM_OFF = 0x84000008 };

static enum psci_conduit conduit_used = PSCI_NONE;
static uint32_t cpu_on_function;

void psci_init(enum psci_conduit conduit, uint32_t cpu_on)
{
	conduit_used = conduit;
	cpu_on_function = cpu_on;
}

static uint64_t psci_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	if (conduit_used == PSCI_HVC) return cpu_hvc(function, a, b, c);
	return cpu_smc(function, a, b, c);
}

int64_t psci_cpu_on(uint64_t affinity, paddr_t entry, uint64_t context)
{
	ASSERT(conduit_used != PSCI_NONE);
	const int64_t status = (int64_t)psci_call(cpu_on_function, affinity, entry, context);
	return (int32_t)status; /* 32 bits with older firmware, sign-extended by newer */
}

const char *psci_error_name(int64_t error)
{
	static const char *const names[] = {
		"success",    "not supported",   "invalid parameters", "denied",
		"already on", "on pending",      "internal failure",   "not present",
		"disabled",   "invalid address",
	};
	if (error > 0) return "undefined on this machine";
	const uint64_t n = (uint64_t)-error;
	return n < COUNT_OF(names) ? names[n] : "unknown error";
}

void psci_system_off(void)
{
	if (conduit_used != PSCI_SMC) cpu_hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
	cpu_smc(PSCI_SYSTEM_OFF, 0, 0, 0);
	if (conduit_used == PSCI_SMC) cpu_hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
}
