/*
 * libc_test.c -- the C library's names: what they answer, threads, forks, and the line that ends a
 * program that frees what it may not.  The program's own malloc is the one that is tested.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/malloc/libc.h"

#define EXPECT(c)                                                               \
	do {                                                                    \
		if (!(c)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			_exit(1);                                               \
		}                                                               \
	} while (0)

/* The compiler knows what these do, and leaves out calls whose results it thinks it knows. */
static void *(*volatile malloc_)(size_t) = malloc;
static void *(*volatile calloc_)(size_t, size_t) = calloc;
static void *(*volatile realloc_)(void *, size_t) = realloc;
static void *(*volatile memalign_)(size_t, size_t) = memalign;
static void (*volatile free_)(void *) = free;

static struct umalloc_stats stats(void)
{
	struct umalloc_stats s;
	const char *why = umalloc_check(&umalloc_libc);

	if (why != NULL) fprintf(stderr, "%s\n", why);
	EXPECT(why == NULL);
	umalloc_stats(&umalloc_libc, &s);
	return s;
}

static void answers(void)
{
	void *p = malloc_(0), *q = malloc_(0);
	volatile size_t huge = SIZE_MAX / 4;

	EXPECT(p != NULL && q != NULL && p != q);
	errno = 0;
	EXPECT(malloc_(huge) == NULL && errno == ENOMEM);
	errno = 0;
	EXPECT(calloc_(huge, 8) == NULL && errno == ENOMEM);
	errno = 0;
	EXPECT(realloc_(p, huge) == NULL && errno == ENOMEM);
	errno = 0;
	EXPECT(reallocarray(p, huge, 8) == NULL && errno == ENOMEM);
	EXPECT((p = reallocarray(p, 10, 10)) != NULL && malloc_usable_size(p) >= 100);
	errno = 7;
	free_(p);
	free_(q);
	free_(NULL);
	EXPECT(errno == 7);
	EXPECT(realloc_(malloc_(5), 0) == NULL && errno == 7);
	EXPECT(posix_memalign(&p, 3, 10) == EINVAL && posix_memalign(&p, 4, 10) == EINVAL);
	EXPECT(posix_memalign(&p, 64, huge) == ENOMEM && errno == 7);
	EXPECT(posix_memalign(&p, 4096, 10) == 0 && (uintptr_t)p % 4096 == 0);
	free_(p);
	p = aligned_alloc(256, 512);
	EXPECT((uintptr_t)p % 256 == 0);
	free_(p);
	p = valloc(1);
	EXPECT((uintptr_t)p % 4096 == 0);
	free_(p);
	p = memalign_(48, 1);
	EXPECT((uintptr_t)p % 64 == 0);
	free_(p);
	EXPECT(memalign_(SIZE_MAX / 2 + 2, 1) == NULL && errno == EINVAL);
	malloc_trim(0);
	EXPECT(malloc_trim(0) == 0);
}

extern void *__libc_malloc(size_t), *__libc_memalign(size_t, size_t), cfree(void *);

/* What glibc has besides is of the same heap: a block goes from any of them to any. */
static void further_names(void)
{
	char said[400] = "";
	volatile size_t huge = SIZE_MAX;
	char *p = pvalloc(4097), *q = __libc_malloc(100), *r = __libc_memalign(512, 1);

	EXPECT((uintptr_t)p % 4096 == 0 && malloc_usable_size(p) >= 8192);
	EXPECT(stats().live >= 3 && (uintptr_t)r % 512 == 0);
	free_(p);
	cfree(q);
	EXPECT((r = realloc_(r, 1000)) != NULL);
	errno = 0;
	EXPECT(pvalloc(huge) == NULL && errno == ENOMEM);
	EXPECT(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1 && mallopt(M_PERTURB, 1) == 0);
	const struct mallinfo2 info = mallinfo2();
	EXPECT(info.arena == stats().heap_bytes && info.uordblks + info.fordblks == info.arena);
	FILE *file = fmemopen(said, sizeof(said), "w");
	EXPECT(malloc_info(1, file) == EINVAL && malloc_info(0, file) == 0 && fclose(file) == 0);
	EXPECT(strstr(said, "<malloc") == said && strstr(said, "</malloc>") != NULL);
	free_(r);
}

