/*
 * context.c -- contexts: what a CPU leaves behind when it goes on in another, and the floating
 * point and vector registers that some of them have.
 *
 * A context that does not run is its stack pointer and the bounds of its stack; the registers lie
 * on the stack (context.S).  Because the bounds are the CPU's at the moment of leaving, a context
 * may have contexts inside it: what runs here may adopt a second struct mach_context for itself and
 * switch among more, and an interrupt's handler still finds everything in the outer one.
 *
 * Floating point is lazy.  The kernel is compiled without it, and after a switch it traps.  The
 * first use by a context that has a struct mach_fp brings the registers from there and lets the
 * instructions through until the next switch, which keeps them; a context that uses none pays two
 * instructions.  One without a struct mach_fp that uses any is a bug, as in the rest of the kernel.
 *
 * Images under test look harder, and panic with "stack-in-use" or "stack-canary":
 *   a context is switched to that is on a CPU, was never made, or has ended;
 *   one is left that this CPU is not in;
 *   one ends that a CPU is in, that was never made, or has ended (in every image);
 *   a stack gets a second context, or another owner, while one has it or a CPU is on it;
 *   the word at the low end of the stack that is left is not STACK_CANARY any more.
 *
 * Always true: word CONTEXT_ON is the number plus 1 of the CPU that is in the context, else 0.
 * A CPU's `fp_live` says that its FP registers are those of `fp`, and that they do not trap.
 *
 * Locks: none.  Who switches to a context has left it, or has synchronised with who did.
 * Cost: a switch 45 instructions; FP registers 60 to bring and 60 to keep, and one exception.
 */
#include "context.h"

#include "cpu.h"
#include "machine/atomic.h"

enum {
	SP = CONTEXT_SP / 8,
	STACK_LOW = CONTEXT_STACK / 8,
	STACK_HIGH,
	ON = CONTEXT_ON / 8,
	FP, /* struct mach_fp, or 0 */
	MADE,
	TLS = CONTEXT_TLS / 8, /* TPIDR_EL0 */
	KEPT_ENTRY = 2,        /* x19 and x20, as words of what context_swap() brings back */
	KEPT_ARG = 3,
	FP_TRAPS = 0,
	FP_WORKS = 3 << 20, /* CPACR_EL1.FPEN */
};

#define MADE_MARK 0x636f6e7465787421ull

_Static_assert((int)MADE < (int)TLS && (int)TLS < (int)COUNT_OF(((struct mach_context *)0)->word),
	       "a context's words");
_Static_assert(sizeof(struct mach_fp) == 32 * 16 + 2 * 8, "context.S");

/* context.S */
void context_swap(struct mach_context *from, struct mach_context *to, struct machine_cpu *cpu);
void context_begin(void);
void fp_keep(struct mach_fp *fp);
void fp_bring(const struct mach_fp *fp);

/* --- what stacks have a context, in images under test ----------------------------------------- */

/* A bit for each page of the window: a live context's stack begins there. */
static uint64_t begun[STACKS_WINDOW_PAGES / 64]; /* atomic */

static bool in_window(uint64_t stack)
{
	return stack - STACKS_WINDOW < (uint64_t)STACKS_WINDOW_PAGES * PAGE_SIZE;
}

static uint32_t window_page(uint64_t stack)
{
	return (uint32_t)((stack - STACKS_WINDOW) / PAGE_SIZE);
}

static void stack_begun(uint64_t stack)
{
	if (!in_window(stack)) return;
	if (atomic_bit_set(begun, window_page(stack)))
		kpanic("stack-in-use", "a second context for a stack");
}

static void stack_ended(uint64_t stack)
{
	if (in_window(stack)) atomic_bit_clear(begun, window_page(stack));
}

void cpu_stack_gone(uint64_t stack, size_t bytes)
{
	for (unsigned n = 0; n < cpu_count(); n++) {
		const uint64_t low = __atomic_load_n(&machine_cpus[n].stack_low, __ATOMIC_RELAXED);
		if (low - stack < bytes) kpanic("stack-in-use", "CPU %u is on it", n);
	}
	for (uint64_t at = stack; at < stack + bytes && in_window(at); at += PAGE_SIZE) {
		const uint32_t page = window_page(at);
		if ((atomic_load_u64(&begun[page / 64]) >> page % 64 & 1) != 0)
			kpanic("stack-in-use", "its context has not ended");
	}
}

/* --- contexts --------------------------------------------------------------------------------- */

static void guard(uint64_t stack)
{
	*(uint64_t *)(uintptr_t)stack = STACK_CANARY;
}

void mach_context_adopt(struct mach_context *c, struct mach_fp *fp)
{
	const mach_irq_t was = mach_irq_save();
	struct machine_cpu *cpu = cpu_here();
	cpu_fp_leave(cpu);
	cpu->fp = fp;
	*c = (struct mach_context){ .word = { [STACK_LOW] = cpu->stack_low,
					      [STACK_HIGH] = cpu->stack_high,
					      [ON] = cpu->number + 1u,
					      [FP] = (uintptr_t)fp,
					      [MADE] = MADE_MARK } };
	guard(cpu->stack_low);
	mach_irq_restore(was);
}

