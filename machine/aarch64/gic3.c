/*
 * gic3.c -- GIC version 3 (Arm IHI 0069): distributor and redistributors in memory, the CPU's
 * side in system registers.
 *
 * Interrupts are in group 1 of the only security state there is.  A CPU's redistributor is the
 * one whose type register has its affinity; they lie in regions, 128 KiB each, the last of a
 * region marked.  Waiting for the hardware is bounded: hardware that never answers is a panic,
 * not a hang.
 *
 * Always true: machine_cpu.redistributor is 0 until its CPU has been through gic3_cpu_init().
 */
#include "cpu.h"
#include "gic.h"
#include "mmio.h"

enum {
	GICD_CTLR = 0x0000,
	GICD_CTLR_GROUP1 = 1 << 1,
	GICD_CTLR_AFFINITY = 1 << 4,
	GICD_IGROUPR = 0x0080,
	GICD_ISENABLER = 0x0100,
	GICD_IPRIORITYR = 0x0400,
	GICD_IROUTER = 0x6000,
	GICR_CTLR = 0x0000,
	GICR_TYPER = 0x0008,
	GICR_TYPER_LAST = 1 << 4,
	GICR_TYPER_VIRTUAL = 1 << 1, /* version 4: two more pages of 64 KiB */
	GICR_WAKER = 0x0014,
	GICR_WAKER_SLEEP = 1 << 1,
	GICR_WAKER_CHILDREN_ASLEEP = 1 << 2,
	GICR_PRIVATE = 0x10000,
	GICR_IGROUPR0 = GICR_PRIVATE + 0x080,
	GICR_ISENABLER0 = GICR_PRIVATE + 0x100,
	GICR_IPRIORITYR = GICR_PRIVATE + 0x400,
	GICR_FRAME_BYTES = 128 << 10,
	PATIENCE = 1000000,
};
#define CTLR_WRITE_PENDING (1u << 31)

static struct gic_place gic_at;

static void wait_while(uintptr_t at, uint32_t bits, const char *what)
{
	for (unsigned tries = 0; mmio_read(at) & bits; tries++) {
		if (tries > PATIENCE) kpanic("machine", "gic: %s does not finish", what);
		mach_relax();
	}
}

static void gic3_init(const struct gic_place *place)
{
	gic_at = *place;
	const uintptr_t distributor = (uintptr_t)mach_phys(place->distributor.base);
	mmio_write(distributor + GICD_CTLR, 0);
	wait_while(distributor + GICD_CTLR, CTLR_WRITE_PENDING, "disabling");
	mmio_write(distributor + GICD_CTLR, GICD_CTLR_AFFINITY | GICD_CTLR_GROUP1);
	wait_while(distributor + GICD_CTLR, CTLR_WRITE_PENDING, "enabling");
}

/* Affinity as the type register has it: Aff3.Aff2.Aff1.Aff0 in 32 bits. */
static uint32_t affinity_packed(uint64_t affinity)
{
	return (uint32_t)(affinity >> 8 & 0xff000000) | (uint32_t)(affinity & 0xffffff);
}

static uintptr_t redistributor_in(const struct gic_region *region, uint32_t affinity)
{
	const uintptr_t base = (uintptr_t)mach_phys(region->base);
	uint64_t offset = 0;
	while (offset + GICR_FRAME_BYTES <= region->bytes) {
		const uint64_t type = mmio_read_64(base + offset + GICR_TYPER);
		if (type >> 32 == affinity) return base + offset;
		if (type & GICR_TYPER_LAST) break;
		offset += (type & GICR_TYPER_VIRTUAL) ? 2 * GICR_FRAME_BYTES : GICR_FRAME_BYTES;
	}
	return 0;
}

static uintptr_t redistributor_find(uint64_t affinity)
{
	for (unsigned i = 0; i < gic_at.redistributor_count; i++) {
		const uintptr_t found =
			redistributor_in(&gic_at.redistributors[i], affinity_packed(affinity));
		if (found != 0) return found;
	}
	kpanic("machine", "gic: no redistributor for CPU %u", mach_cpu());
}

static void gic3_private_only(bool only)
{
	const uint64_t mask = only ? GIC_MASK_PRIVATE : GIC_MASK_ALL;
	__asm__ volatile("msr s3_0_c4_c6_0, %0\n\tisb" : : "r"(mask)); /* ICC_PMR_EL1 */
}

