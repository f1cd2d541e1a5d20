/*
 * kstack_test.c -- kernel stacks: pages and guard pages, kept ones, refusals, pressure, canaries.
 */
#include "mm/kstack.h"

#include "machine/host/mmu.h"
#include "machine/host/panics.h"
#include "mm/test_pool.h"

#define WINDOW (KERNEL_START + 0x400000000000)
enum { SLOTS = 5 };

static struct test_pool *t;
static struct pagetable tree;
static struct kstack_window window;

static void open_window(uint32_t pages, uint64_t base, uint32_t keep)
{
	const struct kstack_config config = {
		.table = &tree, .base = base, .slots = SLOTS, .keep = keep
	};

	t = test_pool_open(pages);
	host_mmu_reset();
	EXPECT(pagetable_init(&tree, &t->pool, true, 1));
	host_mmu_kernel_install(tree.root);
	kstack_init(&window, &config);
}

static void sound(void)
{
	const char *why = kstack_check(&window);

	if (why == NULL) why = pagetable_check(&tree);
	if (why == NULL) why = page_check(&t->pool);
	if (why != NULL) kpanic("walk", "%s", why);
}

static void close_window(uint32_t pages)
{
	kstack_drain(&window);
	sound();
	host_mmu_kernel_install(PADDR_NONE);
	pagetable_close(&tree);
	EXPECT(test_pool_free_pages(t) == pages);
	free(t);
}

static void every_stack_is_usable_up_to_its_guard(void)
{
	uint64_t stack[SLOTS], value;

	open_window(100, WINDOW, 0);
	for (uint32_t i = 0; i < SLOTS; i++) {
		stack[i] = kstack_alloc(&window, 1);
		EXPECT(stack[i] != 0 && kstack_whole(&window, stack[i]));
		EXPECT(kstack_guard_of(&window, stack[i] - 8) == i);
		EXPECT(kstack_guard_of(&window, stack[i]) == UINT32_MAX);
		EXPECT(host_kernel_store(stack[i] - 8, 1) == MACH_FAULT_TRANSLATION);
		for (uint64_t at = 64; at < KERNEL_STACK_BYTES; at += PAGE_SIZE / 2)
			EXPECT(host_kernel_store(stack[i] + at, i << 16 | at) == MACH_FAULT_NONE);
		EXPECT(host_kernel_fetch(stack[i]) == MACH_FAULT_PERMISSION);
		sound();
	}
	EXPECT(kstack_alloc(&window, 1) == 0);
	for (uint32_t i = 0; i < SLOTS; i++) {
		for (uint64_t at = 64; at < KERNEL_STACK_BYTES; at += PAGE_SIZE / 2)
			EXPECT(host_kernel_load(stack[i] + at, &value) == MACH_FAULT_NONE &&
			       value == (i << 16 | at));
		EXPECT(host_kernel_load(stack[i], &value) == MACH_FAULT_NONE);
		EXPECT(value == STACK_CANARY);
	}
	EXPECT(kstack_guard_of(&window, window.base - 8) == UINT32_MAX);
	EXPECT(kstack_guard_of(&window, stack[SLOTS - 1] + KERNEL_STACK_BYTES) == UINT32_MAX);
	for (uint32_t i = 0; i < SLOTS; i++) kstack_free(&window, stack[i]);
	EXPECT(host_kernel_load(stack[0], &value) == MACH_FAULT_TRANSLATION);
	EXPECT(tree.tables == 1);
	close_window(100);
}

static uint32_t pages_of_site(site_t site)
{
	struct site_row row[4];
	size_t rows = 0;

	EXPECT(page_sites(&t->pool, row, COUNT_OF(row), &rows));
	for (size_t i = 0; i < rows; i++)
		if (row[i].site == site) return row[i].objects;
	return 0;
}

