/*
 * power.h -- the end of a run, and what it tells the runner.
 */
#ifndef KERNEL_POWER_H
#define KERNEL_POWER_H

#include "machine/base.h"

/* Exit statuses, the same in all programs of the project. */
enum status {
	STATUS_OK = 0,
	STATUS_FINDING = 1,
	STATUS_USAGE = 2,
	STATUS_BAD_INPUT = 3,
	STATUS_ENVIRONMENT = 4,
	STATUS_HANG = 5,
	STATUS_PANIC = 6,
};

/* Ends the run: by semihosting, which carries the status, where that is on; else by PSCI, which
 * does not; else this CPU rests, having said so. */
NORETURN void power_off(int status);

#endif
