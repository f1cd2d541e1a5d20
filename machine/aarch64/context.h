/*
 * context.h -- what contexts have to do with the rest of the machine: floating point on its first
 * use, and where a context that does not run was.  Contexts themselves are in machine/machine.h.
 */
#ifndef MACHINE_AARCH64_CONTEXT_H
#define MACHINE_AARCH64_CONTEXT_H

#include "cpu.h"

enum { CONTEXT_STACK_LEAST = 1024 };

/* The frame record at which a backtrace of `c` begins; 0: it runs, has ended or was never made.
 * A look from outside: it may run by the time this returns. */
uintptr_t context_record(const struct mach_context *c);

/* From the exception of a floating-point instruction, interrupts masked: brings the registers of
 * what runs here.  False: it may not use any. */
bool cpu_fp_wanted(struct machine_cpu *cpu);

/* Keeps the registers of what runs here where it has used them; interrupts masked. */
void cpu_fp_keep(struct machine_cpu *cpu);
static inline void cpu_fp_leave(struct machine_cpu *cpu)
{
	if (UNLIKELY(cpu->fp_live != 0)) cpu_fp_keep(cpu);
}

#endif
