/*
 * numbers.c -- every system call's number, 0 to 450, with arguments that make no sense.
 *
 * Each number has a child, which makes the call with one pattern of bad pointers, lengths,
 * descriptors and flags after another.  A call may answer anything, end the child, or wait until
 * the child is killed; the kernel lives, this program's memory is as it was, and all that children
 * had comes back.  Left out are only the calls that end or stop everything by design.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

enum { NUMBERS = 451, WATCHED = 64 };

static const uint64_t pattern[][6] = {
	{ 0, 0, 0, 0, 0, 0 },
	{ -1ul, -1ul, -1ul, -1ul, -1ul, -1ul },
	{ 3, 0x10, 4096, 0x10, 4096, 0 },
	{ 0x10, 0x10, 0x10, 0x10, 0x10, 0x10 },
	{ 0xffff000000001000, 0xffff000000001000, 8, 0xffff000000001000, 8, 0 },
	{ 1, 0xffff000000001000, 1ul << 62, 0, 0, 0 },
	{ 0x0000fffffffffff0, 0x0000fffffffffff0, 4096, 0x0000fffffffffff0, 1, 0 },
	{ 0x8000000000000000, 0x8000000000000000, 0x8000000000000000, 0, 0, 0 },
	{ 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff },
	{ 1, 1, 1, 1, 1, 1 },
};

/* What would end everything if it worked: and it may, for who is root. */
static int left_out(long number)
{
	switch (number) {
	case SYS_reboot:
	case SYS_vhangup:
	case SYS_kexec_load:
	case SYS_kexec_file_load:
	case SYS_umount2:
	case SYS_pivot_root:
	case SYS_mlockall:
	case SYS_settimeofday:
	case SYS_clock_settime: return 1;
	default: return 0;
	}
}

static long call(long number, const uint64_t *with)
{
	register long x8 __asm__("x8") = number;
	register uint64_t x0 __asm__("x0") = with[0], x1 __asm__("x1") = with[1],
			     x2 __asm__("x2") = with[2], x3 __asm__("x3") = with[3],
			     x4 __asm__("x4") = with[4], x5 __asm__("x5") = with[5];

	/* Who comes out of a clone with another stack, or twice, ends here. */
	__asm__ volatile("mov x19, x8\n\tsvc #0\n\tcbnz x0, 1f\n\tcmp x19, #220\n\tb.eq 2f\n\t"
			 "cmp x19, #435\n\tb.ne 1f\n2:\tmov x8, #93\n\tsvc #0\n1:"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
			 : "x19", "cc", "memory");
	return (long)x0;
}

static void child(long number)
{
	/* So that a kill of its group reaches only it, and it ends if a call never does. */
	setsid();
	close(0);
	for (unsigned i = 0; i < PROBE_COUNT(pattern); i++) call(number, pattern[i]);
	_exit(0);
}

static unsigned long free_bytes(void)
{
	struct sysinfo s;

	sysinfo(&s);
	return s.freeram * s.mem_unit;
}

/* Its end, or SIGKILL after a while; whatever it left behind is ours to wait for. */
static void wait_for(pid_t pid)
{
	const struct timespec moment = { 0, 1000000 };
	int status, ended = 0;

	for (int i = 0; i < 100 && !ended; i++) {
		ended = waitpid(pid, &status, WNOHANG | __WALL) != 0;
		if (!ended) nanosleep(&moment, NULL);
	}
	kill(-pid, SIGKILL);
	if (ended) return;
	kill(pid, SIGKILL);
	waitpid(pid, &status, __WALL);
}

int main(void)
{
	const struct rlimit none = { 0, 0 };
	const pid_t self = getpid();
	uint64_t *const watched =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int made = 0;

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < WATCHED; i++) watched[i] = i * 0x123456789;
	const unsigned long before = free_bytes();
	for (long number = 0; number < NUMBERS; number++) {
		if (left_out(number)) continue;
		const pid_t pid = fork();
		if (pid == 0) child(number);
		if (pid < 0) {
			say("no child for %ld: %s", number, strerrorname_np(errno));
			break;
		}
		wait_for(pid);
		made++;
	}
	say("%d numbers, %zu patterns each", made, PROBE_COUNT(pattern));
	int kept = 1;
	for (unsigned i = 0; i < WATCHED; i++) kept &= watched[i] == i * 0x123456789;
	say("memory as it was: %d, process as it was: %d", kept, getpid() == self);
	for (int i = 0; i < 100 && free_bytes() + (16 << 20) < before; i++) usleep(20000);
	say("free memory is back: %d", free_bytes() + (16 << 20) >= before);
	static const long beyond[] = { 451, 600, 1999, 0x7fffffff, -1 };
	for (unsigned i = 0; i < PROBE_COUNT(beyond); i++) ANSWER(syscall(beyond[i], 0, 0, 0));
	/* Only the lower half of the register counts. */
	ANSWER(syscall((1l << 40) + SYS_sched_yield));
	return 0;
}
