/*
 * backtrace.h -- who called whom, by frame pointers.
 */
#ifndef KERNEL_BACKTRACE_H
#define KERNEL_BACKTRACE_H

#include "machine/base.h"

/* Prints the chain of calls that starts at frame pointer `record`, one line each, at most 32.
 * `of_exception`: this first record is an exception's, so it holds where the code was, not where
 * it returns to. */
void backtrace_print(uintptr_t record, bool of_exception);

#endif
