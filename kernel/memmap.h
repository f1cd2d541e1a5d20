/*
 * memmap.h -- which memory there is, what in it is taken, and what is left.
 *
 * Portable arithmetic over a struct platform.  All ranges in it are whole pages: memory is rounded
 * inward, what is taken outward.  Used by one CPU at boot; no locks.
 */
#ifndef KERNEL_MEMMAP_H
#define KERNEL_MEMMAP_H

#include "kernel/platform.h"

enum {
	MEMMAP_HELD_MAX = PLATFORM_RESERVED_MAX + 8,
	/* Each range that is held parts one, and once more when its end is given back. */
	MEMMAP_USABLE_MAX = PLATFORM_RAM_MAX + 2 * MEMMAP_HELD_MAX,
};

/* Registers that the kernel uses, trimmed to what it uses of them. */
enum { MEMMAP_DEVICES_MAX = 8 };

struct held {
	struct range range;
	const char *name; /* who has it */
};

struct memmap {
	struct range ram[PLATFORM_RAM_MAX]; /* rising */
	unsigned ram_count;
	struct held held[MEMMAP_HELD_MAX]; /* rising by base; firmware's may overlap */
	unsigned held_count;
	struct range usable[MEMMAP_USABLE_MAX]; /* rising; disjoint from each other and all held */
	unsigned usable_count;
	struct held devices[MEMMAP_DEVICES_MAX];
	unsigned device_count;
	uint64_t ram_bytes, usable_bytes;
};

/*
 * NULL, or one reason why this cannot be: memory that overlaps itself; an image, a device tree or
 * an initrd that is not in memory or overlaps another; registers inside memory.  `image` and `tree`
 * are where the kernel found itself and the tree.
 */
const char *memmap_build(struct memmap *map, const struct platform *platform, struct range image,
			 struct range tree);

/* Takes `bytes` (rounded up to pages) at a multiple of `align` (a power of two, at least a page)
 * from the highest usable range that has room, for `name`.  PADDR_NONE when none has. */
paddr_t memmap_take(struct memmap *map, uint64_t bytes, uint64_t align, const char *name);

/* Gives back [base, the end) of what memmap_take() gave as one piece; whole pages. */
void memmap_return(struct memmap *map, paddr_t base);

/* Whole of [base, base + bytes) in one piece of memory? */
bool memmap_is_ram(const struct memmap *map, struct range range);

/* NULL when the rules in memmap.c hold; else which does not. */
const char *memmap_check(const struct memmap *map);

#endif
