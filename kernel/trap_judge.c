/*
 * trap_judge.c -- the tables of trap_judge.h: classes of exceptions, and statuses of aborts.
 *
 * Whatever a program did, there is an answer: what Linux 6.1 on arm64 answers
 * (arch/arm64/kernel/entry-common.c, traps.c, mm/fault.c), and SIGILL for what no table has.  Two
 * are ours.  Linux hands out the ID registers that it wants programs to see, where they are read;
 * here that is SIGILL, and HWCAP_CPUID is not among what programs are told.  And a system error
 * that comes while a program runs, where Linux panics, ends that program.
 *
 * An abort at an address of the kernel's half says nothing of what is there: it is MAPERR, always.
 * Bits 63 to 56 of a user's address are a tag, which is not looked at (TCR_EL1.TBI0).
 *
 * Encodings: DDI 0487, D19.2.37 "ESR_EL1".
 */
#include "kernel/trap_judge.h"

#include "kernel/abi.h"
#include "machine/entry.h"

enum {
	CLASS_WFX = 0x01,
	CLASS_PAC = 0x09,
	CLASS_FPAC = 0x1c,
	CLASS_FETCH = 0x20,
	CLASS_PC = 0x22,
	CLASS_DATA = 0x24,
	CLASS_SP = 0x26,
	CLASS_FLOAT = 0x2c,
	CLASS_SERROR = 0x2f,
	CLASS_BREAKPOINT = 0x30,
	CLASS_STEP = 0x32,
	CLASS_WATCHPOINT = 0x34,
	CLASS_BRK = 0x3c,
	STATUSES = 64,
	ABORT_WRITE = 1 << 6,
	ABORT_CACHE = 1 << 8, /* upkeep of caches: a read, whatever ABORT_WRITE says */
	FLOAT_TELLS = 1 << 23,
	TAG_SHIFT = 8,
};

struct answer {
	uint8_t signal, code;
};

static struct trap_verdict refuse(int signal, int code, uint64_t address)
{
	return (struct trap_verdict){
		.kind = TRAP_SIGNAL, .signal = signal, .code = code, .address = address
	};
}

/* Without its tag: an address of the kernel's stays one, by its bit 55. */
static uint64_t untagged(uint64_t far)
{
	return (uint64_t)((int64_t)(far << TAG_SHIFT) >> TAG_SHIFT);
}

static bool is_page_fault(unsigned status)
{
	const bool level_0 = status % 4 == 0; /* which only a translation can miss */
	return status / 4 == 1 || ((status / 4 == 2 || status / 4 == 3) && !level_0);
}

/* Of an abort that no page will cure; what is not named kills. */
static struct answer answer_of(unsigned status)
{
	static const struct answer answers[STATUSES] = {
		[0x10] = { SIGBUS, BUS_OBJERR },    /* external */
		[0x11] = { SIGSEGV, SEGV_MTESERR }, /* a tag of memory */
		[0x18] = { SIGBUS, BUS_OBJERR },    /* parity */
		[0x21] = { SIGBUS, BUS_ADRALN },    /* alignment */
		[0x35] = { SIGBUS, BUS_OBJERR },    /* exclusive, where there is none */
	};
	const struct answer a = answers[status];
	return a.signal != 0 ? a : (struct answer){ SIGKILL, SI_KERNEL };
}

static struct trap_verdict judge_abort(uint64_t esr, uint64_t far, bool fetch)
{
	const unsigned status = esr & (STATUSES - 1);
	const bool writes = (esr & ABORT_WRITE) != 0 && (esr & ABORT_CACHE) == 0;
	const uint64_t at = untagged(far);
	if (!is_page_fault(status)) {
		const struct answer a = answer_of(status);
		return refuse(a.signal, a.code, at);
	}
	if (at >= USER_END) return refuse(SIGSEGV, SEGV_MAPERR, at);
	return (struct trap_verdict){ .kind = TRAP_PAGE,
				      .access = fetch    ? MACH_FETCH
						: writes ? MACH_STORE
							 : MACH_LOAD,
				      .address = at };
}

/* The lowest of the bits that say what was wrong with a number. */
static int float_code(uint64_t esr)
{
	static const uint8_t codes[] = { FPE_FLTINV, FPE_FLTDIV, FPE_FLTOVF, FPE_FLTUND,
					 FPE_FLTRES };
	if ((esr & FLOAT_TELLS) == 0) return FPE_FLTUNK;
	for (unsigned i = 0; i < COUNT_OF(codes); i++)
		if ((esr >> i & 1) != 0) return codes[i];
	return FPE_FLTUNK;
}

struct trap_verdict trap_judge(const struct user_regs *regs, uint64_t esr, uint64_t far)
{
	switch (esr >> 26 & 0x3f) {
	case CLASS_DATA: return judge_abort(esr, far, false);
	case CLASS_FETCH: return judge_abort(esr, far, true);
	case CLASS_WFX: return (struct trap_verdict){ .kind = TRAP_SKIP };
	case CLASS_PC: return refuse(SIGBUS, BUS_ADRALN, far);
	case CLASS_SP: return refuse(SIGBUS, BUS_ADRALN, regs->sp);
	case CLASS_FLOAT: return refuse(SIGFPE, float_code(esr), regs->pc);
	case CLASS_SERROR: return refuse(SIGBUS, BUS_OBJERR, 0);
	case CLASS_BREAKPOINT: return refuse(SIGTRAP, TRAP_HWBKPT, regs->pc);
	case CLASS_WATCHPOINT: return refuse(SIGTRAP, TRAP_HWBKPT, far);
	case CLASS_STEP: return refuse(SIGTRAP, TRAP_TRACE, regs->pc);
	case CLASS_BRK: return refuse(SIGTRAP, TRAP_BRKPT, regs->pc);
	case CLASS_PAC:
	case CLASS_FPAC: return refuse(SIGILL, ILL_ILLOPN, regs->pc);
	default: return refuse(SIGILL, ILL_ILLOPC, regs->pc);
	}
}
