/*
 * gic.c -- which of the two interrupt controllers this machine has.
 *
 * Both are used the same way: every interrupt in one group, of two priorities (a private one that
 * is enabled is the more urgent, so that it alone can be let through), edge or level as the
 * hardware has them at reset; each CPU's private ones (the timer's, and those that CPUs send each
 * other), and devices', each for one CPU.  The choice is made once, by the device tree's version,
 * before any interrupt is taken.
 *
 * Locks: none.  gic_init() runs before other CPUs do; the rest touches registers of one's own CPU,
 * or registers made for concurrent writes.
 */
#include "gic.h"

static const struct gic_version *gic;

void gic_init(const struct gic_place *place)
{
	ASSERT(place->version == 2 || place->version == 3);
	gic = place->version == 2 ? &gic_version_2 : &gic_version_3;
	gic->init(place);
}

void gic_cpu_init(void)
{
	gic->cpu_init();
}

void gic_cpu_leave(void)
{
	gic->cpu_leave();
}

void gic_enable_private(unsigned id)
{
	ASSERT(id < GIC_PRIVATE_END);
	gic->enable_private(id);
}

void gic_enable_shared(unsigned id)
{
	ASSERT(id >= GIC_PRIVATE_END && id < GIC_NONE);
	gic->enable_shared(id);
}

void gic_private_only(bool only)
{
	gic->private_only(only);
}

void gic_send(unsigned cpu, unsigned id)
{
	__asm__ volatile("dsb ish" : : : "memory"); /* what was written is seen by who is woken */
	gic->send(cpu, id);
}

uint32_t gic_claim(void)
{
	return gic->claim();
}

void gic_done(uint32_t claimed)
{
	gic->done(claimed);
}
