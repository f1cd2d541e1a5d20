/*
 * abi_signal.h -- signals, for abi.h: their numbers, what programs ask for, and what lies on a
 * program's stack while its handler runs.
 */
#ifndef KERNEL_ABI_SIGNAL_H
#define KERNEL_ABI_SIGNAL_H

#include <stdint.h>

enum {
	SIGHUP = 1,
	SIGINT = 2,
	SIGQUIT = 3,
	SIGILL = 4,
	SIGTRAP = 5,
	SIGABRT = 6,
	SIGBUS = 7,
	SIGFPE = 8,
	SIGKILL = 9,
	SIGUSR1 = 10,
	SIGSEGV = 11,
	SIGUSR2 = 12,
	SIGPIPE = 13,
	SIGALRM = 14,
	SIGTERM = 15,
	SIGSTKFLT = 16,
	SIGCHLD = 17,
	SIGCONT = 18,
	SIGSTOP = 19,
	SIGTSTP = 20,
	SIGTTIN = 21,
	SIGTTOU = 22,
	SIGURG = 23,
	SIGXCPU = 24,
	SIGXFSZ = 25,
	SIGVTALRM = 26,
	SIGPROF = 27,
	SIGWINCH = 28,
	SIGIO = 29,
	SIGPWR = 30,
	SIGSYS = 31,
	SIGRTMIN = 32,
	SIGRTMAX = 64,
};

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

/* Instead of a handler's address. */
#define SIG_DEFAULT ((uint64_t)0)
#define SIG_IGNORE ((uint64_t)1)

#define SA_NOCLDSTOP 0x1ull
#define SA_NOCLDWAIT 0x2ull
#define SA_SIGINFO 0x4ull
#define SA_UNSUPPORTED 0x400ull
#define SA_EXPOSE_TAGBITS 0x800ull
#define SA_RESTORER 0x4000000ull
#define SA_ONSTACK 0x8000000ull
#define SA_RESTART 0x10000000ull
#define SA_NODEFER 0x40000000ull
#define SA_RESETHAND 0x80000000ull

struct abi_sigaction {
	uint64_t handler, flags, restorer, mask;
};
_Static_assert(sizeof(struct abi_sigaction) == 32, "struct sigaction of the kernel");

enum { SS_ONSTACK = 1, SS_DISABLE = 2, MINSIGSTKSZ = 5120, SIGSTKSZ = 16384 };
#define SS_AUTODISARM 0x80000000u

struct abi_sigaltstack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t bytes;
};
_Static_assert(sizeof(struct abi_sigaltstack) == 24, "stack_t");

/* Whence a signal: `code` of a struct abi_siginfo. */
enum {
	SI_USER = 0,
	SI_KERNEL = 0x80,
	SI_QUEUE = -1,
	SI_TIMER = -2,
	SI_TKILL = -6,
	ILL_ILLOPC = 1,
	ILL_ILLOPN = 2,
	ILL_PRVOPC = 5,
	FPE_INTDIV = 1,
	FPE_FLTDIV = 3,
	FPE_FLTOVF = 4,
	FPE_FLTUND = 5,
	FPE_FLTRES = 6,
	FPE_FLTINV = 7,
	FPE_FLTUNK = 14,
	SEGV_MAPERR = 1,
	SEGV_ACCERR = 2,
	SEGV_MTESERR = 9,
	BUS_ADRALN = 1,
	BUS_ADRERR = 2,
	BUS_OBJERR = 3,
	TRAP_BRKPT = 1,
	TRAP_TRACE = 2,
	TRAP_HWBKPT = 4,
	CLD_EXITED = 1,
	CLD_KILLED = 2,
	CLD_DUMPED = 3,
	CLD_STOPPED = 5,
	CLD_CONTINUED = 6,
};

struct abi_siginfo {
	int32_t signo, error, code, pad0;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value; /* of sigqueue */
		} sent;
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status, pad;
			int64_t user_ticks, kernel_ticks;
		} child;
		struct {
			uint64_t address;
		} fault;
		uint8_t pad[112];
	};
};
_Static_assert(sizeof(struct abi_siginfo) == 128, "siginfo_t");

/* --- the frame on a program's stack ----------------------------------------------------------- */

/* struct sigcontext; each of `records` begins with a struct abi_record; magic 0 is the end. */
struct abi_sigcontext {
	uint64_t fault_address;
	uint64_t regs[31];
	uint64_t sp, pc, pstate, pad;
	_Alignas(16) uint8_t records[4096];
};
_Static_assert(sizeof(struct abi_sigcontext) == 4384, "struct sigcontext");

struct abi_record {
	uint32_t magic, bytes;
};

enum { FPSIMD_MAGIC = 0x46508001, ESR_MAGIC = 0x45535201 };

struct abi_fpsimd {
	struct abi_record head; /* FPSIMD_MAGIC, 528 */
	uint32_t fpsr, fpcr;
	uint64_t q[64]; /* q0 to q31, low halves first */
};
_Static_assert(sizeof(struct abi_fpsimd) == 528, "struct fpsimd_context");

struct abi_ucontext {
	uint64_t flags, link;
	struct abi_sigaltstack stack;
	uint64_t mask;
	uint8_t unused[120]; /* the rest of a C library's 1,024 signals */
	struct abi_sigcontext mcontext;
};
_Static_assert(sizeof(struct abi_ucontext) == 4560, "struct ucontext");

struct abi_sigframe {
	struct abi_siginfo info;
	struct abi_ucontext uc;
};
_Static_assert(sizeof(struct abi_sigframe) == 4688, "struct rt_sigframe");

#endif
