/*
 * machine.h -- all that portable code may ask of the machine.
 *
 * True of every call: it cannot fail; it does not sleep; addresses are in bytes, times in
 * nanoseconds.  Calls marked [yield] are points where the host machine may run another virtual
 * CPU.  The hot few are inline in machine_inline.h, which each machine's folder supplies and the
 * include path chooses; there is no #if between the machines anywhere above this line.
 *
 * machine/aarch64 is QEMU's virt board.  machine/host is one Linux process: physical memory is an
 * arena, CPUs are fibers, and every rule below is checked, not trusted.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "machine/base.h"

/* Interrupts' earlier state, to be given back.  One size on every machine. */
typedef struct {
	uint64_t state;
} mach_irq_t;

/* --- inline on each machine --------------------------------------------------------------- */

/* Number of the CPU this runs on, 0 to CPUS_MAX - 1.  Only steady while interrupts are masked. */
static inline unsigned mach_cpu(void);

/* Masks this CPU's interrupts and says how they were; restore gives them back.  Pairs nest and
 * are undone in the opposite order ("irq-order" on the host when they are not). */
static inline mach_irq_t mach_irq_save(void);
static inline void mach_irq_restore(mach_irq_t was);
static inline bool mach_irq_masked(void);
static inline uint64_t mach_user_ticks(void); /* see mach_user_ticks_of() */

/* In the first lines of a new context, which begins with interrupts masked and has no earlier state
 * to give back: unmasks them.  No lock is held. */
static inline void mach_irq_unmask(void);

/* In every spin loop: lets the other side of the wait run.  [yield] */
static inline void mach_relax(void);

/*
 * The same for who has waited long already: the other side may want the very core that it burns,
 * where CPUs are many and a hypervisor has few.  Rests about `ns`, 1 to 10^9, at
 * most; interrupts that come meanwhile wait until then.  [yield]
 */
static inline void mach_rest(uint64_t ns);

/* Physical memory as the kernel sees it, and back.  Only for addresses in RAM. */
static inline void *mach_phys(paddr_t pa);
static inline paddr_t mach_pa(const void *p);

/* The same for a pointer of any origin: where it is not in RAM, some address that is not either. */
static inline paddr_t mach_pa_untrusted(const void *p);

/* `bytes` at `p` are nobody's (poison) or somebody's (unpoison).  The host reports any access to
 * the former; elsewhere this is nothing.  Granularity 8: `p` is a multiple of 8. */
static inline void mach_poison(const void *p, size_t bytes);
static inline void mach_unpoison(const void *p, size_t bytes);

/* False where some of the `bytes` at `p` are known to be poisoned; elsewhere than on a host with
 * AddressSanitizer nobody knows.  For loops that look once and then run unwatched. */
static inline bool mach_may_touch(const void *p, size_t bytes);

/*
 * What locks tell the machine: before waiting for one, after it was got, before it is given
 * back.  The host checks owner, rank and interrupt state here and may switch CPUs [yield];
 * a checked image checks rank and owner; a release image does nothing.
 */
static inline void mach_lock_wait(const void *lock, unsigned rank);
static inline void mach_lock_got(const void *lock, unsigned rank);
static inline void mach_lock_drop(const void *lock, unsigned rank);

/*
 * The same for a lock that was got at the first try, or not at all, with interrupts as they were:
 * after it was got, and before it is given back.  Whoever has it takes no other.  Checked on the
 * host only: elsewhere an interrupt may come between.
 */
static inline void mach_try_got(const void *lock);
static inline void mach_try_drop(const void *lock);

/* Panics ("lock-context") when this CPU holds any lock of rank `rank` or an inner one. */
static inline void mach_lock_none_held(unsigned rank);

/* Panics ("sleep-in-atomic") when this CPU holds any lock but `lock`. */
static inline void mach_lock_only_held(const void *lock);

/* Where CPU `cpu` notes what lock it waits for (machine/lock.h): anybody may read it. */
struct lock_waiting;
struct lock_waiting *mach_lock_waiting(unsigned cpu);

/* --- page tables --------------------------------------------------------------------------- */

/*
 * Tables lie in RAM and have AArch64's format on every machine (machine/entry.h); portable code
 * reads and walks them as memory.  Only what the hardware takes part in crosses here.
 *
 * The order that the manual asks for (DDI 0487, D8.13 and D8.14), and the host demands:
 * to make an entry from nothing: store, then mach_entry_sync() before anybody relies on it;
 * to take one away, or rights from one: store, mach_entry_sync(), mach_tlb_*(), mach_tlb_wait(),
 * and only then is the frame, the table or the ASID free for something else;
 * to change where an entry leads: take it away as above first (break-before-make).
 */