/* Zeroed blocks too come from a cache, in which they are not. */
static void zeroes_from_a_cache(void)
{
	for (unsigned i = 0; i < 100; i++) {
		char *p = calloc_(10, 20);
		for (unsigned k = 0; k < 200; k++) EXPECT(p[k] == 0);
		memset(p, 0x5a, 200);
		free_(p);
	}
}

/* A program that moves the break itself, and back. */
static void others_move_the_break(void)
{
	void *p[50];

	for (unsigned i = 0; i < 50; i++) {
		p[i] = malloc_(9000);
		memset(p[i], (int)i, 9000);
		if (i % 10 == 9) EXPECT(sbrk(1234) != (void *)-1);
	}
	for (unsigned i = 0; i < 50; i++) {
		EXPECT(*(char *)p[i] == (char)i);
		free_(p[i]);
	}
	stats();
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { THREADS = 4, SHARED = 64 };

static unsigned turns = 5000;

static struct {
	pthread_mutex_t lock;
	unsigned char *p;
	size_t bytes;
} shared[SHARED];

static void check_and_fill(unsigned slot, unsigned char with)
{
	for (size_t i = 0; i < shared[slot].bytes; i++)
		EXPECT(shared[slot].p[i] == (unsigned char)(shared[slot].bytes + slot));
	if (with == 0) return;
	shared[slot].bytes = with * (with % 16 == 0 ? 1000u : 13u);
	shared[slot].p = realloc_(shared[slot].p, shared[slot].bytes);
	EXPECT(shared[slot].p != NULL);
	memset(shared[slot].p, (int)(unsigned char)(shared[slot].bytes + slot), shared[slot].bytes);
}

/* Blocks go from thread to thread: allocated by one, moved by another, freed by a third. */
static void *storm(void *arg)
{
	uint64_t x = (uintptr_t)arg * 0x9e3779b97f4a7c15ull + 1;

	for (unsigned i = 0; i < turns; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		const unsigned slot = x >> 40 & (SHARED - 1);
		pthread_mutex_lock(&shared[slot].lock);
		check_and_fill(slot, (unsigned char)(x >> 50));
		if (x >> 60 == 0) {
			free_(shared[slot].p);
			shared[slot].p = NULL;
			shared[slot].bytes = 0;
		}
		pthread_mutex_unlock(&shared[slot].lock);
	}
	return NULL;
}

/* qemu-aarch64 7.2 dies of a thread in a child of a program with threads: there, not. */
static bool threads_in_children = true;

static void *allocate_some(void *arg)
{
	for (size_t k = 0; k < 100; k++) free_(malloc_(k * 50));
	return arg;
}

static void begin_thread_and_allocate(void)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, allocate_some, NULL) == 0);
	allocate_some(NULL);
	pthread_join(thread, NULL);
}

/* While others are inside, children are made, and allocate: alone, and then with a thread. */
static void fork_often(void)
{
	for (unsigned i = 0; i < 20; i++) {
		const pid_t child = fork();
		if (child == 0) {
			alarm(20);
			allocate_some(NULL);
			if (threads_in_children) begin_thread_and_allocate();
			stats();
			_exit(42);
		}
		int status = 0;
		EXPECT(child > 0 && waitpid(child, &status, 0) == child);
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	}
}

static void threads_and_forks(void)
{
	pthread_t threads[THREADS];
	const uint64_t live = stats().live;

	for (unsigned i = 0; i < SHARED; i++) pthread_mutex_init(&shared[i].lock, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		EXPECT(pthread_create(&threads[i], NULL, storm, (void *)i) == 0);
	fork_often();
	for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < SHARED; i++) {
		check_and_fill(i, 0);
		free_(shared[i].p);
		shared[i].p = NULL;
		shared[i].bytes = 0;
	}
	umalloc_drain(&umalloc_libc);
	EXPECT(stats().queued == 0 && stats().live <= live + THREADS); /* threads' own notes */
}

