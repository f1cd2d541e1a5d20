/*
 * ktap.h -- a table of checks, run and reported in the kernel test protocol.
 */
#ifndef KERNEL_KTAP_H
#define KERNEL_KTAP_H

#include "machine/base.h"

struct ktap_check {
	const char *name;
	const char *(*check)(void); /* NULL, or what is wrong */
};

/* Runs them in order and prints "ok N NAME" or "not ok N NAME # WHY" for each; how many failed. */
unsigned ktap_run(const struct ktap_check *checks, unsigned count);

#endif
