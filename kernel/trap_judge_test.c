/*
 * trap_judge_test.c -- what exceptions from EL0 mean, against Linux 6.1's tables, written down by
 * hand (arch/arm64/mm/fault.c, kernel/entry-common.c, kernel/traps.c).
 */
#include "kernel/trap_judge.h"

#include "kernel/abi.h"
#include "machine/host/expect.h"

#define CLASS(n) ((uint64_t)(n) << 26)
#define KERNEL_ADDRESS 0xffff000041234567ull

enum { DATA = 0x24, FETCH = 0x20, WRITE = 1 << 6, CACHE = 1 << 8, AT = 0x7654321 };

static const struct user_regs regs = { .pc = 0x400000, .sp = 0x7ffffff8 };

static bool gets(uint64_t esr, uint64_t far, int signal, int code, uint64_t address)
{
	const struct trap_verdict v = trap_judge(&regs, esr, far);
	return v.kind == TRAP_SIGNAL && v.signal == signal && v.code == code &&
	       v.address == address;
}

static bool asks(uint64_t esr, uint64_t far, enum mach_access access, uint64_t address)
{
	const struct trap_verdict v = trap_judge(&regs, esr, far);
	return v.kind == TRAP_PAGE && v.access == access && v.address == address;
}

static void test_pages(void)
{
	static const uint8_t pages[] = { 4, 5, 6, 7, 9, 10, 11, 13, 14, 15 };
	for (unsigned i = 0; i < sizeof(pages); i++) {
		const uint64_t data = CLASS(DATA) | pages[i], fetch = CLASS(FETCH) | pages[i];
		EXPECT(asks(data, AT, MACH_LOAD, AT));
		EXPECT(asks(data | WRITE, AT, MACH_STORE, AT));
		EXPECT(asks(data | WRITE | CACHE, AT, MACH_LOAD, AT));
		EXPECT(asks(fetch, AT, MACH_FETCH, AT));
		EXPECT(asks(data, 0x5a00000000000000 | AT, MACH_LOAD, AT));
		EXPECT(gets(data, KERNEL_ADDRESS, SIGSEGV, SEGV_MAPERR, KERNEL_ADDRESS));
		EXPECT(gets(fetch, KERNEL_ADDRESS, SIGSEGV, SEGV_MAPERR, KERNEL_ADDRESS));
		EXPECT(gets(data, 1ull << 48, SIGSEGV, SEGV_MAPERR, 1ull << 48));
	}
}

static void test_other_aborts(void)
{
	for (unsigned status = 0; status < 64; status++) {
		const uint64_t esr = CLASS(DATA) | status;
		switch (status) {
		case 0x10:
		case 0x18:
		case 0x35: EXPECT(gets(esr, AT, SIGBUS, BUS_OBJERR, AT)); continue;
		case 0x11: EXPECT(gets(esr, AT, SIGSEGV, SEGV_MTESERR, AT)); continue;
		case 0x21: EXPECT(gets(esr, AT, SIGBUS, BUS_ADRALN, AT)); continue;
		default: break;
		}
		const bool page = status >= 4 && status < 16 && status != 8 && status != 12;
		EXPECT(page || gets(esr, AT, SIGKILL, SI_KERNEL, AT));
	}
}

static void test_classes(void)
{
	EXPECT(trap_judge(&regs, CLASS(0x01), 0).kind == TRAP_SKIP);
	EXPECT(gets(CLASS(0x00), 0, SIGILL, ILL_ILLOPC, regs.pc));
	EXPECT(gets(CLASS(0x07), 0, SIGILL, ILL_ILLOPC, regs.pc));
	EXPECT(gets(CLASS(0x0e), 0, SIGILL, ILL_ILLOPC, regs.pc));
	EXPECT(gets(CLASS(0x18), 0, SIGILL, ILL_ILLOPC, regs.pc));
	EXPECT(gets(CLASS(0x19), 0, SIGILL, ILL_ILLOPC, regs.pc));
	EXPECT(gets(CLASS(0x1c), 0, SIGILL, ILL_ILLOPN, regs.pc));
	EXPECT(gets(CLASS(0x22), AT, SIGBUS, BUS_ADRALN, AT));
	EXPECT(gets(CLASS(0x26), AT, SIGBUS, BUS_ADRALN, regs.sp));
	EXPECT(gets(CLASS(0x3c), 0, SIGTRAP, TRAP_BRKPT, regs.pc));
	EXPECT(gets(CLASS(0x32), 0, SIGTRAP, TRAP_TRACE, regs.pc));
	EXPECT(gets(CLASS(0x34), AT, SIGTRAP, TRAP_HWBKPT, AT));
	EXPECT(gets(CLASS(0x2c), 0, SIGFPE, FPE_FLTUNK, regs.pc));
	EXPECT(gets(CLASS(0x2c) | 1 << 23 | 2, 0, SIGFPE, FPE_FLTDIV, regs.pc));
	for (unsigned class = 0; class < 64; class ++) {
		const struct trap_verdict v = trap_judge(&regs, CLASS(class), AT);
		EXPECT(v.kind != TRAP_SIGNAL || (v.signal != 0 && v.code != 0));
	}
}

int main(void)
{
	test_pages();
	test_other_aborts();
	test_classes();
	return 0;
}
