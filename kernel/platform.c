/*
 * platform.c -- the board's description: memory, CPUs, PSCI, interrupt controller, timer, UART.
 *
 * Devices are children of the root, as on QEMU's virt board, so their addresses need no
 * translation.  They are known by their "compatible" strings (Linux's binding documents have
 * them), never by their names or addresses; memory and CPUs by "device_type".
 *
 * Always true of a platform that was read without a complaint: no range wraps or lies beyond
 * PLATFORM_ADDRESS_BITS; every count is within its array; there is RAM, a CPU, a GIC and a timer.
 *
 * Cost: a few passes over the children of the root.
 */
#include "kernel/platform.h"

enum {
	PLATFORM_ADDRESS_BITS = 47,
	PSCI_CPU_ON_64 = (int)0xc4000003,
	TIMER_VIRTUAL = 2, /* in a timer's list: secure, non-secure, virtual, hypervisor */
	INTERRUPT_CELLS = 3,
	INTERRUPT_SHARED = 0,
	INTERRUPT_SHARED_FIRST = 32,
	INTERRUPTS_SHARED = 988,
	INTERRUPT_PRIVATE = 1,
	INTERRUPT_PRIVATE_FIRST = 16,
	INTERRUPTS_PRIVATE = 16,
};

/* How a node's children write their addresses. */
struct cells {
	unsigned address, size;
};

static bool cells_read(const struct fdt *tree, fdt_node parent, struct cells *out)
{
	out->address = fdt_cell_or(fdt_property(tree, parent, "#address-cells"), 2);
	out->size = fdt_cell_or(fdt_property(tree, parent, "#size-cells"), 1);
	return out->address <= 2 && out->size <= 2;
}

/* Does all of it have addresses that this machine can have? */
static bool range_is_possible(struct range r)
{
	uint64_t end;
	return add_fits(r.base, r.bytes, &end) && end <= 1ull << PLATFORM_ADDRESS_BITS;
}

/* Entry `n` of a "reg"; false past the end. */
static bool reg_entry(struct fdt_value reg, struct cells cells, uint32_t n, struct range *out)
{
	const uint32_t each = cells.address + cells.size;
	*out = (struct range){ 0 };
	/* A value is at most FDT_BYTES_MAX long, so an `n` that passed before cannot wrap here. */
	return each != 0 && fdt_cells(reg, n * each, cells.address, &out->base) &&
	       fdt_cells(reg, n * each + cells.address, cells.size, &out->bytes);
}

/* Entry `n` of the node's "reg"; who wants all of them looks that up once, and takes entries. */
static bool reg_read(const struct fdt *tree, fdt_node node, struct cells cells, uint32_t n,
		     struct range *out)
{
	return reg_entry(fdt_property(tree, node, "reg"), cells, n, out);
}

static bool is_enabled(const struct fdt *tree, fdt_node node)
{
	const struct fdt_value status = fdt_property(tree, node, "status");
	return status.at == NULL || fdt_has_string(status, "okay") || fdt_has_string(status, "ok");
}

/* The devices of a board that we can use; the first enabled one of each kind. */
enum device { DEVICE_PSCI, DEVICE_PSCI_OLD, DEVICE_UART, DEVICE_GIC3, DEVICE_GIC2, DEVICE_TIMER };
enum { DEVICES = DEVICE_TIMER + 1 };

static const struct {
	const char *compatible;
	enum device device;
} known[] = {
	{ "arm,psci-1.0", DEVICE_PSCI },     { "arm,psci-0.2", DEVICE_PSCI },
	{ "arm,psci", DEVICE_PSCI_OLD },     { "arm,pl011", DEVICE_UART },
	{ "arm,gic-v3", DEVICE_GIC3 },       { "arm,cortex-a15-gic", DEVICE_GIC2 },
	{ "arm,gic-400", DEVICE_GIC2 },      { "arm,armv8-timer", DEVICE_TIMER },
	{ "arm,armv7-timer", DEVICE_TIMER },
};

