/*
 * tlbtrace.h -- the trace of page tables of a boot, as a file of the host; images under test only.
 */
#ifndef KERNEL_TLBTRACE_H
#define KERNEL_TLBTRACE_H

#include "machine/base.h"

/* With the boot argument "tlbtrace=FILE", and semihosting allowed: begins the trace, of at most
 * "tlbtrace-events=N" events.  NULL, or why it cannot.  On CPU 0, before the others are started. */
const char *tlbtrace_begin(void);

/* Writes the trace, if there is one, and ends it.  The other CPUs are at rest or stopped. */
void tlbtrace_end(void);

#endif
