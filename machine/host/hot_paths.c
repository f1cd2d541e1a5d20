/*
 * hot_paths.c -- the inline half of the seam, once each, for hot_paths_test.sh to look at.
 *
 * Compiled as a release build compiles it.  What these functions call shows as a symbol that the
 * object does not define, and the test has the short list of those that may.
 */
#include "machine/lock.h"

unsigned hot_cpu(void);
mach_irq_t hot_irq_save(void);
void hot_irq_restore(mach_irq_t was);
void *hot_phys(paddr_t pa);
paddr_t hot_pa(const void *p);
void hot_poison(const void *p, size_t bytes);
void hot_latch(struct latch *l);
void hot_lock(struct lock *l);
void hot_entry(uint64_t *entry);

unsigned hot_cpu(void)
{
	return mach_cpu();
}

mach_irq_t hot_irq_save(void)
{
	return mach_irq_save();
}

void hot_irq_restore(mach_irq_t was)
{
	mach_irq_restore(was);
}

void *hot_phys(paddr_t pa)
{
	return mach_phys(pa);
}

paddr_t hot_pa(const void *p)
{
	return mach_pa(p) + mach_pa_untrusted(p);
}

void hot_poison(const void *p, size_t bytes)
{
	mach_poison(p, bytes);
	mach_unpoison(p, bytes);
}

void hot_latch(struct latch *l)
{
	latch_take(l);
	latch_drop(l);
	if (latch_try(l)) latch_release(l);
}

void hot_lock(struct lock *l)
{
	lock_drop(l, lock_take(l));
	mach_lock_none_held(RANK_NONE);
}

void hot_entry(uint64_t *entry)
{
	mach_code_sync(entry, sizeof(*entry));
	mach_entry_store(entry, 0);
	mach_entry_sync();
	mach_tlb_page(0);
	mach_tlb_space(0);
	mach_tlb_all();
	mach_tlb_all_local();
	mach_tlb_wait();
}
