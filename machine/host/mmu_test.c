/*
 * mmu_test.c -- what an access finds: levels, rights, faults, halves, CPUs.
 *
 * The tables here are made and changed by the rules; what happens when they are not is
 * tlb_rules_test.c's.
 */
#include "machine/host/panics.h"

#include "machine/host/mmu_test.h"

#define VA 0x0000123456789000ull
#define KVA (KERNEL_START + 0x1234567000ull)

static paddr_t root;

static void world_with_root(void)
{
	world_new();
	root = page_take();
	install(root, 1);
}

static void test_nothing_installed(void)
{
	uint64_t value = 7;
	world_new();
	EXPECT(mach_user_load(VA, &value) == MACH_FAULT_TRANSLATION);
	EXPECT(mach_user_load(0, &value) == MACH_FAULT_TRANSLATION);
	EXPECT(mach_user_store(KVA, 1) == MACH_FAULT_TRANSLATION);
	EXPECT(host_kernel_load(KVA, &value) == MACH_FAULT_TRANSLATION);
	EXPECT(value == 7);
}

static void test_load_and_store(void)
{
	uint64_t value = 0;
	world_with_root();
	const paddr_t page = page_take();
	map_page(root, VA, page, USER_PAGE);
	EXPECT(mach_user_store(VA + 16, 0x1122334455667788) == MACH_FAULT_NONE);
	EXPECT(mach_user_load(VA + 16, &value) == MACH_FAULT_NONE && value == 0x1122334455667788);
	EXPECT(((const uint64_t *)mach_phys(page))[2] == 0x1122334455667788);
	EXPECT(mach_user_load(VA + PAGE_SIZE, &value) == MACH_FAULT_TRANSLATION);
	EXPECT(mach_user_load(VA + (1ull << entry_shift(0)), &value) == MACH_FAULT_TRANSLATION);
	EXPECT(mach_user_load(VA | USER_END, &value) == MACH_FAULT_TRANSLATION);
}

static void test_rights(void)
{
	uint64_t value = 0;
	world_with_root();
	map_page(root, VA, page_take(), USER_PAGE | ENTRY_READ_ONLY);
	EXPECT(mach_user_load(VA, &value) == MACH_FAULT_NONE && value == 0);
	EXPECT(mach_user_store(VA, 1) == MACH_FAULT_PERMISSION);
	EXPECT(mach_user_fetch(VA) == MACH_FAULT_PERMISSION);
	const uint64_t code = (USER_PAGE & ~ENTRY_NOT_USER_EXEC) | ENTRY_READ_ONLY;
	const paddr_t page = page_take();
	mach_code_sync(mach_phys(page), PAGE_SIZE);
	map_page(root, VA + PAGE_SIZE, page, code);
	EXPECT(mach_user_fetch(VA + PAGE_SIZE) == MACH_FAULT_NONE);
	EXPECT(mach_user_load(VA, &value) == MACH_FAULT_NONE && value == 0);
}

static void test_access_flag(void)
{
	uint64_t value = 7;
	world_with_root();
	uint64_t *entry = map_page(root, VA, page_take(), USER_PAGE & ~ENTRY_ACCESSED);
	EXPECT(mach_user_load(VA, &value) == MACH_FAULT_ACCESS_FLAG && value == 7);
	EXPECT(mach_user_store(VA, 1) == MACH_FAULT_ACCESS_FLAG);
	mach_entry_store(entry, *entry | ENTRY_ACCESSED);
	mach_entry_sync();
	EXPECT(mach_user_load(VA, &value) == MACH_FAULT_NONE && value == 0);
}

/* A frame in an entry that is not valid is out of reach. */
static void test_held(void)
{
	uint64_t value;
	world_with_root();
	map_page(root, VA, page_take(), (USER_PAGE & ~ENTRY_VALID) | ENTRY_HELD);
	EXPECT(mach_user_load(VA, &value) == MACH_FAULT_TRANSLATION);
}

static void test_kernel_half(void)
{
	uint64_t value = 0;
	world_with_root();
	const paddr_t kernel = page_take();
	host_mmu_kernel_install(kernel);
	map_page(kernel, KVA, page_take(), KERNEL_PAGE);
	EXPECT(host_kernel_store(KVA, 5) == MACH_FAULT_NONE);
	EXPECT(host_kernel_load(KVA, &value) == MACH_FAULT_NONE && value == 5);
	EXPECT(mach_user_load(KVA, &value) == MACH_FAULT_PERMISSION);
	EXPECT(host_kernel_fetch(KVA) == MACH_FAULT_PERMISSION);
	EXPECT(host_kernel_load(KVA + PAGE_SIZE, &value) == MACH_FAULT_TRANSLATION);
}

