/*
 * machine_inline.h -- the hot half of the host machine (see machine/machine.h for the contract).
 *
 * Two builds share these lines.  In a checked one (CHECK_LEVEL 2) interrupts, locks, addresses and
 * poison go to functions that look at everything: lockcheck.c, arena.c, cpu.c.  In a release one
 * they cost what they cost on the real machine, a load and a store, and call nothing, so that
 * instructions counted here mean something.  The choice is a plain `if` on a constant.
 */
#ifndef MACHINE_HOST_MACHINE_INLINE_H
#define MACHINE_HOST_MACHINE_INLINE_H

/* In this program and no other: reached by one instruction, without a table of addresses. */
#define HOST_NEAR __attribute__((visibility("hidden")))

/* Which virtual CPU runs, and whether its interrupts are masked; the registers of this machine. */
struct host_now {
	uint32_t cpu;
	uint32_t masked;
};
extern struct host_now host_now HOST_NEAR;

/* Each CPU's time with users, in nanoseconds; while it is with one, that less the time (cpu.c). */
extern uint64_t host_user_ticks[CPUS_MAX] HOST_NEAR;

/* What to add to a physical address to get a pointer; set by host_arena_open(). */
extern uint64_t host_arena_bias HOST_NEAR;

/* In a spin loop: another virtual CPU gets its turn (cpu.c). */
void host_relax(void);

/* The checked forms: lockcheck.c, then arena.c. */
mach_irq_t host_irq_save(void);
void host_irq_restore(mach_irq_t was);
void host_irq_unmask(void);
void host_lock_wait(const void *lock, unsigned rank);
void host_lock_got(const void *lock, unsigned rank);
void host_lock_drop(const void *lock, unsigned rank);
void host_lock_none_held(unsigned rank);
void host_lock_only_held(const void *lock);
void host_try_got(const void *lock);
void host_try_drop(const void *lock);

void *host_phys(paddr_t pa);
paddr_t host_pa(const void *p);
paddr_t host_pa_untrusted(const void *p);
void host_poison(const void *p, size_t bytes);
void host_unpoison(const void *p, size_t bytes);
bool host_may_touch(const void *p, size_t bytes);

static inline unsigned mach_cpu(void)
{
	return host_now.cpu;
}

static inline uint64_t mach_user_ticks(void)
{
	return host_user_ticks[host_now.cpu];
}

/* In a release build the state is 0 or 1; in a checked one it says whose turn it is to be given
 * back, and only lockcheck.c can read it. */
static inline mach_irq_t mach_irq_save(void)
{
	if (CHECK_LEVEL >= 2) return host_irq_save();
	const mach_irq_t was = { host_now.masked };
	host_now.masked = 1;
	return was;
}

static inline void mach_irq_restore(mach_irq_t was)
{
	if (CHECK_LEVEL >= 2)
		host_irq_restore(was);
	else
		host_now.masked = (uint32_t)was.state;
}

static inline bool mach_irq_masked(void)
{
	return host_now.masked != 0;
}

static inline void mach_irq_unmask(void)
{
	if (CHECK_LEVEL >= 2)
		host_irq_unmask();
	else
		host_now.masked = 0;
}

static inline void mach_relax(void)
{
	host_relax();
}

static inline void mach_rest(uint64_t ns)
{
	(void)ns;
	host_relax();
}

/* Unsigned arithmetic throughout: the bias is "negative" when the arena lies low. */
static inline void *mach_phys(paddr_t pa)
{
	if (CHECK_LEVEL >= 2) return host_phys(pa);
	return (void *)(uintptr_t)(pa + host_arena_bias);
}

static inline paddr_t mach_pa(const void *p)
{
	if (CHECK_LEVEL >= 2) return host_pa(p);
	return (uintptr_t)p - host_arena_bias;
}

static inline paddr_t mach_pa_untrusted(const void *p)
{
	if (CHECK_LEVEL >= 2) return host_pa_untrusted(p);
	return (uintptr_t)p - host_arena_bias;
}

static inline void mach_poison(const void *p, size_t bytes)
{
	if (CHECK_LEVEL >= 2) host_poison(p, bytes);
}

