/*
 * linux.c -- Linux's memory calls, for one instance of the allocator.
 *
 * The break is the C library's to move (sbrk), since a program may move it too and the library
 * remembers where it is.  None of these changes errno: free must not.
 *
 * The lock is one word and a futex: 0 free, 1 taken, 2 taken and somebody may sleep (Drepper,
 * "Futexes are tricky", 2011, section 5).  Nobody who does not wait comes here (port.h).  A child
 * of fork has a copy of it that the forking thread holds, and drops.
 *
 * A thread may be cancelled in many of the C library's calls, and malloc is none of those: what
 * waits here, and what says a program's last words, are system calls themselves.
 */
#define _GNU_SOURCE /* mremap */
#include "user/malloc/linux.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FREE, CONTENDED = 2 };

static void *linux_sbrk(void *context, ptrdiff_t bytes)
{
	const int kept = errno;

	(void)context;
	void *was = sbrk(bytes);
	errno = kept;
	return was;
}

static void *linux_map(void *context, size_t bytes)
{
	const int kept = errno;

	(void)context;
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	errno = kept;
	return at;
}

static bool linux_unmap(void *context, void *at, size_t bytes)
{
	const int kept = errno;

	(void)context;
	const bool gone = munmap(at, bytes) == 0;
	errno = kept;
	return gone;
}

static void *linux_remap(void *context, void *at, size_t bytes, size_t larger)
{
	const int kept = errno;

	(void)context;
	void *now = mremap(at, bytes, larger, MREMAP_MAYMOVE);
	errno = kept;
	return now;
}

static void futex(uint32_t *word, int call, uint32_t value)
{
	const int kept = errno;

	syscall(SYS_futex, word, call | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
	errno = kept;
}

__attribute__((cold)) static void linux_lock(void *context, uint32_t *word)
{
	(void)context;
	while (__atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE) != FREE)
		futex(word, FUTEX_WAIT, CONTENDED);
}

__attribute__((cold)) static void linux_unlock(void *context, uint32_t *word)
{
	(void)context;
	futex(word, FUTEX_WAKE, 1);
}

/* Soon: who sleeps lets others run whatever their priority is. */
static void linux_relax(void *context)
{
	const struct timespec a_moment = { 0, 20000 };
	const int kept = errno;

	(void)context;
	syscall(SYS_nanosleep, &a_moment, NULL);
	errno = kept;
}

static void linux_refused(void *context)
{
	(void)context;
	errno = ENOMEM;
}

/* --- threads' caches -------------------------------------------------------------------------- */

static pthread_key_t ends;
static bool ends_told; /* there is such a key */

static void thread_ends(void *cache)
{
	umalloc_cache_close(cache);
}

void umalloc_linux_begin(void)
{
	ends_told = pthread_key_create(&ends, thread_ends) == 0;
}

/* Where nobody will say that the thread ends, it has no cache. */
static void linux_cached(void *context, struct umalloc_cache *c)
{
	(void)context;
	if (!ends_told || pthread_setspecific(ends, c) != 0) umalloc_cache_close(c);
}

/* --- what is told ----------------------------------------------------------------------------- */

/* One line, without a call that might allocate; then the end. */
__attribute__((noreturn)) static void give_up(const char *line, int bytes)
{
	if (syscall(SYS_write, STDERR_FILENO, line, (size_t)bytes) != bytes) abort();
	abort();
}

static void linux_misused(void *context, const void *p, uint32_t verdict)
{
	char line[120];

	(void)context;
	give_up(line, snprintf(line, sizeof(line), "malloc: free or realloc of %p: %s\n", p,
			       umalloc_verdict_name(verdict)));
}

__attribute__((noreturn)) static void linux_broken(void *context, const char *what, const void *at)
{
	char line[200];

	(void)context;
	give_up(line, snprintf(line, sizeof(line),
			       "malloc: the heap is damaged at %p: not so: %s\n", at, what));
}

const struct umalloc_calls umalloc_linux = {
	.sbrk = linux_sbrk,
	.map = linux_map,
	.unmap = linux_unmap,
	.remap = linux_remap,
	.lock = linux_lock,
	.unlock = linux_unlock,
	.relax = linux_relax,
	.cached = linux_cached,
	.refused = linux_refused,
	.misused = linux_misused,
	.broken = linux_broken,
};
