/*
 * cpu.h -- what the machine knows of each CPU, and how one is started, interrupted and stopped.
 */
#ifndef MACHINE_AARCH64_CPU_H
#define MACHINE_AARCH64_CPU_H

#include "machine/atomic.h"
#include "machine/machine.h"

struct exception_frame;

enum { CPU_LOCKS_MAX = 8 };

/* A lock that a CPU holds, in images under test. */
struct cpu_lock {
	const void *lock;
	uint32_t rank;
};

/* Two areas on one CPU follow each other in memory, a guard page below each. */
struct machine_cpu {
	uint32_t number; /* 0 is the CPU that booted */
	uint32_t online; /* atomic: it runs C code and takes interrupts */

	uintptr_t stack_low, stack_high; /* bounds of the stack it is on; see vectors.S */
	uintptr_t emergency_high;        /* top of the stack for reporting that the other is bad */

	void (*entry)(struct machine_cpu *cpu, paddr_t tree, paddr_t image); /* first C code */
	uintptr_t probe;     /* where to go on when the access being tried faults; 0: none is */
	struct mach_fp *fp;  /* of the context it is in; NULL: that has none */
	uint64_t user_ticks; /* time at EL0, as vectors.S counts it */
	uint32_t fp_live;    /* the FP registers are that context's, and do not trap */
	uint32_t rests;      /* its timer is there, and may end a mach_rest() */
	uint32_t plays;      /* it takes turns with others, see baton.h */

	uint64_t affinity;       /* MPIDR_EL1's affinity fields: its name for PSCI and the GIC */
	uintptr_t redistributor; /* GICv3: its registers */
	uint64_t ticks;          /* timer interrupts taken */
	uint64_t timer_ns;       /* deadline of the next one, UINT64_MAX if none */
	uint32_t ipi_pending;    /* atomic: woken since the last mach_wait() */
	uint32_t stopped;        /* atomic: parked for good by a panic */
	uint64_t stopped_at;     /* where it was when it was told to stop */
	uint32_t panics;         /* panics begun here: more than one is a fault while reporting */
	uint32_t lock_count;
	struct cpu_lock locks[CPU_LOCKS_MAX];
	const struct exception_frame *frame; /* of the exception being reported, or NULL */
};

_Static_assert(STACK_BYTES == KERNEL_STACK_BYTES && CPU_STACK_HIGH == CPU_STACK_LOW + 8,
	       "layout.h");
_Static_assert(offsetof(struct machine_cpu, number) == CPU_NUMBER &&
		       offsetof(struct machine_cpu, stack_low) == CPU_STACK_LOW &&
		       offsetof(struct machine_cpu, stack_high) == CPU_STACK_HIGH &&
		       offsetof(struct machine_cpu, emergency_high) == CPU_EMERGENCY_HIGH &&
		       offsetof(struct machine_cpu, entry) == CPU_ENTRY &&
		       offsetof(struct machine_cpu, probe) == CPU_PROBE &&
		       offsetof(struct machine_cpu, fp) == CPU_FP &&
		       offsetof(struct machine_cpu, user_ticks) == CPU_USER_TICKS,
	       "layout.h");

extern struct machine_cpu machine_cpus[CPUS_MAX];

static inline struct machine_cpu *cpu_here(void)
{
	struct machine_cpu *cpu;
	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(cpu));
	return cpu;
}

/* MPIDR_EL1's affinity fields of the CPU this runs on. */
uint64_t cpu_affinity_here(void);

/* Whether this CPU can refuse the kernel's own accesses to users' pages; then it does (boot.S). */
bool cpu_has_pan(void);

/* How many CPUs there are to use; set once, by the CPU that booted, which is number 0. */
void cpu_table_init(unsigned count, const uint64_t *affinities);
unsigned cpu_count(void);

/* Starts CPU `number` at `entry`, on its own stack, interrupts masked; the PSCI status, 0 if well.
 * The kernel's final page tables are in use by then. */
int64_t cpu_start(unsigned number, void (*entry)(struct machine_cpu *, paddr_t, paddr_t));

/* Makes this CPU as new for who will cpu_jump_back(): no locks held, no frame, no probe, no space;
 * FP registers are kept first.  Interrupts masked. */
