/*
 * mmu.h -- the kernel's own map: built once at boot, then in use on every CPU.
 *
 * The order: mmu_init(), then mmu_map_*() for everything the kernel will touch, then
 * mmu_install(), which is the end of the boot's tables and of TREE_WINDOW.  CPU 0 only.
 */
#ifndef MACHINE_AARCH64_MMU_H
#define MACHINE_AARCH64_MMU_H

#include "machine/machine.h"

/* Nothing is both writable and executable, and nothing is any user's. */
enum mmu_kind { MMU_TEXT, MMU_CONST, MMU_DATA, MMU_DEVICE };

void mmu_init(paddr_t image);

/* The image in its window, without the guard pages below stacks. */
void mmu_map_image(void);

/* RAM in the direct map: data, but for what is the image's text and constants, which can only be
 * read there.  Page-aligned; no two calls may overlap.  False when there are no tables left. */
bool mmu_map_ram(paddr_t base, uint64_t bytes);

/* Device registers in the direct map, widened to whole pages, which they may share with others.
 * False when there are no tables left, or when they lie inside others that need larger pieces. */
bool mmu_map_device(paddr_t base, uint64_t bytes);

void mmu_install(void);

/* Pages of tables used so far. */
unsigned mmu_tables_used(void);

/* NULL, or what is wrong with an entry of the map (M2 in mmu.c). */
const char *mmu_check(void);

#endif