/* One pass over the children of the root; FDT_NONE where there is none. */
static void find_devices(const struct fdt *tree, fdt_node found[DEVICES])
{
	for (unsigned i = 0; i < DEVICES; i++) found[i] = FDT_NONE;
	for (fdt_node node = fdt_child(tree, fdt_root(tree)); node != FDT_NONE;
	     node = fdt_sibling(tree, node)) {
		const struct fdt_value compatible = fdt_property(tree, node, "compatible");
		for (unsigned i = 0; i < COUNT_OF(known); i++) {
			if (found[known[i].device] == FDT_NONE &&
			    fdt_has_string(compatible, known[i].compatible) &&
			    is_enabled(tree, node))
				found[known[i].device] = node;
		}
	}
}

/* --- what a complaint needs ------------------------------------------------------------------ */

static void read_bootargs(const struct fdt *tree, struct platform *out)
{
	const fdt_node chosen = fdt_child_named(tree, fdt_root(tree), "chosen");
	if (chosen == FDT_NONE) return;
	const struct fdt_value args = fdt_property(tree, chosen, "bootargs");
	if (fdt_is_text(args)) out->bootargs = (const char *)args.at;
}

static const char *read_uart(const struct fdt *tree, fdt_node node, struct cells cells,
			     struct platform *out)
{
	if (node == FDT_NONE) return NULL;
	if (!reg_read(tree, node, cells, 0, &out->uart) || out->uart.bytes == 0 ||
	    !range_is_possible(out->uart)) {
		out->uart = (struct range){ 0 };
		return "the UART's registers cannot be where the tree says";
	}
	const struct fdt_value list = fdt_property(tree, node, "interrupts");
	uint64_t kind = 0, number = 0;
	if (fdt_cells(list, 0, 1, &kind) && fdt_cells(list, 1, 1, &number) &&
	    kind == INTERRUPT_SHARED && number < INTERRUPTS_SHARED)
		out->uart_interrupt = INTERRUPT_SHARED_FIRST + (unsigned)number;
	return NULL;
}

static const char *read_psci(const struct fdt *tree, const fdt_node found[DEVICES],
			     struct platform *out)
{
	fdt_node node = found[DEVICE_PSCI];
	out->psci_cpu_on = (uint32_t)PSCI_CPU_ON_64;
	if (node == FDT_NONE) {
		node = found[DEVICE_PSCI_OLD];
		if (node == FDT_NONE) return NULL;
		out->psci_cpu_on = fdt_cell_or(fdt_property(tree, node, "cpu_on"), 0);
	}
	const struct fdt_value method = fdt_property(tree, node, "method");
	if (fdt_has_string(method, "hvc"))
		out->conduit = CONDUIT_HVC;
	else if (fdt_has_string(method, "smc"))
		out->conduit = CONDUIT_SMC;
	else
		return "PSCI has no method";
	return NULL;
}

/* --- memory ---------------------------------------------------------------------------------- */

static const char *read_ram(const struct fdt *tree, fdt_node node, struct cells cells,
			    struct platform *out)
{
	const struct fdt_value reg = fdt_property(tree, node, "reg");
	struct range r;
	for (uint32_t n = 0; reg_entry(reg, cells, n, &r); n++) {
		if (r.bytes == 0) continue;
		if (!range_is_possible(r)) return "memory beyond the address space";
		if (out->ram_count == PLATFORM_RAM_MAX) return "memory in too many pieces";
		out->ram[out->ram_count++] = r;
	}
	return NULL;
}

static const char *reserve(struct platform *out, struct range r)
{
	if (r.bytes == 0) return NULL;
	if (!range_is_possible(r)) return "a reservation beyond the address space";
	if (out->reserved_count == PLATFORM_RESERVED_MAX) return "too many reservations";
	out->reserved[out->reserved_count++] = r;
	return NULL;
}

