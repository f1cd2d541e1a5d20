/*
 * memory.c -- what mmap, munmap, mprotect, mremap, madvise, brk and their like answer.
 *
 * corpus/space has thousands of such calls compared with Linux one by one; here are those that a
 * program meets: errors, what faults do then, limits, files, fork.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

enum {
	PAGE = 4096,
	READ = PROT_READ,
	BOTH = PROT_READ | PROT_WRITE,
	ANON = MAP_PRIVATE | MAP_ANONYMOUS
};

static sigjmp_buf back;
static int fault_code;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	fault_code = signal * 100 + info->si_code;
	siglongjmp(back, 1);
}

/* 0: the byte can be read; else signal times 100 and si_code. */
static int reads(const volatile char *at)
{
	if (sigsetjmp(back, 1) != 0) return fault_code;
	(void)*at;
	return 0;
}

static int writes(volatile char *at)
{
	if (sigsetjmp(back, 1) != 0) return fault_code;
	*at = 1;
	return 0;
}

static void answer_mapped(const char *what, void *at)
{
	answer_done(what, (long)at);
}

#define MAPPED(call) answer_mapped(#call, call)

static void mapping(void)
{
	MAPPED(mmap(NULL, 0, BOTH, ANON, -1, 0));
	MAPPED(mmap(NULL, PAGE, BOTH, MAP_ANONYMOUS, -1, 0));
	MAPPED(mmap(NULL, PAGE, BOTH, MAP_PRIVATE, -1, 0));
	MAPPED(mmap(NULL, PAGE, BOTH, MAP_PRIVATE, 99, 0));
	MAPPED(mmap(NULL, PAGE, BOTH, MAP_PRIVATE | MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	MAPPED(mmap(NULL, 1ul << 60, BOTH, ANON, -1, 0));
	MAPPED(mmap(NULL, -1ul, BOTH, ANON, -1, 0));
	MAPPED(mmap(NULL, PAGE, BOTH, ANON, -1, 5));
	MAPPED(mmap((void *)5, PAGE, BOTH, ANON | MAP_FIXED, -1, 0));
	MAPPED(mmap((void *)(1ul << 50), PAGE, BOTH, ANON | MAP_FIXED, -1, 0));
	MAPPED(mmap((void *)-4096ul, PAGE, BOTH, ANON | MAP_FIXED, -1, 0));
	char *p = mmap(NULL, 4 * PAGE, BOTH, ANON, -1, 0);
	say("fresh: read %d, write %d", reads(p), writes(p));
	ANSWER(munmap(p + 1, PAGE));
	ANSWER(munmap(p, 0));
	ANSWER(munmap(p + PAGE, 5));
	say("hole: read %d; before it %d, behind it %d", reads(p + PAGE), reads(p),
	    reads(p + 2 * PAGE));
	ANSWER(munmap(p, 4 * PAGE));
	ANSWER(munmap(p, 4 * PAGE));
	ANSWER(munmap((void *)(1ul << 50), PAGE));
	MAPPED(mmap(p, PAGE, BOTH, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	MAPPED(mmap(p, PAGE, BOTH, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	ANSWER(munmap(p, PAGE));
}

static void protecting(void)
{
	char *p = mmap(NULL, 3 * PAGE, BOTH, ANON, -1, 0);

	munmap(p + 2 * PAGE, PAGE);
	ANSWER(mprotect(p, PAGE, PROT_NONE));
	say("none: read %d, write %d", reads(p), writes(p));
	ANSWER(mprotect(p, PAGE, READ));
	say("read: read %d, write %d", reads(p), writes(p));
	ANSWER(mprotect(p, PAGE, PROT_WRITE));
	say("write: read %d, write %d", reads(p), writes(p));
	ANSWER(mprotect(p + 1, PAGE, READ));
	ANSWER(mprotect(p, 0, READ));
	ANSWER(mprotect(p, PAGE, 0x100));
	ANSWER(mprotect(p, -1ul, READ));
	ANSWER(mprotect(p, 3 * PAGE, READ));
	say("before the hole: write %d", writes(p + PAGE));
	*(volatile unsigned *)(mprotect(p, PAGE, BOTH), p) = 0xd65f03c0;
	__builtin___clear_cache(p, p + 4);
	ANSWER(mprotect(p, PAGE, READ | PROT_EXEC));
	((void (*)(void))(uintptr_t)p)();
	say("executed what was written");
	munmap(p, 2 * PAGE);
}

static void moving(void)
{
	char *p = mmap(NULL, 4 * PAGE, BOTH, ANON, -1, 0);

	memset(p, 'm', 4 * PAGE);
	ANSWER_TRUE(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p);
	say("cut off: read %d", reads(p + 2 * PAGE));
	char *q = mremap(p, 2 * PAGE, 100 * PAGE, MREMAP_MAYMOVE);
	ANSWER_TRUE(q[0] == 'm' && q[2 * PAGE - 1] == 'm' && q[2 * PAGE] == 0);
	MAPPED(mremap(q, 0, PAGE, MREMAP_MAYMOVE));
	MAPPED(mremap(q, PAGE, 0, MREMAP_MAYMOVE));
	MAPPED(mremap(q + 1, PAGE, PAGE, MREMAP_MAYMOVE));
	MAPPED(mremap(q, PAGE, PAGE, MREMAP_FIXED));
	MAPPED(mremap(q, PAGE, PAGE, 0x80));
	MAPPED(mremap(q, 200 * PAGE, 300 * PAGE, MREMAP_MAYMOVE));
	ANSWER_TRUE(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 50 * PAGE) ==
		    q + 50 * PAGE);
	say("moved: there %d, here %d", q[50 * PAGE] == 'm', reads(q));
	munmap(q, 100 * PAGE);
}

static void advising(void)
{
	char *p = mmap(NULL, 2 * PAGE, BOTH, ANON, -1, 0);

	memset(p, 'a', 2 * PAGE);
	ANSWER(madvise(p, PAGE, MADV_DONTNEED));
	say("forgotten: %d, kept: %d", p[0], p[PAGE]);
	ANSWER(madvise(p + 1, PAGE, MADV_DONTNEED));
	ANSWER(madvise(p, 0, MADV_DONTNEED));
	ANSWER(madvise(p, PAGE, 9999));
	ANSWER(madvise(p, PAGE, MADV_NORMAL));
	ANSWER(madvise(p, PAGE, MADV_WILLNEED));
	munmap(p + PAGE, PAGE);
	ANSWER(madvise(p, 2 * PAGE, MADV_DONTNEED));
	unsigned char in[2];
	ANSWER(mincore(p, PAGE, in));
	ANSWER(mincore(p, 2 * PAGE, in));
	ANSWER(mincore(p, PAGE, BAD));
	ANSWER(msync(p, PAGE, MS_SYNC));
	ANSWER(msync(p, 2 * PAGE, MS_SYNC));
	ANSWER(msync(p, PAGE, MS_SYNC | MS_ASYNC));
	munmap(p, PAGE);
}

static uintptr_t brk_at(uintptr_t to)
{
	return (uintptr_t)syscall(SYS_brk, to);
}

static void breaking(void)
{
	const uintptr_t start = brk_at(0);

	ANSWER_TRUE(brk_at(0) == start);
	ANSWER_TRUE(brk_at(start + 3 * PAGE) == start + 3 * PAGE);
	say("grown: write %d", writes((char *)start + 3 * PAGE - 1));
	ANSWER_TRUE(brk_at(start + 5) == start + 5);
	ANSWER_TRUE(brk_at(start + 3 * PAGE) == start + 3 * PAGE);
	say("what was cut off is zero: %d", ((char *)start)[3 * PAGE - 1] == 0);
	ANSWER_TRUE(brk_at(1) == start + 3 * PAGE);
	ANSWER_TRUE(brk_at(1ul << 50) == start + 3 * PAGE);
	ANSWER_TRUE(brk_at(-1ul) == start + 3 * PAGE);
	ANSWER_TRUE(brk_at(start) == start);
}

static void limits(void)
{
	struct rlimit was, less = { 64 << 20, RLIM_INFINITY };
	const uintptr_t start = brk_at(0);

	getrlimit(RLIMIT_AS, &was);
	ANSWER(setrlimit(RLIMIT_AS, &less));
	MAPPED(mmap(NULL, 128 << 20, BOTH, ANON, -1, 0));
	ANSWER_TRUE(brk_at(start + (128 << 20)) == start);
	void *p = mmap(NULL, 1 << 20, BOTH, ANON, -1, 0);
	answer_mapped("a MiB below the limit", p);
	answer_mapped("mremap beyond the limit", mremap(p, 1 << 20, 128 << 20, MREMAP_MAYMOVE));
	munmap(p, 1 << 20);
	setrlimit(RLIMIT_AS, &was);
	getrlimit(RLIMIT_DATA, &was);
	less.rlim_cur = 4 << 20;
	ANSWER(setrlimit(RLIMIT_DATA, &less));
	ANSWER_TRUE(brk_at(start + (8 << 20)) == start);
	MAPPED(mmap(NULL, 8 << 20, BOTH, ANON, -1, 0));
	MAPPED(mmap(NULL, 8 << 20, READ, ANON, -1, 0));
	setrlimit(RLIMIT_DATA, &was);
}

static void files(void)
{
	const int file = open("/tmp/memory", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char text[PAGE + 100];

	memset(text, 'f', sizeof(text));
	ANSWER(write(file, text, sizeof(text)));
	char *p = mmap(NULL, 3 * PAGE, BOTH, MAP_PRIVATE, file, 0);
	answer_mapped("a file, privately", p);
	say("%c %c, then %d; a page behind the end: %d", p[0], p[PAGE + 99], p[PAGE + 100],
	    reads(p + 2 * PAGE));
	p[0] = 'p';
	char *s = mmap(NULL, PAGE, BOTH, MAP_SHARED, file, 0);
	answer_mapped("a file, shared", s);
	say("not seen by others: %c", s[0]);
	s[1] = 's';
	char byte = 0;
	pread(file, &byte, 1, 1);
	say("seen by read: %c; by the private mapping: %c", byte, p[1]);
	pwrite(file, "w", 1, 2);
	say("seen of write: %c", s[2]);
	MAPPED(mmap(NULL, PAGE, READ, MAP_PRIVATE, file, 5));
	munmap(p, 3 * PAGE);
	munmap(s, PAGE);
	close(file);
	const int only_read = open("/tmp/memory", O_RDONLY);
	MAPPED(mmap(NULL, PAGE, BOTH, MAP_SHARED, only_read, 0));
	p = mmap(NULL, PAGE, READ, MAP_SHARED, only_read, 0);
	ANSWER(mprotect(p, PAGE, BOTH));
	ANSWER(mprotect(p, PAGE, PROT_NONE));
	munmap(p, PAGE);
	MAPPED(mmap(NULL, PAGE, BOTH, MAP_PRIVATE, only_read, 0));
	close(only_read);
	const int zero = open("/dev/zero", O_RDWR);
	p = mmap(NULL, PAGE, BOTH, MAP_PRIVATE, zero, 0);
	answer_mapped("/dev/zero", p);
	if (p != MAP_FAILED) say("%d, write %d", p[5], writes(p));
	close(zero);
	const int folder = open("/etc", O_RDONLY);
	MAPPED(mmap(NULL, PAGE, READ, MAP_PRIVATE, folder, 0));
	close(folder);
	unlink("/tmp/memory");
}

/* What a child writes is its own; what is shared is not. */
static void forking(void)
{
	char *own = mmap(NULL, PAGE, BOTH, ANON, -1, 0);
	char *shared = mmap(NULL, PAGE, BOTH, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *gone = mmap(NULL, PAGE, BOTH, ANON, -1, 0);
	char *wiped = mmap(NULL, PAGE, BOTH, ANON, -1, 0);
	int status = 0;

	*own = *shared = *gone = *wiped = 'p';
	ANSWER(madvise(gone, PAGE, MADV_DONTFORK));
	ANSWER(madvise(wiped, PAGE, MADV_WIPEONFORK));
	const pid_t child = fork();
	if (child == 0) {
		say("child: own %c, shared %c, left out %d, wiped %d", *own, *shared, reads(gone),
		    *wiped);
		*own = *shared = 'c';
		_exit(0);
	}
	waitpid(child, &status, 0);
	say("parent: own %c, shared %c, exit %x", *own, *shared, status);
}

int main(void)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	mapping();
	protecting();
	moving();
	advising();
	breaking();
	limits();
	files();
	forking();
	return 0;
}
