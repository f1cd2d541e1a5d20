/*
 * selftest.h -- what a boot can prove of itself, quickly.
 */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

/* Runs all checks, prints KTAP lines and a verdict; how many failed.  On CPU 0, with the other
 * CPUs resting and interrupts unmasked. */
unsigned selftest_run(void);

#endif
