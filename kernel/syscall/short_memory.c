/*
 * short_memory.c -- cases of short_test.c: memory, and accesses to it.
 *
 * The program has its pages at SHORT_AT, and descriptors: 0 is /d/f (5,000 bytes), 1 is /d, 2 and 3
 * are a pipe.  In the tree are /d, /d/e, /d/f, /m, /l (a link to /d/f), /bin, and /script, which
 * /bin runs.
 */
#include "kernel/syscall/short.h"

static int64_t maps(void)
{
	return CALL(mmap, 0, 3 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0);
}

static int64_t maps_and_fills(void)
{
	return CALL(mmap, NEW_AT, 3 * PAGE, RW, PRIVATE | MAP_POPULATE, UINT64_MAX, 0);
}

static int64_t maps_shared(void)
{
	return CALL(mmap, NEW_AT, 3 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, UINT64_MAX, 0);
}

static int64_t maps_file(void)
{
	return CALL(mmap, NEW_AT, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, 0, 0);
}

static int64_t maps_file_shared(void)
{
	return CALL(mmap, NEW_AT, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, 0, 0);
}

static int64_t maps_over(void)
{
	return CALL(mmap, SHORT_AT + 3 * PAGE, 2 * PAGE, PROT_READ, PRIVATE, UINT64_MAX, 0);
}

/* Regions with rights of their own on either side, and a file's between them. */
static void with_several(void)
{
	with_afar();
	EXPECT(PLAIN(mprotect, NEW_AT, PAGE, PROT_READ) == 0);
	EXPECT(PLAIN(mmap, NEW_AT + 2 * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, 0, 0) > 0);
	for (unsigned n = 1; n < 4; n++) EXPECT(short_access(NEW_AT + n * PAGE, true) == 0);
	EXPECT(PLAIN(mmap, NEW_AT + 4 * PAGE, 4 * PAGE, RW, PRIVATE, UINT64_MAX, 0) > 0);
	EXPECT(PLAIN(mprotect, NEW_AT + 5 * PAGE, PAGE, PROT_NONE) == 0);
}

static int64_t unmaps_several(void)
{
	return CALL(munmap, NEW_AT + PAGE, 6 * PAGE);
}

static int64_t protects_several(void)
{
	return CALL(mprotect, NEW_AT, 7 * PAGE, PROT_READ | PROT_EXEC);
}

static int64_t maps_over_several(void)
{
	return CALL(mmap, NEW_AT, 7 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, 0, 0);
}

