/*
 * host_bench.c -- what the host machine costs: `bazel run //machine/host:bench`.
 *
 * Built with ASan and UBSan, as the suite's targets are.  Each row is measured in BATCHES batches
 * and the fastest is printed: on a shared computer the others measure the neighbours.  Nothing is
 * judged here; a time is no test.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "machine/host/arena.h"
#include "machine/host/cpu.h"
#include "machine/lock.h"

enum { BATCHES = 20, BATCH_CALLS = 20000, RESET_CALLS = 200 };

static uint8_t *base;
static struct lock lock;
static struct latch latch;
static uint32_t word;

static uint64_t clock_read_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void nothing(void *arg)
{
	(void)arg;
}

static void escape(void *arg)
{
	(void)arg;
	host_escape();
}

static void bench_run(unsigned i)
{
	(void)i;
	host_run_on(0, nothing, NULL);
}

static void bench_escape(unsigned i)
{
	(void)i;
	host_run_on(0, escape, NULL);
}

static void bench_unpoison_64(unsigned i)
{
	mach_unpoison(base + i % 1024 * 64, 64);
}

static void bench_poison_64(unsigned i)
{
	mach_poison(base + i % 1024 * 64, 64);
}

static void bench_unpoison_page(unsigned i)
{
	mach_unpoison(base + i % 16 * PAGE_SIZE, PAGE_SIZE);
}

static void bench_lock(unsigned i)
{
	(void)i;
	lock_drop(&lock, lock_take(&lock));
}

static void bench_latch(unsigned i)
{
	(void)i;
	const mach_irq_t was = mach_irq_save();
	latch_take(&latch);
	latch_drop(&latch);
	mach_irq_restore(was);
}

static void bench_irq(unsigned i)
{
	(void)i;
	mach_irq_restore(mach_irq_save());
}

static void bench_atomic(unsigned i)
{
	atomic_fetch_add_u32(&word, i);
}

static void bench_phys(unsigned i)
{
	word += mach_phys(HOST_RAM_BASE + i) != NULL;
}

static void reset_dirty(unsigned pages)
{
	for (unsigned page = 0; page < pages; page++) mach_unpoison(base + page * 2 * PAGE_SIZE, 8);
	host_arena_reset();
}

static void bench_reset_0(unsigned i)
{
	(void)i;
	reset_dirty(0);
}

static void bench_reset_32(unsigned i)
{
	(void)i;
	reset_dirty(32);
}

static void bench_reset_256(unsigned i)
{
	(void)i;
	reset_dirty(256);
}

static void bench_check(unsigned i)
{
	(void)i;
	host_arena_check();
}

static const struct row {
	const char *name;
	void (*call)(unsigned i);
	unsigned calls;
} rows[] = {
	{ "run a function on a CPU and return", bench_run, BATCH_CALLS },
	{ "run a function on a CPU and escape", bench_escape, BATCH_CALLS },
	{ "unpoison 64 bytes", bench_unpoison_64, BATCH_CALLS },
	{ "poison 64 bytes", bench_poison_64, BATCH_CALLS },
	{ "unpoison a page", bench_unpoison_page, BATCH_CALLS },
	{ "lock, take and drop", bench_lock, BATCH_CALLS },
	{ "mask, latch take and drop, unmask", bench_latch, BATCH_CALLS },
	{ "mask and unmask", bench_irq, BATCH_CALLS },
	{ "atomic add", bench_atomic, BATCH_CALLS },
	{ "mach_phys", bench_phys, BATCH_CALLS },
	{ "reset, nothing dirty", bench_reset_0, RESET_CALLS },
	{ "reset, 32 pages dirty", bench_reset_32, RESET_CALLS },
	{ "reset, 256 pages dirty", bench_reset_256, RESET_CALLS },
	{ "look for writes to clean pages", bench_check, RESET_CALLS },
};

static uint64_t batch_ns(const struct row *row)
{
	const uint64_t start = clock_read_ns();
	for (unsigned i = 0; i < row->calls; i++) row->call(i);
	return clock_read_ns() - start;
}

int main(void)
{
	base = host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(1);
	lock_init(&lock, RANK_OUTER);
	latch_init(&latch, RANK_OUTER);
	for (size_t r = 0; r < COUNT_OF(rows); r++) {
		uint64_t best = UINT64_MAX;
		for (unsigned i = 0; i < BATCHES; i++) best = min_u64(best, batch_ns(&rows[r]));
		printf("%-36s %9.1f ns\n", rows[r].name, (double)best / rows[r].calls);
	}
	return 0;
}