void mach_context_init(struct mach_context *c, uint64_t stack, size_t bytes,
		       void (*entry)(void *arg), void *arg, struct mach_fp *fp)
{
	ASSERT(is_aligned(stack | bytes, 16) && bytes >= CONTEXT_STACK_LEAST);
	if (CHECK_LEVEL >= 2) stack_begun(stack);
	uint64_t *kept = (uint64_t *)((uintptr_t)mach_user_regs(stack, bytes) - CONTEXT_SAVE_BYTES);
	memset(kept, 0, CONTEXT_SAVE_BYTES);
	kept[1] = (uintptr_t)context_begin;
	kept[KEPT_ENTRY] = (uintptr_t)entry;
	kept[KEPT_ARG] = (uintptr_t)arg;
	guard(stack);
	*c = (struct mach_context){ .word = { [SP] = (uintptr_t)kept,
					      [STACK_LOW] = stack,
					      [STACK_HIGH] = stack + bytes,
					      [FP] = (uintptr_t)fp,
					      [MADE] = MADE_MARK } };
}

/* Before a switch: what can be wrong with either side. */
static void look(const struct machine_cpu *cpu, const struct mach_context *from,
		 const struct mach_context *to)
{
	if (!mach_irq_masked()) kpanic("irq-order", "a switch with interrupts unmasked");
	if (from->word[MADE] != MADE_MARK || from->word[ON] != cpu->number + 1u)
		kpanic("stack-in-use", "a context is left that this CPU is not in");
	if (to->word[MADE] != MADE_MARK)
		kpanic("stack-in-use", "a context that was never made, or has ended, is to go on");
	if (atomic_load_u64(&to->word[ON]) != 0)
		kpanic("stack-in-use", "a context is to go on that is on CPU %lu",
		       to->word[ON] - 1);
	if (*(const uint64_t *)cpu->stack_low != STACK_CANARY)
		kpanic("stack-canary", "somebody wrote over the end of the stack that is left");
}

void mach_context_switch(struct mach_context *from, struct mach_context *to)
{
	cpu_at(TURN_SWITCH, 0);
	struct machine_cpu *cpu = cpu_here();
	if (from == to) return;
	if (CHECK_LEVEL >= 2) look(cpu, from, to);
	cpu_fp_leave(cpu);
	from->word[FP] = (uintptr_t)cpu->fp;
	cpu->fp = (struct mach_fp *)(uintptr_t)to->word[FP];
	to->word[ON] = cpu->number + 1u;
	context_swap(from, to, cpu);
}

void mach_context_end(struct mach_context *c)
{
	if (c->word[MADE] != MADE_MARK)
		kpanic("stack-in-use", "a context ends that was never made, or has ended");
	if (CHECK_LEVEL >= 2 && atomic_load_u64(&c->word[ON]) != 0)
		kpanic("stack-in-use", "a context ends that is on CPU %lu", c->word[ON] - 1);
	if (CHECK_LEVEL >= 2) stack_ended(c->word[STACK_LOW]);
	c->word[MADE] = 0;
}

uintptr_t context_record(const struct mach_context *c)
{
	return c->word[MADE] == MADE_MARK && c->word[ON] == 0 ? c->word[SP] : 0;
}

/* --- floating point --------------------------------------------------------------------------- */

static void fp_access(uint64_t how)
{
	__asm__ volatile("msr cpacr_el1, %0\n\tisb" : : "r"(how) : "memory");
}

void cpu_fp_keep(struct machine_cpu *cpu)
{
	fp_keep(cpu->fp);
	cpu->fp_live = 0;
	fp_access(FP_TRAPS);
}

bool cpu_fp_wanted(struct machine_cpu *cpu)
{
	if (cpu->fp == NULL || cpu->fp_live != 0) return false;
	fp_access(FP_WORKS);
	fp_bring(cpu->fp);
	cpu->fp_live = 1;
	return true;
}

void mach_fp_store(struct mach_fp *to)
{
	const mach_irq_t was = mach_irq_save();
	struct machine_cpu *cpu = cpu_here();
	ASSERT(cpu->fp != NULL && cpu->fp != to);
	cpu_fp_leave(cpu);
	*to = *cpu->fp;
	mach_irq_restore(was);
}

void mach_fp_load(const struct mach_fp *from)
{
	const mach_irq_t was = mach_irq_save();
	struct machine_cpu *cpu = cpu_here();
	ASSERT(cpu->fp != NULL && cpu->fp != from);
	cpu_fp_leave(cpu); /* what the CPU has is not to be kept over these */
	*cpu->fp = *from;
	mach_irq_restore(was);
}

/* --- users ------------------------------------------------------------------------------------ */

struct user_regs *mach_user_regs(uint64_t stack, size_t bytes)
{
	ASSERT(is_aligned(stack | bytes, 16) && bytes >= CONTEXT_STACK_LEAST);
	return (struct user_regs *)(uintptr_t)(stack + bytes - USER_FRAME_BYTES);
}

uint64_t mach_tls(void)
{
	uint64_t value;
	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(value));
	return value;
}

void mach_tls_set(uint64_t value)
{
	__asm__ volatile("msr tpidr_el0, %0" : : "r"(value) : "memory");
}
