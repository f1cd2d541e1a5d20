/*
 * sample.h -- memory over time, for the picture.  No verdict looks at it.
 */
#ifndef STRESS_SAMPLE_H
#define STRESS_SAMPLE_H

#include "machine/base.h"

/* Opens the host's file of that name for the samples; false when it cannot. */
bool samples_open(const char *name);

/* Takes a sample now; `rest`: the machine is at rest, everything drained. */
void sample_take(uint32_t cycle, bool rest);

/* Writes what was taken since the last time.  On CPU 0, the others at rest. */
void samples_flush(void);

#endif