static void kept_stacks_are_used_again(void)
{
	open_window(100, WINDOW, 2);
	const uint64_t a = kstack_alloc(&window, 1), b = kstack_alloc(&window, 1);
	const uint64_t c = kstack_alloc(&window, 1);
	const uint32_t free_pages = test_pool_free_pages(t);

	kstack_free(&window, a);
	kstack_free(&window, b);
	EXPECT(test_pool_free_pages(t) == free_pages && window.kept == 2);
	kstack_free(&window, c);
	EXPECT(test_pool_free_pages(t) == free_pages + KSTACK_PAGES && window.kept == 2);
	sound();
	EXPECT(kstack_alloc(&window, 2) == a && kstack_whole(&window, a));
	EXPECT(window.kept == 1 && window.live == 1);
	EXPECT(pages_of_site(2) == KSTACK_PAGES); /* who has it, not who had it mapped */
	kstack_free(&window, a);
	EXPECT(kstack_drain(&window) == (size_t)2 * KSTACK_PAGES);
	EXPECT(kstack_drain(&window) == 0);
	close_window(100);
}

/* With room for everything between nothing and two stacks; across the ends of tables, too. */
static void a_refusal_leaves_nothing(void)
{
	static const uint64_t bases[] = { WINDOW, WINDOW + (1ull << 39) - 4 * PAGE_SIZE };

	for (unsigned b = 0; b < COUNT_OF(bases); b++) {
		const uint32_t tables = b == 0 ? 3 : 6;
		for (uint32_t room = 0; room <= KSTACK_PAGES + tables; room++) {
			open_window(1 + room, bases[b], 1);
			const uint64_t before = page_hash(&t->pool);
			const uint64_t stack = kstack_alloc(&window, 1);

			EXPECT((stack != 0) == (room == KSTACK_PAGES + tables));
			EXPECT(stack != 0 || page_hash(&t->pool) == before);
			sound();
			if (stack != 0) kstack_free(&window, stack);
			close_window(1 + room);
		}
	}
}

static void pressure_takes_what_is_kept(void)
{
	open_window(1 + 3 + 2 * KSTACK_PAGES, WINDOW, SLOTS);
	const uint64_t a = kstack_alloc(&window, 1), b = kstack_alloc(&window, 1);

	EXPECT(a != 0 && b != 0 && test_pool_free_pages(t) == 0);
	kstack_free(&window, a);
	EXPECT(test_pool_free_pages(t) == 0 && window.kept == 1);
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL);
	EXPECT(page_alloc(&t->pool, 0, how | PAGE_NO_RECLAIM, 1) == PADDR_NONE);
	const paddr_t page = page_alloc(&t->pool, 0, how, 1);
	EXPECT(page != PADDR_NONE && window.kept == 0);
	sound();
	EXPECT(page_free(&t->pool, page, 0, how) == PAGE_FREED);
	kstack_free(&window, b);
	close_window(1 + 3 + 2 * KSTACK_PAGES);
}

/* --- what ends in a panic --- */

static void overrun(void *arg)
{
	(void)arg;
	const uint64_t stack = kstack_alloc(&window, 1);

	EXPECT(host_kernel_store(stack + 56, 0) == MACH_FAULT_NONE);
	EXPECT(!kstack_whole(&window, stack));
	kstack_free(&window, stack);
}

static void free_twice(void *arg)
{
	(void)arg;
	const uint64_t stack = kstack_alloc(&window, 1);

	kstack_free(&window, stack);
	kstack_free(&window, stack);
}

static void free_elsewhere(void *arg)
{
	kstack_free(&window, window.base + *(const uint64_t *)arg);
}

static void our_bugs_end_in_panics(void)
{
	static const uint64_t offsets[] = { 0, PAGE_SIZE + 8, 2 * PAGE_SIZE,
					    (SLOTS * KSTACK_SLOT_PAGES + 1) * PAGE_SIZE,
					    -(uint64_t)PAGE_SIZE };

	host_cpus_open(1);
	for (uint32_t keep = 0; keep < 2; keep++) {
		open_window(100, WINDOW, keep);
		expect_panic(0, overrun, NULL, "stack-canary", "overrun");
		free(t);
		open_window(100, WINDOW, keep);
		expect_panic(0, free_twice, NULL, "double-free", "free_twice");
		free(t);
	}
	for (unsigned i = 0; i < COUNT_OF(offsets); i++) {
		uint64_t offset = offsets[i];

		open_window(100, WINDOW, 1);
		expect_panic(0, free_elsewhere, &offset, "wild-free", "free_elsewhere");
		free(t);
	}
	host_cpus_close();
}

int main(void)
{
	every_stack_is_usable_up_to_its_guard();
	kept_stacks_are_used_again();
	a_refusal_leaves_nothing();
	pressure_takes_what_is_kept();
	our_bugs_end_in_panics();
	return 0;
}
