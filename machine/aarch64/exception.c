/*
 * exception.c -- where every exception goes: interrupts to their handlers, a tried access back to
 * who tried it, a context's first use of floating point back to it, everything else into a panic
 * that says what happened.
 *
 * The kernel runs on its own stack pointer (EL1h), so of the sixteen vectors five are expected:
 * 5, an interrupt; 4, a synchronous exception during a probe, which the vector itself sends back;
 * and those from EL0: 8, calls and faults, 9, an interrupt, and 11, a system error.  A frame on the
 * emergency stack means that the stack pointer was bad: just below the stack it is an overflow.
 *
 * Always true: interrupts are masked throughout, but for the handlers of what comes from EL0, and
 * whatever comes from there is that program's business: nothing of it panics.  A panic knows the
 * frame by machine_cpu.frame.
 */
#include "exception.h"

#include "clock.h"
#include "context.h"
#include "cpu.h"
#include "gic.h"
#include "uart.h"

enum {
	VECTOR_IRQ = 5,
	CLASS_UNKNOWN = 0x00,
	CLASS_FP = 0x07,
	CLASS_ILLEGAL = 0x0e,
	CLASS_INSTRUCTION = 0x21,
	CLASS_PC = 0x22,
	CLASS_DATA = 0x25,
	CLASS_SP = 0x26,
	CLASS_SERROR = 0x2f,
	CLASS_BRK = 0x3c,
	BRK_UNDEFINED = 0x5500, /* clang's -fsanitize-trap: the kind in the low byte */
};

static unsigned class_of(uint64_t esr)
{
	return esr >> 26 & 0x3f;
}

const char *exception_name(uint64_t esr)
{
	switch (class_of(esr)) {
	case CLASS_UNKNOWN: return "undefined instruction";
	case CLASS_FP: return "floating point in the kernel";
	case CLASS_ILLEGAL: return "illegal execution state";
	case CLASS_INSTRUCTION: return "instruction abort";
	case CLASS_PC: return "misaligned program counter";
	case CLASS_DATA: return "data abort";
	case CLASS_SP: return "misaligned stack pointer";
	case CLASS_SERROR: return "system error";
	case CLASS_BRK: return "breakpoint";
	default: return "unknown exception";
	}
}

/* What a fault status (ESR_EL1, bits 5 to 0) says, without the level. */
static const char *fault_name(uint64_t esr)
{
	switch (esr & 0x3c) {
	case 0x00: return "address size";
	case 0x04: return "not mapped";
	case 0x08: return "access flag";
	case 0x0c: return "permission";
	default: return (esr & 0x3f) == 0x21 ? "alignment" : "other";
	}
}

/* What clang's undefined-behaviour check of that number found (clang 14, CodeGenFunction.h). */
static const char *undefined_name(unsigned kind)
{
	static const char *const names[] = {
		[0x00] = "addition overflows",
		[0x01] = "unreachable code reached",
		[0x03] = "division overflows or by zero",
		[0x05] = "float does not fit",
		[0x07] = "conversion changes the value",
		[0x08] = "bad argument of a builtin",
		[0x0a] = "value that its type does not have",
		[0x0b] = "function ends without a value",
		[0x0c] = "multiplication overflows",
		[0x0d] = "negation overflows",
		[0x10] = "null argument",
		[0x11] = "null returned",
		[0x12] = "index out of bounds",
		[0x13] = "pointer arithmetic overflows",
		[0x14] = "shift out of bounds",
		[0x15] = "subtraction overflows",
		[0x16] = "null or misaligned pointer, or wrong type",
		[0x17] = "alignment that was promised is not there",
		[0x18] = "array of negative length",
	};
	const char *name = kind < COUNT_OF(names) ? names[kind] : NULL;
	return name != NULL ? name : "unknown kind";
}

/* The line of a panic is a signature, so it names no address; the registers below it do. */
static NORETURN void report_abort(const struct exception_frame *frame)
{
	const uint64_t esr = frame->esr;
	const bool fetch = class_of(esr) == CLASS_INSTRUCTION;
	const bool write = !fetch && (esr & (1 << 6)) != 0;
	kpanic("fault", "%s: %s%s: %s", exception_name(esr),
	       fetch   ? "fetch"
	       : write ? "write"
		       : "read",
	       frame->far < PAGE_SIZE ? " near address 0" : "", fault_name(esr));
}

static NORETURN void report_sync(const struct exception_frame *frame)
{
	const unsigned class = class_of(frame->esr);
	const unsigned comment = frame->esr & 0xffff;
	if (class == CLASS_DATA || class == CLASS_INSTRUCTION) report_abort(frame);
	if (class == CLASS_BRK && (comment & 0xff00) == BRK_UNDEFINED)
		kpanic("undefined", "%s (ubsan kind 0x%x)", undefined_name(comment & 0xff),
		       comment & 0xff);
	kpanic("fault", "%s", exception_name(frame->esr));
}

/* The frame lies on the emergency stack, because the stack pointer could not be used. */
static NORETURN void report_stack(struct machine_cpu *cpu, const struct exception_frame *frame)
{
	const uintptr_t low = cpu->stack_low;
	const bool own = low == cpu_stack(cpu->number);
	cpu->stack_high = cpu->emergency_high;
	cpu->stack_low = cpu->emergency_high - EMERGENCY_STACK_BYTES;
	if (frame->sp < low + FRAME_BYTES && frame->sp + PAGE_SIZE >= low)
		kpanic("stack-overflow", "kernel stack overflow: %s is used up",
		       own ? "the CPU's own" : "a thread's");
	kpanic("bad-stack", "no stack at the stack pointer: %s", exception_name(frame->esr));
}

/* The interrupt is over for the controller before it is handled, with this CPU's interrupts masked
 * still: a handler may go on in another context, and come back much later and elsewhere. */
static void interrupt(uint64_t at)
{
	const uint32_t claimed = gic_claim();
	const unsigned id = gic_number(claimed);
	if (id >= GIC_NONE) return;                 /* it went away before we asked */
	if (id == clock_interrupt()) clock_fired(); /* a level: it would be there again */
	gic_done(claimed);
	if (id == GIC_SGI_STOP)
		cpu_park(at);
	else if (id == GIC_SGI_WAKE)
		cpu_ipi_came();
	else if (id == clock_interrupt())
		cpu_timer_came();
	else if (id == uart_interrupt())
		uart_came();
	else
		kpanic("fault", "interrupt %u is nobody's", id);
}

void exception_entry(struct exception_frame *frame)
{
	struct machine_cpu *cpu = cpu_here();
	if (frame->vector == VECTOR_IRQ) {
		interrupt(frame->elr);
		return;
	}
	if (frame->vector == VECTOR_SYNC && class_of(frame->esr) == CLASS_FP && cpu_fp_wanted(cpu))
		return;
	cpu->frame = frame;
	if ((frame->vector & VECTOR_BAD_STACK) != 0) report_stack(cpu, frame);
	if (frame->vector == VECTOR_SYNC) report_sync(frame);
	kpanic("fault", "vector %lu: %s", frame->vector, exception_name(frame->esr));
}

/* --- from EL0 --------------------------------------------------------------------------------- */

void user_works(void *who)
{
	cpu_handlers_now()->work(who);
}

void user_faulted(const struct user_frame *frame, uint64_t esr, uint64_t far)
{
	if (class_of(esr) == CLASS_FP && cpu_fp_wanted(cpu_here())) return;
	cpu_unmask_all();
	cpu_handlers_now()->fault(frame->who, esr, far);
}

void user_interrupted(const struct user_frame *frame)
{
	interrupt(frame->regs.pc);
}
