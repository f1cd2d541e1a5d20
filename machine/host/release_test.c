/*
 * release_test.c -- the host machine in a release build: less is checked, all of it still works.
 *
 * Benchmarks count instructions there, on runs that must be the same runs.  Everything here is
 * true in a checked build too, and the test is built for both.
 */
#include <string.h>

#include "machine/host/arena.h"
#include "machine/host/cpu.h"
#include "machine/lock.h"

static struct lock lock;
static struct latch latch;
static uint8_t *base;

static void test_addresses(void)
{
	ASSERT(mach_phys(HOST_RAM_BASE + 12345) == base + 12345);
	ASSERT(mach_pa(base + 12345) == HOST_RAM_BASE + 12345);
	ASSERT(mach_pa_untrusted(base) == HOST_RAM_BASE);
	ASSERT(mach_pa_untrusted(&base) - HOST_RAM_BASE >= HOST_ARENA_BYTES);
}

static void lock_all(void *arg)
{
	ASSERT(mach_cpu() == *(unsigned *)arg && !mach_irq_masked());
	const mach_irq_t was = lock_take(&lock);
	latch_take(&latch);
	ASSERT(mach_irq_masked() && latch.holder == mach_cpu() + 1);
	latch_drop(&latch);
	lock_drop(&lock, was);
	ASSERT(!mach_irq_masked());
}

static void escape_masked(void *arg)
{
	(void)arg;
	mach_irq_save();
	host_escape();
}

static void test_cpus(void)
{
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		ASSERT(host_run_on(cpu, lock_all, &cpu));
		ASSERT(!host_run_on(cpu, escape_masked, NULL));
		ASSERT(host_run_on(cpu, lock_all, &cpu));
		ASSERT(!mach_irq_masked());
	}
}

static void test_reset(void)
{
	mach_unpoison(base + 777 * PAGE_SIZE, PAGE_SIZE);
	memset(base + 777 * PAGE_SIZE, 1, PAGE_SIZE);
	host_clock_advance(5);
	host_reset();
	mach_unpoison(base + 777 * PAGE_SIZE, PAGE_SIZE);
	for (size_t i = 0; i < PAGE_SIZE; i++) ASSERT(base[777 * PAGE_SIZE + i] == HOST_JUNK_BYTE);
	ASSERT(host_arena_check() == NULL && mach_now_ns() == 0 && host_yield_count() == 0);
}

int main(void)
{
	lock_init(&lock, RANK_OUTER);
	latch_init(&latch, RANK_MAGAZINE);
	base = host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(2);
	test_addresses();
	test_cpus();
	test_reset();
	host_cpus_close();
	return 0;
}
