/*
 * mmu_code.h -- whether code was made visible before it may be fetched.  See mmu_code.c.
 * For machine/host alone.
 */
#ifndef MACHINE_HOST_MMU_CODE_H
#define MACHINE_HOST_MMU_CODE_H

#include "machine/entry.h"

#define RULE_CODE "stale-code" /* an entry allows fetches that may find what was there before */

/* From here on about an arena of `pages` pages of which nothing is known. */
void mmu_code_open(size_t pages);
void mmu_code_reset(void);

/* mach_code_sync() of these bytes of memory. */
void mmu_code_sync(paddr_t at, size_t bytes);

/* A user stored to this page, by a mapping of its own. */
void mmu_code_user_wrote(const void *page);

/* The page is nobody's: what is in it next was not made visible. */
void mmu_code_freed(paddr_t at);

/* An entry that read `was` is about to read `now`.  What is wrong with that, or NULL. */
const char *mmu_code_fault(uint64_t was, uint64_t now);

#endif
