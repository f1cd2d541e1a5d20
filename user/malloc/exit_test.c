/*
 * exit_test.c -- the queue of deferred frees when a program ends.
 *
 * Each scene is a child that leaves blocks in the queue and ends in its way.  What it says on the
 * way is noted in a page that parent and child share: handlers of atexit() and a destructor, which
 * must still find the queue as it was, and last of all a function that runs behind the allocator's
 * own end, which must find it empty, and the pages of what was queued gone; and what it leaves
 * behind itself must be gone at once.  The allocator is the variant with a mapping for each block.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/malloc/libc.h"

#define EXPECT(c)                                                               \
	do {                                                                    \
		if (!(c)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			_exit(1);                                               \
		}                                                               \
	} while (0)

enum { LARGE = 200000, SMALL = 500, PAGE = 4096, NOTES = 32 };

/* The compiler knows what realloc does, and that nobody may read what it has left. */
static void *(*volatile realloc_)(void *, size_t) = realloc;

/* What happened in a child: its letters in their order, and what was found behind the end. */
static struct notes {
	uint32_t count;
	char said[NOTES];
	uint64_t queued, flushed, released;
	bool gone;
} * notes;

static char *left[2]; /* in the queue, a mapping each */
static uint64_t released_before;

static struct umalloc_stats stats(void)
{
	struct umalloc_stats s;
	const char *why = umalloc_check(&umalloc_libc);

	if (why != NULL) fprintf(stderr, "%s\n", why);
	EXPECT(why == NULL);
	umalloc_stats(&umalloc_libc, &s);
	return s;
}

static void note(char what)
{
	EXPECT(notes->count + 1 < NOTES);
	notes->said[notes->count++] = what;
}

static bool is_mapped(char *at)
{
	unsigned char in[1];
	return mincore((void *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1)), PAGE, in) == 0;
}

/* Two blocks wait; whatever came before does not. */
static void leave_two(void)
{
	char *p[2] = { malloc(LARGE), malloc(SMALL) };
	char *const fence = malloc(SMALL);

	EXPECT(fence != NULL);
	umalloc_flush(&umalloc_libc);
	for (int i = 0; i < 2; i++) {
		memset(p[i], 0x5a, SMALL);
		left[i] = p[i];
		EXPECT(realloc_(p[i], 2 * LARGE) != left[i]);
	}
	released_before = stats().released;
	EXPECT(stats().queued == 2);
}

static bool waits(uint64_t count)
{
	return stats().queued == count && left[0][SMALL - 1] == 0x5a && left[1][SMALL - 1] == 0x5a;
}

/* --- what runs at exit, in this order --------------------------------------------------------- */

static void second_handler(void)
{
	EXPECT(waits(2));
	note('2');
}

static void first_handler(void)
{
	EXPECT(waits(2));
	note('1');
}

__attribute__((destructor)) static void destructor(void)
{
	if (left[0] == NULL) return;
	EXPECT(waits(2));
	note('d');
}

/* As a library's destructor may: nothing waits that nobody would come for. */
static void realloc_late(void)
{
	char *p = malloc(SMALL);
	char *const fence = malloc(SMALL);

	EXPECT(fence != NULL && realloc_(p, 2 * LARGE) != p);
	EXPECT(stats().queued == 0 && !is_mapped(p));
}

static void behind_the_end(void)
{
	if (left[0] == NULL) return;
	const struct umalloc_stats s = stats();
	notes->queued = s.queued;
	notes->flushed = s.flushes[UMALLOC_FLUSH_EXIT];
	notes->released = s.released - released_before;
	notes->gone = !is_mapped(left[0]);
	realloc_late();
	note('.');
}

/* These run from the last to the first, and the allocator's is of priority 101. */
__attribute__((section(".fini_array.00050"),
	       used)) static void (*const last)(void) = behind_the_end;

/* --- ways to end ------------------------------------------------------------------------------ */

static void register_handlers(void)
{
	EXPECT(atexit(first_handler) == 0 && atexit(second_handler) == 0);
}

static void ends_by_exit(void)
{
	leave_two();
	register_handlers();
	exit(7);
}

static void ends_by__exit(void)
{
	leave_two();
	register_handlers();
	_exit(7);
}

static void ends_by_quick_exit(void)
{
	leave_two();
	register_handlers();
	quick_exit(7);
}

static void *leave_two_and_stay(void *ready)
{
	leave_two();
	pthread_barrier_wait(ready);
	for (;;) pause();
	return NULL;
}

static pthread_barrier_t ready;

/* Who queued them is another thread, which still is when the program ends. */
static void a_thread_leaves_them(void)
{
	pthread_t thread;

	pthread_barrier_init(&ready, NULL, 2);
	EXPECT(pthread_create(&thread, NULL, leave_two_and_stay, &ready) == 0);
	pthread_barrier_wait(&ready);
	register_handlers();
	exit(7);
}

static void *leave_two_and_exit(void *nothing)
{
	(void)nothing;
	leave_two(); /* here, as a thread's beginning allocates */
	exit(7);
}

/* Who ends the program is another thread. */
static void a_thread_exits(void)
{
	pthread_t thread;

	register_handlers();
	EXPECT(pthread_create(&thread, NULL, leave_two_and_exit, NULL) == 0);
	for (;;) pause();
}

/* A child has its own copy of the queue, and empties that. */
static void a_child_exits(void)
{
	int status = 0;

	leave_two();
	register_handlers();
	const pid_t child = fork();
	if (child == 0) exit(7);
	EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
	EXPECT(waits(2) && is_mapped(left[0]));
	note('|');
	exit(7);
}

static void *move_for_ever(void *shared)
{
	char *p = NULL;

	for (size_t i = 1;; i++) {
		p = realloc_(p, i % 7 * 30000 + 1);
		if (i == 50) pthread_barrier_wait(shared);
	}
	return p;
}

/* Others are in the middle of it: the program ends all the same. */
static void threads_go_on(void)
{
	pthread_t thread;

	pthread_barrier_init(&ready, NULL, 3);
	for (int i = 0; i < 2; i++)
		EXPECT(pthread_create(&thread, NULL, move_for_ever, &ready) == 0);
	pthread_barrier_wait(&ready);
	exit(7);
}

/* --- scenes ----------------------------------------------------------------------------------- */

static void scene(void (*ends)(void), const char *said)
{
	int status = 0;

	memset(notes, 0, sizeof(*notes));
	const pid_t child = fork();
	if (child == 0) {
		alarm(60);
		ends();
	}
	EXPECT(child > 0 && waitpid(child, &status, 0) == child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 7 || strcmp(notes->said, said) != 0)
		fprintf(stderr, "status %x, '%s', not '%s'\n", status, notes->said, said);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	EXPECT(strcmp(notes->said, said) == 0);
	if (strchr(said, '.') == NULL) return;
	EXPECT(notes->queued == 0 && notes->flushed == 1 && notes->released == 2 && notes->gone);
}

int main(void)
{
	notes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(notes != MAP_FAILED);
	scene(ends_by_exit, "21d.");
	scene(ends_by__exit, "");
	scene(ends_by_quick_exit, "");
	scene(a_thread_leaves_them, "21d.");
	scene(a_thread_exits, "21d.");
	scene(a_child_exits, "21d.|21d.");
	scene(threads_go_on, "");
	return 0;
}
