/*
 * lock_test.c -- locks and latches as words in memory: what they hold, and tickets that wrap.
 *
 * Who may take them when is the machine's to check: machine/host/lockcheck_test.c.
 */
#include "machine/lock.h"

static void test_latch(void)
{
	struct latch latch;
	latch_init(&latch, RANK_MAGAZINE);
	ASSERT(latch.holder == 0 && latch.rank == RANK_MAGAZINE);
	const mach_irq_t was = mach_irq_save();
	latch_take(&latch);
	ASSERT(latch.holder == mach_cpu() + 1 && !latch_try(&latch));
	latch_drop(&latch);
	mach_irq_restore(was);
	ASSERT(latch.holder == 0 && latch_try(&latch) && latch.holder != 0);
	latch_release(&latch);
	ASSERT(latch.holder == 0);
}

static void test_lock(uint32_t first_ticket)
{
	struct lock lock;
	lock_init(&lock, RANK_HEAP);
	ASSERT(lock.next == 0 && lock.serving == 0 && lock.rank == RANK_HEAP);
	lock.next = lock.serving = first_ticket;
	for (uint32_t i = 0; i < 3; i++) {
		const mach_irq_t was = lock_take(&lock);
		ASSERT(lock.serving == first_ticket + i && lock.next == lock.serving + 1);
		ASSERT(mach_irq_masked() && lock.holder == mach_cpu());
		lock_drop(&lock, was);
		ASSERT(lock.serving == lock.next && !mach_irq_masked());
	}
	mach_irq_t was;
	ASSERT(lock_try(&lock, &was) && mach_irq_masked());
	ASSERT(lock.serving == first_ticket + 3 && lock.next == lock.serving + 1);
	lock_drop(&lock, was);
	ASSERT(lock.serving == lock.next && !mach_irq_masked());
}

int main(void)
{
	test_latch();
	test_lock(0);
	test_lock(UINT32_MAX - 1); /* over the top */
	return 0;
}
