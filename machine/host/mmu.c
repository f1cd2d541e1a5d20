/*
 * mmu.c -- the host's MMU: accesses through page tables that lie in the arena.
 *
 * The tables are AArch64's (machine/entry.h), plain memory.  Each CPU has a root and an ASID
 * installed for user addresses, all have one root for kernel addresses, and every access walks.
 *
 * A walk ends at the first entry that is not valid (a translation fault), at one whose accessed
 * flag is clear, at a leaf that does not allow the access, or at memory.  Tables and memory outside
 * the arena do not exist: "bounds".
 *
 * Always true:
 *   M1  a CPU without a root faults on every user address;
 *   M2  nothing is read or written by an access that faults.
 *
 * Locks: none; the process has one thread.  Cost: a walk of four levels about 10 ns.
 */
#include "machine/host/mmu.h"

#include "machine/entry.h"
#include "machine/host/arena.h"

struct installed {
	paddr_t root;
	uint32_t asid;
};

static struct installed installed[CPUS_MAX];
static paddr_t kernel_root;

void host_mmu_reset(void)
{
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		installed[cpu] = (struct installed){ .root = PADDR_NONE };
	kernel_root = PADDR_NONE;
}

/* --- the seam --------------------------------------------------------------------------------- */

void host_entry_store(uint64_t *entry, uint64_t value)
{
	host_yield(HOST_YIELD_ATOMIC);
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

void host_entry_sync(void)
{
}

void host_tlb_page(uint64_t operand)
{
	(void)operand;
	host_yield(HOST_YIELD_ATOMIC);
}

void host_tlb_space(uint32_t asid)
{
	(void)asid;
	host_yield(HOST_YIELD_ATOMIC);
}

void host_tlb_all(void)
{
	host_yield(HOST_YIELD_ATOMIC);
}

void host_tlb_all_local(void)
{
	host_yield(HOST_YIELD_ATOMIC);
}

void host_tlb_wait(void)
{
}

void host_space_install(paddr_t root, uint32_t asid)
{
	ASSERT(mach_irq_masked());
	ASSERT(is_aligned(root, PAGE_SIZE) && asid < 1u << mach_asid_bits());
	ASSERT(root != PADDR_NONE || asid == 0);
	installed[mach_cpu()] = (struct installed){ .root = root, .asid = asid };
}

void host_code_sync(const void *p, size_t bytes)
{
	(void)p;
	(void)bytes;
}

void host_mmu_kernel_install(paddr_t root)
{
	kernel_root = root;
}

unsigned mach_asid_bits(void)
{
	return 16;
}

/* --- accesses --------------------------------------------------------------------------------- */

static void *memory_at(paddr_t pa)
{
	if (UNLIKELY(pa - HOST_RAM_BASE >= host_arena_bytes()))
		kpanic("bounds", "a table leads outside of RAM");
	return (uint8_t *)host_arena_base() + (pa - HOST_RAM_BASE);
}

static bool entry_allows(uint64_t entry, enum mach_access access, bool user)
{
	if (user && (entry & ENTRY_USER) == 0) return false;
	if (access == MACH_STORE) return (entry & ENTRY_READ_ONLY) == 0;
	if (access == MACH_LOAD) return true;
	return (entry & (user ? ENTRY_NOT_USER_EXEC : ENTRY_NOT_KERNEL_EXEC)) == 0;
}

/* Where `va` leads to from `table` on; *memory only without a fault. */
static enum mach_fault walk(paddr_t table, uint64_t va, enum mach_access access, bool user,
			    uint64_t **memory)
{
	uint64_t entry = 0;
	unsigned level = 0;
	for (; level < TABLE_LEVELS; level++) {
		entry = ((const uint64_t *)memory_at(table))[entry_index(va, level)];
		if (!entry_is_table(entry, level)) break;
		table = entry_address(entry);
	}
	if (!entry_is_leaf(entry, level)) return MACH_FAULT_TRANSLATION;
	if ((entry & ENTRY_ACCESSED) == 0) return MACH_FAULT_ACCESS_FLAG;
	if (!entry_allows(entry, access, user)) return MACH_FAULT_PERMISSION;
	const uint64_t inside = (1ull << entry_shift(level)) - 1;
	*memory = memory_at((entry_address(entry) & ~inside) | (va & inside));
	return MACH_FAULT_NONE;
}

/* The root for `va`; between the halves, and without a root, there is nothing. */
static enum mach_fault translate(uint64_t va, enum mach_access access, bool user, uint64_t **memory)
{
	paddr_t root = PADDR_NONE;
	ASSERT(is_aligned(va, sizeof(uint64_t)));
	if (va < USER_END) root = installed[mach_cpu()].root;
	if (va >= KERNEL_START) root = kernel_root;
	if (root == PADDR_NONE) return MACH_FAULT_TRANSLATION;
	return walk(root, va, access, user, memory);
}

static enum mach_fault load(uint64_t va, uint64_t *value, bool user)
{
	uint64_t *memory;
	const enum mach_fault fault = translate(va, MACH_LOAD, user, &memory);
	if (fault == MACH_FAULT_NONE) *value = *memory;
	return fault;
}

static enum mach_fault store(uint64_t va, uint64_t value, bool user)
{
	uint64_t *memory;
	const enum mach_fault fault = translate(va, MACH_STORE, user, &memory);
	if (fault == MACH_FAULT_NONE) *memory = value;
	return fault;
}

enum mach_fault mach_user_load(uint64_t va, uint64_t *value)
{
	return load(va, value, true);
}

enum mach_fault mach_user_store(uint64_t va, uint64_t value)
{
	return store(va, value, true);
}

enum mach_fault mach_user_fetch(uint64_t va)
{
	uint64_t *memory;
	return translate(va, MACH_FETCH, true, &memory);
}

enum mach_fault host_kernel_load(uint64_t va, uint64_t *value)
{
	return load(va, value, false);
}

enum mach_fault host_kernel_store(uint64_t va, uint64_t value)
{
	return store(va, value, false);
}

enum mach_fault host_kernel_fetch(uint64_t va)
{
	uint64_t *memory;
	return translate(va, MACH_FETCH, false, &memory);
}