static int64_t moves_and_stays(void)
{
	return CALL(mremap, SHORT_AT + 3 * PAGE, 2 * PAGE, 2 * PAGE,
		    MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
}

static int64_t moves_shared(void)
{
	return CALL(mremap, NEW_AT + PAGE, 2 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
}

static int64_t moves_over(void)
{
	return CALL(mremap, SHORT_AT + 3 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		    NEW_AT + 4 * PAGE);
}

static int64_t unmaps(void)
{
	return CALL(munmap, SHORT_AT + 3 * PAGE, 2 * PAGE);
}

static int64_t protects(void)
{
	return CALL(mprotect, SHORT_AT + 3 * PAGE, 2 * PAGE, PROT_READ);
}

static int64_t moves(void)
{
	return CALL(mremap, SHORT_AT + 3 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		    NEW_AT + 8 * PAGE);
}

static int64_t grows_in_place(void)
{
	return CALL(mremap, NEW_AT, 4 * PAGE, 9 * PAGE, 0);
}

static int64_t shrinks(void)
{
	return CALL(mremap, SHORT_AT + 3 * PAGE, 2 * PAGE, PAGE, 0);
}

static int64_t breaks(void)
{
	return CALL(brk, 0x800000 + 5 * PAGE);
}

static void with_break(void)
{
	EXPECT(PLAIN(brk, 0x800000 + 5 * PAGE) == 0x800000 + 5 * PAGE);
}

static int64_t breaks_less(void)
{
	return CALL(brk, 0x800000 + PAGE);
}

#define ADVICE(name, advice)                                           \
	static int64_t name(void)                                      \
	{                                                              \
		return CALL(madvise, NEW_AT + PAGE, 2 * PAGE, advice); \
	}
ADVICE(advises_fork, MADV_DONTFORK)
ADVICE(advises_gone, MADV_DONTNEED)
ADVICE(advises_write, MADV_POPULATE_WRITE)
ADVICE(advises_read, MADV_POPULATE_READ)
ADVICE(advises_will, MADV_WILLNEED)

static int64_t locks(void)
{
	return CALL(mlock, NEW_AT + PAGE, 2 * PAGE);
}

static int64_t locks2(void)
{
	return CALL(mlock2, NEW_AT + PAGE, 2 * PAGE, 0);
}

static int64_t locks_all(void)
{
	return CALL(mlockall, MCL_CURRENT);
}

static int64_t unlocks(void)
{
	return CALL(munlock, NEW_AT + PAGE, 2 * PAGE);
}

static int64_t asks_pages(void)
{
	return CALL(mincore, NEW_AT, 4 * PAGE, SHORT_AT);
}

static int64_t stores(void)
{
	return short_access(NEW_AT + PAGE, true);
}

static int64_t loads(void)
{
	return short_access(NEW_AT + PAGE, false);
}

static void with_file(void)
{
	EXPECT(PLAIN(mmap, NEW_AT, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, 0, 0) == (int64_t)NEW_AT);
}

static void with_forked(void)
{
	with_afar();
	for (unsigned n = 0; n < 4; n++) EXPECT(short_access(NEW_AT + n * PAGE, true) == 0);
	short_task->regs->pc = CHILD_WAITS;
	EXPECT(PLAIN(clone, SIGCHLD, 0, 0, 0, 0) > 0);
	short_task->regs->pc = 0;
}

static int64_t stack_grows(void)
{
	return short_access(NEW_AT + 3 * PAGE, true);
}

static void with_stack(void)
{
	EXPECT(PLAIN(mmap, NEW_AT + 4 * PAGE, PAGE, RW, PRIVATE | MAP_GROWSDOWN, UINT64_MAX, 0) ==
	       (int64_t)(NEW_AT + 4 * PAGE));
}

const struct short_case short_memory[] = {
	CASE(maps, NULL, ANY, 0),
	CASE(maps_and_fills, NULL, ANY, 0),
	CASE(maps_shared, NULL, ANY, 0),
	CASE(maps_file, NULL, ANY, 0),
	CASE(maps_file_shared, NULL, ANY, 0),
	CASE(maps_over, NULL, ANY, 0),
	CASE(unmaps_several, with_several, 0, 0),
	CASE(protects_several, with_several, 0, 0),
	CASE(maps_over_several, with_several, ANY, 0),
	CASE(moves_and_stays, NULL, ANY, 0),
	CASE(moves_shared, with_shared, ANY, 0),
	CASE(moves_over, with_several, ANY, MAY_LEAVE),
	CASE(unmaps, NULL, 0, 0),
	CASE(protects, NULL, 0, 0),
	CASE(moves, NULL, ANY, 0),
	CASE(grows_in_place, with_afar, ANY, 0),
	CASE(shrinks, NULL, ANY, 0),
	CASE_OR(breaks, NULL, 0x800000 + 5 * PAGE, 0, 0x800000),
	CASE(breaks_less, with_break, 0x800000 + PAGE, 0),
	CASE(advises_fork, with_afar, 0, 0),
	CASE(advises_gone, with_afar, 0, 0),
	CASE(advises_write, with_afar, 0, MAY_KEEP),
	CASE(advises_read, with_afar, 0, 0),
	CASE(advises_will, with_afar, 0, 0),
	CASE(locks, with_afar, 0, 0),
	CASE(locks2, with_afar, 0, 0),
	CASE(unlocks, with_afar, 0, 0),
	CASE(asks_pages, with_afar, 0, 0),
	CASE(locks_all, with_afar, 0, 0),
	CASE(stores, with_afar, 0, DIES_BY(SIGKILL)),
	CASE(loads, with_afar, 0, DIES_BY(SIGKILL)),
	{ "stores_to_file", with_file, stores, 0, DIES_BY(SIGKILL), 0 },
	{ "stores_to_shared", with_shared, stores, 0, DIES_BY(SIGKILL), 0 },
	{ "stores_to_copied", with_forked, stores, 0, DIES_BY(SIGKILL), 0 },
	CASE(stack_grows, with_stack, 0, DIES_BY(SIGKILL)),
	{ .name = NULL },
};
