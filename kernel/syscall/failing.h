/*
 * failing.h -- allocations that fail when a test says so.
 *
 * The linker puts these in the place of the allocators' own (BUILD: --wrap), so that whoever asks
 * for memory, mm/ itself included, can be told that there is none, and nothing in the kernel knows.
 */
#ifndef KERNEL_SYSCALL_FAILING_H
#define KERNEL_SYSCALL_FAILING_H

#include "machine/base.h"

/* From now on the `nth` allocation fails (1: the next one; 0: none does, they are counted), and
 * with `from_there` all that come after it, too. */
void failing_start(uint32_t nth, bool from_there);

/* No more.  How many were asked for meanwhile; those that failed are counted. */
uint32_t failing_stop(void);

/* Does something that is to fail in a process of its own, without a word: its exit status, 0 when
 * it returned; -1: it died otherwise. */
int failing_apart(void (*fn)(void));

#endif
