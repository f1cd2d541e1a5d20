/*
 * faults.c -- what a program may try once: instructions, addresses, registers and stacks that are
 * not its to use.  Each in a child of its own; its status is the answer, and the parent lives on.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "user/probe/probe.h"

#define KERNEL_ADDRESS 0xffff000000100000

/* --- instructions ----------------------------------------------------------------------------- */

/* Each instruction alone, in a page of its own; x0 is the address of one that may be written. */
static const struct {
	const char *name;
	uint32_t code;
} instructions[] = {
	{ "nop", 0xd503201f },
	{ "wfi", 0xd503207f },
	{ "wfe", 0xd503205f },
	{ "sev", 0xd503209f },
	{ "yield", 0xd503203f },
	{ "udf #0", 0x00000000 },
	{ "udf #0xffff", 0x0000ffff },
	{ "all ones", 0xffffffff },
	{ "svc #1, as svc #0", 0xd4000021 },
	{ "hvc #0", 0xd4000002 },
	{ "smc #0", 0xd4000003 },
	{ "brk #0", 0xd4200000 },
	{ "brk #0xffff", 0xd43fffe0 },
	{ "hlt #0", 0xd4400000 },
	{ "hlt #0xf000, of semihosting", 0xd45e0000 },
	{ "dcps1", 0xd4a00001 },
	{ "dcps3", 0xd4a00003 },
	{ "eret", 0xd69f03e0 },
	{ "drps", 0xd6bf03e0 },
	{ "msr daifset, #15", 0xd5034fdf },
	{ "msr daifclr, #15", 0xd5034fff },
	{ "msr spsel, #1", 0xd50041bf },
	{ "mrs x1, currentel", 0xd5384241 },
	{ "mrs x1, sctlr_el1", 0xd5381001 },
	{ "msr sctlr_el1, xzr", 0xd518101f },
	{ "msr ttbr0_el1, xzr", 0xd518201f },
	{ "msr ttbr1_el1, xzr", 0xd518203f },
	{ "msr tcr_el1, xzr", 0xd518205f },
	{ "msr vbar_el1, xzr", 0xd518c01f },
	{ "msr elr_el1, xzr", 0xd518403f },
	{ "msr spsr_el1, xzr", 0xd518401f },
	{ "mrs x1, esr_el1", 0xd5385201 },
	{ "mrs x1, far_el1", 0xd5386001 },
	{ "msr cpacr_el1, xzr", 0xd518105f },
	{ "msr cntkctl_el1, xzr", 0xd518e11f },
	{ "mrs x1, cntpct_el0", 0xd53be021 },
	{ "mrs x1, cntv_ctl_el0", 0xd53be321 },
	{ "msr cntv_ctl_el0, xzr", 0xd51be33f },
	{ "msr cntp_cval_el0, xzr", 0xd51be25f },
	{ "mrs x1, cntvct_el0", 0xd53be041 },
	{ "mrs x1, ctr_el0", 0xd53b0021 },
	{ "mrs x1, dczid_el0", 0xd53b00e1 },
	{ "mrs x1, pmccntr_el0", 0xd53b9d01 },
	{ "msr pmuserenr_el0, xzr", 0xd51b9e1f },
	{ "msr tpidrro_el0, xzr", 0xd51bd07f },
	{ "mrs x1, tpidr_el1", 0xd538d081 },
	{ "mrs x1, actlr_el1", 0xd5381021 },
	{ "mrs x1, mdscr_el1", 0xd5300241 },
	{ "msr mdscr_el1, xzr", 0xd510025f },
	{ "mrs x1, icc_iar1_el1", 0xd538cc01 },
	{ "msr icc_eoir1_el1, xzr", 0xd518cc3f },
	{ "msr icc_sgi1r_el1, xzr", 0xd518cbbf },
	{ "tlbi vmalle1", 0xd508871f },
	{ "tlbi vmalle1is", 0xd508831f },
	{ "tlbi vae1is, x0", 0xd5088320 },
	{ "ic iallu", 0xd508751f },
	{ "ic ialluis", 0xd508711f },
	{ "ic ivau, x0", 0xd50b7520 },
	{ "dc ivac, x0", 0xd5087620 },
	{ "dc isw, x0", 0xd5087640 },
	{ "dc cisw, x0", 0xd5087e40 },
	{ "dc cvau, x0", 0xd50b7b20 },
	{ "dc civac, x0", 0xd50b7e20 },
	{ "dc zva, x0", 0xd50b7420 },
	{ "at s1e1r, x0", 0xd5087800 },
	{ "at s1e0r, x0", 0xd5087840 },
	{ "sys #7, c15, c15, #7, x0", 0xd50fffe0 },
	{ "isb", 0xd5033fdf },
	{ "dsb sy", 0xd5033f9f },
	{ "clrex", 0xd5033f5f },
	{ "ldxr x1, [x0]", 0xc85f7c01 },
	{ "stxr w1, x2, [x0]", 0xc8017c02 },
	{ "ldaxp x1, x2, [x0]", 0xc87f8801 },
	{ "ldtr x1, [x0]", 0xf8400801 },
	{ "prfm pldl1keep, [x0]", 0xf9800000 },
	{ "ldadd x1, x2, [x0], which this CPU has not", 0xf8210002 },
	{ "paciasp, a hint", 0xd503233f },
	{ "bti c, a hint", 0xd503245f },
	{ "sha1h s0, s0", 0x5e280800 },
};

