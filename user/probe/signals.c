/*
 * signals.c -- handlers, masks, what is pending, what a handler is told, calls that are cut short.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "user/probe/probe.h"

static volatile sig_atomic_t count, last, code, ours;
static void *volatile place;
static sigjmp_buf back;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	count++;
	last = signal;
	code = info->si_code;
	ours = info->si_pid == getpid();
	place = info->si_addr;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	on_signal(signal, info, context);
	siglongjmp(back, 1);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	if (sigaction(signal, &act, NULL) != 0) say("no handler of %d", signal);
}

static void asking(void)
{
	struct sigaction act = { .sa_handler = SIG_IGN }, was;

	ANSWER(sigaction(SIGKILL, &act, NULL));
	ANSWER(sigaction(SIGSTOP, &act, NULL));
	ANSWER(sigaction(SIGKILL, NULL, &was));
	ANSWER(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
	ANSWER(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
	ANSWER(syscall(SYS_rt_sigaction, 64, NULL, NULL, 8));
	ANSWER(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 16));
	ANSWER(syscall(SYS_rt_sigaction, SIGUSR1, BAD, NULL, 8));
	ANSWER(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8));
	ANSWER(syscall(SYS_rt_sigprocmask, 77, NULL, NULL, 8));
	ANSWER(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 4));
	ANSWER(kill(getpid(), 0));
	ANSWER(kill(getpid(), 65));
	ANSWER(kill(getpid(), -1));
	ANSWER(kill(99999, SIGTERM));
	ANSWER(syscall(SYS_tgkill, getpid(), 99999, 0));
	ANSWER(syscall(SYS_tgkill, 99999, getpid(), 0));
	ANSWER(syscall(SYS_tgkill, -1, getpid(), 0));
	ANSWER(syscall(SYS_tkill, 0, 0));
}

static void handlers(void)
{
	handle(SIGUSR1, on_signal, 0);
	ANSWER(kill(getpid(), SIGUSR1));
	say("%d handled: %d, si_code %d, from us %d", (int)count, (int)last, (int)code, (int)ours);
	ANSWER(raise(SIGUSR1));
	say("%d handled: %d, si_code %d, from us %d", (int)count, (int)last, (int)code, (int)ours);
	const union sigval value = { .sival_int = 77 };
	ANSWER(sigqueue(getpid(), SIGUSR1, value));
	say("%d handled: %d, si_code %d, from us %d", (int)count, (int)last, (int)code, (int)ours);
	handle(SIGUSR1, on_signal, SA_RESETHAND);
	raise(SIGUSR1);
	struct sigaction was;
	sigaction(SIGUSR1, NULL, &was);
	ANSWER_TRUE(was.sa_handler == SIG_DFL);
}

static void masks(void)
{
	sigset_t set, old, pending;

	count = 0;
	handle(SIGUSR1, on_signal, 0);
	handle(SIGUSR2, on_signal, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGKILL);
	ANSWER(sigprocmask(SIG_BLOCK, &set, &old));
	sigprocmask(SIG_BLOCK, NULL, &set);
	say("blocked: USR1 %d, USR2 %d, KILL %d", sigismember(&set, SIGUSR1),
	    sigismember(&set, SIGUSR2), sigismember(&set, SIGKILL));
	raise(SIGUSR2);
	raise(SIGUSR1);
	raise(SIGUSR1);
	ANSWER(sigpending(&pending));
	say("pending: USR1 %d, USR2 %d; handled %d", sigismember(&pending, SIGUSR1),
	    sigismember(&pending, SIGUSR2), (int)count);
	sigprocmask(SIG_SETMASK, &old, NULL);
	say("after: handled %d, the last %d", (int)count, (int)last);
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	say("ignored: handled %d", (int)count);
}

/* Real-time signals queue; the lowest number is delivered first. */
static void queued(void)
{
	sigset_t set;
	struct timespec now = { 0, 0 };
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 1; i <= 3; i++) {
		const union sigval value = { .sival_int = i };
		sigqueue(getpid(), i == 1 ? SIGRTMIN + 1 : SIGRTMIN, value);
	}
	for (int i = 1; i <= 4; i++) {
		const int got = sigtimedwait(&set, &info, &now);
		if (got > 0)
			say("SIGRTMIN+%d, value %d, si_code %d", got - SIGRTMIN,
			    info.si_value.sival_int, info.si_code);
		else
			answer("sigtimedwait", got);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void faulted(const char *what)
{
	say("%s: signal %d, si_code %d", what, (int)last, (int)code);
}

static void faults(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	handle(SIGSEGV, on_fault, 0);
	handle(SIGBUS, on_fault, 0);
	handle(SIGILL, on_fault, 0);
	handle(SIGTRAP, on_fault, 0);
	if (sigsetjmp(back, 1) == 0) *(volatile char *)BAD = 1;
	faulted("write where nothing is");
	ANSWER_TRUE(place == BAD);
	if (sigsetjmp(back, 1) == 0) *(volatile char *)(page + 5) = 1;
	faulted("write to what may be read");
	ANSWER_TRUE(place == page + 5);
	if (sigsetjmp(back, 1) == 0) ((void (*)(void))(uintptr_t)page)();
	faulted("execute what may be read");
	ANSWER_TRUE(place == page);
	if (sigsetjmp(back, 1) == 0) *(volatile char *)0xffff000000000000;
	faulted("read the kernel's");
	if (sigsetjmp(back, 1) == 0) __asm__ volatile(".inst 0");
	faulted("undefined instruction");
	if (sigsetjmp(back, 1) == 0) __asm__ volatile("brk #1");
	faulted("brk");
	if (sigsetjmp(back, 1) == 0) ((void (*)(void))((uintptr_t)asking + 2))();
	faulted("jump to an odd address");
	if (sigsetjmp(back, 1) == 0) __asm__ volatile("ldxr x0, [%0]" ::"r"(page + 1) : "x0");
	faulted("exclusive load, not aligned");
	munmap(page, 4096);
}

/* --- what a handler may do -------------------------------------------------------------------- */

static void on_context(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	on_signal(signal, info, context);
	if (signal == SIGTRAP) u->uc_mcontext.pc += 4;
	u->uc_mcontext.regs[5] = 1234;
}

static void contexts(void)
{
	uint64_t five = 1, nine, flags;
	double kept;

	handle(SIGTRAP, on_context, 0);
	__asm__ volatile("mov x5, #1\n\tmov x9, #99\n\tfmov d8, #2.5\n\tcmp xzr, xzr\n\tbrk #3\n\t"
			 "mov %0, x5\n\tmov %1, x9\n\tfmov %d2, d8\n\tmrs %3, nzcv"
			 : "=r"(five), "=r"(nine), "=w"(kept), "=r"(flags)
			 :
			 : "x5", "x9", "d8", "cc");
	say("changed x5 %lu, kept x9 %lu, d8 %.1f, nzcv %lx", five, nine, kept, flags >> 28);
}

static int on_which_stack;
static char other_stack[65536] __attribute__((aligned(16)));

static void on_stack(int signal, siginfo_t *info, void *context)
{
	char here;
	stack_t now;
	const uintptr_t base = (uintptr_t)other_stack;

	(void)signal, (void)info, (void)context;
	on_which_stack = (uintptr_t)&here - base < sizeof(other_stack);
	sigaltstack(NULL, &now);
	say("in the handler: ss_flags %d", now.ss_flags);
	ANSWER(sigaltstack(&now, NULL));
}

/* Uses the stack up; the sum keeps each call's room alive. */
static long deep(long sum)
{
	volatile char here[1024];

	here[sum % 1024] = 1;
	return sum < 0 ? 0 : deep(sum + 1) + here[0];
}

static void on_overflow(int signal, siginfo_t *info, void *context)
{
	on_signal(signal, info, context);
	siglongjmp(back, 1);
}

static void stacks(void)
{
	stack_t s = { .ss_sp = other_stack, .ss_size = 100 };

	ANSWER(sigaltstack(&s, NULL));
	s.ss_size = sizeof(other_stack);
	s.ss_flags = 77;
	ANSWER(sigaltstack(&s, NULL));
	s.ss_flags = 0;
	ANSWER(sigaltstack(&s, NULL));
	handle(SIGUSR1, on_stack, SA_ONSTACK);
	raise(SIGUSR1);
	say("on the other stack: %d", on_which_stack);
	handle(SIGUSR1, on_stack, 0);
	raise(SIGUSR1);
	say("on the other stack: %d", on_which_stack);
	handle(SIGSEGV, on_overflow, SA_ONSTACK);
	if (sigsetjmp(back, 1) == 0) say("%ld", deep(0));
	say("a stack that ran over: signal %d", (int)last);
}

static int depth, deepest, rung;

static void on_nested(int signal, siginfo_t *info, void *context)
{
	sigset_t blocked;

	(void)info, (void)context;
	depth++;
	if (depth > deepest) deepest = depth;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	say("handler of %s at depth %d: USR1 blocked %d, USR2 blocked %d",
	    signal == SIGUSR1 ? "USR1" : "USR2", depth, sigismember(&blocked, SIGUSR1),
	    sigismember(&blocked, SIGUSR2));
	if (rung++ < 4) raise(signal == SIGUSR1 ? SIGUSR2 : SIGUSR1);
	depth--;
}

static void nesting(void)
{
	struct sigaction act = { .sa_sigaction = on_nested, .sa_flags = SA_SIGINFO };

	handle(SIGUSR1, on_nested, 0);
	handle(SIGUSR2, on_nested, SA_NODEFER);
	raise(SIGUSR1);
	say("deepest %d", deepest);
	sigaddset(&act.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &act, NULL);
	rung = 0;
	raise(SIGUSR1);
}

/* --- calls that a signal cuts short ----------------------------------------------------------- */

static pid_t helper = -1;

/* A child that sends SIGALRM to its parent after `ms`. */
static void soon(long ms)
{
	const struct timespec late = { 0, ms * 1000000 };

	if (helper > 0) waitpid(helper, NULL, 0);
	count = 0;
	helper = fork();
	if (helper != 0) return;
	nanosleep(&late, NULL);
	kill(getppid(), SIGALRM);
	_exit(0);
}

/* A child that writes, after a signal's time, what the parent's read waits for. */
static pid_t write_late(int to)
{
	const struct timespec late = { 0, 200000000 };
	const pid_t child = fork();

	if (child != 0) return child;
	nanosleep(&late, NULL);
	write(to, "x", 1);
	_exit(0);
}

static void interrupted(void)
{
	struct timespec longer = { 5, 0 }, left = { 9, 9 };
	char byte;
	int p[2];
	sigset_t none;

	if (pipe(p) != 0) return;
	sigemptyset(&none);
	handle(SIGALRM, on_signal, 0);
	soon(40);
	ANSWER(nanosleep(&longer, &left));
	ANSWER_TRUE(left.tv_sec == 4 && left.tv_nsec > 0);
	soon(40);
	ANSWER(read(p[0], &byte, 1));
	soon(40);
	ANSWER(pause());
	soon(40);
	ANSWER(sigsuspend(&none));
	handle(SIGALRM, on_signal, SA_RESTART);
	soon(40);
	ANSWER(nanosleep(&longer, &left));
	pid_t writer = write_late(p[1]);
	soon(40);
	ANSWER(read(p[0], &byte, 1));
	say("handled meanwhile: %d", (int)count);
	waitpid(writer, NULL, 0);
	signal(SIGALRM, SIG_IGN);
	writer = write_late(p[1]);
	soon(40);
	ANSWER(read(p[0], &byte, 1));
	waitpid(writer, NULL, 0);
	waitpid(helper, NULL, 0);
}

static void children(void)
{
	sigset_t set, old;

	count = 0;
	handle(SIGCHLD, on_signal, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	if (fork() == 0) _exit(4);
	sigsuspend(&old);
	say("SIGCHLD: %d, si_code %d", (int)count, (int)code);
	wait(NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGCHLD, SIG_DFL);
}

/* A handler that is no place to go; a stack that is none. */
static void hopeless(void)
{
	int status = 0;
	struct sigaction act = { .sa_flags = 0 };

	if (fork() == 0) {
		act.sa_handler = (void (*)(int))BAD;
		sigaction(SIGUSR1, &act, NULL);
		signal(SIGSEGV, SIG_DFL);
		raise(SIGUSR1);
		_exit(1);
	}
	wait(&status);
	say("a handler that is not there: signal %d", WTERMSIG(status));
	if (fork() == 0) {
		handle(SIGUSR1, on_signal, 0);
		signal(SIGSEGV, SIG_DFL);
		__asm__ volatile("mov x8, #172\n\tsvc #0\n\tmov x1, #10\n\tmov x8, #129\n\t"
				 "mov x9, #16\n\tmov sp, x9\n\tsvc #0" ::
					 : "x0", "x1", "x8", "x9");
		_exit(1);
	}
	wait(&status);
	say("a stack that is not there: signal %d", WTERMSIG(status));
	if (fork() == 0) {
		signal(SIGSEGV, SIG_IGN);
		*(volatile char *)BAD = 1;
		_exit(1);
	}
	wait(&status);
	say("a fault that is ignored: signal %d", WTERMSIG(status));
	if (fork() == 0) {
		signal(SIGSEGV, SIG_DFL);
		__asm__ volatile("mov x9, sp\n\tmov x8, #139\n\tmov x10, #16\n\tmov sp, x10\n\tsvc "
				 "#0\n\tmov sp, x9" ::
					 : "x0", "x8", "x9", "x10");
		_exit(1);
	}
	wait(&status);
	say("a return from no handler: signal %d", WTERMSIG(status));
}

int main(void)
{
	asking();
	handlers();
	masks();
	queued();
	faults();
	contexts();
	stacks();
	nesting();
	interrupted();
	children();
	hopeless();
	return 0;
}