static void test_blocks(void)
{
	uint64_t value = 0;
	world_with_root();
	const paddr_t kernel = page_take();
	host_mmu_kernel_install(kernel);
	mach_entry_store(entry_make(kernel, KERNEL_START, 1),
			 HOST_RAM_BASE | (KERNEL_PAGE & ~ENTRY_TABLE));
	mach_entry_sync();
	const paddr_t page = page_take();
	const uint64_t va = KERNEL_START + (page - HOST_RAM_BASE);
	EXPECT(host_kernel_store(va + 8, 9) == MACH_FAULT_NONE);
	EXPECT(((const uint64_t *)mach_phys(page))[1] == 9);
	EXPECT(host_kernel_load(va + 8, &value) == MACH_FAULT_NONE && value == 9);
}

static bool copies_in(uint8_t *to, uint64_t va, size_t bytes)
{
	const mach_irq_t was = mach_irq_save();
	const bool done = mach_user_in(to, va, bytes);
	mach_irq_restore(was);
	return done;
}

static bool copies_out(uint64_t va, const uint8_t *from, size_t bytes)
{
	const mach_irq_t was = mach_irq_save();
	const bool done = mach_user_out(va, from, bytes);
	mach_irq_restore(was);
	return done;
}

/* Any size at any place, from one page into the next; no further than rights go. */
static void test_copies(void)
{
	uint8_t out[MACH_USER_BYTES], in[MACH_USER_BYTES];
	world_with_root();
	const paddr_t first = page_take(), second = page_take();
	map_page(root, VA, first, USER_PAGE);
	map_page(root, VA + PAGE_SIZE, second, USER_PAGE);
	map_page(root, VA + 2 * PAGE_SIZE, page_take(), USER_PAGE | ENTRY_READ_ONLY);
	for (size_t bytes = 1; bytes <= sizeof(out); bytes++) {
		const uint64_t va = VA + PAGE_SIZE - bytes / 2 - bytes % 3;
		for (size_t i = 0; i < sizeof(out); i++) out[i] = (uint8_t)(bytes + 3 * i + 1);
		EXPECT(copies_out(va, out, bytes) && copies_in(in, va, bytes));
		for (size_t i = 0; i < bytes; i++) EXPECT(in[i] == out[i]);
	}
	EXPECT(((const uint8_t *)mach_phys(second))[0] != 0);
	EXPECT(copies_in(in, VA + 2 * PAGE_SIZE - 4, 8) && in[4] == 0);
	EXPECT(!copies_out(VA + 2 * PAGE_SIZE - 4, out, 8));
	EXPECT(!copies_in(in, VA + 3 * PAGE_SIZE - 4, 8) && !copies_in(in, VA - 1, 2));
}

static void load_on_cpu(void *arg)
{
	uint64_t value = 0;
	const enum mach_fault fault = mach_user_load(VA, &value);
	*(uint64_t *)arg = fault == MACH_FAULT_NONE ? value : 1000 + fault;
}

static uint64_t value_on(unsigned cpu)
{
	uint64_t seen = 0;
	EXPECT(host_run_on(cpu, load_on_cpu, &seen));
	return seen;
}

static void install_on_cpu(void *arg)
{
	install(*(const paddr_t *)arg, 2);
}

/* Each CPU has its own space; the code outside counts as CPU 0. */
static void test_spaces(void)
{
	world_with_root();
	paddr_t other = page_take();
	map_page(root, VA, page_take(), USER_PAGE);
	map_page(other, VA, page_take(), USER_PAGE);
	EXPECT(mach_user_store(VA, 1) == MACH_FAULT_NONE);
	EXPECT(value_on(1) == 1000 + MACH_FAULT_TRANSLATION);
	EXPECT(host_run_on(1, install_on_cpu, &other));
	EXPECT(value_on(0) == 1 && value_on(1) == 0);
	install(PADDR_NONE, 0);
	EXPECT(value_on(0) == 1000 + MACH_FAULT_TRANSLATION && value_on(1) == 0);
}

static void load_beyond(void *arg)
{
	uint64_t value;
	(void)arg;
	mach_user_load(VA, &value);
}

static void test_bounds(void)
{
	world_with_root();
	map_page(root, VA, HOST_RAM_BASE + HOST_ARENA_BYTES, USER_PAGE);
	expect_panic(0, load_beyond, NULL, "bounds", "a page outside of RAM");
}

int main(void)
{
	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(2);
	test_nothing_installed();
	test_load_and_store();
	test_rights();
	test_access_flag();
	test_copies();
	test_held();
	test_kernel_half();
	test_blocks();
	test_spaces();
	test_bounds();
	return 0;
}