static uint32_t *code_page;
static void *data_page;

static void run_instruction(unsigned i)
{
	code_page[0] = instructions[i].code;
	code_page[1] = 0xd65f03c0; /* ret */
	mprotect(code_page, 4096, PROT_READ | PROT_EXEC);
	__builtin___clear_cache((char *)code_page, (char *)(code_page + 2));
	register long x8 __asm__("x8") = SYS_getppid;
	register long x0 __asm__("x0") = (long)data_page;
	__asm__ volatile("blr %2"
			 : "+r"(x0)
			 : "r"(x8), "r"(code_page)
			 : "x1", "x2", "x30", "v0", "memory");
	_exit(0);
}

/* --- addresses -------------------------------------------------------------------------------- */

static const uint64_t addresses[] = {
	0,
	0x10,
	0x7fff,
	0x09000000, /* the serial line's registers, where a kernel maps them one to one */
	0x08000000, /* the interrupt controller's */
	0x40000000, /* memory's beginning */
	0x40080000, /* a kernel's usual place */
	0x0000f00000000fff,
	0x0001000000000000, /* neither a user's nor the kernel's */
	0x8000000000000000,
	0xfffeffffffffffff,
	0xffff000000000000,
	KERNEL_ADDRESS,
	0xffff000009000000,
	0xffff000040000000,
	0xffff800000000000,
	0xffff800008000000,
	0xfffffffffffff000,
	0xffffffffffffffff,
};

static void read_at(uint64_t at)
{
	*(volatile uint8_t *)at;
}

static void write_at(uint64_t at)
{
	*(volatile uint8_t *)at = 1;
}

static void jump_to(uint64_t at)
{
	((void (*)(void))at)();
}

static void read_pair_at(uint64_t at)
{
	__asm__ volatile("ldp x1, x2, [%0]" : : "r"(at) : "x1", "x2");
}

static void clean_at(uint64_t at)
{
	__asm__ volatile("dc civac, %0" : : "r"(at));
}

static void zero_at(uint64_t at)
{
	__asm__ volatile("dc zva, %0" : : "r"(at));
}

static void exchange_at(uint64_t at)
{
	__asm__ volatile("ldxr w1, [%0]\n\tstxr w2, w1, [%0]" : : "r"(at) : "w1", "w2", "memory");
}

static const struct {
	const char *name;
	void (*use)(uint64_t);
} uses[] = {
	{ "read", read_at },          { "write", write_at }, { "jump to", jump_to },
	{ "read two", read_pair_at }, { "clean", clean_at }, { "zero", zero_at },
	{ "exchange", exchange_at },
};

/* --- what is done with one's own memory ------------------------------------------------------- */

static void execute_stack(void)
{
	volatile uint32_t code[4] = { 0xd65f03c0 };

	((void (*)(void))(uintptr_t)code)();
}

