/*
 * mmu_inside.h -- what mmu.c and mmu_access.c share.
 */
#ifndef MACHINE_HOST_MMU_INSIDE_H
#define MACHINE_HOST_MMU_INSIDE_H

#include "machine/entry.h"
#include "machine/host/mmu.h"
#include "machine/host/tlb_rules.h"

struct mmu {
	struct {
		paddr_t root; /* PADDR_NONE: every user address faults */
		uint32_t asid;
	} installed[CPUS_MAX];
	paddr_t kernel_root;

	/* In a checked build only: */
	struct tlb_rules *rules;
	const uint8_t *rules_memory; /* the arena that they are about */
	bool watching;               /* there are tables, and no rule is broken yet */
	bool broken;                 /* until the reset */
};

extern struct mmu host_mmu;

#endif
