/*
 * capabilities.c -- what this CPU has that programs ask for.
 *
 * Read from the identification registers (DDI 0487, D19.2): each field is 0 where there is nothing,
 * and higher where there is more.  Left out is what the kernel would have to do something for: SVE
 * and SME (registers to keep), pointer authentication (keys), reading these registers at EL0.
 */
#include "machine/aarch64/capabilities.h"

enum {
	CAP_FP = 0,
	CAP_ASIMD = 1,
	CAP_AES = 3,
	CAP_PMULL = 4,
	CAP_SHA1 = 5,
	CAP_SHA2 = 6,
	CAP_CRC32 = 7,
	CAP_ATOMICS = 8,
	CAP_FPHP = 9,
	CAP_ASIMDHP = 10,
	CAP_ASIMDRDM = 12,
	CAP_JSCVT = 13,
	CAP_FCMA = 14,
	CAP_LRCPC = 15,
};

#define READ_ID(name)                                     \
	({                                                \
		uint64_t value_;                          \
		__asm__("mrs %0, " #name : "=r"(value_)); \
		value_;                                   \
	})

/* Bit `cap` where the field of 4 bits at `shift` is at least `least`. */
static uint64_t has(uint64_t id, unsigned shift, uint64_t least, unsigned cap)
{
	return (id >> shift & 15) >= least ? 1ull << cap : 0;
}

/* Here 0 is something and 15 is nothing. */
static uint64_t has_signed(uint64_t id, unsigned shift, uint64_t least, unsigned cap)
{
	return (id >> shift & 15) != 15 ? has(id, shift, least, cap) : 0;
}

uint64_t cpu_capabilities(void)
{
	const uint64_t pfr0 = READ_ID(id_aa64pfr0_el1);
	const uint64_t isar0 = READ_ID(id_aa64isar0_el1), isar1 = READ_ID(id_aa64isar1_el1);

	return has_signed(pfr0, 16, 0, CAP_FP) | has_signed(pfr0, 20, 0, CAP_ASIMD) |
	       has_signed(pfr0, 16, 1, CAP_FPHP) | has_signed(pfr0, 20, 1, CAP_ASIMDHP) |
	       has(isar0, 4, 1, CAP_AES) | has(isar0, 4, 2, CAP_PMULL) |
	       has(isar0, 8, 1, CAP_SHA1) | has(isar0, 12, 1, CAP_SHA2) |
	       has(isar0, 16, 1, CAP_CRC32) | has(isar0, 20, 2, CAP_ATOMICS) |
	       has(isar0, 28, 1, CAP_ASIMDRDM) | has(isar1, 12, 1, CAP_JSCVT) |
	       has(isar1, 16, 1, CAP_FCMA) | has(isar1, 20, 1, CAP_LRCPC);
}
