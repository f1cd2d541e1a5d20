/*
 * user.c -- what concerns users' addresses and is not on a hot path: accesses tried as a user, code
 * made visible to instruction fetches, how many bits an ASID has.
 *
 * The kernel does not touch users' addresses otherwise: it goes through the tables (mm/usercopy.h).
 * CPUs with PAN would fault where it tried (max has it; cortex-a57 and cortex-a72 have not).
 *
 * A tried access is a real one: by LDTR and STTR, which have EL0's rights, or by a fetch at EL0
 * that executes nothing (cpu_calls.S).  So it meets this CPU's TLB as a program would, with stale
 * entries, and what it faults with is the CPU's own word in ESR_EL1.
 *
 * Always true: a fault that is none of enum mach_fault's, as an address beyond the CPU's, is a bug
 * of ours and panics.
 *
 * Locks: none.  Cost: an exception, about 200 instructions, for each fault and each fetch.
 */
#include "cpu.h"
#include "exception.h"

enum {
	CLASS_ILLEGAL = 0x0e,
	CLASS_INSTRUCTION_USER = 0x20,
	CLASS_DATA = 0x25,  /* from EL1, where LDTR and STTR are */
	ASID_BITS_16 = 2,   /* ID_AA64MMFR0_EL1.ASIDBits */
	CACHE_PHYSICAL = 3, /* CTR_EL0.L1Ip: instruction caches are looked up by physical address */
};

static unsigned class_of(uint64_t esr)
{
	return esr >> 26 & 0x3f;
}

/* What a fault status (ESR_EL1, bits 5 to 0) means, whatever the level. */
static enum mach_fault fault_of(uint64_t esr)
{
	switch (esr & 0x3c) {
	case 0x04: return MACH_FAULT_TRANSLATION;
	case 0x08: return MACH_FAULT_ACCESS_FLAG;
	case 0x0c: return MACH_FAULT_PERMISSION;
	default: kpanic("fault", "as a user: %s, status 0x%lx", exception_name(esr), esr & 0x3f);
	}
}

static enum mach_fault answer(uint64_t esr)
{
	if (esr == 0) return MACH_FAULT_NONE;
	ASSERT(class_of(esr) == CLASS_DATA);
	return fault_of(esr);
}

enum mach_fault mach_user_load(uint64_t va, uint64_t *value)
{
	ASSERT(is_aligned(va, sizeof(*value)));
	return answer(probe_user_load(va, value));
}

enum mach_fault mach_user_store(uint64_t va, uint64_t value)
{
	ASSERT(is_aligned(va, sizeof(value)));
	return answer(probe_user_store(va, value));
}

enum mach_fault mach_user_fetch(uint64_t va)
{
	ASSERT(is_aligned(va, sizeof(uint64_t)));
	const uint64_t esr = probe_user_fetch(va);
	if (class_of(esr) == CLASS_ILLEGAL) return MACH_FAULT_NONE;
	ASSERT(class_of(esr) == CLASS_INSTRUCTION_USER);
	return fault_of(esr);
}

/* Lines of the caches that CTR_EL0 tells of: `shift` is where it has log2 of a line's words. */
static uint64_t line_bytes(uint64_t ctr, unsigned shift)
{
	return 4ull << (ctr >> shift & 0xf);
}

static void clean_data(uintptr_t from, uintptr_t to, uint64_t line)
{
	for (uintptr_t at = align_down(from, line); at < to; at += line)
		__asm__ volatile("dc cvau, %0" : : "r"(at) : "memory");
	__asm__ volatile("dsb ish" : : : "memory");
}

/* A cache looked up by virtual address may have the bytes under the user's: then all goes. */
static void forget_code(uintptr_t from, uintptr_t to, uint64_t ctr)
{
	const uint64_t line = line_bytes(ctr, 0);
	if ((ctr >> 14 & 3) != CACHE_PHYSICAL) {
		__asm__ volatile("ic ialluis" : : : "memory");
	} else {
		for (uintptr_t at = align_down(from, line); at < to; at += line)
			__asm__ volatile("ic ivau, %0" : : "r"(at) : "memory");
	}
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
}

/* Other CPUs fetch anew when they next return from an exception, as they do to any user. */
void cpu_code_sync(const void *p, size_t bytes)
{
	const uintptr_t from = (uintptr_t)p;
	uint64_t ctr;
	__asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
	clean_data(from, from + bytes, line_bytes(ctr, 16));
	forget_code(from, from + bytes, ctr);
}

unsigned mach_asid_bits(void)
{
	uint64_t features;
	__asm__ volatile("mrs %0, id_aa64mmfr0_el1" : "=r"(features));
	return (features >> 4 & 0xf) == ASID_BITS_16 ? 16 : 8;
}
