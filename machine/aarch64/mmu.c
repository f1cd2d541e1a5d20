/*
 * mmu.c -- a small mapper for the kernel's own map, with blocks of 1 GiB and 2 MiB where they fit.
 *
 * Four levels of 512 entries, 4 KiB pages; an entry of level 1 or 2 may be a block.  Each step maps
 * the largest piece that the alignment of both addresses and the rest of the length allow.  Tables
 * come from a fixed set in the image and are never given back: the map is made once.  4 GiB of RAM
 * need about 12 of them.
 *
 * Always true:
 *   M1  an entry is written once.  Devices may share a page, and then write the same entry again;
 *       those that would need another, because one lies inside the other, are refused;
 *   M2  no entry is both writable and executable, nor executable outside the image's window.  The
 *       tables alone see to it: SCTLR_EL1.WXN would refuse users what Linux allows them;
 *   M3  the pages of text and constants are read-only under both of their addresses.
 *
 * Cost: about 40 instructions for each entry.
 */
#include "mmu.h"

#include "boot.h"
#include "machine/entry.h"

enum {
	TABLES_MAX = 64,
	LEVEL_TOP = 0,
	LEVEL_GIGA = 1 /* the first that can hold blocks */,
	LEVEL_PAGE = TABLE_LEVELS - 1
};

typedef uint64_t entry_t;

static entry_t tables[TABLES_MAX][TABLE_ENTRIES]
	__attribute__((section(".noinit"), aligned(PAGE_SIZE)));
static unsigned tables_used;

paddr_t boot_image_pa;
paddr_t kernel_table;
paddr_t machine_no_space;

static const entry_t kind_bits[] = {
	[MMU_TEXT] = ENTRY_NORMAL | ENTRY_SHARED | ENTRY_READ_ONLY | ENTRY_NOT_USER_EXEC,
	[MMU_CONST] = ENTRY_NORMAL | ENTRY_SHARED | ENTRY_READ_ONLY | ENTRY_NOT_USER_EXEC |
		      ENTRY_NOT_KERNEL_EXEC,
	[MMU_DATA] = ENTRY_NORMAL | ENTRY_SHARED | ENTRY_NOT_USER_EXEC | ENTRY_NOT_KERNEL_EXEC,
	[MMU_DEVICE] = ENTRY_NOT_USER_EXEC | ENTRY_NOT_KERNEL_EXEC,
};

static entry_t *table_new(void)
{
	if (tables_used == TABLES_MAX) return NULL;
	entry_t *table = tables[tables_used++];
	memset(table, 0, PAGE_SIZE);
	return table;
}

static entry_t table_entry(const entry_t *table)
{
	return image_pa((uintptr_t)table) | ENTRY_VALID | ENTRY_TABLE;
}

static entry_t *table_of(entry_t entry)
{
	return (entry_t *)(entry_address(entry) - boot_image_pa + (uintptr_t)image_start);
}

/* The largest level's entry that can map the start of this piece. */
static unsigned level_for(uintptr_t va, paddr_t pa, uint64_t bytes)
{
	unsigned level = LEVEL_GIGA;
	while (level < LEVEL_PAGE) {
		const uint64_t size = 1ull << entry_shift(level);
		if (bytes >= size && is_aligned(va | pa, size)) break;
		level++;
	}
	return level;
}

/* The entry of `level` for `va`, or NULL when no tables are left or a block is in the way. */
static entry_t *entry_for(uintptr_t va, unsigned level)
{
	entry_t *table = tables[0];
	for (unsigned at = LEVEL_TOP;; at++) {
		entry_t *entry = &table[entry_index(va, at)];
		if (at == level) return entry;
		if (*entry == 0) {
			const entry_t *below = table_new();
			if (below == NULL) return NULL;
			*entry = table_entry(below);
		}
		if (!entry_is_table(*entry, at)) return NULL;
		table = table_of(*entry);
	}
}

