/*
 * machine_inline.h -- the hot half of machine.h on AArch64.
 *
 * TPIDR_EL1 points to this CPU's struct machine_cpu, whose first word is its number; assembly and
 * cpu.h know the rest of it.  "memory" in the clobbers of the interrupt mask keeps the compiler
 * from moving what the mask protects.
 */
#ifndef MACHINE_AARCH64_INLINE_H
#define MACHINE_AARCH64_INLINE_H

#include "layout.h"
#include "machine/tlbtrace.h"
#include "machine/turns.h"

enum { IRQ_MASKED_BIT = 1 << 7 }; /* DAIF.I */

/* cpu_locks.c: a CPU's list of locks held, in images under test. */
void cpu_lock_wait(const void *lock, unsigned rank);
void cpu_lock_got(const void *lock, unsigned rank);
void cpu_lock_drop(const void *lock, unsigned rank);
void cpu_lock_none_held(unsigned rank);
void cpu_lock_only_held(const void *lock);

/* trace.c: what happens to page tables, in images under test that were asked for it. */
extern bool trace_on;
void trace_event(unsigned kind, uint32_t asid, uint64_t at, uint64_t value, uint64_t was);
void trace_memory(const void *p, size_t bytes, bool given);

/* baton.c: points of the seam, in images under test while CPUs take turns (baton.h). */
extern bool baton_on;
void baton_at(unsigned kind, unsigned detail);
void baton_unmasked(void);
void baton_relax(void);
void baton_got_on(void);

static inline bool cpu_may_play(void)
{
	return CHECK_LEVEL >= 2 && UNLIKELY(baton_on);
}

static inline void cpu_at(enum turn_kind kind, unsigned detail)
{
	if (cpu_may_play()) baton_at(kind, detail);
}

static inline bool cpu_traces(void)
{
	return CHECK_LEVEL >= 2 && UNLIKELY(trace_on);
}

/* clock.c: mach_rest() */
void cpu_rest(uint64_t ns);

/* mmu.c: the table that is installed when no space is; it stays empty. */
extern paddr_t machine_no_space;

static inline unsigned mach_cpu(void)
{
	const uint32_t *number;
	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(number));
	return *number;
}

static inline uint64_t mach_user_ticks(void)
{
	const char *cpu;
	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(cpu));
	return *(const uint64_t *)(const void *)(cpu + CPU_USER_TICKS);
}

static inline mach_irq_t mach_irq_save(void)
{
	mach_irq_t was;
	__asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(was.state) : : "memory");
	return was;
}

static inline void mach_irq_restore(mach_irq_t was)
{
	__asm__ volatile("msr daif, %0" : : "r"(was.state) : "memory");
	if (cpu_may_play() && (was.state & IRQ_MASKED_BIT) == 0) baton_unmasked();
}

static inline bool mach_irq_masked(void)
{
	uint64_t state;
	__asm__ volatile("mrs %0, daif" : "=r"(state));
	return (state & IRQ_MASKED_BIT) != 0;
}

/* System errors and the like as well: a context that begins in a handler has all of them masked. */
static inline void mach_irq_unmask(void)
{
	__asm__ volatile("msr daifclr, #0xf" : : : "memory");
	if (cpu_may_play()) baton_unmasked();
}

static inline void mach_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
	if (cpu_may_play()) baton_relax();
}

static inline void mach_rest(uint64_t ns)
{
	cpu_rest(ns);
}

static inline void *mach_phys(paddr_t pa)
{
	ASSERT_SLOW(pa < PHYSICAL_LIMIT);
	return (void *)(uintptr_t)(DIRECT_BASE + pa);
}

static inline paddr_t mach_pa(const void *p)
{
	const paddr_t pa = (uintptr_t)p - DIRECT_BASE;
	ASSERT_SLOW(pa < PHYSICAL_LIMIT);
	return pa;
}

static inline paddr_t mach_pa_untrusted(const void *p)
{
	return (uintptr_t)p - DIRECT_BASE; /* elsewhere than in the direct map: beyond any RAM */
}

static inline void mach_poison(const void *p, size_t bytes)
{
	if (cpu_traces()) trace_memory(p, bytes, false);
}

static inline void mach_unpoison(const void *p, size_t bytes)
{
	if (cpu_traces()) trace_memory(p, bytes, true);
}

static inline bool mach_may_touch(const void *p, size_t bytes)
{
	(void)p, (void)bytes;
	return true;
}

