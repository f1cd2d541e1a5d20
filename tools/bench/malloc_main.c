/*
 * malloc_main.c -- traces against the program's own malloc, which is user/malloc.
 *
 *	malloc_bench play TRACE     plays it once; for a profiler to watch (bench_* below); prints
 *	                            "OPERATIONS PEAK_BYTES HELD_BYTES": most that was live as the
 *	                            trace asked for it, most that there was from the system
 *	malloc_bench threaded TRACE the same after the program had a second thread: calls are made
 *	                            as if it still were there
 *	malloc_bench check TRACE    looks at every byte of every block, and walks the heap at times
 *
 * The program's own memory is mapped, so that the heap holds the trace's blocks alone.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/bench/trace.h"
#include "user/malloc/libc.h"

enum { EXIT_FINDING = 1, EXIT_USAGE = 2, EXIT_BAD_FILE = 3, EXIT_ENVIRONMENT = 4 };
enum { WALK_EVERY = 512 };

NOINLINE void *bench_alloc(size_t bytes);
NOINLINE void *bench_realloc(void *p, size_t bytes);
NOINLINE void bench_free(void *p);

#define STAY_A_CALL() __asm__ volatile("")

void *bench_alloc(size_t bytes)
{
	void *p = malloc(bytes);
	STAY_A_CALL();
	return p;
}

void *bench_realloc(void *p, size_t bytes)
{
	void *q = realloc(p, bytes);
	STAY_A_CALL();
	return q;
}

void bench_free(void *p)
{
	free(p);
	STAY_A_CALL();
}

NORETURN static void give_up(int status, const char *what, const char *about)
{
	fprintf(stderr, "malloc_bench: %s: %s\n", about, what);
	exit(status);
}

static void *room(size_t bytes)
{
	void *p = mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) give_up(EXIT_ENVIRONMENT, "no memory", "mmap");
	return p;
}

static char *read_file(const char *path, size_t *bytes)
{
	struct stat st;
	const int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) != 0) give_up(EXIT_BAD_FILE, "cannot be opened", path);
	*bytes = (size_t)st.st_size;
	char *text = room(*bytes);
	if (read(fd, text, *bytes) != st.st_size) give_up(EXIT_BAD_FILE, "cannot be read", path);
	close(fd);
	return text;
}

/* --- playing ---------------------------------------------------------------------------------- */

static uint8_t filling(uint32_t id, uint64_t at)
{
	return (uint8_t)(id * 131 + 7 + (at >> 3));
}

static void fill(const struct trace_block *b, uint32_t id)
{
	for (uint64_t i = 0; i < b->bytes; i++) ((uint8_t *)b->p)[i] = filling(id, i);
}

static void look(const struct trace_block *b, uint32_t id, uint64_t bytes, const char *path)
{
	for (uint64_t i = 0; i < bytes; i++)
		if (((const uint8_t *)b->p)[i] != filling(id, i))
			give_up(EXIT_FINDING, "a block is damaged", path);
}

static void play_op(const struct trace_op *op, struct trace_block *b, bool looks, const char *path)
{
	void *p = NULL;

	if (looks && b->p != NULL) look(b, op->id, b->bytes, path);
	if (op->kind == TRACE_ALLOC) p = bench_alloc(op->bytes);
	if (op->kind == TRACE_REALLOC) p = bench_realloc(b->p, op->bytes);
	if (op->kind == TRACE_FREE) bench_free(b->p);
	if (p == NULL && op->bytes != 0) give_up(EXIT_FINDING, "a request failed", path);
	const uint64_t kept = op->kind == TRACE_REALLOC ? min_u64(b->bytes, op->bytes) : 0;
	*b = (struct trace_block){ p, op->bytes, op->kind != TRACE_FREE };
	if (!looks || p == NULL) return;
	look(b, op->id, kept, path);
	fill(b, op->id);
}

static void walk(const char *path)
{
	const char *why = umalloc_check(&umalloc_libc);
	if (why != NULL) give_up(EXIT_FINDING, why, path);
}

static void play(const char *path, bool looks)
{
	struct umalloc_stats stats;
	struct trace trace;
	size_t bytes;
	char *text = read_file(path, &bytes);
	const uint32_t lines = trace_lines(text, bytes);
	struct trace_op *ops = room(lines * sizeof(*ops));
	struct trace_block *blocks = room(lines * sizeof(*blocks));
	if (trace_parse(&trace, text, bytes, ops, blocks) != 0)
		give_up(EXIT_BAD_FILE, "is no trace", path);
	for (uint32_t i = 0; i < trace.count; i++) {
		play_op(&ops[i], &blocks[ops[i].id], looks, path);
		if (looks && i % WALK_EVERY == 0) walk(path);
	}
	walk(path);
	umalloc_stats(&umalloc_libc, &stats);
	printf("%u %llu %llu\n", trace.count, (unsigned long long)trace.peak_bytes,
	       (unsigned long long)stats.peak_held_bytes);
}

static void *nothing(void *arg)
{
	return arg;
}

static void have_had_a_thread(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
		give_up(EXIT_ENVIRONMENT, "no thread", "pthread_create");
}

int main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "";
	if (strcmp(what, "play") != 0 && strcmp(what, "threaded") != 0 &&
	    strcmp(what, "check") != 0) {
		fprintf(stderr, "usage: malloc_bench play|threaded|check TRACE\n");
		return EXIT_USAGE;
	}
	if (strcmp(what, "threaded") == 0) have_had_a_thread();
	play(argv[2], strcmp(what, "check") == 0);
	return 0;
}
