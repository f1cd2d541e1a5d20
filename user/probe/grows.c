/*
 * grows.c -- mappings that grow downwards, and how far.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

enum { PAGE = 4096 };

static sigjmp_buf back;
static volatile int caught, code;
static char own_stack[1 << 16] __attribute__((aligned(16)));

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	caught = signal;
	code = info->si_code;
	siglongjmp(back, 1);
}

static void touch(const char *what, char *at)
{
	caught = 0;
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)at = 1;
		say("%s: done", what);
	} else {
		say("%s: signal %d, code %d", what, caught, code);
	}
}

#define TOUCH(at) touch(#at, at)

static char *map_at(char *at, size_t pages, int flags)
{
	return mmap(at, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
		    -1, 0);
}

/* Room of 2000 pages with nothing in it. */
static char *room(void)
{
	char *const at = map_at(NULL, 2000, 0);

	munmap(at, 2000 * PAGE);
	return at;
}

static void grows(void)
{
	char *const low = room();
	char *const p = map_at(low + 1500 * PAGE, 2, MAP_FIXED | MAP_GROWSDOWN);

	ANSWER_TRUE(p == low + 1500 * PAGE);
	TOUCH(p);
	TOUCH(p - 1);
	TOUCH(p - 2 * PAGE);
	TOUCH(p - 100 * PAGE);
	ANSWER(mprotect(p - 100 * PAGE, PAGE, PROT_READ | PROT_GROWSDOWN));
	ANSWER(msync(p - 50 * PAGE, PAGE, MS_SYNC));
	ANSWER(munmap(p - 40 * PAGE, PAGE));
	TOUCH(p - 40 * PAGE);
	/* What is below keeps its distance, unless it grows too. */
	char *const below = map_at(low + 800 * PAGE, 1, MAP_FIXED);
	char *const q = map_at(below + 400 * PAGE, 1, MAP_FIXED | MAP_GROWSDOWN);
	TOUCH(q - PAGE);
	TOUCH(q - 143 * PAGE);
	TOUCH(q - 144 * PAGE);
	TOUCH(q - 200 * PAGE);
	munmap(low, 2000 * PAGE);
}

static void limited(void)
{
	const struct rlimit few = { 20 * PAGE, RLIM_INFINITY };
	struct rlimit was;
	char *const low = room();
	char *const p = map_at(low + 1500 * PAGE, 2, MAP_FIXED | MAP_GROWSDOWN);

	getrlimit(RLIMIT_STACK, &was);
	setrlimit(RLIMIT_STACK, &few);
	TOUCH(p - PAGE);
	TOUCH(p - 18 * PAGE);
	TOUCH(p - 19 * PAGE);
	setrlimit(RLIMIT_STACK, &was);
	TOUCH(p - 19 * PAGE);
	munmap(low, 2000 * PAGE);
}

static void forked(void)
{
	char *const low = room();
	char *const p = map_at(low + 1500 * PAGE, 2, MAP_FIXED | MAP_GROWSDOWN);
	const pid_t child = fork();

	if (child == 0) {
		TOUCH(p - 5 * PAGE);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	ANSWER_TRUE(mincore(p - 5 * PAGE, PAGE, (unsigned char *)own_stack) == -1);
	TOUCH(p - 6 * PAGE);
	munmap(low, 2000 * PAGE);
}

int main(void)
{
	const stack_t other = { .ss_sp = own_stack, .ss_size = sizeof(own_stack) };
	const struct sigaction a = { .sa_sigaction = on_fault,
				     .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGBUS, &a, NULL);
	grows();
	limited();
	forked();
	return 0;
}
