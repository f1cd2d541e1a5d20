/*
 * tlb.c -- the TLB's contents: per CPU 64 sets of 4 translations of pages, tagged by ASID.
 *
 * As unforgiving as the architecture allows: what was read stays until an invalidation that covers
 * it has been waited for, however many are begun and however long ago; or until its place is
 * needed, or the world drops it (tlb_evict).  Nothing else ever makes a CPU forget: not a store to
 * the table, not another space installed.  Faults are not remembered.
 *
 * Dropping by address looks at one set of each CPU.  Dropping an ASID or everything is one store:
 * what was read before then (its stamp says when) counts no more.  A reset is the same.
 *
 * Always true:
 *   C1  an entry's stamp is not above `now`, and no two entries have the same;
 *   C2  in a set two live entries for one page have different ASIDs, or are of different roots.
 *
 * Deterministic: a place without a live entry is taken first, else they take turns.
 *
 * Locks: none.  Cost: found 3 ns, put 10 ns; an invalidation by address 30 ns.
 */
#include "machine/host/tlb.h"

enum { BEGUN_PAGES = 256, BEGUN_SPACES = 16 };

struct tlb host_tlb;

/* What a CPU has begun and not waited for. */
struct begun {
	uint64_t page[BEGUN_PAGES];
	uint32_t asid[BEGUN_SPACES];
	uint32_t pages, spaces;
	bool all, all_local;
};

static struct begun begun[CPUS_MAX];

void tlb_reset(void)
{
	host_tlb.now++;
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		host_tlb.cpu[cpu].floor = host_tlb.now;
		host_tlb.cpu[cpu].turn = 0;
		begun[cpu].pages = begun[cpu].spaces = 0;
		begun[cpu].all = begun[cpu].all_local = false;
	}
}

struct tlb_entry *tlb_place(unsigned cpu, uint64_t va)
{
	struct tlb_cpu *c = &host_tlb.cpu[cpu];
	struct tlb_entry *set = c->set[va >> PAGE_SHIFT & (TLB_SETS - 1)];
	unsigned way = 0;
	while (way < TLB_WAYS && tlb_is_live(&set[way], c)) way++;
	if (way == TLB_WAYS) way = c->turn++ % TLB_WAYS;
	set[way].page = align_down(va, PAGE_SIZE);
	set[way].stamp = ++host_tlb.now;
	return &set[way];
}

void tlb_evict(unsigned cpu, uint64_t va)
{
	struct tlb_entry *set = host_tlb.cpu[cpu].set[va >> PAGE_SHIFT & (TLB_SETS - 1)];
	for (unsigned way = 0; way < TLB_WAYS; way++)
		if (set[way].page == align_down(va, PAGE_SIZE)) set[way].stamp = 0;
}

/* --- invalidations ---------------------------------------------------------------------------- */

/* Where there is no room to note one down, more is forgotten than was asked for. */
void tlb_begin_page(unsigned cpu, uint64_t operand)
{
	struct begun *b = &begun[cpu];
	if (b->pages < BEGUN_PAGES)
		b->page[b->pages++] = operand;
	else
		b->all = true;
}

void tlb_begin_space(unsigned cpu, uint32_t asid)
{
	struct begun *b = &begun[cpu];
	if (b->spaces < BEGUN_SPACES)
		b->asid[b->spaces++] = asid;
	else
		b->all = true;
}

void tlb_begin_all(unsigned cpu)
{
	begun[cpu].all = true;
}

void tlb_begin_all_local(unsigned cpu)
{
	begun[cpu].all_local = true;
}

static void drop_page(uint64_t operand)
{
	const uint64_t page = operand & (((uint64_t)1 << 44) - 1);
	const uint64_t va = (uint64_t)((int64_t)(page << 20) >> 8);
	const uint32_t asid = (uint32_t)(operand >> 48);
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		struct tlb_entry *set = host_tlb.cpu[cpu].set[va >> PAGE_SHIFT & (TLB_SETS - 1)];
		for (unsigned way = 0; way < TLB_WAYS; way++) {
			struct tlb_entry *e = &set[way];
			if (e->page == va && (e->global || e->asid == asid)) e->stamp = 0;
		}
	}
}

void tlb_end(unsigned cpu)
{
	struct begun *b = &begun[cpu];
	for (uint32_t i = 0; i < b->pages; i++) drop_page(b->page[i]);
	for (uint32_t i = 0; i < b->spaces; i++) host_tlb.asid_floor[b->asid[i]] = host_tlb.now;
	for (unsigned other = 0; other < CPUS_MAX; other++)
		if (b->all || (b->all_local && other == cpu))
			host_tlb.cpu[other].floor = host_tlb.now;
	b->pages = b->spaces = 0;
	b->all = b->all_local = false;
}
