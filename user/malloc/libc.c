/*
 * libc.c -- malloc and its family: the one instance of a program, under the C library's names.
 *
 * Linked into a program, statically or by LD_PRELOAD, these take the place of the C library's own.
 * All of them do: one that were missing would be the C library's, and give out blocks that are not
 * ours to free (libc_names.c, libc_info.c).  What they answer is what glibc's do: realloc to 0
 * bytes frees and returns NULL, an alignment that is no power of two stands for the next one (for
 * posix_memalign it is EINVAL), free keeps errno.  What glibc would abort for, this does too, with
 * one line on standard error: a free or realloc of what is no live block.
 *
 * Each thread has a cache, which lies in its own storage and is given back as the thread ends.
 *
 * A fork waits until no other thread is inside, so that the child's heap is sound; the handler is
 * the first that a program registers, which makes it the innermost.  At exit the queue is flushed,
 * after all that atexit() registered and after the program's own destructors.  Those of libraries,
 * and threads that go on, may come later: for them realloc frees at once.  By _exit() and by a
 * signal nothing is flushed, and the kernel takes all there is.
 *
 * What BUILD chooses, one library for each: how many slots the queue has, from which size on there
 * is a mapping each, how free blocks are found, and whether large ones grow by moving pages.  They
 * do by default, since nothing is copied then and nothing is held twice; the variants with a
 * mapping for each block do not, and are where realloc itself, or the queue, has to call munmap.
 */
#include "user/malloc/libc.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/single_threaded.h>

#include "user/malloc/linux.h"
#include "user/malloc/short.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *malloc(size_t bytes);
EXPORTED void *calloc(size_t count, size_t bytes);
EXPORTED void *realloc(void *p, size_t bytes);
EXPORTED void *reallocarray(void *p, size_t count, size_t bytes);
EXPORTED void free(void *p);
EXPORTED void *aligned_alloc(size_t align, size_t bytes);
EXPORTED void *memalign(size_t align, size_t bytes);
EXPORTED int posix_memalign(void **p, size_t align, size_t bytes);
EXPORTED void *valloc(size_t bytes);
EXPORTED size_t malloc_usable_size(void *p);
EXPORTED int malloc_trim(size_t keep);

_Static_assert(MALLOC_QUICK_BYTES <= MALLOC_MAP_BYTES, "the short ways are the heap's");

struct umalloc umalloc_libc =
	UMALLOC_INITIAL(&umalloc_linux, &__libc_single_threaded, .map_bytes = MALLOC_MAP_BYTES,
			.quick_bytes = MALLOC_QUICK_BYTES, .deferred_slots = MALLOC_DEFERRED_SLOTS,
			.fit = MALLOC_FIT, .remaps = MALLOC_REMAPS);

static __thread struct umalloc_cache mine __attribute__((tls_model("initial-exec")));

/* --- fork and exit ---------------------------------------------------------------------------- */

static void before_fork(void)
{
	umalloc_before_fork(&umalloc_libc);
}

static void after_fork(void)
{
	umalloc_after_fork(&umalloc_libc);
}

static void after_fork_in_child(void)
{
	umalloc_after_fork_in_child(&umalloc_libc);
}

__attribute__((constructor(101))) static void begin(void)
{
	umalloc_linux_begin();
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

__attribute__((destructor(101))) static void end(void)
{
	umalloc_at_exit(&umalloc_libc);
}

/* --- the names -------------------------------------------------------------------------------- */

void *malloc(size_t bytes)
{
	if (__builtin_expect(__libc_single_threaded, 1))
		return short_alloc_alone(&umalloc_libc, bytes);
	return short_alloc_by(&umalloc_libc, &mine, bytes);
}

void *calloc(size_t count, size_t bytes)
{
	size_t all;

	if (__builtin_mul_overflow(count, bytes, &all)) all = SIZE_MAX; /* is refused */
	if (__builtin_expect(__libc_single_threaded, 1))
		return umalloc_alloc_zeroed(&umalloc_libc, all);
	return umalloc_alloc_zeroed_by(&umalloc_libc, &mine, all);
}

void *realloc(void *p, size_t bytes)
{
	return umalloc_realloc(&umalloc_libc, p, bytes);
}

void *reallocarray(void *p, size_t count, size_t bytes)
{
	size_t all;

	if (__builtin_mul_overflow(count, bytes, &all)) all = SIZE_MAX;
	return realloc(p, all);
}

void free(void *p)
{
	if (__builtin_expect(__libc_single_threaded, 1))
		short_free_alone(&umalloc_libc, p);
	else
		short_free_by(&umalloc_libc, &mine, p);
}

static bool is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

void *memalign(size_t align, size_t bytes)
{
	size_t power = UMALLOC_ALIGN;

	while (power < align && power != 0) power *= 2;
	if (power != 0) return umalloc_alloc_aligned(&umalloc_libc, power, bytes);
	errno = EINVAL;
	return NULL;
}

void *aligned_alloc(size_t align, size_t bytes)
{
	return memalign(align, bytes);
}

void *valloc(size_t bytes)
{
	return memalign(UMALLOC_PAGE, bytes);
}

int posix_memalign(void **p, size_t align, size_t bytes)
{
	if (!is_power_of_two(align) || align % sizeof(void *) != 0) return EINVAL;
	const int kept = errno;
	void *q = umalloc_alloc_aligned(&umalloc_libc, align, bytes);
	errno = kept;
	if (q == NULL) return ENOMEM;
	*p = q;
	return 0;
}

size_t malloc_usable_size(void *p)
{
	return umalloc_usable(&umalloc_libc, p);
}

/* All goes that can, whatever `keep` says; whether any did. */
int malloc_trim(size_t keep)
{
	struct umalloc_stats before, after;

	(void)keep;
	umalloc_stats(&umalloc_libc, &before);
	umalloc_drain(&umalloc_libc);
	umalloc_stats(&umalloc_libc, &after);
	return after.heap_bytes + after.mapped_bytes < before.heap_bytes + before.mapped_bytes;
}