static bool map(uintptr_t va, paddr_t pa, uint64_t bytes, enum mmu_kind kind)
{
	ASSERT(is_aligned(va | pa | bytes, PAGE_SIZE));
	while (bytes > 0) {
		const unsigned level = level_for(va, pa, bytes);
		const uint64_t size = 1ull << entry_shift(level);
		entry_t *entry = entry_for(va, level);
		if (entry == NULL) return false;
		const entry_t now = pa | kind_bits[kind] | ENTRY_ACCESSED | ENTRY_VALID |
				    (level == LEVEL_PAGE ? ENTRY_TABLE : 0);
		ASSERT(*entry == 0 || kind == MMU_DEVICE); /* M1 */
		if (*entry != 0 && *entry != now) return false;
		*entry = now;
		va += size;
		pa += size;
		bytes -= size;
	}
	return true;
}

void mmu_init(paddr_t image)
{
	ASSERT((uintptr_t)image_start == KERNEL_WINDOW + IMAGE_OFFSET); /* image.ld and layout.h */
	boot_image_pa = image;
	machine_no_space = image_pa((uintptr_t)boot_nothing);
	const entry_t *top = table_new();
	ASSERT(top == tables[0]);
}

/* Part of the image, from one address of the window to another. */
static void map_window(uintptr_t from, uintptr_t to, enum mmu_kind kind)
{
	if (from >= to) return;
	const bool mapped = map(from, image_pa(from), to - from, kind);
	ASSERT(mapped);
}

void mmu_map_image(void)
{
	map_window((uintptr_t)image_start, (uintptr_t)text_end, MMU_TEXT);
	map_window((uintptr_t)text_end, (uintptr_t)rodata_end, MMU_CONST);
	uintptr_t from = (uintptr_t)rodata_end;
	for (unsigned i = 0; i < 2 * CPUS_MAX; i++) {
		const uintptr_t guard = cpu_guard(i / 2, i % 2);
		ASSERT(guard >= from);
		map_window(from, guard, MMU_DATA);
		from = guard + PAGE_SIZE;
	}
	map_window(from, (uintptr_t)image_end, MMU_DATA);
}

static bool map_direct(paddr_t from, paddr_t to, enum mmu_kind kind)
{
	return from >= to || map((uintptr_t)mach_phys(from), from, to - from, kind);
}

bool mmu_map_ram(paddr_t base, uint64_t bytes)
{
	const paddr_t end = base + bytes;
	const paddr_t from = boot_image_pa, to = image_pa((uintptr_t)rodata_end);
	return map_direct(base, min_u64(end, from), MMU_DATA) &&
	       map_direct(max_u64(base, from), min_u64(end, to), MMU_CONST) && /* M3 */
	       map_direct(max_u64(base, to), end, MMU_DATA);
}

bool mmu_map_device(paddr_t base, uint64_t bytes)
{
	return map_direct(align_down(base, PAGE_SIZE), align_up(base + bytes, PAGE_SIZE),
			  MMU_DEVICE);
}

void mmu_install(void)
{
	kernel_table = image_pa((uintptr_t)tables[0]);
	/* CPUs read this word with their caches off. */
	__asm__ volatile("dc cvac, %0\n\tdsb sy" : : "r"(&kernel_table) : "memory");
	mmu_switch(kernel_table);
}

unsigned mmu_tables_used(void)
{
	return tables_used;
}

/* ENTRY_ACCESSED tells what maps memory from what leads to tables, at every level. */
const char *mmu_check(void)
{
	for (unsigned i = 0; i < tables_used * TABLE_ENTRIES; i++) {
		const entry_t entry = tables[i / TABLE_ENTRIES][i % TABLE_ENTRIES];
		if ((entry & ENTRY_ACCESSED) == 0) continue;
		if ((entry & ENTRY_USER) != 0) return "a page is a user's";
		if ((entry & ENTRY_NOT_USER_EXEC) == 0) return "users can execute a page";
		if ((entry & (ENTRY_READ_ONLY | ENTRY_NOT_KERNEL_EXEC)) == 0)
			return "a page can be written and executed";
	}
	return NULL;
}
