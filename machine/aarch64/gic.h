/*
 * gic.h -- the interrupt controller, version 2 or 3, found by the device tree.
 */
#ifndef MACHINE_AARCH64_GIC_H
#define MACHINE_AARCH64_GIC_H

#include "machine/machine.h"

enum { GIC_REGIONS_MAX = 4 };

struct gic_region {
	paddr_t base;
	uint64_t bytes;
};

struct gic_place {
	unsigned version; /* 2 or 3 */
	struct gic_region distributor;
	struct gic_region cpu_interface;                   /* version 2 */
	struct gic_region redistributors[GIC_REGIONS_MAX]; /* version 3 */
	unsigned redistributor_count;
};

/* Interrupts that CPUs send each other. */
enum { GIC_SGI_WAKE = 0, GIC_SGI_STOP = 1, GIC_PRIVATE_END = 32, GIC_NONE = 1020 };

/* Once, on CPU 0, when the registers are mapped; then once on every CPU, 0 included. */
void gic_init(const struct gic_place *place);
void gic_cpu_init(void);

/* No interrupt reaches this CPU any more, so that its WFI rests whatever is pending. */
void gic_cpu_leave(void);

/* Lets this CPU take its private interrupt `id` (16 to 31), which is more urgent than what CPUs
 * send each other. */
void gic_enable_private(unsigned id);

/* Lets this CPU, and no other, take the interrupt `id` of a device (32 to 1019), which is as urgent
 * as what CPUs send each other. */
void gic_enable_shared(unsigned id);

/* From here on (or no longer) this CPU is not told of what other CPUs send it: that waits, and does
 * not end a WFI.  Private interrupts do. */
void gic_private_only(bool only);

/* Sends the software interrupt `id` to a CPU that has been through gic_cpu_init(). */
void gic_send(unsigned cpu, unsigned id);

/* The interrupt to handle now, to be given to gic_done() afterwards; its number is
 * gic_number(), GIC_NONE and above when there is none. */
uint32_t gic_claim(void);
void gic_done(uint32_t claimed);
static inline unsigned gic_number(uint32_t claimed)
{
	return claimed & 0x3ff; /* version 2 has the sender above; no number here is larger */
}

/* Priorities: the lower the more urgent.  Of four interrupts in one register, as at the start, and
 * with `id` among them one that was enabled; and what the mask lets through: what is below it. */
#define GIC_PRIORITY_SENT 0x80808080u
enum { GIC_MASK_ALL = 0xff, GIC_MASK_PRIVATE = 0x80 };

static inline uint32_t gic_priority_private(unsigned id)
{
	return GIC_PRIORITY_SENT ^ 0xc0u << 8 * (id % 4);
}

/* What a version supplies. */
struct gic_version {
	void (*init)(const struct gic_place *place);
	void (*cpu_init)(void);
	void (*cpu_leave)(void);
	void (*enable_private)(unsigned id);
	void (*enable_shared)(unsigned id);
	void (*private_only)(bool only);
	void (*send)(unsigned cpu, unsigned id);
	uint32_t (*claim)(void);
	void (*done)(uint32_t claimed);
};
extern const struct gic_version gic_version_2, gic_version_3;

#endif
