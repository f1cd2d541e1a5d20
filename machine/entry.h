/*
 * entry.h -- AArch64's page-table entries, as plain data: 4 KiB granule, four levels, 48 bits.
 *
 * The format is the same on every machine: the image's tables are walked by the hardware, the
 * host's by machine/host/mmu.c, and both by mm/pagetable.c.  Bits from the Arm Architecture
 * Reference Manual (DDI 0487), D8.3 "Translation table descriptor formats"; operands of TLBI from
 * C5.5.
 *
 * Levels are numbered as the manual does: 0 is the root, 3 holds pages.  Levels 1 and 2 may hold
 * blocks of 1 GiB and 2 MiB; only the kernel's own map has any.
 */
#ifndef MACHINE_ENTRY_H
#define MACHINE_ENTRY_H

#include "machine/base.h"

enum { TABLE_LEVELS = 4, TABLE_ENTRIES = 512, TABLE_SHIFT = 9, ADDRESS_BITS = 48 };

#define ENTRY_VALID (1ull << 0)
#define ENTRY_TABLE (1ull << 1)     /* levels 0 to 2: a table; level 3: a page, and never missing */
#define ENTRY_NORMAL (1ull << 2)    /* memory, cached: index 1 of MAIR_EL1; index 0 is devices */
#define ENTRY_USER (1ull << 6)      /* AP[1]: EL0 may use it */
#define ENTRY_READ_ONLY (1ull << 7) /* AP[2] */
#define ENTRY_SHARED (3ull << 8)    /* inner shareable */
#define ENTRY_ACCESSED (1ull << 10) /* clear: the first access faults */
#define ENTRY_NOT_GLOBAL (1ull << 11)      /* belongs to the ASID it was read under */
#define ENTRY_NOT_KERNEL_EXEC (1ull << 53) /* PXN */
#define ENTRY_NOT_USER_EXEC (1ull << 54)   /* UXN */

/* Bits 55 to 58 are software's. */
#define ENTRY_DIRTY (1ull << 55) /* written to since it was mapped */
#define ENTRY_ZERO (1ull << 56)  /* the page of zeroes that all share: its frame is not counted */
/* With ENTRY_VALID clear: a frame is here and may be used by nobody (no rights at all). */
#define ENTRY_HELD (1ull << 58)

#define ENTRY_ADDRESS 0x0000fffffffff000ull

/* The lower half is the user's, the upper the kernel's; between them is no address at all. */
#define USER_END (1ull << ADDRESS_BITS)
#define KERNEL_START (~(USER_END - 1))

static inline paddr_t entry_address(uint64_t entry)
{
	return entry & ENTRY_ADDRESS;
}

/* Whether an entry of this level leads to a table. */
static inline bool entry_is_table(uint64_t entry, unsigned level)
{
	return level < TABLE_LEVELS - 1 &&
	       (entry & (ENTRY_VALID | ENTRY_TABLE)) == (ENTRY_VALID | ENTRY_TABLE);
}

/* Whether it maps memory: a page at the last level, a block at the two before. */
static inline bool entry_is_leaf(uint64_t entry, unsigned level)
{
	const uint64_t kind = entry & (ENTRY_VALID | ENTRY_TABLE);

	return level == TABLE_LEVELS - 1 ? kind == (ENTRY_VALID | ENTRY_TABLE)
					 : level != 0 && kind == ENTRY_VALID;
}

/* log2 of the bytes that one entry of this level covers. */
static inline unsigned entry_shift(unsigned level)
{
	return PAGE_SHIFT + TABLE_SHIFT * (TABLE_LEVELS - 1 - level);
}

static inline unsigned entry_index(uint64_t va, unsigned level)
{
	return va >> entry_shift(level) & (TABLE_ENTRIES - 1);
}

/* What TLBI by address takes: ASID in bits 63 to 48, no hint of a level in bits 47 to 44, bits 55
 * to 12 of the address below. */
static inline uint64_t tlb_operand(uint32_t asid, uint64_t va)
{
	return (uint64_t)asid << 48 | (va >> PAGE_SHIFT & ((1ull << 44) - 1));
}

#endif
