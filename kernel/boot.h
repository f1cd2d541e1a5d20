/*
 * boot.h -- what boot found out, for whoever comes later.
 */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include "kernel/memmap.h"
#include "kernel/platform.h"

struct boot {
	struct platform platform;
	struct memmap memory;
	struct range image; /* the kernel itself, in memory */
	struct range tree;  /* the device tree */
	struct fdt fdt;
};
extern struct boot boot;

#endif
