/*
 * banner.c -- the lines with which a boot introduces itself.
 *
 * Every line starts with "anvil: ", so a log can be searched; sizes have their units.  The
 * constants are those of machine/limits.h, printed so that a log says which ones it ran with.
 */
#include "kernel/banner.h"

#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/vm.h"
#include "machine/aarch64/cpu.h"

enum { KIB = 10, MIB = 20 };

static void print_constants(void)
{
	console_print("anvil: pages %u B, blocks to 2^%u, reserve %u; slabs %u to %u B; heap node "
		      "%u B, window %u MiB\n",
		      PAGE_SIZE, PAGE_ORDER_MAX, KERNEL_PAGE_RESERVE, SLAB_SIZE_MIN, SLAB_SIZE_MAX,
		      HEAP_NODE_BYTES, HEAP_WINDOW_BYTES >> MIB);
	console_print(
		"anvil: early heap %u KiB, tick %u ms; kernel stacks %u of %u KiB, a guard page "
		"and %u words %lx below each, emergency stacks %u KiB\n",
		EARLY_HEAP_BYTES >> KIB, TICK_MS, KSTACK_SLOTS_MAX, KERNEL_STACK_BYTES >> KIB,
		KSTACK_CANARY_WORDS, (unsigned long)STACK_CANARY, EMERGENCY_STACK_BYTES >> KIB);
	console_print(
		"anvil: by default %u threads, %u of them reserved, cooling %u ms, collected "
		"after %u ms; system stacks %u KiB, user stacks %u KiB; watchdog %u and %u ms\n",
		THREADS_MAX, THREADS_RESERVED, SLOT_COOLDOWN_MS, REAP_COLLECT_MS,
		SYSTEM_STACK_BYTES >> KIB, USER_STACK_BYTES >> KIB, WATCH_WARN_MS,
		WATCH_CRITICAL_MS);
}

static void print_range(const char *what, struct range r)
{
	console_print("anvil:   %012lx-%012lx %7lu KiB %s\n", r.base, r.base + r.bytes - 1,
		      r.bytes >> KIB, what);
}

void banner_print(void)
{
	const struct platform *platform = &boot.platform;
	console_print("anvil %s: %u CPUs, GICv%u, %lu MiB, checks %u\n", ANVIL_VERSION, cpu_count(),
		      platform->gic_version, boot.memory.ram_bytes >> MIB, (unsigned)CHECK_LEVEL);
	if (platform->cpus_unused > 0)
		console_print("anvil: %u more CPUs are left alone\n", platform->cpus_unused);
	print_constants();
	if (*platform->bootargs != 0) console_print("anvil: arguments %s\n", platform->bootargs);
}

void banner_print_memory(void)
{
	const struct memmap *map = &boot.memory;
	struct page_counts counts;
	for (unsigned i = 0; i < map->ram_count; i++) print_range("memory", map->ram[i]);
	for (unsigned i = 0; i < map->held_count; i++)
		print_range(map->held[i].name, map->held[i].range);
	page_count(&kernel_pages, &counts);
	console_print("anvil: %u pages free of %u: DMA %u, kernel %u, user %u\n", counts.free,
		      counts.total, counts.zone_free[ZONE_DMA], counts.zone_free[ZONE_KERNEL],
		      counts.zone_free[ZONE_USER]);
	console_print("anvil: user addresses %lx to %lx, ASIDs of %u bits, %u regions a space\n",
		      kernel_vm.lowest, kernel_vm.top - 1, mach_asid_bits(), kernel_vm.regions_max);
}