static void gic3_cpu_init(void)
{
	struct machine_cpu *cpu = cpu_here();
	const uintptr_t at = redistributor_find(cpu->affinity);
	mmio_write(at + GICR_WAKER, mmio_read(at + GICR_WAKER) & ~(uint32_t)GICR_WAKER_SLEEP);
	wait_while(at + GICR_WAKER, GICR_WAKER_CHILDREN_ASLEEP, "a redistributor's waking");
	mmio_write(at + GICR_IGROUPR0, UINT32_MAX);
	for (unsigned i = 0; i < GIC_PRIVATE_END; i += 4)
		mmio_write(at + GICR_IPRIORITYR + i, GIC_PRIORITY_SENT);
	mmio_write(at + GICR_ISENABLER0, 0xffff);
	wait_while(at + GICR_CTLR, 1u << 3, "a redistributor");

	uint64_t sre;
	__asm__ volatile("mrs %0, s3_0_c12_c12_5" : "=r"(sre)); /* ICC_SRE_EL1 */
	__asm__ volatile("msr s3_0_c12_c12_5, %0\n\tisb" : : "r"(sre | 1));
	gic3_private_only(false);
	__asm__ volatile("msr s3_0_c12_c12_4, xzr");                     /* ICC_CTLR_EL1 */
	__asm__ volatile("msr s3_0_c12_c12_7, %0\n\tisb" : : "r"(1ull)); /* ICC_IGRPEN1_EL1 */
	cpu->redistributor = at;
}

static void gic3_cpu_leave(void)
{
	__asm__ volatile("msr s3_0_c12_c12_7, xzr\n\tisb"); /* ICC_IGRPEN1_EL1 */
}

static void gic3_enable_private(unsigned id)
{
	const uintptr_t at = cpu_here()->redistributor;
	mmio_write(at + GICR_IPRIORITYR + id / 4 * 4, gic_priority_private(id));
	mmio_write(at + GICR_ISENABLER0, 1u << id);
}

static void gic3_enable_shared(unsigned id)
{
	const uintptr_t distributor = (uintptr_t)mach_phys(gic_at.distributor.base);
	const uintptr_t group = distributor + GICD_IGROUPR + id / 32 * 4;
	const uintptr_t priority = distributor + GICD_IPRIORITYR + id / 4 * 4;
	const unsigned shift = 8 * (id % 4);
	mmio_write(group, mmio_read(group) | 1u << id % 32);
	mmio_write(priority, (mmio_read(priority) & ~(0xffu << shift)) |
				     (GIC_PRIORITY_SENT & 0xffu << shift));
	mmio_write_64(distributor + GICD_IROUTER + 8ull * id, cpu_here()->affinity);
	mmio_write(distributor + GICD_ISENABLER + id / 32 * 4, 1u << id % 32);
}

static void gic3_send(unsigned number, unsigned id)
{
	const uint64_t to = machine_cpus[number].affinity;
	const uint64_t low = to & 0xff;
	const uint64_t value = (to >> 32 & 0xff) << 48 | (low >> 4) << 44 |
			       (to >> 16 & 0xff) << 32 | (uint64_t)id << 24 |
			       (to >> 8 & 0xff) << 16 | 1ull << (low & 0xf);
	__asm__ volatile("msr s3_0_c12_c11_5, %0\n\tisb" : : "r"(value)); /* ICC_SGI1R_EL1 */
}

static uint32_t gic3_claim(void)
{
	uint64_t claimed;
	__asm__ volatile("mrs %0, s3_0_c12_c12_0\n\tdsb sy" : "=r"(claimed)); /* ICC_IAR1_EL1 */
	return (uint32_t)claimed;
}

static void gic3_done(uint32_t claimed)
{
	__asm__ volatile("msr s3_0_c12_c12_1, %0\n\tisb" : : "r"((uint64_t)claimed)); /* EOIR1 */
}

const struct gic_version gic_version_3 = {
	.init = gic3_init,
	.cpu_init = gic3_cpu_init,
	.cpu_leave = gic3_cpu_leave,
	.enable_private = gic3_enable_private,
	.enable_shared = gic3_enable_shared,
	.private_only = gic3_private_only,
	.send = gic3_send,
	.claim = gic3_claim,
	.done = gic3_done,
};
