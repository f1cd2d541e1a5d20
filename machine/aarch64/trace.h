/*
 * trace.h -- the trace of page tables (machine/tlbtrace.h), in images under test.
 */
#ifndef MACHINE_AARCH64_TRACE_H
#define MACHINE_AARCH64_TRACE_H

#include "machine/tlbtrace.h"

/* From here on events go to `room` places at `events`.  On CPU 0, the others at rest. */
void trace_start(struct tlbtrace_event *events, uint32_t room);

/* The end of the trace: how many events there are, and how many found no place.  The other CPUs are
 * at rest or stopped. */
uint32_t trace_stop(uint64_t *lost);

#endif