static void execute_heap(void)
{
	uint32_t *const code = malloc(16);

	*code = 0xd65f03c0;
	((void (*)(void))code)();
}

static void write_own_text(void)
{
	*(volatile uint32_t *)(uintptr_t)write_own_text = 0;
}

static void write_constant(void)
{
	*(volatile uint32_t *)(uintptr_t)&instructions[0].code = 0;
}

/* Linux allows both at once; W^X by the kernel's own choice is another answer. */
static void write_and_execute(void)
{
	uint32_t *const p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) _exit(1);
	*p = 0xd65f03c0;
	__builtin___clear_cache((char *)p, (char *)(p + 1));
	((void (*)(void))p)();
}

static void end_of_memory(void)
{
	char *const p =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + 4096, 4096);
	*(volatile uint64_t *)(p + 4096 - 4) = 1; /* half of it is there */
}

static void unaligned_load(void)
{
	char *const p = data_page;

	*(volatile uint64_t *)(p + 1) = 0x1122334455667788;
	_exit(*(volatile uint64_t *)(p + 1) == 0x1122334455667788 ? 0 : 1);
}

static void unaligned_exclusive(void)
{
	__asm__ volatile("ldxr x1, [%0]" : : "r"((char *)data_page + 4) : "x1");
}

static void unaligned_acquire(void)
{
	__asm__ volatile("ldar x1, [%0]" : : "r"((char *)data_page + 4) : "x1");
}

static void unaligned_jump(void)
{
	jump_to((uint64_t)unaligned_jump + 2);
}

static void unmap_itself(void)
{
	munmap((void *)((uintptr_t)unmap_itself & ~0xffful), 4096);
}

static void unmap_everything(void)
{
	munmap(NULL, 1ul << 47);
	_exit(1);
}

static void stack_at(uint64_t at)
{
	__asm__ volatile("mov sp, %0\n\tmov x8, #172\n\tsvc #0\n\tstr x0, [sp, #-16]!"
			 :
			 : "r"(at)
			 : "x0", "x8");
}

static void stack_zero(void)
{
	stack_at(0);
}

static void stack_kernel(void)
{
	stack_at(KERNEL_ADDRESS);
}

static long deep(long sum)
{
	volatile char here[4000];

	here[sum % 4000] = 1;
	return sum < 0 ? 0 : deep(sum + 1) + here[0];
}

static void stack_over(void)
{
	_exit((int)deep(0));
}

/* --- signals ---------------------------------------------------------------------------------- */

static void nothing(int signal)
{
	(void)signal;
}

static void signal_on_bad_stack(uint64_t at)
{
	struct sigaction act = { .sa_handler = nothing };
	const long pid = getpid();

	sigaction(SIGUSR1, &act, NULL);
	register long x0 __asm__("x0") = pid;
	register long x1 __asm__("x1") = SIGUSR1;
	register long x8 __asm__("x8") = SYS_kill;
	__asm__ volatile("mov x9, sp\n\tmov sp, %3\n\tsvc #0\n\tmov sp, x9"
			 : "+r"(x0)
			 : "r"(x1), "r"(x8), "r"(at)
			 : "x9", "memory");
	_exit(1);
}

static void signal_stack_zero(void)
{
	signal_on_bad_stack(0);
}

static void signal_stack_kernel(void)
{
	signal_on_bad_stack(KERNEL_ADDRESS);
}

static void signal_stack_text(void)
{
	signal_on_bad_stack(((uint64_t)nothing & ~15ul) + 4096);
}

static uint64_t forged_state, forged_pc, forged_sp;

static void forge(int signal, siginfo_t *info, void *context)
{
	ucontext_t *const u = context;

	(void)signal, (void)info;
	if (forged_state != 0) u->uc_mcontext.pstate = forged_state;
	if (forged_pc != 0) u->uc_mcontext.pc = forged_pc;
	if (forged_sp != 0) u->uc_mcontext.sp = forged_sp;
}

