/*
 * backtrace.h -- who called whom, by frame pointers.
 */
#ifndef KERNEL_BACKTRACE_H
#define KERNEL_BACKTRACE_H

#include "machine/base.h"

/* Prints the chain of calls that starts at frame pointer `record`, one line each, at most 32. */
void backtrace_print(uintptr_t record);

/* One line: "  NAME+0x12", or the bare address. */
void backtrace_print_address(uintptr_t address);

#endif
