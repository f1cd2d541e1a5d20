/*
 * test_calls.h -- for unit tests: memory calls over an array, which note what they were asked.
 *
 * The break moves in the lower half; mappings are taken from the upper one, each a little further
 * on and none twice, as an address that comes back would hide a use after it went.  `log` has the
 * calls in their order: '+' and '-' move the break, 'm' maps, 'u' unmaps, 'r' remaps.
 */
#ifndef USER_MALLOC_TEST_CALLS_H
#define USER_MALLOC_TEST_CALLS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/malloc/malloc.h"

#define EXPECT(c)                                                               \
	do {                                                                    \
		if (!(c)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			exit(1);                                                \
		}                                                               \
	} while (0)

enum { TEST_HALF = 8 << 20, TEST_LOG = 4096 };

static struct {
	size_t break_at, mapped_to; /* from the start of each half */
	size_t heap, mapped;        /* bytes that are out */
	size_t break_limit;
	bool map_fails, unmap_fails;
	uint32_t refused, misused, verdict, cached;
	const struct umalloc *m; /* the lock is held in memory calls, and not when it tells */
	void *unmapped;          /* the last */
	uint32_t calls;
	char log[TEST_LOG + 1];
} test;

static char test_memory[2 * TEST_HALF] __attribute__((aligned(4096)));

static void test_note(char what)
{
	EXPECT(test.m->lock_word == 1);
	test.log[test.calls++ % TEST_LOG] = what;
}

static void *test_sbrk(void *context, ptrdiff_t bytes)
{
	char *was = test_memory + test.break_at;

	(void)context;
	EXPECT(bytes % UMALLOC_PAGE == 0);
	if (bytes == 0) return was;
	test_note(bytes > 0 ? '+' : '-');
	if (bytes > 0 && test.break_at + (size_t)bytes > test.break_limit) return UMALLOC_NO_MEMORY;
	test.break_at += (size_t)bytes;
	test.heap += (size_t)bytes;
	if (bytes < 0) memset(test_memory + test.break_at, 0, (size_t)-bytes);
	return was;
}

static void *test_map(void *context, size_t bytes)
{
	char *at = test_memory + TEST_HALF + test.mapped_to;

	(void)context;
	EXPECT(bytes != 0 && bytes % UMALLOC_PAGE == 0);
	test_note('m');
	if (test.map_fails || bytes > TEST_HALF - test.mapped_to) return UMALLOC_NO_MEMORY;
	test.mapped_to += bytes + UMALLOC_PAGE;
	test.mapped += bytes;
	return at;
}

static bool test_unmap(void *context, void *at, size_t bytes)
{
	(void)context;
	EXPECT((uintptr_t)at % UMALLOC_PAGE == 0 && bytes != 0 && bytes % UMALLOC_PAGE == 0);
	test_note('u');
	if (test.unmap_fails) return false;
	test.mapped -= bytes;
	test.unmapped = at;
	memset(at, 0xdb, bytes);
	return true;
}

/* Always elsewhere, as the old place is somebody else's from then on. */
static void *test_remap(void *context, void *at, size_t bytes, size_t larger)
{
	EXPECT((uintptr_t)at % UMALLOC_PAGE == 0 && larger > bytes);
	void *now = test_map(context, larger);
	test.log[(test.calls - 1) % TEST_LOG] = 'r';
	if (now == UMALLOC_NO_MEMORY) return now;
	memcpy(now, at, bytes);
	memset(at, 0xdb, bytes);
	test.mapped -= bytes;
	return now;
}

/* There is one thread, so that nobody ever waits. */
static void test_lock(void *context, uint32_t *word)
{
	(void)context;
	(void)word;
	EXPECT(!"the lock is taken twice");
}

static void test_unlock(void *context, uint32_t *word)
{
	(void)context;
	(void)word;
	EXPECT(!"the lock is dropped that nobody has");
}

static void test_relax(void *context)
{
	(void)context;
	EXPECT(!"somebody waits, and there is one thread");
}

static void test_cached(void *context, struct umalloc_cache *c)
{
	(void)context;
	EXPECT(test.m->lock_word == 0 && c->m != NULL);
	test.cached++;
}

static void test_refused(void *context)
{
	(void)context;
	EXPECT(test.m->lock_word == 0);
	test.refused++;
}

static void test_misused(void *context, const void *p, uint32_t verdict)
{
	(void)context;
	(void)p;
	EXPECT(test.m->lock_word == 0);
	test.misused++;
	test.verdict = verdict;
}

__attribute__((noreturn)) static void test_broken(void *context, const char *what, const void *at)
{
	(void)context;
	fprintf(stderr, "broken at %p: %s\n", at, what);
	exit(1);
}

static const struct umalloc_calls test_calls = {
	.sbrk = test_sbrk,
	.map = test_map,
	.unmap = test_unmap,
	.remap = test_remap,
	.lock = test_lock,
	.unlock = test_unlock,
	.relax = test_relax,
	.cached = test_cached,
	.refused = test_refused,
	.misused = test_misused,
	.broken = test_broken,
};

static const char test_alone = 0;

/* An instance as a program has it, over memory as new. */
static inline void test_open(struct umalloc *m, uint32_t slots)
{
	memset(test_memory, 0, test.break_at);
	memset(test_memory + TEST_HALF, 0, test.mapped_to);
	memset(&test, 0, sizeof(test));
	test.break_limit = TEST_HALF;
	test.m = m;
	*m = (struct umalloc)UMALLOC_INITIAL(&test_calls, &test_alone,
					     .map_bytes = UMALLOC_MAP_BYTES,
					     .quick_bytes = UMALLOC_QUICK_BYTES,
					     .deferred_slots = slots);
}

/* Sound, and memory is counted as it was got; afterwards the log is empty. */
static inline void test_sound(struct umalloc *m)
{
	struct umalloc_stats s;
	const char *why = umalloc_check(m);

	if (why != NULL) fprintf(stderr, "%s\n", why);
	EXPECT(why == NULL);
	umalloc_stats(m, &s);
	EXPECT(s.heap_bytes == test.heap && s.mapped_bytes == test.mapped);
	EXPECT(s.allocated_bytes == s.live_bytes + s.queued_bytes + s.released_bytes);
	EXPECT(s.allocated == s.live + s.queued + s.released);
	test.calls = 0;
	memset(test.log, 0, sizeof(test.log));
}

/* Nothing is live, and nothing is kept but a page or two of the heap. */
static inline void test_close(struct umalloc *m)
{
	struct umalloc_stats s;

	umalloc_drain(m);
	test_sound(m);
	umalloc_stats(m, &s);
	EXPECT(s.live == 0 && s.queued == 0 && s.mapped_bytes == 0);
	EXPECT(s.heap_bytes <= 2 * UMALLOC_PAGE && s.fragmentation == 0);
}

#endif
