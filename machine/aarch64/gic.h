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

/* Lets this CPU take its private interrupt `id` (16 to 31). */
void gic_enable_private(unsigned id);

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

/* What a version supplies. */
struct gic_version {
	void (*init)(const struct gic_place *place);
	void (*cpu_init)(void);
	void (*enable_private)(unsigned id);
	void (*send)(unsigned cpu, unsigned id);
	uint32_t (*claim)(void);
	void (*done)(uint32_t claimed);
};
extern const struct gic_version gic_version_2, gic_version_3;

#endif
