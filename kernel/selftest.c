/*
 * selftest.c -- short checks at the end of every boot, the shipped image's too.
 *
 * Each check answers NULL or what is wrong, and leaves everything as it was.  The lines are KTAP's
 * (ktap.h), closed by one line with both sums.  Nothing here waits for wall time: the first ticks
 * are set a few microseconds ahead (smp.c).
 *
 * Cost: under a hundred thousand instructions, mostly the walk over reserved frames.
 */
#include "kernel/selftest.h"

#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/ktap.h"
#include "kernel/smp.h"
#include "kernel/symbols.h"
#include "kernel/tick.h"
#include "kernel/vm.h"
#include "machine/aarch64/boot.h"
#include "machine/aarch64/mmu.h"

enum { NAP_NS = 5000, NAP_MOST_NS = 1000000000 };

/* --- memory ---------------------------------------------------------------------------------- */

static const char *check_map(void)
{
	const char *wrong = memmap_check(&boot.memory);
	return wrong != NULL ? wrong : page_check_counts(&kernel_pages);
}

/* All that anybody holds is reserved in the pool, and nothing else is. */
static const char *check_reserved(void)
{
	for (unsigned i = 0; i < boot.memory.held_count; i++) {
		const struct range r = boot.memory.held[i].range;
		for (paddr_t pa = r.base; pa < r.base + r.bytes; pa += PAGE_SIZE) {
			const struct frame *frame = page_frame(&kernel_pages, pa);
			if (frame != NULL && frame->state != FRAME_RESERVED)
				return boot.memory.held[i].name;
		}
	}
	struct page_counts counts;
	page_count(&kernel_pages, &counts);
	const uint64_t given = (uint64_t)(counts.total - counts.reserved) << PAGE_SHIFT;
	return given == boot.memory.usable_bytes ? NULL : "the pool has more or less than is free";
}

static const char *check_pages(void)
{
	struct page_counts before, after;
	page_count(&kernel_pages, &before);
	for (unsigned order = 0; order < 4; order++) {
		const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL);
		const paddr_t pa = kpage_alloc(order, how);
		if (pa == PADDR_NONE) return "no pages";
		if (!is_aligned(pa, (uint64_t)PAGE_SIZE << order)) return "a misaligned block";
		*(volatile uint64_t *)mach_phys(pa) = pa;
		if (page_free(&kernel_pages, pa, order + 1, how) == PAGE_FREED)
			return "a free of the wrong order was taken";
		kpage_free(pa, order, how);
		if (page_free(&kernel_pages, pa, order, how) == PAGE_FREED)
			return "a double free was taken";
	}
	page_count(&kernel_pages, &after);
	return before.used == after.used ? NULL : "pages are missing";
}

static const char *check_kmalloc(void)
{
	static const size_t sizes[] = { 1, 16, 100, 2048, 2049, 70000 };
	for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
		uint8_t *p = kzalloc(sizes[i]);
		if (p == NULL) return "no memory";
		if (p[0] != 0 || p[sizes[i] - 1] != 0) return "not zeroed";
		p[0] = p[sizes[i] - 1] = 0xa5;
		p = krealloc(p, 2 * sizes[i]);
		if (p == NULL) return "no more memory";
		if (p[0] != 0xa5 || p[sizes[i] - 1] != 0xa5) return "contents lost";
		kfree(p);
	}
	return kmalloc_check_counts(&kernel_memory);
}

/* The heap grows to BOOT_TEST_HEAP_BYTES and gives all of it back: nothing of it is lost. */
static const char *check_heap(void)
{
	enum { BLOCKS = 16, BYTES = BOOT_TEST_HEAP_BYTES / BLOCKS };
	struct page_counts before, after;
	uint8_t *blocks[BLOCKS];
	const char *wrong = NULL;

	kmalloc_drain(&kernel_memory);
	page_count(&kernel_pages, &before);
	for (unsigned i = 0; i < BLOCKS; i++) {
		blocks[i] = kmalloc(BYTES);
		if (blocks[i] == NULL) wrong = "it does not grow";
		if (blocks[i] != NULL) blocks[i][0] = blocks[i][BYTES - 1] = (uint8_t)i;
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (blocks[i] != NULL && (blocks[i][0] != i || blocks[i][BYTES - 1] != i))
			wrong = "two blocks in one place";
		kfree(blocks[i]);
	}
	kmalloc_drain(&kernel_memory);
	page_count(&kernel_pages, &after);
	return before.used == after.used ? wrong : "pages are missing";
}

static bool stack_is_right(uint64_t stack)
{
	return probe_read(stack - 1) != 0 && probe_read(stack - PAGE_SIZE) != 0 &&
	       probe_write(stack + KERNEL_STACK_BYTES - 1) == 0 && probe_call(stack) != 0 &&
	       *(const uint64_t *)(uintptr_t)stack == STACK_CANARY &&
	       kstack_whole(&kernel_stacks, stack);
}

/* Two stacks, one above the other: what is between them cannot be touched. */
static const char *check_thread_stacks(void)
{
	const uint64_t first = kstack_take(), second = kstack_take();
	if (first == 0 || second == 0) return "no memory";
	const bool right = stack_is_right(first) && stack_is_right(second);
	kstack_give(first);
	kstack_give(second);
	kstack_drain(&kernel_stacks);
	if (!right) return "not as it should be";
	if (probe_read(first) == 0) return "it is still there";
	const char *wrong = kstack_check(&kernel_stacks);
	return wrong != NULL ? wrong : pagetable_check(&kernel_tables);
}

