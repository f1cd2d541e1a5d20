/*
 * main.c -- from the first C code to the program: what the kernel does, in order.
 *
 *   1. Read the device tree: without it there is no console, no memory, no way out.
 *   2. Work out which memory there is, and map it: text, constants, data, devices, nothing else.
 *   3. Leave the boot's tables for these; timer and interrupts; say who we are.
 *   4. Make the page pool and kmalloc of what is left, take the map over; start the other CPUs.
 *   5. Self-test, then the program that this image was linked with; its result is the status.
 *
 * What a stranger got wrong (the device tree, the initrd's place) is refused with one line and
 * STATUS_BAD_INPUT.  CPU 0 only, interrupts masked, until smp_enter().
 */
#include "kernel/banner.h"
#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/selftest.h"
#include "kernel/smp.h"
#include "kernel/tick.h"
#include "kernel/tlbtrace.h"
#include "kernel/vm.h"
#include "machine/aarch64/boot.h"
#include "machine/aarch64/gic.h"
#include "machine/aarch64/mmu.h"
#include "machine/aarch64/psci.h"
#include "machine/aarch64/semihost.h"
#include "machine/aarch64/timer.h"
#include "machine/aarch64/uart.h"

enum { TREE_WINDOW_BYTES = 4 << 20, BLOCK_BYTES = 2 << 20 };

struct boot boot;

/* How far the kernel's own map is. */
static enum { MAP_NONE, MAP_BEGUN, MAP_LIVE } map_state;

/* When a boot ends before there is a map: one with the image and the UART, if that is known. */
static void open_last_console(void)
{
	const struct range uart = boot.platform.uart;
	const bool inside = uart.base < boot.image.base + boot.image.bytes &&
			    boot.image.base < uart.base + uart.bytes;
	if (map_state == MAP_LIVE || uart.bytes == 0 || inside) return;
	if (map_state == MAP_NONE) {
		mmu_init(boot.image.base);
		mmu_map_image();
	}
	if (!mmu_map_device(uart.base, min_u64(uart.bytes, PAGE_SIZE))) return;
	mmu_install();
	uart_init((uintptr_t)mach_phys(uart.base));
}

/* Ends a boot that cannot go on for a stranger's fault; power_off() sees to it that the line is
 * read even when there is no console. */
static NORETURN void refuse(const char *what, const char *why)
{
	console_report("anvil: %s: %s\n", what, why);
	open_last_console();
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

static void read_tree(paddr_t tree)
{
	const uint64_t offset = tree & (BLOCK_BYTES - 1);
	const void *blob = (const void *)(TREE_WINDOW + offset);
	const enum fdt_error error = fdt_open(&boot.fdt, blob, TREE_WINDOW_BYTES - offset);
	if (error != FDT_OK) refuse("device tree", fdt_error_name(error));
	boot.tree = (struct range){ tree, boot.fdt.bytes };
	const char *wrong = platform_read(&boot.fdt, &boot.platform);
	open_exits(&boot.platform);
	if (wrong == NULL)
		wrong = memmap_build(&boot.memory, &boot.platform, boot.image, boot.tree);
	if (wrong != NULL) refuse("device tree", wrong);
}

static void map_all(void)
{
	const struct memmap *memory = &boot.memory;
	mmu_init(boot.image.base);
	mmu_map_image();
	map_state = MAP_BEGUN;
	for (unsigned i = 0; i < memory->ram_count; i++) {
		if (!mmu_map_ram(memory->ram[i].base, memory->ram[i].bytes))
			refuse("memory", "in too many pieces to map");
	}
	for (unsigned i = 0; i < memory->device_count; i++) {
		const struct range r = memory->devices[i].range;
		if (!mmu_map_device(r.base, r.bytes))
			refuse("devices", "inside each other, or too far apart to map");
	}
	mmu_install();
	map_state = MAP_LIVE;
}

/* This CPU gets number 0; false when the tree does not know it. */
static bool number_cpus(struct platform *platform)
{
	const uint64_t here = cpu_affinity_here();
	unsigned at = 0;
	while (at < platform->cpu_count && platform->cpus[at] != here) at++;
	if (at == platform->cpu_count) return false;
	for (; at > 0; at--) platform->cpus[at] = platform->cpus[at - 1];
	platform->cpus[0] = here;
	if (!platform->cpus_by_psci) {
		platform->cpus_unused += platform->cpu_count - 1;
		platform->cpu_count = 1;
	}
	cpu_table_init(platform->cpu_count, platform->cpus);
	return true;
}

static struct gic_place gic_place(const struct platform *platform)
{
	struct gic_place place = {
		.version = platform->gic_version,
		.distributor.base = platform->gic_distributor.base,
		.cpu_interface.base = platform->gic_cpu_interface.base,
		.redistributor_count = platform->gic_redistributor_count,
	};
	for (unsigned i = 0; i < place.redistributor_count; i++) {
		const struct range r = platform->gic_redistributors[i];
		place.redistributors[i] = (struct gic_region){ r.base, r.bytes };
	}
	return place;
}

/* The tree is read at its place in the direct map from now on. */
static void move_tree(void)
{
	const uint8_t *now = mach_phys(boot.tree.base);
	const uintptr_t offset = (uintptr_t)boot.platform.bootargs - (uintptr_t)boot.fdt.blob;
	if (offset < boot.fdt.bytes) boot.platform.bootargs = (const char *)now + offset;
	boot.fdt.blob = now;
}

static void start_devices(void)
{
	struct platform *platform = &boot.platform;
	if (platform->uart.bytes > 0)
		uart_init((uintptr_t)mach_phys(platform->uart.base));
	else if (semihost_enabled())
		uart_is_host();
	if (!number_cpus(platform)) refuse("device tree", "it does not know the CPU that booted");
	const struct gic_place place = gic_place(platform);
	gic_init(&place);
	if (!timer_find(platform->timer_interrupt))
		refuse("timer", "the counter has no usable rate");
	tick_handle();
}

static void start_cpus(void)
{
	smp_enter();
	unsigned cpu = 0;
	int64_t status = 0;
	const char *wrong = smp_start(&cpu, &status);
	if (wrong == NULL) return;
	console_print("anvil: CPU %u: %s (%ld)\n", cpu, wrong, status);
	power_off(STATUS_BAD_INPUT);
}

NORETURN void kernel_start(struct machine_cpu *cpu, paddr_t tree, paddr_t image)
{
	(void)cpu;
	boot.image = (struct range){ image, (uint64_t)(image_end - image_start) };
	read_tree(tree);
	map_all();
	move_tree();
	start_devices();
	banner_print();
	const char *wrong = kmem_start(&boot.memory, cpu_count(),
				       bootarg_is_set(boot.platform.bootargs, "hard"));
	if (wrong != NULL) refuse("memory", wrong);
	wrong = kvm_start();
	if (wrong != NULL) refuse("memory", wrong);
	banner_print_memory();
	wrong = CHECK_LEVEL >= 2 ? tlbtrace_begin() : NULL;
	if (wrong != NULL) refuse("tlbtrace", wrong);
	start_cpus();
	if (selftest_run() > 0) power_off(STATUS_FINDING);
	/* Under QEMU's -icount shift=0 an instruction takes a nanosecond. */
	if (bootarg_is_set(boot.platform.bootargs, "icount"))
		console_print("anvil: boot %lu instructions\n", timer_since_reset_ns());
	power_off(program_main());
}
