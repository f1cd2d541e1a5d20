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

/* In every spin loop: lets the other side of the wait run.  [yield] */
static inline void mach_relax(void);

/* Physical memory as the kernel sees it, and back.  Only for addresses in RAM. */
static inline void *mach_phys(paddr_t pa);
static inline paddr_t mach_pa(const void *p);

/* The same for a pointer of any origin: where it is not in RAM, some address that is not either. */
static inline paddr_t mach_pa_untrusted(const void *p);

/* `bytes` at `p` are nobody's (poison) or somebody's (unpoison).  The host reports any access to
 * the former; elsewhere this is nothing.  Granularity 8: `p` is a multiple of 8. */
static inline void mach_poison(const void *p, size_t bytes);
static inline void mach_unpoison(const void *p, size_t bytes);

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

/* --- out of line -------------------------------------------------------------------------- */

/* Sends CPU `cpu` an interrupt that wakes it from mach_wait().  [yield] */
void mach_ipi(unsigned cpu);

/* Waits, interrupts unmasked, for an interrupt or an earlier mach_ipi().  [yield] */
void mach_wait(void);

/* Time since start-up.  The host's moves only when a script says so. */
uint64_t mach_now_ns(void);

/* Writes to the console: the PL011, or standard error.  No lock: lines may mix in a panic. */
void mach_console(const char *text, size_t bytes);

/* Memory primitives; the machine's own, so that the host sees every access. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

#include "machine_inline.h"

#endif
