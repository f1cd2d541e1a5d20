/*
 * mmu.h -- what a run on the host may ask of its MMU beyond the seam (machine/machine.h).  See mmu.c.
 */
#ifndef MACHINE_HOST_MMU_H
#define MACHINE_HOST_MMU_H

#include "machine/machine.h"

/* No space installed on any CPU, nothing remembered.  Part of host_reset(). */
void host_mmu_reset(void);

/* Every CPU's table for kernel addresses from here on; PADDR_NONE: none, as at first. */
void host_mmu_kernel_install(paddr_t root);

/* An access as the kernel would make it, to a kernel address; the same rules as mach_user_load()
 * and its like. */
enum mach_fault host_kernel_load(uint64_t va, uint64_t *value);
enum mach_fault host_kernel_store(uint64_t va, uint64_t value);
enum mach_fault host_kernel_fetch(uint64_t va);

#endif