/* A thread's cache is given back as it ends: after each few threads nobody has one but this one. */
static void ended_threads_keep_nothing(void)
{
	pthread_t threads[THREADS];
	uint64_t live = 0, held = 0;

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < THREADS; i++)
			EXPECT(pthread_create(&threads[i], NULL, allocate_some, NULL) == 0);
		allocate_some(NULL);
		for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
		free_(malloc_(100));
		const struct umalloc_cache *c = umalloc_libc.caches;
		EXPECT(c != NULL && c->next == NULL && stats().cached != 0);
		if (round == 1) live = stats().live;
		EXPECT(round < 2 || stats().live == live);
		umalloc_drain(&umalloc_libc);
		EXPECT(stats().cached == 0);
		if (round == 1) held = stats().heap_bytes;
		EXPECT(round < 2 || stats().heap_bytes == held);
	}
}

static struct {
	bool ready, go, done;
} flags;

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

static void *look_cancelled(void *arg)
{
	pthread_cancel(pthread_self());
	set(&flags.ready);
	while (!is_set(&flags.go)) sched_yield();
	stats();
	set(&flags.done);
	pthread_testcancel();
	return arg;
}

/* A thread that is to end does not do so in a call of ours, with the lock taken, though it waits
 * there for who is at his cache: as this one is. */
static void cancellation_waits(void)
{
	uint32_t *latch = &umalloc_libc.caches->latch;
	const struct timespec a_while = { 0, 5000000 };
	pthread_t thread;
	void *ended;

	EXPECT(pthread_create(&thread, NULL, look_cancelled, NULL) == 0);
	while (!is_set(&flags.ready)) sched_yield();
	free_(malloc_(100));
	EXPECT(__atomic_exchange_n(latch, 1, __ATOMIC_ACQUIRE) == 0);
	set(&flags.go);
	while (__atomic_load_n(&umalloc_libc.lock_word, __ATOMIC_RELAXED) == 0) sched_yield();
	nanosleep(&a_while, NULL);
	__atomic_store_n(latch, 0, __ATOMIC_RELEASE);
	EXPECT(pthread_join(thread, &ended) == 0 && ended == PTHREAD_CANCELED && flags.done);
	stats();
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void free_twice(void)
{
	void *p = malloc_(100);

	free_(p);
	free_(p);
}

static void free_inside(void)
{
	free_((char *)malloc_(100) + 16);
}

static void free_wildly(void)
{
	int here;

	free_((void *)((uintptr_t)&here & ~15ull));
}

/* Here the program has had threads: the first is in this one's cache. */
static void free_cached(void)
{
	void *p = malloc_(200);

	free_(p);
	free_(malloc_(300));
	free_(p);
}

static void free_queued(void)
{
	char *p = malloc_(500), *fence = malloc_(500);

	EXPECT(fence != NULL && realloc_(p, 200000) != p);
	free_(p);
}

/* It ends a child by SIGABRT, and says one line with `words` in it. */
static void ends(void (*misuse)(void), const char *words)
{
	char said[300];
	int pipes[2], status = 0;

	EXPECT(pipe(pipes) == 0);
	const pid_t child = fork();
	if (child == 0) {
		dup2(pipes[1], STDERR_FILENO);
		misuse();
		_exit(0);
	}
	close(pipes[1]);
	const ssize_t n = read(pipes[0], said, sizeof(said) - 1);
	EXPECT(n > 0 && waitpid(child, &status, 0) == child);
	said[n] = '\0';
	close(pipes[0]);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	EXPECT(strncmp(said, "malloc: ", 8) == 0);
	const char *line_end = strchr(said, '\n'), *found = strstr(said, words);
	EXPECT(found != NULL && line_end != NULL && found < line_end);
}

int main(int argc, char **argv)
{
	if (argc > 1) { /* under an emulator */
		turns = (unsigned)strtoul(argv[1], NULL, 10);
		threads_in_children = false;
	}
	answers();
	further_names();
	threads_and_forks();
	ended_threads_keep_nothing();
	cancellation_waits();
	zeroes_from_a_cache();
	ends(free_twice, "a double free");
	ends(free_queued, "a double free");
	ends(free_cached, "a double free");
	ends(free_inside, "no block");
	ends(free_wildly, "no block");
	others_move_the_break(); /* from here on, no short ways: there are several regions */
	threads_and_forks();
	return 0;
}
