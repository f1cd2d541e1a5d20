/*
 * libc_info.c -- what <malloc.h> has to say of malloc: figures, and knobs that turn nothing.
 *
 * In glibc these stand in one file with malloc itself, so a static program that uses one of them
 * would get both; and in a dynamic one they would speak of a heap that nobody uses.  Figures that
 * have no counterpart here are 0.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>

#include "user/malloc/libc.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int mallopt(int what, int value);
EXPORTED struct mallinfo2 mallinfo2(void);
EXPORTED struct mallinfo mallinfo(void);
EXPORTED void malloc_stats(void);
EXPORTED int malloc_info(int options, FILE *file);

/* Advice on how to trade memory for time is taken, and not followed: 1.  What would change what
 * calls do is refused: 0. */
int mallopt(int what, int value)
{
	(void)value;
	switch (what) {
	case M_MXFAST:
	case M_TRIM_THRESHOLD:
	case M_TOP_PAD:
	case M_MMAP_THRESHOLD:
	case M_MMAP_MAX:
	case M_ARENA_TEST:
	case M_ARENA_MAX: return 1;
	default: return 0;
	}
}

struct mallinfo2 mallinfo2(void)
{
	struct umalloc_stats s;

	umalloc_stats(&umalloc_libc, &s);
	return (struct mallinfo2){
		.arena = s.heap_bytes,
		.hblkhd = s.mapped_bytes,
		.uordblks = s.heap_bytes - s.free_bytes,
		.fordblks = s.free_bytes,
	};
}

struct mallinfo mallinfo(void)
{
	const struct mallinfo2 wide = mallinfo2();

	return (struct mallinfo){
		.arena = (int)wide.arena,
		.hblkhd = (int)wide.hblkhd,
		.uordblks = (int)wide.uordblks,
		.fordblks = (int)wide.fordblks,
	};
}

static unsigned long long u(uint64_t n)
{
	return n;
}

void malloc_stats(void)
{
	struct umalloc_stats s;

	umalloc_stats(&umalloc_libc, &s);
	fprintf(stderr, "heap   %12llu bytes, %llu free\n", u(s.heap_bytes), u(s.free_bytes));
	fprintf(stderr, "mapped %12llu bytes\n", u(s.mapped_bytes));
	fprintf(stderr, "in use %12llu bytes, %llu blocks\n", u(s.live_bytes), u(s.live));
	fprintf(stderr, "queued %12llu bytes, %llu blocks\n", u(s.queued_bytes), u(s.queued));
}

int malloc_info(int options, FILE *file)
{
	struct umalloc_stats s;

	if (options != 0) return EINVAL;
	umalloc_stats(&umalloc_libc, &s);
	fprintf(file, "<malloc version=\"1\">\n<total type=\"rest\" size=\"%llu\"/>\n",
		u(s.free_bytes));
	fprintf(file, "<total type=\"mmap\" size=\"%llu\"/>\n", u(s.mapped_bytes));
	fprintf(file, "<system type=\"current\" size=\"%llu\"/>\n</malloc>\n",
		u(s.heap_bytes + s.mapped_bytes));
	return 0;
}
