/*
 * mmu.h -- what a run on the host may ask of its MMU beyond the seam of machine.h.  See mmu.c.
 */
#ifndef MACHINE_HOST_MMU_H
#define MACHINE_HOST_MMU_H

#include "machine/machine.h"

/* No space installed on any CPU, nothing remembered, nothing known.  Part of host_reset(). */
void host_mmu_reset(void);

/* Every CPU's table for kernel addresses from here on, with all that stands in it and below;
 * PADDR_NONE: none, as at first.  At most once between two resets. */
void host_mmu_kernel_install(paddr_t root);

/* An access as the kernel would make it, to a kernel address; the same rules as mach_user_load()
 * and its like. */
enum mach_fault host_kernel_load(uint64_t va, uint64_t *value);
enum mach_fault host_kernel_store(uint64_t va, uint64_t value);
enum mach_fault host_kernel_fetch(uint64_t va);

/* What a CPU may do at any time: forgets what `cpu` remembers of `va`. */
void host_mmu_evict(unsigned cpu, uint64_t va);

/* When nobody is in the middle of anything: NULL, or what is still to be published, invalidated or
 * waited for. */
const char *host_mmu_settled(void);
void host_mmu_settle(void); /* and panics when there is such a thing */

/* For arena.c.  There is another arena; and these pages, whole ones, are nobody's from here on. */
void host_mmu_arena(void);
void host_mmu_freed(paddr_t at, size_t bytes);

#endif
