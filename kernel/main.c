/*
 * main.c -- from the first C code to the program: what the kernel does, in order.
 *
 *   1. Read the device tree: without it there is no console, no memory, no way out.
 *   2. Work out which memory there is, and map it: text, constants, data, devices, nothing else.
 *   3. Leave the boot's tables for these; timer and interrupts; say who we are.
 *   4. Make the page pool and kmalloc of what is left, take the map over; make the scheduler.
 *   5. This CPU runs threads.  The first, which stays on it, starts the other CPUs, tests the
 *      kernel, and calls the program that this image was linked with; its result is the status.
 *
 * What a stranger got wrong (the device tree, the initrd's place) is refused with one line and
 * STATUS_BAD_INPUT, and so are boot arguments that make no sense.  CPU 0 only, interrupts masked,
 * until smp_enter().
 */
#include "kernel/banner.h"
#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/fair.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/selftest.h"
#include "kernel/smp.h"
#include "kernel/tlbtrace.h"
#include "kernel/vm.h"
#include "machine/aarch64/boot.h"
#include "machine/aarch64/clock.h"
#include "machine/aarch64/gic.h"
#include "machine/aarch64/mmu.h"
#include "machine/aarch64/psci.h"
#include "machine/aarch64/semihost.h"
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
	if (!clock_init(platform->timer_interrupt))
		refuse("timer", "the counter has no usable rate");
}

static void start_cpus(void)
{
	unsigned cpu;
	int64_t status;
	const uint64_t wanted = bootarg_number(boot.platform.bootargs, "cpus", CPUS_MAX);
	const char *wrong = smp_start((unsigned)min_u64(wanted, CPUS_MAX), &cpu, &status);
	if (wrong == NULL) return;
	console_print("anvil: CPU %u: %s (%ld)\n", cpu, wrong, status);
	power_off(STATUS_BAD_INPUT);
}

/* The first thread. */
static void run_program(void *unused)
{
	(void)unused;
	start_cpus();
	if (selftest_run() > 0) power_off(STATUS_FINDING);
	fair_begin(boot.platform.bootargs);
	/* Under QEMU's -icount shift=0 an instruction takes a nanosecond. */
	if (bootarg_is_set(boot.platform.bootargs, "icount"))
		console_print("anvil: boot %lu instructions\n", clock_since_reset_ns());
	power_off(program_main());
}

static void start_threads(void)
{
	const struct kthread_how first = {
		.entry = run_program, .affinity = 1, .priority = PRIORITY_NORMAL, .system = true
	};
	const char *wrong = ksched_start(cpu_count(), boot.platform.bootargs);
	if (wrong == NULL && kthread_spawn(&first) == THREAD_NONE)
		wrong = "no memory for the first thread";
	if (wrong != NULL) refuse("threads", wrong);
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
	start_threads();
	smp_enter();
	ksched_run();
}