static inline void mach_lock_wait(const void *lock, unsigned rank)
{
	if (CHECK_LEVEL >= 2) cpu_lock_wait(lock, rank);
}

static inline void mach_lock_got(const void *lock, unsigned rank)
{
	if (CHECK_LEVEL >= 2) cpu_lock_got(lock, rank);
}

static inline void mach_lock_drop(const void *lock, unsigned rank)
{
	if (CHECK_LEVEL >= 2) cpu_lock_drop(lock, rank);
}

static inline void mach_try_got(const void *lock)
{
	(void)lock;
}

static inline void mach_try_drop(const void *lock)
{
	(void)lock;
}

static inline void mach_lock_none_held(unsigned rank)
{
	if (CHECK_LEVEL >= 2) cpu_lock_none_held(rank);
}

static inline void mach_lock_only_held(const void *lock)
{
	if (CHECK_LEVEL >= 2) cpu_lock_only_held(lock);
}

void cpu_stack_gone(uint64_t stack, size_t bytes);

static inline void mach_stack_gone(uint64_t stack, size_t bytes)
{
	if (CHECK_LEVEL >= 2) cpu_stack_gone(stack, bytes);
}

/* --- page tables ---------------------------------------------------------------------------- */

static inline void mach_entry_store(uint64_t *entry, uint64_t value)
{
	cpu_at(TURN_ENTRY, 0);
	const uint64_t was = cpu_traces() ? *entry : 0;
	__asm__ volatile("stlr %1, %0" : "=Q"(*entry) : "r"(value) : "memory");
	if (cpu_traces()) trace_event(TLBTRACE_STORE, 0, mach_pa_untrusted(entry), value, was);
}

static inline void mach_entry_sync(void)
{
	__asm__ volatile("dsb ishst\n\tisb" : : : "memory");
	if (cpu_traces()) trace_event(TLBTRACE_SYNC, 0, 0, 0, 0);
}

static inline void mach_tlb_page(uint64_t operand)
{
	cpu_at(TURN_TLB, 0);
	__asm__ volatile("tlbi vae1is, %0" : : "r"(operand) : "memory");
	if (cpu_traces()) trace_event(TLBTRACE_PAGE, 0, 0, operand, 0);
}

static inline void mach_tlb_space(uint32_t asid)
{
	cpu_at(TURN_TLB, 0);
	__asm__ volatile("tlbi aside1is, %0" : : "r"((uint64_t)asid << 48) : "memory");
	if (cpu_traces()) trace_event(TLBTRACE_SPACE, asid, 0, 0, 0);
}

static inline void mach_tlb_all(void)
{
	cpu_at(TURN_TLB, 0);
	__asm__ volatile("tlbi vmalle1is" : : : "memory");
	if (cpu_traces()) trace_event(TLBTRACE_ALL, 0, 0, 0, 0);
}

static inline void mach_tlb_all_local(void)
{
	cpu_at(TURN_TLB, 0);
	__asm__ volatile("tlbi vmalle1" : : : "memory");
	if (cpu_traces()) trace_event(TLBTRACE_ALL_LOCAL, 0, 0, 0, 0);
}

static inline void mach_tlb_wait(void)
{
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
	if (cpu_traces()) trace_event(TLBTRACE_WAIT, 0, 0, 0, 0);
}

void cpu_code_sync(const void *p, size_t bytes); /* user.c */

static inline void mach_code_sync(const void *p, size_t bytes)
{
	cpu_code_sync(p, bytes);
}

/* Root and ASID change in one write, so no walk mixes them; nothing is remembered of the empty
 * table, whose ASID is 0. */
static inline void mach_space_install(paddr_t root, uint32_t asid)
{
	const paddr_t table = root == PADDR_NONE ? machine_no_space : root;
	const uint64_t wanted = table | (uint64_t)asid << 48;
	uint64_t now;
	ASSERT_SLOW(mach_irq_masked() && (root != PADDR_NONE || asid == 0));
	cpu_at(TURN_INSTALL, 0);
	__asm__ volatile("mrs %0, ttbr0_el1" : "=r"(now));
	if (now == wanted) return;
	if (cpu_traces()) trace_event(TLBTRACE_INSTALL, asid, root, 0, 0);
	__asm__ volatile("msr ttbr0_el1, %0\n\tisb" : : "r"(wanted) : "memory");
}

#include "user_inline.h"

#endif