void cpu_forget(void);

/* The low end of CPU `number`'s own stack. */
uintptr_t cpu_stack(unsigned number);

/* The guard page below the stack of CPU `number`, for the mapper; `which` 1 is the emergency's. */
uintptr_t cpu_guard(unsigned number, unsigned which);

/* Asks CPU `number` to park for good; it sets `stopped`. */
void cpu_stop(unsigned number);

/* Parking notes where the CPU was; who knows that it is to stop may do it unasked, anywhere. */
NORETURN void cpu_park(uintptr_t at);

/*
 * Who gets the interrupts: called with `arg` on the interrupted CPU, with interrupts masked, on the
 * stack of what was interrupted.  They may switch contexts, for the controller has been told
 * before that the interrupt is over.  NULL: nobody does, and none is lost but its handler's work.
 */
struct cpu_handlers {
	void (*timer)(void *arg); /* the deadline of mach_timer_set() has passed, and is none now */
	void (*ipi)(void *arg);   /* mach_ipi() */
	void *arg;
	/*
	 * What comes from EL0, with interrupts unmasked, on the stack that mach_user_enter() found
	 * empty, and `who` it was told: SVC; any other exception, with ESR_EL1 and FAR_EL1 as they
	 * were; and *work is not 0, asked again and again until it is.  EL0 goes on when they
	 * return.  A kernel without users has none of the three.
	 */
	void (*call)(void *who);
	void (*fault)(void *who, uint64_t esr, uint64_t far);
	void (*work)(void *who);
};

/* From here on interrupts of every CPU go to `h`, which stays as it is; to nobody where it is NULL.
 * Who they went to before. */
const struct cpu_handlers *cpu_handlers_set(const struct cpu_handlers *h);

_Static_assert(offsetof(struct cpu_handlers, call) == HANDLERS_CALL, "layout.h");

/* Who that is, set by the former alone; and the two, from the dispatcher. */
extern const struct cpu_handlers *cpu_handlers; /* atomic */
static inline const struct cpu_handlers *cpu_handlers_now(void)
{
	return __atomic_load_n(&cpu_handlers, __ATOMIC_ACQUIRE);
}
void cpu_timer_came(void);
void cpu_ipi_came(void);

/* This CPU's interrupts, off outright, for places that know there is nothing to restore. */
void cpu_irq_mask(void);

/* As a CPU normally runs: interrupts unmasked, and system errors and the like as well, so that
 * they are reported and do not wait in silence. */
void cpu_unmask_all(void);

/* --- cpu_calls.S ---------------------------------------------------------------------------- */

/* Tries an access: 0, or ESR_EL1 when it faulted.  probe_call jumps to `at` and back. */
uint64_t probe_read(uintptr_t at);
uint64_t probe_write(uintptr_t at);
uint64_t probe_call(uintptr_t at);

/* The same as a user would: 8 bytes at a multiple of 8; a fetch ends in an illegal state, if not
 * before (ESR_EL1 is never 0 then). */
uint64_t probe_user_load(uint64_t at, uint64_t *value);
uint64_t probe_user_store(uint64_t at, uint64_t value);
uint64_t probe_user_fetch(uint64_t at);

/* Calls fn(arg) on the stack of KERNEL_STACK_BYTES at `low`, which nobody is on; not from an
 * exception. */
void cpu_call_on(uintptr_t low, void (*fn)(void *), void *arg);

/* Registers that a function keeps for its caller, and what the CPU knows of the stack it is on. */
struct cpu_jump {
	uint64_t keep[16];
};

/* Returns 0 at first, and 1 when cpu_jump_back() comes here again: on the same CPU, with interrupts
 * masked, the stack's bounds and the context's FP area as they were. */
__attribute__((returns_twice)) uint64_t cpu_jump_set(struct cpu_jump *here);
NORETURN void cpu_jump_back(const struct cpu_jump *to);

/* Firmware's answer, or, where that call is undefined, ESR_EL1, which is positive. */
uint64_t cpu_hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
uint64_t cpu_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* Semihosting; *faulted is set when the instruction is undefined here. */
uint64_t cpu_semihost(uint64_t operation, const void *block, uint64_t *faulted);

#endif
