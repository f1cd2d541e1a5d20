/*
 * tlb.h -- what each CPU of the host remembers of entries.  See tlb.c.  For machine/host alone.
 */
#ifndef MACHINE_HOST_TLB_H
#define MACHINE_HOST_TLB_H

#include "machine/entry.h"

enum { TLB_SETS = 64, TLB_WAYS = 4 };

/* A page's translation, and where it was read. */
struct tlb_entry {
	uint64_t page;        /* the address, without the bits inside of a page */
	uint64_t stamp;       /* when it was read; 0: dropped */
	const uint64_t *from; /* the entry of the last level that it was read from ... */
	uint64_t value;       /* ... and what it read */
	uint8_t *memory;      /* where the page lies */
	paddr_t root;         /* of the walk */
	uint64_t places; /* what tlb_rules_places() said when `from` was last known to be hung */
	uint16_t asid;
	uint8_t level;
	bool global;
};

struct tlb_cpu {
	struct tlb_entry set[TLB_SETS][TLB_WAYS];
	uint64_t floor; /* what was read before this is forgotten */
	uint32_t turn;
};

struct tlb {
	struct tlb_cpu cpu[CPUS_MAX];
	uint64_t now;
	uint64_t asid_floor[1 << 16];
};

extern struct tlb host_tlb;

/* A number that grows with every entry read and every invalidation completed. */
static inline bool tlb_is_live(const struct tlb_entry *e, const struct tlb_cpu *c)
{
	return e->stamp > c->floor && (e->global || e->stamp > host_tlb.asid_floor[e->asid]);
}

/* What CPU `cpu` remembers for `va` under `asid`, or NULL. */
static inline struct tlb_entry *tlb_find(unsigned cpu, uint64_t va, uint32_t asid)
{
	struct tlb_cpu *c = &host_tlb.cpu[cpu];
	struct tlb_entry *set = c->set[va >> PAGE_SHIFT & (TLB_SETS - 1)];
	const uint64_t page = va >> PAGE_SHIFT << PAGE_SHIFT;
	for (unsigned way = 0; way < TLB_WAYS; way++) {
		struct tlb_entry *e = &set[way];
		if (e->page == page && (e->global || e->asid == asid) && tlb_is_live(e, c))
			return e;
	}
	return NULL;
}

/* A place for what `cpu` has just read about `va`; the caller fills in all but page and stamp. */
struct tlb_entry *tlb_place(unsigned cpu, uint64_t va);

void tlb_reset(void);

/* The world forgets: one translation of one CPU. */
void tlb_evict(unsigned cpu, uint64_t va);

/* CPU `cpu` begins an invalidation; all it began take effect at tlb_end(). */
void tlb_begin_page(unsigned cpu, uint64_t operand);
void tlb_begin_space(unsigned cpu, uint32_t asid);
void tlb_begin_all(unsigned cpu);
void tlb_begin_all_local(unsigned cpu);
void tlb_end(unsigned cpu);

#endif
