/*
 * allocstress.c -- 2,000,000 allocations: malloc, calloc, realloc, free and aligned ones by chance,
 * from several threads, every block filled with its own pattern and looked at before it goes.
 *
 *	allocstress allocations=2000000 threads=2 seed=1
 *
 * At the end everything is freed, and the allocator's own counts must say the same: nothing live
 * but what was live before, allocated = released after the queue is drained.
 */
#include "stress/user/program.h"
#include "user/malloc/libc.h"

const char *const program = "allocstress";

enum { SLOTS = 256, THREADS_MAX = 16 };

struct slot {
	unsigned char *at;
	size_t bytes;
	unsigned char tag;
};

struct worker {
	uint64_t random;
	unsigned long allocations;
	struct slot slot[SLOTS];
};

/* Mostly small; now and then some that get a mapping each. */
static size_t draw_size(uint64_t *random)
{
	switch (draw_below(random, 64)) {
	case 0: return draw_below(random, 300000);
	case 1:
	case 2:
	case 3: return draw_below(random, 20000);
	default: return draw_below(random, 600);
	}
}

/* A block's first and last bytes, and some between. */
static size_t step_of(size_t bytes)
{
	return bytes < 64 ? 1 : bytes / 61;
}

static void fill(struct slot *s)
{
	for (size_t i = 0; i < s->bytes; i += step_of(s->bytes))
		s->at[i] = (unsigned char)(s->tag + i);
	if (s->bytes > 0) s->at[s->bytes - 1] = (unsigned char)(s->tag + s->bytes - 1);
}

/* The first `bytes` of it, of which the last is known to be filled when `all`. */
static void look(const struct slot *s, size_t bytes, size_t step, bool all)
{
	for (size_t i = 0; i < bytes; i += step)
		CHECK(s->at[i] == (unsigned char)(s->tag + i), "byte %zu of %zu has changed", i,
		      s->bytes);
	if (all && bytes > 0)
		CHECK(s->at[bytes - 1] == (unsigned char)(s->tag + bytes - 1),
		      "the last byte of %zu has changed", bytes);
}

static void give(struct slot *s)
{
	look(s, s->bytes, step_of(s->bytes), true);
	free(s->at);
	s->at = NULL;
}

static void take(struct slot *s, uint64_t *random)
{
	s->bytes = draw_size(random);
	s->tag = (unsigned char)draw(random);
	switch (draw_below(random, 8)) {
	case 0:
		s->at = calloc(1, s->bytes);
		CHECK(s->at != NULL, "no %zu bytes", s->bytes);
		for (size_t i = 0; i < s->bytes; i += step_of(s->bytes))
			CHECK(s->at[i] == 0, "byte %zu of %zu is not zero", i, s->bytes);
		break;
	case 1: {
		const size_t align = 16ul << draw_below(random, 9);
		s->at = aligned_alloc(align, (s->bytes + align - 1) / align * align);
		CHECK(s->at != NULL && (uintptr_t)s->at % align == 0, "not aligned to %zu", align);
		break;
	}
	default: s->at = malloc(s->bytes);
	}
	CHECK(s->at != NULL && (uintptr_t)s->at % 16 == 0, "no %zu bytes", s->bytes);
	fill(s);
}

static void resize(struct slot *s, uint64_t *random)
{
	const size_t was = s->bytes, now = draw_size(random) + 1, step = step_of(was);

	look(s, was, step, true);
	s->at = realloc(s->at, now);
	CHECK(s->at != NULL, "no %zu bytes for %zu", now, was);
	s->bytes = now;
	look(s, was < now ? was : now, step, was <= now);
	fill(s);
}

static void *work(void *given)
{
	struct worker *const w = given;

	for (unsigned long i = 0; i < w->allocations;) {
		struct slot *const s = &w->slot[draw_below(&w->random, SLOTS)];
		if (s->at == NULL)
			take(s, &w->random), i++;
		else if (draw_below(&w->random, 4) == 0)
			resize(s, &w->random), i++;
		else
			give(s);
	}
	for (int i = 0; i < SLOTS; i++)
		if (w->slot[i].at != NULL) give(&w->slot[i]);
	return NULL;
}

static struct worker worker[THREADS_MAX];

int main(int count, char **arguments)
{
	const unsigned long all = argument(arguments, "allocations", 2000000);
	const unsigned long threads = argument(arguments, "threads", 2);
	const unsigned long seed = argument(arguments, "seed", 1);
	pthread_t thread[THREADS_MAX];
	struct umalloc_stats before, after;

	(void)count;
	CHECK(threads >= 1 && threads <= THREADS_MAX, "%lu threads", threads);
	umalloc_stats(&umalloc_libc, &before);
	for (unsigned long i = 0; i < threads; i++) {
		worker[i].random = seed * 1000003 + i * 7919 + 1;
		worker[i].allocations = all / threads;
		start_thread(&thread[i], work, &worker[i]);
	}
	for (unsigned long i = 0; i < threads; i++) join_thread(thread[i]);
	umalloc_drain(&umalloc_libc);
	umalloc_stats(&umalloc_libc, &after);
	CHECK(umalloc_check(&umalloc_libc) == NULL, "%s", umalloc_check(&umalloc_libc));
	CHECK(after.queued == 0, "%lu are queued after all was drained",
	      (unsigned long)after.queued);
	CHECK(after.allocated == after.live + after.released, "allocated is not live and released");
	/* Threads leave what the C library keeps for the next ones: a few blocks, once. */
	CHECK(after.live <= before.live + 2 * threads, "%lu blocks are live, of %lu before",
	      (unsigned long)after.live, (unsigned long)before.live);
	return verdict("%lu allocations by %lu threads, seed %lu; %lu KiB at most", all, threads,
		       seed, (unsigned long)(after.peak_held_bytes >> 10));
}
