/*
 * boot.h -- between boot.S, the image's linker script and the kernel.
 */
#ifndef MACHINE_AARCH64_BOOT_H
#define MACHINE_AARCH64_BOOT_H

#include "cpu.h"
#include "layout.h"

/* image.ld: the image in the kernel window.  Text from image_start, then constants from
 * text_end, then data from rodata_end. */
extern const char image_start[], text_end[], rodata_end[], image_end[];

/* boot.S: where PSCI starts a CPU, with the address of its struct machine_cpu. */
void secondary_start(void);

/* boot.S: leaves the boot's tables, or any others, for those at `table`. */
void mmu_switch(paddr_t table);

/* boot.S: a table without entries, for TTBR0 where no space is installed. */
extern const char boot_nothing[];

/* TTBR1 of the CPUs that are started later; boot.S reads it with the MMU off. */
extern paddr_t kernel_table;

/* Where in memory the image is: set once, by mmu_init(). */
extern paddr_t boot_image_pa;

/* Physical address of something in the image. */
static inline paddr_t image_pa(uintptr_t va)
{
	return va - (uintptr_t)image_start + boot_image_pa;
}

/*
 * The first C code, supplied by the kernel: on CPU 0, its stack, interrupts masked, with the
 * kernel window mapped and 4 MiB from the 2 MiB boundary below the device tree at TREE_WINDOW.
 */
NORETURN void kernel_start(struct machine_cpu *cpu, paddr_t tree, paddr_t image);

#endif
