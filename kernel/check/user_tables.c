/*
 * user_tables.c -- spaces by hand: a root, one table of each level below, and pages in the last,
 * for addresses from HAND_AREA on; each space has tables of its own, all map the same few frames.
 *
 * Entries are stored, published and invalidated as mm/pagetable.c does it, by the seam's own
 * calls, so that a trace of them obeys the same rules.
 *
 * Locks: none; CPU 0 changes tables, the others look.
 */
#include "kernel/check/user_tables.h"

#include "kernel/kmem.h"
#include "kernel/smp.h"
#include "machine/atomic.h"

static struct {
	paddr_t table[TABLE_LEVELS];
} spaces[HAND_SPACES];
paddr_t hand_pages[HAND_PAGES];

uint64_t *hand_entry(unsigned space, uint64_t va, unsigned level)
{
	uint64_t *table = mach_phys(spaces[space].table[level]);
	return &table[entry_index(va, level)];
}

bool hand_open(void)
{
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) | PAGE_ZERO;
	for (unsigned s = 0; s < HAND_SPACES; s++) {
		for (unsigned level = 0; level < TABLE_LEVELS; level++) {
			const paddr_t pa = kpage_alloc(0, how);
			if (pa == PADDR_NONE) return false;
			spaces[s].table[level] = pa;
			if (level == 0) continue;
			mach_entry_store(hand_entry(s, HAND_AREA, level - 1),
					 pa | ENTRY_VALID | ENTRY_TABLE);
		}
	}
	for (unsigned i = 0; i < HAND_PAGES; i++) {
		hand_pages[i] = kpage_alloc(0, how);
		if (hand_pages[i] == PADDR_NONE) return false;
	}
	mach_entry_sync();
	return true;
}

uint64_t hand_address(unsigned page)
{
	return HAND_AREA + (uint64_t)page * PAGE_SIZE;
}

uint64_t *hand_memory(unsigned page)
{
	return mach_phys(hand_pages[page]);
}

/* Where nothing is. */
void hand_map(unsigned space, unsigned page, unsigned frame, uint64_t bits)
{
	mach_entry_store(hand_entry(space, hand_address(page), TABLE_LEVELS - 1),
			 hand_pages[frame] | bits);
	mach_entry_sync();
}

/* Where something is: other rights, or nothing. */
void hand_change(unsigned space, uint32_t asid, unsigned page, uint64_t entry)
{
	mach_entry_store(hand_entry(space, hand_address(page), TABLE_LEVELS - 1), entry);
	mach_entry_sync();
	mach_tlb_page(tlb_operand(asid, hand_address(page)));
	mach_tlb_wait();
}

void hand_install(unsigned space, uint32_t asid)
{
	const mach_irq_t was = mach_irq_save();
	mach_space_install(spaces[space].table[0], asid);
	mach_irq_restore(was);
}

void hand_uninstall(void)
{
	const mach_irq_t was = mach_irq_save();
	mach_space_install(PADDR_NONE, 0);
	mach_irq_restore(was);
}

static void install_first(void *unused)
{
	(void)unused;
	hand_install(0, HAND_ASID);
}

static void uninstall_here(void *unused)
{
	(void)unused;
	hand_uninstall();
}

void hand_begin(void)
{
	smp_run_all(install_first, NULL);
}

/* Nothing is mapped or remembered afterwards. */
void hand_end(void)
{
	smp_run_all(uninstall_here, NULL);
	for (unsigned s = 0; s < HAND_SPACES; s++)
		for (unsigned i = 0; i < HAND_PAGES; i++)
			mach_entry_store(hand_entry(s, hand_address(i), TABLE_LEVELS - 1), 0);
	mach_entry_sync();
	mach_tlb_all();
	mach_tlb_wait();
}

/* --- what every CPU meets ------------------------------------------------------------------- */

struct meeting {
	uint64_t va;
	enum mach_fault load, store, fetch;
	uint32_t wrong; /* atomic: CPUs that met something else */
};

static void meet(void *arg)
{
	struct meeting *m = arg;
	uint64_t value = 0;
	const bool same = mach_user_load(m->va, &value) == m->load &&
			  mach_user_store(m->va, value + 1) == m->store &&
			  mach_user_fetch(m->va) == m->fetch;
	if (!same) atomic_fetch_add_u32(&m->wrong, 1);
}

/* Whether a load, a store and a fetch end so on every CPU. */
bool hand_all_meet(uint64_t va, enum mach_fault load, enum mach_fault store, enum mach_fault fetch)
{
	struct meeting m = { va, load, store, fetch, 0 };
	return smp_run_all(meet, &m) && m.wrong == 0;
}

bool hand_all_meet_nothing(uint64_t va)
{
	return hand_all_meet(va, MACH_FAULT_TRANSLATION, MACH_FAULT_TRANSLATION,
			     MACH_FAULT_TRANSLATION);
}