static const char *check_bad_frees(void)
{
	uint8_t *volatile p = kmalloc(64); /* volatile: what follows is meant */
	if (p == NULL) return "no memory";
	if (kmalloc_free(&kernel_memory, p + 16) != KMALLOC_WILD) return "inside an object";
	if (kmalloc_free(&kernel_memory, &boot) != KMALLOC_WILD) return "of the kernel's data";
	kfree(p);
	return kmalloc_free(&kernel_memory, p) == KMALLOC_DOUBLE_FREE ? NULL : "twice";
}

/* --- the machine ----------------------------------------------------------------------------- */

/* The same byte of the image in the direct map. */
static uintptr_t alias(uintptr_t va)
{
	return (uintptr_t)mach_phys(image_pa(va));
}

static const char *check_write_or_execute(void)
{
	static uint32_t data[16];
	const uintptr_t text = (uintptr_t)selftest_run, constant = (uintptr_t)text_end;
	const uintptr_t stack = (uintptr_t)__builtin_frame_address(0);
	if (probe_read(text) != 0) return "text cannot be read";
	if (probe_write((uintptr_t)data) != 0) return "data cannot be written";
	if (probe_write(text) == 0) return "text can be written";
	if (probe_write(alias(text)) == 0) return "text can be written by its other address";
	if (probe_write(constant) == 0) return "a constant can be written";
	if (probe_write(alias(constant)) == 0) return "a constant can be written, other address";
	if (probe_call((uintptr_t)data) == 0) return "data can be executed";
	if (probe_call(stack) == 0) return "the stack can be executed";
	if (probe_call(alias(text)) == 0) return "text can be executed by its other address";
	if (probe_read(0) == 0) return "address 0 can be read";
	if (probe_read(boot_image_pa) == 0) return "a physical address is a pointer";
	return NULL;
}

static const char *check_guards(void)
{
	for (unsigned i = 0; i < 2 * CPUS_MAX; i++) {
		if (probe_read(cpu_guard(i / 2, i % 2)) == 0) return "a guard page is mapped";
	}
	return NULL;
}

static const char *check_names(void)
{
	uint64_t offset = 1;
	const char *name = symbol_find((uintptr_t)selftest_run, &offset);
	if (name == NULL) return "no name";
	return offset == 0 && memcmp(name, "selftest_run", 13) == 0 ? NULL : "the wrong name";
}

static void note_refusal(void *noted)
{
	if (check_write_or_execute() == NULL) atomic_fetch_add_u32(noted, 1);
}

static const char *check_write_or_execute_on_all(void)
{
	uint32_t noted = 0;
	if (!smp_run_all(note_refusal, &noted)) return "a call did not return";
	return noted == smp_count() ? mmu_check() : "a CPU has another map";
}

static void note_cpu(void *noted)
{
	atomic_fetch_add_u32(noted, 1u << (4 * mach_cpu()));
}

static const char *check_cpus(void)
{
	uint32_t noted = 0, want = 0;
	for (unsigned cpu = 0; cpu < smp_count(); cpu++) {
		if (!smp_run_on(cpu, note_cpu, &noted)) return "a call did not return";
		want |= 1u << (4 * cpu);
		if (noted != want) return "a call ran elsewhere";
	}
	if (!smp_run_all(note_cpu, &noted)) return "a call to all did not return";
	return noted == 2 * want ? NULL : "a call to all missed one";
}

static void escape(void *unused)
{
	(void)unused;
	smp_escape();
}

static const char *check_escape(void)
{
	for (unsigned cpu = 0; cpu < smp_count(); cpu++) {
		if (smp_run_on(cpu, escape, NULL)) return "an escape returned";
	}
	return mach_irq_masked() ? "interrupts are masked" : NULL;
}

/* Sleeps, longer each time, until the timer's interrupt is what ended it: on a busy host the time
 * may have come before the CPU rests. */
static void nap(void *wrong)
{
	const uint64_t before = tick_count(mach_cpu());
	uint64_t ns = NAP_NS;
	while (tick_count(mach_cpu()) == before) {
		const uint64_t end = mach_now_ns() + ns;
		sched_sleep_until(&kernel_sched, end);
		if (mach_now_ns() < end) *(const char **)wrong = "a sleep ended early";
		if (ns > NAP_MOST_NS) *(const char **)wrong = "sleeps end without interrupts";
		if (*(const char **)wrong != NULL) return;
		ns *= 2;
	}
}

/* Each CPU has a timer that ends a sleep, and not early. */
static const char *check_timers(void)
{
	const char *wrong = NULL;
	for (unsigned cpu = 0; cpu < smp_count() && wrong == NULL; cpu++) {
		if (!smp_run_on(cpu, nap, &wrong)) return "a call did not return";
	}
	return wrong;
}

/* --------------------------------------------------------------------------------------------- */

static const struct ktap_check checks[] = {
	{ "memory-map", check_map },
	{ "reserved-memory", check_reserved },
	{ "pages", check_pages },
	{ "kmalloc", check_kmalloc },
	{ "heap", check_heap },
	{ "bad-frees", check_bad_frees },
	{ "thread-stacks", check_thread_stacks },
	{ "write-or-execute", check_write_or_execute },
	{ "write-or-execute-on-all", check_write_or_execute_on_all },
	{ "stack-guards", check_guards },
	{ "function-names", check_names },
	{ "calls-between-cpus", check_cpus },
	{ "escape", check_escape },
	{ "timers", check_timers },
};

unsigned selftest_run(void)
{
	const unsigned failed = ktap_run(checks, COUNT_OF(checks));
	console_print("anvil: self-test %u passed, %u failed\n",
		      (unsigned)COUNT_OF(checks) - failed, failed);
	return failed;
}
