/*
 * extra.c -- a point of no meaning, for a program built with one wherever its path may part.
 *
 * The compiler calls this at each edge of the code that it is told to trace so (rebuilt.bzl).
 */
#include "machine/host/cpu.h"

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	host_turn_extra();
}
