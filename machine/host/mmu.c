/*
 * mmu.c -- the seam's half about page tables: what is installed, and who is told of every event.
 *
 * Each CPU has a root and an ASID installed for user addresses; all have one root for kernel
 * addresses.  Accesses are mmu_access.c's.  In a checked build every call goes to three that look:
 * the automaton of the protocol (tlb_rules.c), which knows what CPUs may remember and says which
 * rule a call breaks; the TLBs (tlb.c), which remember it; the rule about instructions
 * (mmu_code.c).  In a release build calls but mach_space_install are a store or nothing.
 *
 * They are told nothing until the first entry is stored or the first root installed: a run without
 * page tables pays for one look when it frees a page.  Once a rule is broken nobody is told any
 * more: the run is over, and what is torn down after it is not judged.
 *
 * Always true:
 *   M1  a CPU without a root faults on every user address;
 *   M2  `watching` only with `rules` about the arena as it is.
 *
 * Locks: none; the process has one thread, and between two [yield] points nothing else happens.
 * Cost: an entry taken away, invalidated and put back 80 ns; a reset as much as was touched.
 */
#include "machine/format.h"
#include "machine/host/arena.h"
#include "machine/host/mmu_code.h"
#include "machine/host/mmu_inside.h"
#include "machine/host/race.h"
#include "machine/host/tlb.h"
#include "machine/host/turns.h"

struct mmu host_mmu;

static void rule_broken(void *context, const char *id, const char *text)
{
	struct mmu *mmu = context;
	mmu->watching = false;
	mmu->broken = true;
	kpanic(id, "%s", text);
}

/* The first event of a run. */
static NOINLINE void watch_begin(void)
{
	struct mmu *mmu = &host_mmu;
	if (mmu->broken || host_arena_base() == NULL) return;
	if (mmu->rules == NULL) {
		mmu->rules_memory = host_arena_base();
		mmu->rules = tlb_rules_open(HOST_RAM_BASE, host_arena_bytes(), mmu->rules_memory,
					    rule_broken, mmu);
		mmu_code_open(host_arena_bytes() >> PAGE_SHIFT);
	}
	mmu->watching = true;
}

static inline bool watch(void)
{
	if (UNLIKELY(!host_mmu.watching)) watch_begin();
	return host_mmu.watching;
}

void host_mmu_reset(void)
{
	struct mmu *mmu = &host_mmu;
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		mmu->installed[cpu].root = PADDR_NONE;
		mmu->installed[cpu].asid = 0;
	}
	mmu->kernel_root = PADDR_NONE;
	if (CHECK_LEVEL >= 2 && (mmu->watching || mmu->broken)) {
		if (mmu->rules != NULL) tlb_rules_reset(mmu->rules);
		tlb_reset();
		mmu_code_reset();
	}
	mmu->watching = mmu->broken = false;
}

/* Another arena: the notes were about the one before. */
void host_mmu_arena(void)
{
	host_mmu_reset();
	if (host_mmu.rules != NULL) tlb_rules_close(host_mmu.rules);
	host_mmu.rules = NULL;
}

static NOINLINE void code_broken(uint64_t entry, const char *fault)
{
	char text[120];
	format_text(text, sizeof(text), "page %llx, about to be fetched from, %s",
		    (unsigned long long)entry_address(entry), fault);
	rule_broken(&host_mmu, RULE_CODE, text);
}

/* --- the seam --------------------------------------------------------------------------------- */

void host_entry_store(uint64_t *entry, uint64_t value)
{
	turns_at(TURN_ENTRY, 0);
	const uint64_t was = *entry;
	if (watch()) {
		const paddr_t at = host_pa_untrusted(entry);
		const char *fault = mmu_code_fault(was, value);
		if (UNLIKELY(fault != NULL)) code_broken(value, fault);
		tlb_rules_store(host_mmu.rules, mach_cpu(), at, was, value);
	}
	if (race_watches()) race_release(entry, sizeof(*entry), __builtin_return_address(0));
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

void host_entry_sync(void)
{
	if (host_mmu.watching) tlb_rules_sync(host_mmu.rules, mach_cpu());
}

void host_tlb_page(uint64_t operand)
{
	turns_at(TURN_TLB, 0);
	if (!host_mmu.watching) return;
	tlb_rules_page(host_mmu.rules, mach_cpu(), operand);
	tlb_begin_page(mach_cpu(), operand);
}

void host_tlb_space(uint32_t asid)
{
	turns_at(TURN_TLB, 0);
	if (!host_mmu.watching) return;
	tlb_rules_space(host_mmu.rules, mach_cpu(), asid);
	tlb_begin_space(mach_cpu(), asid & 0xffff);
}

void host_tlb_all(void)
{
	turns_at(TURN_TLB, 0);
	if (!host_mmu.watching) return;
	tlb_rules_all(host_mmu.rules, mach_cpu());
	tlb_begin_all(mach_cpu());
}

void host_tlb_all_local(void)
{
	turns_at(TURN_TLB, 0);
	if (!host_mmu.watching) return;
	tlb_rules_all_local(host_mmu.rules, mach_cpu());
	tlb_begin_all_local(mach_cpu());
}

void host_tlb_wait(void)
{
	if (!host_mmu.watching) return;
	tlb_rules_wait(host_mmu.rules, mach_cpu());
	tlb_end(mach_cpu());
}

void host_space_install(paddr_t root, uint32_t asid)
{
	ASSERT(mach_irq_masked());
	ASSERT(is_aligned(root, PAGE_SIZE) && asid < 1u << mach_asid_bits());
	ASSERT(root != PADDR_NONE || asid == 0);
	turns_at(TURN_INSTALL, 0);
	if (CHECK_LEVEL >= 2 && watch()) tlb_rules_install(host_mmu.rules, mach_cpu(), root, asid);
	host_mmu.installed[mach_cpu()].root = root;
	host_mmu.installed[mach_cpu()].asid = asid;
}

void host_code_sync(const void *p, size_t bytes)
{
	const paddr_t at = host_pa_untrusted(p);
	if (at != PADDR_NONE && watch()) mmu_code_sync(at, bytes);
}

unsigned mach_asid_bits(void)
{
	return 16;
}

/* --- beyond the seam -------------------------------------------------------------------------- */

void host_mmu_kernel_install(paddr_t root)
{
	if (CHECK_LEVEL >= 2 && watch()) tlb_rules_kernel(host_mmu.rules, root);
	host_mmu.kernel_root = root;
}

void host_mmu_evict(unsigned cpu, uint64_t va)
{
	ASSERT(cpu < CPUS_MAX);
	tlb_evict(cpu, va);
}

const char *host_mmu_settled(void)
{
	const char *id;
	return host_mmu.watching ? tlb_rules_settled(host_mmu.rules, &id) : NULL;
}

void host_mmu_settle(void)
{
	const char *id = RULE_STALE;
	if (!host_mmu.watching) return;
	const char *missing = tlb_rules_settled(host_mmu.rules, &id);
	if (missing != NULL) rule_broken(&host_mmu, id, missing);
}

/* Pages [at, at + bytes) are poisoned as a whole: nobody's. */
void host_mmu_freed(paddr_t at, size_t bytes)
{
	if (!host_mmu.watching) return;
	for (size_t done = 0; done < bytes; done += PAGE_SIZE) mmu_code_freed(at + done);
	tlb_rules_freed(host_mmu.rules, at, bytes);
}