/*
 * Stores an entry that a CPU's walker may be reading at this moment.  A store-release: whoever the
 * entry leads on to a table or a page finds there what this CPU had written before (on AArch64
 * walks are ordered by what they read, as loads with an address dependency are).  [yield]
 */
static inline void mach_entry_store(uint64_t *entry, uint64_t value);

/* From here on every walker sees all that this CPU stored before (DSB ISHST, ISB). */
static inline void mach_entry_sync(void);

/*
 * Begins to make every CPU forget what it remembers of entries, of any level: for one page of one
 * ASID (global pages whatever the ASID, but tables above them only under that one; tlb_operand()
 * makes the operand), for one ASID, or all.
 * Done when mach_tlb_wait() returns, and not before.  The last is for this CPU alone.  [yield]
 */
static inline void mach_tlb_page(uint64_t operand);
static inline void mach_tlb_space(uint32_t asid);
static inline void mach_tlb_all(void);
static inline void mach_tlb_all_local(void);

/* Waits until what this CPU began to invalidate is forgotten everywhere, and what still used it
 * is over (DSB ISH, ISB). */
static inline void mach_tlb_wait(void);

/* Makes `root` this CPU's table for user addresses, tagged `asid`; PADDR_NONE: every user address
 * faults from here on, and asid is 0.  Interrupts are masked. */
static inline void mach_space_install(paddr_t root, uint32_t asid);

/* From here on instructions fetched from these bytes, on any CPU, are what was last written there.
 * To be called before an entry that allows a fetch is stored. */
static inline void mach_code_sync(const void *p, size_t bytes);

/* How many bits an ASID has: 8 or 16.  A world may use fewer. */
unsigned mach_asid_bits(void);

/*
 * An access as a user program would make it, through what this CPU has installed: 8 bytes at `va`,
 * a multiple of 8; a fetch reads nothing.  What it faulted with, or that it did not.  Any context;
 * no lock held that a fault's handler would take, should the caller then handle it.
 */
enum mach_access { MACH_LOAD, MACH_STORE, MACH_FETCH };
enum mach_fault {
	MACH_FAULT_NONE,
	MACH_FAULT_TRANSLATION, /* nothing there */
	MACH_FAULT_ACCESS_FLAG, /* ENTRY_ACCESSED is clear */
	MACH_FAULT_PERMISSION,
};
enum mach_fault mach_user_load(uint64_t va, uint64_t *value);
enum mach_fault mach_user_store(uint64_t va, uint64_t value);
enum mach_fault mach_user_fetch(uint64_t va);

/*
 * Copies `bytes` bytes, 1 to MACH_USER_BYTES, from or to [va, va + bytes), which ends at USER_END
 * or below, by such accesses of any size and alignment.  False: one of them faulted, and any of the
 * bytes may have been copied.  Interrupts are masked; locks may be held.
 */
enum { MACH_USER_BYTES = 64 };
static inline bool mach_user_in(void *to, uint64_t va, size_t bytes);
static inline bool mach_user_out(uint64_t va, const void *from, size_t bytes);

/* --- contexts ------------------------------------------------------------------------------ */

/*
 * Where a thread of the kernel goes on when it gets a CPU again: opaque, of one size on every
 * machine.  At any moment each CPU is in exactly one context, and no context on two CPUs.
 */
struct mach_context {
	uint64_t word[10];
};

/* Floating-point and vector registers of one thread (q0 to q31, FPSR, FPCR); zero at first. */
struct mach_fp {
	_Alignas(16) uint8_t bytes[528];
};

/* Makes `c` stand for what runs on this CPU now, on the stack it is on: how a CPU's first context,
 * which becomes its idle thread's, comes to be.  `fp` as below. */
void mach_context_adopt(struct mach_context *c, struct mach_fp *fp);

/*
 * A context that will begin with entry(arg) on the `bytes` bytes of stack whose lowest address is
 * `stack` (a multiple of 16), interrupts masked as whoever switches to it left them; `entry` never
 * returns.  `fp` (NULL: none) keeps its floating-point registers while it does not run; a context
 * with none may not use any.  The stack is the context's until mach_context_end(): the host panics
 * ("stack-in-use") when it still belongs to another.  The host runs the context on a stack of its
 * own, so there `stack` is a name that nobody writes to.
 */
void mach_context_init(struct mach_context *c, uint64_t stack, size_t bytes,
		       void (*entry)(void *arg), void *arg, struct mach_fp *fp);

/*
 * Keeps this CPU's registers in `from`, which it is in, and goes on in `to`; returns when somebody
 * switches back, perhaps on another CPU.  Interrupts are masked before and after; locks that the
 * CPU holds stay the CPU's, so that the next context can drop what the last one took.  The host
 * panics ("stack-in-use") when `to` is on another CPU, was never made or has ended.  [yield]
 */
