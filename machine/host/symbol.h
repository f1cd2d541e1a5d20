/*
 * symbol.h -- which function of this program an address is in.  See symbol.c.
 */
#ifndef MACHINE_HOST_SYMBOL_H
#define MACHINE_HOST_SYMBOL_H

#include "machine/machine.h"

/* What is subtracted from an address to get an offset into the program, wherever that was loaded:
 * its first byte. */
static inline uintptr_t symbol_base(void)
{
	extern const char __ehdr_start[] HOST_NEAR; /* where the linker put the file's header */
	return (uintptr_t)__ehdr_start;
}

/* The function that the instruction at `offset` belongs to, and how far into it that is; "?" with
 * the offset where the program does not say.  Slow: opens the program's file, once. */
const char *symbol_find(uint64_t offset, uint64_t *into);

#endif
