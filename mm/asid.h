/*
 * asid.h -- which address space has which of the few numbers that the TLB tells spaces apart by.
 *
 * A space's word (struct asid) is a number together with the generation it was given in.  When the
 * numbers run out a new generation begins: every CPU must forget all entries before it next
 * installs a space, a number in use on a CPU at that moment stays its space's, and all others are
 * free again.
 * (The scheme that Linux's arm64 and others use; the idea is as old as ASIDs.)
 *
 * Number 0 belongs to no space.  There must be more numbers than CPUs + 1.
 */
#ifndef MM_ASID_H
#define MM_ASID_H

#include "machine/lock.h"

enum { ASID_BITS_MIN = 4, ASID_BITS_MAX = 16 };

/* A space's; all zero: never given a number. */
struct asid {
	uint64_t word; /* atomic: generation << 16 | number */
};

static inline uint32_t asid_number(const struct asid *a)
{
	return (uint32_t)(atomic_load_u64(&a->word) & 0xffff);
}

struct asid_pool {
	uint32_t bits, cpus;
	struct lock lock;                 /* RANK_ASID */
	uint64_t generation;              /* atomic; changed under the lock */
	uint32_t next GUARDED_BY(&lock);  /* where the search for a free number starts */
	uint32_t flush GUARDED_BY(&lock); /* a bit per CPU: must forget all before it installs */
	uint64_t active[CPUS_MAX];        /* atomic: the word each CPU has installed, or 0 */
	uint64_t reserved[CPUS_MAX] GUARDED_BY(&lock); /* what it had when the generation began */
	uint32_t rollovers GUARDED_BY(&lock);
	uint64_t used[(1 << ASID_BITS_MAX) / 64] GUARDED_BY(&lock);
};

/* `bits`: ASID_BITS_MIN to what mach_asid_bits() says. */
void asid_pool_init(struct asid_pool *pool, uint32_t bits, unsigned cpus);

/* A number that `a` may be installed with on this CPU now, and remembers that it is; begins a new
 * generation when there is none left.  Interrupts are masked. */
uint32_t asid_use(struct asid_pool *pool, struct asid *a);

/* This CPU has no space installed any more.  Interrupts are masked. */
void asid_leave(struct asid_pool *pool);

/* How many generations have begun since the first. */
uint32_t asid_rollovers(struct asid_pool *pool);

/* NULL, or what is wrong.  At rest only. */
const char *asid_check(struct asid_pool *pool);

#endif
