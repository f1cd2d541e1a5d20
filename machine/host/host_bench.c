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

#include "machine/entry.h"
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

/* --- the MMU ---------------------------------------------------------------------------------- */

enum { MAPPED = 1024, ASID = 1, RESET_PAGES = 8 };

#define MAPPED_VA 0x400000ull

static paddr_t root;
static uint64_t *last_entry;

static uint64_t *bench_map(uint64_t va, paddr_t page)
{
	const uint64_t table = ENTRY_VALID | ENTRY_TABLE;
	const uint64_t bits = table | ENTRY_NORMAL | ENTRY_SHARED | ENTRY_ACCESSED | ENTRY_USER |
			      ENTRY_NOT_GLOBAL | ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC;
	static size_t tables;
	paddr_t at = root;
	for (unsigned level = 0; level < TABLE_LEVELS - 1; level++) {
		uint64_t *entry = (uint64_t *)mach_phys(at) + entry_index(va, level);
		if (*entry == 0) {
			const size_t next = RESET_PAGES + 1 + tables++;
			memset(base + next * PAGE_SIZE, 0, PAGE_SIZE);
			mach_entry_store(entry, mach_pa(base + next * PAGE_SIZE) | table);
		}
		at = entry_address(*entry);
	}
	uint64_t *entry = (uint64_t *)mach_phys(at) + entry_index(va, TABLE_LEVELS - 1);
	mach_entry_store(entry, page | bits);
	mach_entry_sync();
	return entry;
}

/* A tree with MAPPED pages, four times what the TLB holds, and it installed. */
static void bench_space(void)
{
	host_reset();
	mach_unpoison(base, 64 * PAGE_SIZE);
	root = mach_pa(base + RESET_PAGES * PAGE_SIZE);
	memset(mach_phys(root), 0, PAGE_SIZE);
	for (unsigned i = 0; i < MAPPED; i++)
		last_entry = bench_map(MAPPED_VA + i * PAGE_SIZE, mach_pa(base));
	const mach_irq_t was = mach_irq_save();
	mach_space_install(root, ASID);
	mach_irq_restore(was);
}

static void bench_load_hit(unsigned i)
{
	uint64_t value;
	(void)mach_user_load(MAPPED_VA + i % 64 * PAGE_SIZE + i % 512 * 8, &value);
}

static void bench_store_hit(unsigned i)
{
	(void)mach_user_store(MAPPED_VA + i % 64 * PAGE_SIZE + i % 512 * 8, i);
}

static void bench_load_miss(unsigned i)
{
	uint64_t value;
	(void)mach_user_load(MAPPED_VA + i * 67 % MAPPED * PAGE_SIZE, &value);
}

/* What a page costs the machine: taken away, published, invalidated, waited for, put back. */
static void bench_map_unmap(unsigned i)
{
	const uint64_t entry = *last_entry;
	(void)i;
	mach_entry_store(last_entry, 0);
	mach_entry_sync();
	mach_tlb_page(tlb_operand(ASID, MAPPED_VA + (MAPPED - 1) * PAGE_SIZE));
	mach_tlb_wait();
	mach_entry_store(last_entry, entry);
	mach_entry_sync();
}

static void bench_poison_page(unsigned i)
{
	mach_poison(base + (40 + i % 16) * PAGE_SIZE, PAGE_SIZE);
}

/* --- CPUs that take turns --------------------------------------------------------------------- */

enum { TOGETHER = 2 };

static void bench_point(unsigned i)
{
	(void)i;
	host_turn_step(0);
}

static void stay_begin(void *context, struct turns *t)
{
	(void)context;
	t->asks = (struct turns_counts){ 0 };
}

/* The turn passes at every point. */
static void pass_begin(void *context, struct turns *t)
{
	stay_begin(context, t);
	t->asks.until = 1;
}

static struct turn pass_decide(void *context, struct turns *t, struct turn_point point)
{
	(void)context;
	(void)point;
	t->asks.until = 1;
	return (struct turn){ .cpu = (uint8_t)((t->now + 1) % TOGETHER) };
}