static void return_forged(void)
{
	struct sigaction act = { .sa_sigaction = forge, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	_exit(0);
}

static void return_el1(void)
{
	forged_state = 0x3c5; /* EL1, its own stack, everything masked */
	return_forged();
}

static void return_el1_jump(void)
{
	forged_state = 0x5;
	forged_pc = KERNEL_ADDRESS;
	return_forged();
}

static void return_aarch32(void)
{
	forged_state = 0x10;
	return_forged();
}

static void return_masked(void)
{
	forged_state = 0x3c0;
	return_forged();
}

static void return_all_bits(void)
{
	forged_state = 0xffffffffffffffff;
	return_forged();
}

static void return_to_kernel(void)
{
	forged_pc = KERNEL_ADDRESS;
	return_forged();
}

static void return_kernel_stack(void)
{
	forged_sp = KERNEL_ADDRESS;
	return_forged();
}

/* Frames that nobody made: zeros, ones, and one that ends where memory does. */
static void return_from(void *frame)
{
	__asm__ volatile("mov sp, %0\n\tmov x8, #139\n\tsvc #0" : : "r"(frame) : "x8", "memory");
}

static void return_zeros(void)
{
	return_from(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void return_ones(void)
{
	char *const p =
		mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 0xff, 65536);
	return_from(p);
}

static void return_at_edge(void)
{
	char *const p =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + 4096, 4096);
	return_from(p + 4096 - 64);
}

static void return_kernel_frame(void)
{
	return_from((void *)KERNEL_ADDRESS);
}

/* A handler that faults, for the fault it handles. */
static void handler_faults(void)
{
	signal(SIGSEGV, (void (*)(int))BAD);
	*(volatile char *)BAD = 1;
}

/* --- registers -------------------------------------------------------------------------------- */

/* A call that does not exist changes x0 and nothing else. */
static void registers_kept(void)
{
	uint64_t sum = 0, vector = 0;

	__asm__ volatile(
		"mov x0, #-1\n\tmov x1, #-1\n\tmov x2, #0xffff000000000000\n\tmov x3, #3\n\tmov "
		"x4, #4\n\t"
		"mov x5, #-5\n\tmov x6, #6\n\tmov x7, #7\n\tmov x9, #9\n\tmov x10, #10\n\tmov x11, "
		"#11\n\t"
		"mov x12, #12\n\tmov x13, #13\n\tmov x14, #14\n\tmov x15, #15\n\tmov x16, #16\n\t"
		"mov x17, #17\n\tmov x20, #20\n\tmov x21, #21\n\tmov x22, #22\n\t"
		"mov x23, #23\n\tmov x24, #24\n\tmov x25, #25\n\tmov x26, #26\n\tmov x27, #27\n\t"
		"fmov d0, #1.0\n\tfmov d31, #2.0\n\tmov x8, #1999\n\tsvc #0\n\t"
		"add x1, x1, x2\n\tadd x1, x1, x3\n\tadd x1, x1, x4\n\tadd x1, x1, x5\n\t"
		"add x1, x1, x6\n\tadd x1, x1, x7\n\tadd x1, x1, x9\n\tadd x1, x1, x10\n\t"
		"add x1, x1, x11\n\tadd x1, x1, x12\n\tadd x1, x1, x13\n\tadd x1, x1, x14\n\t"
		"add x1, x1, x15\n\tadd x1, x1, x16\n\tadd x1, x1, x17\n\tadd x1, x1, x20\n\t"
		"add x1, x1, x21\n\tadd x1, x1, x22\n\tadd x1, x1, x23\n\tadd x1, x1, x24\n\t"
		"add x1, x1, x25\n\tadd x1, x1, x26\n\tadd x1, x1, x27\n\tadd %0, x1, x0\n\t"
		"fadd d0, d0, d31\n\tfmov %1, d0"
		: "=r"(sum), "=r"(vector)
		:
		: "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
		  "x13", "x14", "x15", "x16", "x17", "x20", "x21", "x22", "x23", "x24", "x25",
		  "x26", "x27", "v0", "v31", "memory");
	/* -1 - 5 + 3 + 4 + 6 + 7 + 9 to 17 + 20 to 27, the kernel's half, and -ENOSYS. */
	const uint64_t want = 0xffff000000000000 + 14 + 117 + 188 - 38;
	_exit(sum == want && vector == 0x4008000000000000 ? 0 : 1);
}

/* Floating-point registers that another program used before are not to be seen. */
static void registers_clean(void)
{
	uint64_t low[4];

	if (getenv("AGAIN") == NULL) {
		char *const words[] = { "faults", "registers", NULL }, *const e[] = { "AGAIN=1",
										      NULL };
		__asm__ volatile("movi v8.16b, #0x5a\n\tmovi v30.16b, #0x5a" ::: "v8", "v30");
		execve("/probe/faults", words, e);
		_exit(2);
	}
	__asm__ volatile("fmov %0, d8\n\tmov %1, v30.d[1]" : "=r"(low[0]), "=r"(low[1]));
	_exit(low[0] == 0x5a5a5a5a5a5a5a5a || low[1] == 0x5a5a5a5a5a5a5a5a ? 1 : 0);
}

static const struct {
	const char *name;
	void (*try)(void);
} tries[] = {
	{ "execute the stack", execute_stack },
	{ "execute the heap", execute_heap },
	{ "write to text", write_own_text },
	{ "write to constants", write_constant },
	{ "execute what may be written", write_and_execute },
	{ "a word across the end of memory", end_of_memory },
	{ "unaligned load and store", unaligned_load },
	{ "unaligned exclusive load", unaligned_exclusive },
	{ "unaligned load-acquire", unaligned_acquire },
	{ "unaligned jump", unaligned_jump },
	{ "unmap the code that runs", unmap_itself },
	{ "unmap everything", unmap_everything },
	{ "a stack at 0", stack_zero },
	{ "a stack in the kernel", stack_kernel },
	{ "a stack that runs over", stack_over },
	{ "a signal, and a stack at 0", signal_stack_zero },
	{ "a signal, and a stack in the kernel", signal_stack_kernel },
	{ "a signal, and a stack in text", signal_stack_text },
	{ "return to EL1", return_el1 },
	{ "return to EL1, into the kernel", return_el1_jump },
	{ "return to AArch32", return_aarch32 },
	{ "return with interrupts masked", return_masked },
	{ "return with all bits set", return_all_bits },
	{ "return into the kernel", return_to_kernel },
	{ "return to the kernel's stack", return_kernel_stack },
	{ "return from a frame of zeros", return_zeros },
	{ "return from a frame of ones", return_ones },
	{ "return from half a frame", return_at_edge },
	{ "return from the kernel's frame", return_kernel_frame },
	{ "a handler that faults", handler_faults },
	{ "registers are kept over a call", registers_kept },
	{ "registers of another program", registers_clean },
};

/* --- the parent ------------------------------------------------------------------------------- */

static void say_status(const char *kind, const char *name, int status)
{
	if (WIFSIGNALED(status))
		say("%s%s: signal %d", kind, name, WTERMSIG(status));
	else
		say("%s%s: exit %d", kind, name, WEXITSTATUS(status));
}

/* As a child: 0; the parent's answer is its status. */
static int child_status(int *status)
{
	const pid_t child = fork();

	if (child == 0) {
		alarm(20);
		return 0;
	}
	if (child < 0 || waitpid(child, status, 0) != child) say("a child is lost");
	return 1;
}

int main(int count, char **words)
{
	const struct rlimit none = { 0, 0 };
	int status = 0;

	if (count == 2 && strcmp(words[1], "registers") == 0) registers_clean();
	setrlimit(RLIMIT_CORE, &none);
	code_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	data_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < PROBE_COUNT(instructions); i++) {
		if (child_status(&status) == 0) run_instruction(i);
		say_status("", instructions[i].name, status);
	}
	for (unsigned u = 0; u < PROBE_COUNT(uses); u++) {
		for (unsigned a = 0; a < PROBE_COUNT(addresses); a++) {
			char name[60];
			snprintf(name, sizeof(name), "%s %016lx", uses[u].name, addresses[a]);
			if (child_status(&status) == 0) {
				uses[u].use(addresses[a]);
				_exit(0);
			}
			say_status("", name, status);
		}
	}
	for (unsigned i = 0; i < PROBE_COUNT(tries); i++) {
		if (child_status(&status) == 0) {
			tries[i].try();
			_exit(0);
		}
		say_status("", tries[i].name, status);
	}
	return 0;
}
