/*
 * main.c -- the benchmarks' program on the host; bench.sh runs it and prints the table.
 *
 *   bench play TRACE     plays it once in a large arena; for a profiler to watch.  Prints
 *                        "SMALL_OPS LARGE_OPS FAILED"
 *   bench check TRACE    the same, looking at every byte; exit 1 when something is wrong
 *   bench least TRACE    the least arena, in pages, in which no request fails.  Prints
 *                        "PEAK_BYTES ARENA_BYTES"
 *   bench pages CACHE N  takes and gives back a page N times, CACHE pages deep; prints N
 *
 * The arena is the host machine's.  A world is built in it anew for every attempt, so attempts
 * do not know of each other and the bisection is exact to a page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/host/arena.h"
#include "tools/bench/play.h"

enum { EXIT_FINDING = 1, EXIT_USAGE = 2, EXIT_BAD_FILE = 3, EXIT_ENVIRONMENT = 4 };
enum { CACHE_PAGES = 32 };

struct loaded {
	struct trace trace;
	struct trace_op *ops;
	struct trace_block *blocks;
};

NORETURN static void give_up(int status, const char *what, const char *about)
{
	fprintf(stderr, "bench: %s: %s\n", about, what);
	exit(status);
}

static void *room(size_t count, size_t bytes)
{
	void *p = calloc(count, bytes);
	if (p == NULL) give_up(EXIT_ENVIRONMENT, "no memory", "calloc");
	return p;
}

/* All of a file; its size goes to *bytes. */
static char *read_file(const char *path, size_t *bytes)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL) give_up(EXIT_BAD_FILE, "cannot be opened", path);
	fseek(f, 0, SEEK_END);
	*bytes = (size_t)ftell(f);
	rewind(f);
	char *text = room(*bytes + 1, 1);
	if (fread(text, 1, *bytes, f) != *bytes) give_up(EXIT_BAD_FILE, "cannot be read", path);
	fclose(f);
	return text;
}

static struct loaded load(const char *path)
{
	struct loaded l;
	size_t bytes;
	char *text = read_file(path, &bytes);
	const uint32_t lines = trace_lines(text, bytes);
	l.ops = room(lines, sizeof(*l.ops));
	l.blocks = room(lines, sizeof(*l.blocks));
	const uint32_t wrong = trace_parse(&l.trace, text, bytes, l.ops, l.blocks);
	if (wrong != 0) {
		char what[64];
		snprintf(what, sizeof(what), "line %u is no operation possible here", wrong);
		give_up(EXIT_BAD_FILE, what, path);
	}
	free(text);
	return l;
}

static void unload(struct loaded *l)
{
	free(l->ops);
	free(l->blocks);
}

/* More than any trace needs: the worst allocator measured took ten times the live bytes. */
static uint32_t large_pages(const struct trace *trace)
{
	return (uint32_t)((trace->peak_bytes * 4 + (16 << 20)) >> PAGE_SHIFT);
}

static struct play_result play_in(const struct loaded *l, uint32_t pages, enum play_how how)
{
	memset(l->blocks, 0, l->trace.ids * sizeof(*l->blocks));
	struct bench_world *w = bench_world_make(host_arena_base(), pages, CACHE_PAGES);
	if (w == NULL) return (struct play_result){ .failed = 1 };
	return play_trace(&l->trace, l->blocks, &w->km, how);
}

static int play(const char *path, enum play_how how)
{
	struct loaded l = load(path);
	const uint32_t pages = large_pages(&l.trace);
	host_arena_open((size_t)pages << PAGE_SHIFT);
	const struct play_result r = play_in(&l, pages, how);
	unload(&l);
	printf("%u %u %u\n", r.small_ops, r.large_ops, r.failed);
	if (r.damaged != 0) fprintf(stderr, "bench: %s: %u blocks damaged\n", path, r.damaged);
	return r.failed != 0 || r.damaged != 0 ? EXIT_FINDING : 0;
}

static int least(const char *path)
{
	struct loaded l = load(path);
	uint32_t fails = 0, fits = large_pages(&l.trace);
	host_arena_open((size_t)fits << PAGE_SHIFT);
	if (play_in(&l, fits, PLAY_UNTIL_FAILURE).failed != 0)
		give_up(EXIT_FINDING, "does not fit in four times its size", path);
	while (fits - fails > 1) {
		const uint32_t middle = fails + (fits - fails) / 2;
		if (play_in(&l, middle, PLAY_UNTIL_FAILURE).failed != 0)
			fails = middle;
		else
			fits = middle;
	}
	unload(&l);
	printf("%llu %llu\n", (unsigned long long)l.trace.peak_bytes,
	       (unsigned long long)fits << PAGE_SHIFT);
	return 0;
}

/* Takes pages, smallest blocks first, until one block of the largest order is all that is free:
 * without that a page comes from some small block at the pool's edge, and nothing is split. */
static bool leave_one_block(struct page_pool *pool)
{
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL);
	struct page_fragmentation f;
	for (;;) {
		page_fragmentation(pool, &f);
		if (f.free_pages <= 1u << PAGE_ORDER_MAX) return f.largest_pages == f.free_pages;
		if (page_alloc(pool, 0, how, SITE_NONE) == PADDR_NONE) return false;
	}
}

static int pages(const char *cache, const char *pairs)
{
	const uint32_t cache_pages = (uint32_t)strtoul(cache, NULL, 10);
	const uint32_t n = (uint32_t)strtoul(pairs, NULL, 10);
	const uint32_t total = (16 << 20) >> PAGE_SHIFT;
	if (cache_pages > PAGE_CACHE_MAX) give_up(EXIT_USAGE, "too deep a cache", cache);
	host_arena_open((size_t)total << PAGE_SHIFT);
	struct bench_world *w = bench_world_make(host_arena_base(), total, cache_pages);
	if (w == NULL || (cache_pages == 0 && !leave_one_block(&w->pool))) return EXIT_FINDING;
	if (!bench_page_pairs(&w->pool, n)) return EXIT_FINDING;
	printf("%u\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "play") == 0) return play(argv[2], PLAY_QUIETLY);
	if (argc == 3 && strcmp(argv[1], "check") == 0) return play(argv[2], PLAY_AND_LOOK);
	if (argc == 3 && strcmp(argv[1], "least") == 0) return least(argv[2]);
	if (argc == 4 && strcmp(argv[1], "pages") == 0) return pages(argv[2], argv[3]);
	fprintf(stderr, "usage: bench play|check|least TRACE, or bench pages CACHE PAIRS\n");
	return EXIT_USAGE;
}
