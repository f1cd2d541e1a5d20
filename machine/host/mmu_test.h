/*
 * mmu_test.h -- page tables made by hand, for the MMU's tests: pages from the arena one after the
 * other, tables as an access needs them, entries stored in the order that the rules ask for.
 *
 * Include it in the test's one source file, after panics.h.
 */
#ifndef MACHINE_HOST_MMU_TEST_H
#define MACHINE_HOST_MMU_TEST_H

#include "machine/entry.h"
#include "machine/host/arena.h"
#include "machine/host/expect.h"
#include "machine/host/mmu.h"

#define PAGE_BITS (ENTRY_VALID | ENTRY_TABLE | ENTRY_NORMAL | ENTRY_SHARED | ENTRY_ACCESSED)
#define USER_PAGE \
	(PAGE_BITS | ENTRY_USER | ENTRY_NOT_GLOBAL | ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC)
#define KERNEL_PAGE (PAGE_BITS | ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC)

static size_t pages_taken;

/* A page of zeroes. */
static inline paddr_t page_take(void)
{
	uint8_t *page = (uint8_t *)host_arena_base() + (pages_taken++ << PAGE_SHIFT);
	mach_unpoison(page, PAGE_SIZE);
	memset(page, 0, PAGE_SIZE);
	return mach_pa(page);
}

static inline void page_give(paddr_t page)
{
	mach_poison(mach_phys(page), PAGE_SIZE);
}

/* Everything new, as at the start of a script. */
static inline void world_new(void)
{
	host_reset();
	pages_taken = 0;
}

static inline uint64_t *entry_in(paddr_t table, uint64_t va, unsigned level)
{
	return (uint64_t *)mach_phys(table) + entry_index(va, level);
}

/* The entry for `va` of level `level` below `root`, the tables above it made where they lack. */
static inline uint64_t *entry_make(paddr_t root, uint64_t va, unsigned level)
{
	paddr_t table = root;
	for (unsigned l = 0; l < level; l++) {
		uint64_t *entry = entry_in(table, va, l);
		if (*entry == 0) {
			mach_entry_store(entry, page_take() | ENTRY_VALID | ENTRY_TABLE);
			mach_entry_sync();
		}
		table = entry_address(*entry);
	}
	return entry_in(table, va, level);
}

/* Maps `page` at `va` and publishes it; the place of the entry. */
static inline uint64_t *map_page(paddr_t root, uint64_t va, paddr_t page, uint64_t bits)
{
	uint64_t *entry = entry_make(root, va, TABLE_LEVELS - 1);
	mach_entry_store(entry, page | bits);
	mach_entry_sync();
	return entry;
}

static inline void install(paddr_t root, uint32_t asid)
{
	const mach_irq_t was = mach_irq_save();
	mach_space_install(root, asid);
	mach_irq_restore(was);
}

/* Everything by the rules: forgets the page of `va`, everywhere. */
static inline void forget_page(uint32_t asid, uint64_t va)
{
	mach_entry_sync();
	mach_tlb_page(tlb_operand(asid, va));
	mach_tlb_wait();
}

/* One thing that somebody does, and the rule that it breaks, or NULL. */
struct deed {
	const char *name;
	void (*do_it)(void *arg);
	const char *id;
};

/* Each in a world of its own, on CPU 0 of two. */
static inline void deeds_try(const struct deed *deeds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		world_new();
		expect_panic(0, deeds[i].do_it, NULL, deeds[i].id, deeds[i].name);
	}
}

/* Does it on another CPU; a panic there is one here. */
static inline void on_cpu(unsigned cpu, void (*do_it)(void *arg))
{
	if (!host_run_on(cpu, do_it, NULL)) host_escape();
}

#endif