static const char *read_reserved_node(const struct fdt *tree, fdt_node parent, struct platform *out)
{
	struct cells cells;
	if (!cells_read(tree, parent, &cells)) return "reserved memory with strange cells";
	const char *wrong = NULL;
	for (fdt_node node = fdt_child(tree, parent); node != FDT_NONE && wrong == NULL;
	     node = fdt_sibling(tree, node)) {
		const struct fdt_value reg = fdt_property(tree, node, "reg");
		struct range r;
		for (uint32_t n = 0; wrong == NULL && reg_entry(reg, cells, n, &r); n++)
			wrong = reserve(out, r);
	}
	return wrong;
}

static const char *read_reservations(const struct fdt *tree, struct platform *out)
{
	struct range r;
	const char *wrong = NULL;
	for (uint32_t n = 0; wrong == NULL && fdt_reservation(tree, n, &r.base, &r.bytes); n++)
		wrong = reserve(out, r);
	const fdt_node node = fdt_child_named(tree, fdt_root(tree), "reserved-memory");
	if (wrong == NULL && node != FDT_NONE) wrong = read_reserved_node(tree, node, out);
	return wrong;
}

/* An address in /chosen: one cell or two, by the value's length. */
static bool read_address(struct fdt_value value, paddr_t *out)
{
	return (value.bytes == 4 || value.bytes == 8) && fdt_cells(value, 0, value.bytes / 4, out);
}

static const char *read_initrd(const struct fdt *tree, struct platform *out)
{
	const fdt_node chosen = fdt_child_named(tree, fdt_root(tree), "chosen");
	if (chosen == FDT_NONE) return NULL;
	const struct fdt_value start = fdt_property(tree, chosen, "linux,initrd-start");
	const struct fdt_value end = fdt_property(tree, chosen, "linux,initrd-end");
	if (start.at == NULL && end.at == NULL) return NULL;
	paddr_t first = 0, last = 0;
	if (!read_address(start, &first) || !read_address(end, &last) || last < first)
		return "the initrd ends before it starts";
	const struct range r = { first, last - first };
	if (!range_is_possible(r)) return "the initrd lies beyond the address space";
	out->initrd = r;
	return NULL;
}

/* --- CPUs and interrupts --------------------------------------------------------------------- */

static bool is_cpu(const struct fdt *tree, fdt_node node)
{
	return fdt_has_string(fdt_property(tree, node, "device_type"), "cpu") &&
	       is_enabled(tree, node);
}

static const char *read_cpu(const struct fdt *tree, fdt_node node, unsigned cells,
			    struct platform *out)
{
	uint64_t affinity = 0;
	if (!fdt_cells(fdt_property(tree, node, "reg"), 0, cells, &affinity))
		return "a CPU without a number";
	for (unsigned i = 0; i < out->cpu_count; i++) {
		if (out->cpus[i] == affinity) return "two CPUs with one number";
	}
	if (out->cpu_count == CPUS_MAX) {
		out->cpus_unused++;
		return NULL;
	}
	if (!fdt_has_string(fdt_property(tree, node, "enable-method"), "psci"))
		out->cpus_by_psci = false;
	out->cpus[out->cpu_count++] = affinity;
	return NULL;
}

static const char *read_cpus(const struct fdt *tree, struct platform *out)
{
	const fdt_node parent = fdt_child_named(tree, fdt_root(tree), "cpus");
	struct cells cells;
	if (parent == FDT_NONE) return "no CPUs";
	if (!cells_read(tree, parent, &cells) || cells.address == 0)
		return "CPUs with strange cells";
	out->cpus_by_psci = out->conduit != CONDUIT_NONE;
	const char *wrong = NULL;
	for (fdt_node node = fdt_child(tree, parent); node != FDT_NONE && wrong == NULL;
	     node = fdt_sibling(tree, node)) {
		if (is_cpu(tree, node)) wrong = read_cpu(tree, node, cells.address, out);
	}
	if (wrong == NULL && out->cpu_count == 0) wrong = "no CPUs";
	return wrong;
}

/* Entry `n` of the interrupt controller's registers. */
static bool gic_range(const struct fdt *tree, fdt_node node, struct cells cells, uint32_t n,
		      struct range *out)
{
	return reg_read(tree, node, cells, n, out) && out->bytes != 0 && range_is_possible(*out);
}