static void nobody_goes_on(void *context, enum turns_stuck why)
{
	(void)context;
	kpanic(turns_stuck_name(why), "in a benchmark");
}

static const struct turns_planner stay = { stay_begin, pass_decide, nobody_goes_on, NULL };
static const struct turns_planner pass = { pass_begin, pass_decide, nobody_goes_on, NULL };

static const struct row {
	const char *name;
	void (*call)(unsigned i);
	unsigned calls;
	void (*before)(void);
	const struct turns_planner *turns; /* taken by TOGETHER CPUs, which share the calls */
} rows[] = {
	{ "run a function on a CPU and return", bench_run, BATCH_CALLS, NULL, NULL },
	{ "run a function on a CPU and escape", bench_escape, BATCH_CALLS, NULL, NULL },
	{ "unpoison 64 bytes", bench_unpoison_64, BATCH_CALLS, NULL, NULL },
	{ "poison 64 bytes", bench_poison_64, BATCH_CALLS, NULL, NULL },
	{ "unpoison a page", bench_unpoison_page, BATCH_CALLS, NULL, NULL },
	{ "lock, take and drop", bench_lock, BATCH_CALLS, NULL, NULL },
	{ "mask, latch take and drop, unmask", bench_latch, BATCH_CALLS, NULL, NULL },
	{ "mask and unmask", bench_irq, BATCH_CALLS, NULL, NULL },
	{ "atomic add", bench_atomic, BATCH_CALLS, NULL, NULL },
	{ "mach_phys", bench_phys, BATCH_CALLS, NULL, NULL },
	{ "user load, remembered", bench_load_hit, BATCH_CALLS, bench_space, NULL },
	{ "user store, remembered", bench_store_hit, BATCH_CALLS, NULL, NULL },
	{ "user load, walk of four levels", bench_load_miss, BATCH_CALLS, NULL, NULL },
	{ "entry away and back, invalidated", bench_map_unmap, BATCH_CALLS, NULL, NULL },
	{ "poison a page, tables watched", bench_poison_page, BATCH_CALLS, NULL, NULL },
	{ "reset, nothing dirty", bench_reset_0, RESET_CALLS, NULL, NULL },
	{ "reset, 32 pages dirty", bench_reset_32, RESET_CALLS, NULL, NULL },
	{ "reset, 256 pages dirty", bench_reset_256, RESET_CALLS, NULL, NULL },
	{ "look for writes to clean pages", bench_check, RESET_CALLS, NULL, NULL },
	{ "a point of CPUs that take turns", bench_point, BATCH_CALLS, NULL, &stay },
	{ "a point, and the turn passes", bench_point, BATCH_CALLS, NULL, &pass },
	{ "lock, take and drop, in turns", bench_lock, BATCH_CALLS, NULL, &stay },
};

static void share(void *arg)
{
	const struct row *row = arg;
	for (unsigned i = 0; i < row->calls / TOGETHER; i++) row->call(i);
}

static uint64_t batch_ns(const struct row *row)
{
	const uint64_t start = clock_read_ns();
	if (row->turns != NULL)
		host_run_together(TOGETHER, share, (void *)(uintptr_t)row, row->turns, UINT64_MAX);
	else
		for (unsigned i = 0; i < row->calls; i++) row->call(i);
	return clock_read_ns() - start;
}

int main(void)
{
	base = host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(TOGETHER);
	lock_init(&lock, RANK_OUTER);
	latch_init(&latch, RANK_OUTER);
	for (size_t r = 0; r < COUNT_OF(rows); r++) {
		if (rows[r].before != NULL) rows[r].before();
		uint64_t best = UINT64_MAX;
		for (unsigned i = 0; i < BATCHES; i++) best = min_u64(best, batch_ns(&rows[r]));
		printf("%-36s %9.1f ns\n", rows[r].name, (double)best / rows[r].calls);
	}
	return 0;
}
