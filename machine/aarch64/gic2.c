/*
 * gic2.c -- GIC version 2 (Arm IHI 0048): a distributor and a CPU interface, both memory-mapped.
 *
 * A CPU's place in target masks is not its number: it is read from the private part of the target
 * registers, where every CPU sees its own bit, and kept for gic_send().
 *
 * Always true: target[n] is 0 until CPU n has been through gic2_cpu_init().
 */
#include "gic.h"
#include "mmio.h"

enum {
	GICD_CTLR = 0x000,
	GICD_ISENABLER = 0x100,
	GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800,
	GICD_SGIR = 0xf00,
	GICC_CTLR = 0x000,
	GICC_PMR = 0x004,
	GICC_IAR = 0x00c,
	GICC_EOIR = 0x010,
};

static uintptr_t distributor, interface;
static uint8_t target[CPUS_MAX];

static void gic2_init(const struct gic_place *place)
{
	distributor = (uintptr_t)mach_phys(place->distributor.base);
	interface = (uintptr_t)mach_phys(place->cpu_interface.base);
	mmio_write(distributor + GICD_CTLR, 1);
}

static void gic2_cpu_init(void)
{
	uint32_t mask = 0;
	for (unsigned i = 0; i < GIC_PRIVATE_END; i += 4) {
		mask |= mmio_read(distributor + GICD_ITARGETSR + i);
		mmio_write(distributor + GICD_IPRIORITYR + i, GIC_PRIORITY_SENT);
	}
	mask |= mask >> 16;
	mask |= mask >> 8;
	/* With one CPU the registers read as zero, and nothing needs to be targeted but oneself. */
	target[mach_cpu()] = (mask & 0xff) != 0 ? (uint8_t)mask : 1;
	mmio_write(distributor + GICD_ISENABLER, 0xffff);
	mmio_write(interface + GICC_PMR, GIC_MASK_ALL);
	mmio_write(interface + GICC_CTLR, 1);
}

static void gic2_cpu_leave(void)
{
	mmio_write(interface + GICC_CTLR, 0);
}

static void gic2_enable_private(unsigned id)
{
	mmio_write(distributor + GICD_IPRIORITYR + id / 4 * 4, gic_priority_private(id));
	mmio_write(distributor + GICD_ISENABLER, 1u << id);
}

/* One of four in its register becomes `byte`. */
static void set_byte(uintptr_t registers, unsigned id, uint8_t byte)
{
	const uintptr_t at = registers + id / 4 * 4;
	const unsigned shift = 8 * (id % 4);
	mmio_write(at, (mmio_read(at) & ~(0xffu << shift)) | (uint32_t)byte << shift);
}

static void gic2_enable_shared(unsigned id)
{
	set_byte(distributor + GICD_IPRIORITYR, id, GIC_PRIORITY_SENT & 0xff);
	set_byte(distributor + GICD_ITARGETSR, id, target[mach_cpu()]);
	mmio_write(distributor + GICD_ISENABLER + id / 32 * 4, 1u << id % 32);
}

static void gic2_private_only(bool only)
{
	mmio_write(interface + GICC_PMR, only ? GIC_MASK_PRIVATE : GIC_MASK_ALL);
}

static void gic2_send(unsigned cpu, unsigned id)
{
	mmio_write(distributor + GICD_SGIR, (uint32_t)target[cpu] << 16 | id);
}

static uint32_t gic2_claim(void)
{
	return mmio_read(interface + GICC_IAR);
}

static void gic2_done(uint32_t claimed)
{
	mmio_write(interface + GICC_EOIR, claimed);
}

const struct gic_version gic_version_2 = {
	.init = gic2_init,
	.cpu_init = gic2_cpu_init,
	.cpu_leave = gic2_cpu_leave,
	.enable_private = gic2_enable_private,
	.enable_shared = gic2_enable_shared,
	.private_only = gic2_private_only,
	.send = gic2_send,
	.claim = gic2_claim,
	.done = gic2_done,
};