void mach_context_switch(struct mach_context *from, struct mach_context *to);

/* `c` will not go on again, and no CPU is in it ("stack-in-use" otherwise). */
void mach_context_end(struct mach_context *c);

/* The `bytes` bytes of stack at `stack` are about to become somebody else's: "stack-in-use" where
 * a context that has not ended has them.  Checked builds only. */
static inline void mach_stack_gone(uint64_t stack, size_t bytes);

/* --- users --------------------------------------------------------------------------------- */

/* A user's registers; laid out as Linux's struct user_pt_regs. */
struct user_regs {
	uint64_t x[31];
	uint64_t sp, pc, pstate;
};

/*
 * Where the registers of a user's thread lie while it is in the kernel: at the top of its kernel
 * stack, the `bytes` bytes from `stack`, above what mach_context_init() lets its context have.  Its
 * own as long as the stack is; of any contents at first.
 */
struct user_regs *mach_user_regs(uint64_t stack, size_t bytes);

/*
 * Leaves all that this thread has on its kernel stack for good, and goes on at EL0 with `regs`,
 * which are its mach_user_regs(); it comes back by its next exception, on the empty stack, as
 * `who`, and before each return to EL0 *work is looked at (machine/aarch64/cpu.h).  Interrupts are
 * masked; at EL0 they are not.  Not on the host: who plays a user there calls what its exceptions
 * would.
 */
NORETURN void mach_user_enter(struct user_regs *regs, void *who, const uint32_t *work);

/*
 * Registers that a stranger wrote, as a signal's frame has them: bits that no user may have go.
 * False: with those left EL0 could not go on; then PSTATE has its flags and no more.
 * (DDI 0487, C5.2.19 "SPSR_EL1"; the same as Linux's valid_user_regs().)
 */
static inline bool mach_user_regs_mend(struct user_regs *regs)
{
	const uint64_t never = 0xffffffff0cffe020, mode = 0x1f, masks = 0x3c0, flags = 0xf0000000;

	regs->pstate &= ~never;
	if ((regs->pstate & (mode | masks)) == 0) return true;
	regs->pstate &= flags;
	return false;
}

/* The thread register (TPIDR_EL0) of who runs here: each context has its own, 0 at first. */
uint64_t mach_tls(void);
void mach_tls_set(uint64_t value);

/* The floating-point registers of who runs here as they are now, and others for them from now on.
 * For a context that was given a struct mach_fp, which neither of these two is. */
void mach_fp_store(struct mach_fp *to);
void mach_fp_load(const struct mach_fp *from);

/* --- out of line -------------------------------------------------------------------------- */

/*
 * Interrupts go to whom the program that owns the machine has named (the kernel, a harness): one
 * function for the timer, one for mach_ipi(), both called on the interrupted CPU, with interrupts
 * masked, on the stack of the context that it is in.  They may switch contexts: the interrupted one
 * then goes on when somebody switches back to it.
 */

/* Sends CPU `cpu` an interrupt, which also wakes it from mach_wait(); several sent before it is
 * taken are one.  [yield] */
void mach_ipi(unsigned cpu);

/*
 * Waits for an interrupt or an earlier mach_ipi(), and takes those that come, even where the caller
 * has masked them: who masks interrupts, looks whether there is anything to do, and calls this,
 * misses none.  Interrupts are as before when it returns.  [yield]
 */
void mach_wait(void);

/* Time since start-up.  The host's moves only when a script says so, or when every CPU waits. */
uint64_t mach_now_ns(void);

/*
 * How long CPU `cpu` has run users, in ticks of the machine's counter, at the time that it says:
 * the two are of one moment.  Any CPU, any context.  mach_user_ticks() is the caller's own CPU's,
 * which does not move while interrupts are masked; mach_ticks_ns() are nanoseconds, rounded down.
 */
uint64_t mach_user_ticks_of(unsigned cpu, uint64_t *now_ns);
uint64_t mach_ticks_ns(uint64_t ticks);

/* This CPU's timer interrupt comes once, when mach_now_ns() has reached `deadline_ns`, or as soon
 * as it is unmasked when that has passed; UINT64_MAX is never.  Replaces any earlier deadline.
 * [yield] */
void mach_timer_set(uint64_t deadline_ns);

/* Writes to the console: the PL011, or standard error.  No lock: lines may mix in a panic. */
void mach_console(const char *text, size_t bytes);

/* Memory primitives; the machine's own, so that the host sees every access. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

#include "machine_inline.h"

#endif