static inline void mach_unpoison(const void *p, size_t bytes)
{
	if (CHECK_LEVEL >= 2) host_unpoison(p, bytes);
}

static inline bool mach_may_touch(const void *p, size_t bytes)
{
	return CHECK_LEVEL < 2 || host_may_touch(p, bytes);
}

static inline void mach_lock_wait(const void *lock, unsigned rank)
{
	if (CHECK_LEVEL >= 2) host_lock_wait(lock, rank);
}

static inline void mach_lock_got(const void *lock, unsigned rank)
{
	if (CHECK_LEVEL >= 2) host_lock_got(lock, rank);
}

static inline void mach_lock_drop(const void *lock, unsigned rank)
{
	if (CHECK_LEVEL >= 2) host_lock_drop(lock, rank);
}

static inline void mach_try_got(const void *lock)
{
	if (CHECK_LEVEL >= 2) host_try_got(lock);
}

static inline void mach_try_drop(const void *lock)
{
	if (CHECK_LEVEL >= 2) host_try_drop(lock);
}

static inline void mach_lock_none_held(unsigned rank)
{
	if (CHECK_LEVEL >= 2) host_lock_none_held(rank);
}

static inline void mach_lock_only_held(const void *lock)
{
	if (CHECK_LEVEL >= 2) host_lock_only_held(lock);
}

void host_stack_gone(uint64_t stack, size_t bytes);

static inline void mach_stack_gone(uint64_t stack, size_t bytes)
{
	if (CHECK_LEVEL >= 2) host_stack_gone(stack, bytes);
}

/* --- page tables (mmu.c) --------------------------------------------------------------------- */

/* In a release build only what is installed matters: there is nothing that could be remembered. */
void host_entry_store(uint64_t *entry, uint64_t value);
void host_entry_sync(void);
void host_tlb_page(uint64_t operand);
void host_tlb_space(uint32_t asid);
void host_tlb_all(void);
void host_tlb_all_local(void);
void host_tlb_wait(void);
void host_space_install(paddr_t root, uint32_t asid);
void host_code_sync(const void *p, size_t bytes);

static inline void mach_entry_store(uint64_t *entry, uint64_t value)
{
	if (CHECK_LEVEL >= 2)
		host_entry_store(entry, value);
	else
		__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static inline void mach_entry_sync(void)
{
	if (CHECK_LEVEL >= 2) host_entry_sync();
}

static inline void mach_tlb_page(uint64_t operand)
{
	if (CHECK_LEVEL >= 2) host_tlb_page(operand);
}

static inline void mach_tlb_space(uint32_t asid)
{
	if (CHECK_LEVEL >= 2) host_tlb_space(asid);
}

static inline void mach_tlb_all(void)
{
	if (CHECK_LEVEL >= 2) host_tlb_all();
}

static inline void mach_tlb_all_local(void)
{
	if (CHECK_LEVEL >= 2) host_tlb_all_local();
}

static inline void mach_tlb_wait(void)
{
	if (CHECK_LEVEL >= 2) host_tlb_wait();
}

static inline void mach_space_install(paddr_t root, uint32_t asid)
{
	host_space_install(root, asid);
}

static inline void mach_code_sync(const void *p, size_t bytes)
{
	if (CHECK_LEVEL >= 2) host_code_sync(p, bytes);
}

/* The user's side (mmu_access.c) is not seen by who looks for races, as no access of a user is; the
 * kernel's is, being copied here. */
bool host_user_in(uint8_t *to, uint64_t va, size_t bytes);
bool host_user_out(uint64_t va, const uint8_t *from, size_t bytes);

static inline bool mach_user_in(void *to, uint64_t va, size_t bytes)
{
	uint8_t copy[MACH_USER_BYTES];

	if (!host_user_in(copy, va, bytes)) return false;
	memcpy(to, copy, bytes);
	return true;
}

static inline bool mach_user_out(uint64_t va, const void *from, size_t bytes)
{
	uint8_t copy[MACH_USER_BYTES];

	ASSERT_SLOW(bytes <= sizeof copy);
	memcpy(copy, from, bytes);
	return host_user_out(va, copy, bytes);
}

#endif
