/*
 * mmapstorm.c -- threads of one process map, touch, protect, move, cut and unmap memory at once.
 *
 *	mmapstorm operations=20000 threads=4 seed=1
 *
 * Each thread knows what its pages hold, and looks before it changes them: a page that somebody
 * else was given too, or that lost its contents, shows.  A fresh page must be all zero.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "stress/user/program.h"

const char *const program = "mmapstorm";

enum { SLOTS = 32, PAGES_MAX = 64, PAGE = 4096, THREADS_MAX = 16 };

struct area {
	uint64_t *at;
	size_t pages;
	uint64_t tag; /* what each page begins with, less its number; 0: not touched yet */
	bool readable_only;
};

struct worker {
	uint64_t random;
	unsigned long operations;
	struct area area[SLOTS];
};

static uint64_t *page_of(const struct area *a, size_t n)
{
	return a->at + n * (PAGE / sizeof(*a->at));
}

static void look(const struct area *a)
{
	for (size_t n = 0; n < a->pages; n++) {
		const uint64_t want = a->tag == 0 ? 0 : a->tag + n;
		CHECK(*page_of(a, n) == want, "page %zu of %zu has %lx, not %lx", n, a->pages,
		      *page_of(a, n), want);
	}
}

static void touch(struct area *a, uint64_t *random)
{
	if (a->readable_only) {
		CHECK(mprotect(a->at, a->pages * PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect: %s",
		      strerror(errno));
		a->readable_only = false;
	}
	a->tag = draw(random) | 1;
	for (size_t n = 0; n < a->pages; n++) *page_of(a, n) = a->tag + n;
}

static void map(struct area *a, uint64_t *random)
{
	a->pages = 1 + draw_below(random, PAGES_MAX);
	a->at = mmap(NULL, a->pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	CHECK(a->at != MAP_FAILED, "mmap of %zu pages: %s", a->pages, strerror(errno));
	a->tag = 0;
	a->readable_only = false;
}

static void unmap(struct area *a)
{
	look(a);
	CHECK(munmap(a->at, a->pages * PAGE) == 0, "munmap: %s", strerror(errno));
	a->at = NULL;
}

/* Its end goes away, or all of it moves and grows. */
static void resize(struct area *a, uint64_t *random)
{
	const size_t was = a->pages, now = 1 + draw_below(random, PAGES_MAX);

	a->at = mremap(a->at, was * PAGE, now * PAGE, MREMAP_MAYMOVE);
	CHECK(a->at != MAP_FAILED, "mremap: %s", strerror(errno));
	a->pages = now < was ? now : was;
	look(a);
	a->pages = now;
	for (size_t n = was; n < now; n++)
		CHECK(*page_of(a, n) == 0, "a page that came is not zero");
	touch(a, random);
}

static void forget(struct area *a)
{
	CHECK(madvise(a->at, a->pages * PAGE, MADV_DONTNEED) == 0, "madvise: %s", strerror(errno));
	a->tag = 0;
}

static void cut(struct area *a, uint64_t *random)
{
	const size_t keep = 1 + draw_below(random, a->pages);

	if (keep == a->pages) return;
	CHECK(munmap(page_of(a, keep), (a->pages - keep) * PAGE) == 0, "munmap: %s",
	      strerror(errno));
	a->pages = keep;
}

static void protect(struct area *a)
{
	CHECK(mprotect(a->at, a->pages * PAGE, PROT_READ) == 0, "mprotect: %s", strerror(errno));
	a->readable_only = true;
}

static void *work(void *given)
{
	struct worker *const w = given;

	for (unsigned long i = 0; i < w->operations; i++) {
		struct area *const a = &w->area[draw_below(&w->random, SLOTS)];
		if (a->at == NULL) {
			map(a, &w->random);
			continue;
		}
		switch (draw_below(&w->random, 8)) {
		case 0: resize(a, &w->random); break;
		case 1: forget(a); break;
		case 2: cut(a, &w->random); break;
		case 3: protect(a); break;
		case 4: look(a); break;
		case 5: unmap(a); break;
		default: touch(a, &w->random);
		}
	}
	for (int i = 0; i < SLOTS; i++)
		if (w->area[i].at != NULL) unmap(&w->area[i]);
	return NULL;
}

static struct worker worker[THREADS_MAX];

int main(int count, char **arguments)
{
	const unsigned long operations = argument(arguments, "operations", 20000);
	const unsigned long threads = argument(arguments, "threads", 4);
	const unsigned long seed = argument(arguments, "seed", 1);
	pthread_t thread[THREADS_MAX];

	(void)count;
	CHECK(threads >= 1 && threads <= THREADS_MAX, "%lu threads", threads);
	for (unsigned long i = 0; i < threads; i++) {
		worker[i].random = seed * 1000003 + i * 7919 + 1;
		worker[i].operations = operations / threads;
		start_thread(&thread[i], work, &worker[i]);
	}
	for (unsigned long i = 0; i < threads; i++) join_thread(thread[i]);
	return verdict("%lu operations by %lu threads, seed %lu", operations, threads, seed);
}
