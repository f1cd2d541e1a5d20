/*
 * main.c -- from the first C code to the program: what the kernel does, in order.
 *
 *   1. Read the device tree: without it there is no console, no memory, no way out.
 *   2. Work out which memory there is, and map it: text, constants, data, devices, nothing else.
 *   3. Leave the boot's tables for these; say who we are.
 *
 * What a stranger got wrong (the device tree, the initrd's place) is refused with one line and
 * STATUS_BAD_INPUT.  CPU 0 only, interrupts masked, until smp_start().
 */
#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "machine/aarch64/boot.h"
#include "machine/aarch64/exception.h"
#include "machine/aarch64/gic.h"
#include "machine/aarch64/mmu.h"
#include "machine/aarch64/psci.h"
#include "machine/aarch64/semihost.h"
#include "machine/aarch64/timer.h"
#include "machine/aarch64/uart.h"

enum { TREE_WINDOW_BYTES = 4 << 20, BLOCK_BYTES = 2 << 20 };

struct boot boot;

/* Ends a boot that cannot go on for a stranger's fault; also before the console is there. */
static NORETURN void refuse(const char *what, const char *why)
{
	console_report("anvil: %s: %s\n", what, why);
	size_t bytes;
	const char *backlog = uart_backlog(&bytes);
	if (bytes > 0 && (semihost_enabled() || semihost_detect()))
		semihost_print(backlog, bytes);
	power_off(STATUS_BAD_INPUT);
}

/* The way out and the UART, as far as the tree tells of them. */
static void open_exits(const struct platform *platform)
{
	static const enum psci_conduit conduits[] = {
		[CONDUIT_NONE] = PSCI_NONE,
		[CONDUIT_HVC] = PSCI_HVC,
		[CONDUIT_SMC] = PSCI_SMC,
	};
	psci_init(conduits[platform->conduit], platform->psci_cpu_on);
	if (bootarg_is_set(platform->bootargs, "semihosting")) semihost_enable();
}

static struct range image_range(paddr_t image)
{
	return (struct range){ image, (uint64_t)(image_end - image_start) };
}

static void read_tree(paddr_t tree, paddr_t image)
{
	const uint64_t offset = tree & (BLOCK_BYTES - 1);
	const void *blob = (const void *)(TREE_WINDOW + offset);
	const enum fdt_error error = fdt_open(&boot.fdt, blob, TREE_WINDOW_BYTES - offset);
	if (error != FDT_OK) refuse("device tree", fdt_error_name(error));
	boot.tree = (struct range){ tree, boot.fdt.bytes };
	const char *wrong = platform_read(&boot.fdt, &boot.platform);
	open_exits(&boot.platform);
	if (wrong == NULL)
		wrong = memmap_build(&boot.memory, &boot.platform, image_range(image), boot.tree);
	if (wrong != NULL) refuse("device tree", wrong);
}

static void map_all(paddr_t image)
{
	const struct memmap *memory = &boot.memory;
	mmu_init(image);
	mmu_map_image();
	for (unsigned i = 0; i < memory->ram_count; i++) {
		if (!mmu_map_ram(memory->ram[i].base, memory->ram[i].bytes))
			refuse("memory", "in too many pieces to map");
	}
	for (unsigned i = 0; i < memory->device_count; i++) {
		const struct range r = memory->devices[i].range;
		if (!mmu_map_device(r.base, r.bytes)) refuse("devices", "too far apart to map");
	}
	mmu_install();
}

NORETURN void kernel_start(struct machine_cpu *cpu, paddr_t tree, paddr_t image)
{
	(void)cpu;
	read_tree(tree, image);
	map_all(image);
	boot.fdt.blob = mach_phys(tree);
	if (boot.platform.uart.bytes > 0)
		uart_init((uintptr_t)mach_phys(boot.platform.uart.base));
	console_print("anvil: here, %u MiB\n", (unsigned)(boot.memory.ram_bytes >> 20));
	power_off(program_main());
}