static const char *read_gic3(const struct fdt *tree, fdt_node node, struct cells cells,
			     struct platform *out)
{
	const uint32_t regions = fdt_cell_or(fdt_property(tree, node, "#redistributor-regions"), 1);
	if (regions == 0 || regions > PLATFORM_REDISTRIBUTORS_MAX)
		return "the GIC has a strange number of redistributor regions";
	out->gic_version = 3;
	for (uint32_t i = 0; i < regions; i++) {
		if (!gic_range(tree, node, cells, 1 + i, &out->gic_redistributors[i]))
			return "the GIC's redistributors cannot be where the tree says";
	}
	out->gic_redistributor_count = regions;
	return NULL;
}

static const char *read_gic(const struct fdt *tree, const fdt_node found[DEVICES],
			    struct cells cells, struct platform *out)
{
	const bool is_three = found[DEVICE_GIC3] != FDT_NONE;
	const fdt_node node = is_three ? found[DEVICE_GIC3] : found[DEVICE_GIC2];
	if (node == FDT_NONE) return "no interrupt controller that we know";
	if (fdt_cell_or(fdt_property(tree, node, "#interrupt-cells"), 0) != INTERRUPT_CELLS)
		return "the GIC has strange interrupt cells";
	if (!gic_range(tree, node, cells, 0, &out->gic_distributor))
		return "the GIC's distributor cannot be where the tree says";
	if (is_three) return read_gic3(tree, node, cells, out);
	out->gic_version = 2;
	if (!gic_range(tree, node, cells, 1, &out->gic_cpu_interface))
		return "the GIC's CPU interface cannot be where the tree says";
	return NULL;
}

static const char *read_timer(const struct fdt *tree, fdt_node node, struct platform *out)
{
	if (node == FDT_NONE) return "no timer that we know";
	const struct fdt_value list = fdt_property(tree, node, "interrupts");
	uint64_t kind = 0, number = 0;
	if (!fdt_cells(list, TIMER_VIRTUAL * INTERRUPT_CELLS, 1, &kind) ||
	    !fdt_cells(list, TIMER_VIRTUAL * INTERRUPT_CELLS + 1, 1, &number))
		return "the timer has no virtual interrupt";
	if (kind != INTERRUPT_PRIVATE || number >= INTERRUPTS_PRIVATE)
		return "the timer's interrupt is not a CPU's own";
	out->timer_interrupt = INTERRUPT_PRIVATE_FIRST + (unsigned)number;
	return NULL;
}

static const char *read_memory(const struct fdt *tree, struct cells cells, struct platform *out)
{
	const char *wrong = NULL;
	for (fdt_node node = fdt_child(tree, fdt_root(tree)); node != FDT_NONE && wrong == NULL;
	     node = fdt_sibling(tree, node)) {
		if (fdt_has_string(fdt_property(tree, node, "device_type"), "memory") &&
		    is_enabled(tree, node))
			wrong = read_ram(tree, node, cells, out);
	}
	if (wrong == NULL && out->ram_count == 0) wrong = "no memory";
	return wrong;
}

const char *platform_read(const struct fdt *tree, struct platform *out)
{
	*out = (struct platform){ .bootargs = "" };
	struct cells cells;
	fdt_node found[DEVICES];
	find_devices(tree, found);
	read_bootargs(tree, out);
	const char *wrong = read_psci(tree, found, out);
	if (!cells_read(tree, fdt_root(tree), &cells)) return "addresses of strange width";
	const char *silent = read_uart(tree, found[DEVICE_UART], cells, out);
	if (wrong == NULL) wrong = silent;
	if (wrong == NULL) wrong = read_memory(tree, cells, out);
	if (wrong == NULL) wrong = read_reservations(tree, out);
	if (wrong == NULL) wrong = read_initrd(tree, out);
	if (wrong == NULL) wrong = read_cpus(tree, out);
	if (wrong == NULL) wrong = read_gic(tree, found, cells, out);
	if (wrong == NULL) wrong = read_timer(tree, found[DEVICE_TIMER], out);
	return wrong;
}
