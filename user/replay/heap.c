/*
 * heap.c -- plays scores about the allocator (fuzz/malloc_score.h): what the fuzzer's run did to
 * user/malloc over a model of memory calls is done to the same allocator by a program, over those
 * of the kernel that it runs on, and compared.
 *
 *	heap FILE
 *
 * Each score has a process of its own.  Threads 0 to 7 of a score are threads of that; each does
 * its lines when they come, one at a time, so that caches, the lock's word, and ends of threads are
 * real ones.  A fork is one: in the child the line's thread alone goes on, or the child looks at
 * its copy and ends.  The allocator is an instance of its own, as the C library's calls of malloc
 * (for threads) are none of the score's.
 *
 * Prints, for the first line of a score that came to something else,
 *
 *	differs NAME: line 12: 0 alloc 3 100 = %32 104: here %48
 *
 * and at the end "replay: N scores, L lines, D differ".  Exit: 0 none differs; 1 some do; 2 usage;
 * 3 the file is no score; 4 it cannot be read, or there is no memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/replay/heap.h"

enum { LINE_SAID = 160, PATIENCE_SECONDS = 60, STACK_BYTES = 128 << 10 };

/* The fuzzer's memory is aligned to that. */
#define ALIGN ((uintptr_t)4 << 20)

/* Where mappings lie: far from all that a kernel chooses. */
#define AREA ((char *)0x2000000000)

struct play play;
struct tally *tally;

static const char is_alone = 1, is_not_alone = 0;

/* --- what is said ----------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!line_say(STDOUT_FILENO, format, args)) _exit(EXIT_NO_ROOM);
	va_end(args);
}

static void say_differs(const char *what)
{
	const struct place_in_file *now = &play.now;
	const int length = (int)(now->line.end - now->line.at);

	say("differs %.*s: line %u: %.*s: here %s", now->name_length, now->name, now->number,
	    length < LINE_SAID ? length : LINE_SAID, now->line.at, what);
}

void differs(const char *format, ...)
{
	char what[128];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	say_differs(what);
	_exit(EXIT_DIFFERS);
}

void no_score(void)
{
	const struct words *line = &play.now.line;

	say("replay: line %u is none of a score: %.*s", play.now.number,
	    (int)(line->end - line->at), line->at);
	_exit(EXIT_BAD_FILE);
}

/* --- places ----------------------------------------------------------------------------------- */

bool place_next(struct words *w, void **at)
{
	struct word word;
	uint64_t value;

	if (!word_next(w, &word)) return false;
	if (word_is(word, "own")) {
		*at = &play;
		return true;
	}
	const char kind = *word.at;
	if (kind == '%' || kind == '^') word.at++, word.length--;
	if (!word_number(word, &value)) return false;
	*at = kind == '%' ? play.where.broke + value
			  : (kind == '^' ? play.where.area + value : (char *)(uintptr_t)value);
	return true;
}

struct place_text place_say(const void *at)
{
	const struct where *w = &play.where;
	const uint64_t from_break = (uintptr_t)at - (uintptr_t)w->broke;
	const uint64_t from_area = (uintptr_t)at - (uintptr_t)w->area;
	struct place_text t;

	if (from_break <= w->bytes)
		snprintf(t.text, sizeof t.text, "%%%llu", (unsigned long long)from_break);
	else if (from_area <= w->bytes)
		snprintf(t.text, sizeof t.text, "^%llu", (unsigned long long)from_area);
	else
		snprintf(t.text, sizeof t.text, "%p", at);
	return t;
}

/* --- whose turn it is ------------------------------------------------------------------------- */

static struct {
	const char *text; /* what is to be played yet */
	_Atomic uint32_t turn;
	bool alive[THREADS];
	pthread_t thread[THREADS];
} cast;

enum { TURN_NONE = THREADS, TURN_ENDS }; /* and more: thread TURN_ENDS + n is to end */

static void wakes(uint32_t turn)
{
	atomic_store(&cast.turn, turn);
	syscall(SYS_futex, &cast.turn, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static void plays(unsigned me);

static void *lives(void *number)
{
	const unsigned me = (unsigned)(uintptr_t)number;

	for (;;) {
		const uint32_t turn = atomic_load(&cast.turn);
		if (turn == TURN_ENDS + me) return NULL;
		if (turn == me)
			plays(me);
		else
			syscall(SYS_futex, &cast.turn, FUTEX_WAIT_PRIVATE, turn, NULL, NULL, 0);
	}
}

static void begins(unsigned n)
{
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	const int error = pthread_create(&cast.thread[n], &small, lives, (void *)(uintptr_t)n);
	if (error != 0) differs("errno %d of a new thread", error);
	cast.alive[n] = true;
}

static void ends(struct words w, unsigned me)
{
	uint64_t other;

	if (!number_next(&w, &other) || other == me || other >= THREADS) no_score();
	if (!cast.alive[other]) return;
	wakes(TURN_ENDS + (uint32_t)other);
	pthread_join(cast.thread[other], NULL);
	cast.alive[other] = false;
	atomic_store(&cast.turn, me);
}

/* --- forks ------------------------------------------------------------------------------------ */

static void before_fork(void)
{
	umalloc_before_fork(&play.heap);
}

static void after_fork(void)
{
	umalloc_after_fork(&play.heap);
}

static void after_fork_in_child(void)
{
	umalloc_after_fork_in_child(&play.heap);
}

/* Its exit status, or what it died of, which is told. */
static int status_of(pid_t child)
{
	char what[32];
	int status = 0;

	if (waitpid(child, &status, 0) == child && WIFEXITED(status)) return WEXITSTATUS(status);
	snprintf(what, sizeof what, "signal %d", WTERMSIG(status));
	say_differs(what);
	return EXIT_DIFFERS;
}

/* The parent ends as the child does. */
static void goes_on_as_child(unsigned me)
{
	for (unsigned n = 0; n < THREADS; n++) cast.alive[n] = n == me;
	alarm(PATIENCE_SECONDS);
}

static void forks(struct words w, unsigned me)
{
	const bool in_child = words_take(&w, "child");

	if (!in_child && !words_take(&w, "parent")) no_score();
	const pid_t child = fork();
	if (child < 0) differs("errno %d", errno);
	if (child == 0 && !in_child) {
		heap_verify();
		_exit(0);
	}
	if (child == 0) {
		goes_on_as_child(me);
		return;
	}
	const int status = status_of(child);
	if (in_child || status != 0) _exit(status);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void does(struct words w, unsigned me)
{
	if (words_take(&w, "fork"))
		forks(w, me);
	else if (words_take(&w, "ends"))
		ends(w, me);
	else
		heap_does(w, me != 0);
	ask_end();
}

/* The lines of thread `me`, until one is another's. */
static void plays(unsigned me)
{
	for (;;) {
		const char *text = cast.text;
		struct words w;
		uint64_t thread;
		if (!line_next(&text, &w)) no_score();
		play.now.line = w;
		if (words_take(&w, "end")) _exit(0);
		const bool shared = words_take(&w, "stats");
		const bool remark = *w.at == '#', asks = words_take(&w, "asks");
		if (!shared && !remark && !asks) {
			if (!number_next(&w, &thread) || thread >= THREADS) no_score();
			if (thread != me) {
				if (!cast.alive[thread]) begins((unsigned)thread);
				wakes((uint32_t)thread);
				return;
			}
		}
		cast.text = text;
		play.now.number++;
		if (shared)
			heap_stats(w);
		else if (asks)
			ask_expect(w);
		else if (!remark)
			does(w, me);
		atomic_fetch_add(&tally->lines, !remark);
	}
}

/* --- a score ---------------------------------------------------------------------------------- */

/* Break and mappings begin where nothing else is. */
static void place_all(uint64_t pages)
{
	struct where *w = &play.where;
	const uintptr_t broke = (uintptr_t)sbrk(0);

	w->bytes = pages * UMALLOC_PAGE;
	w->broke = (char *)((broke + ALIGN - 1) & ~(ALIGN - 1));
	w->area = AREA;
	if (sbrk((intptr_t)((uintptr_t)w->broke - broke)) == UMALLOC_NO_MEMORY ||
	    mmap(w->area + w->bytes, UMALLOC_PAGE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) != w->area + w->bytes) /* no mapping grows beyond */
		differs("errno %d", errno);
}

static void heap_opens(struct words w)
{
	uint64_t n[7];

	if (!words_take(&w, "heap")) no_score();
	for (unsigned i = 0; i < 7; i++)
		if (!number_next(&w, &n[i])) no_score();
	if (n[0] > DEFERRED_FREE_SLOTS_MAX) no_score();
	play.heap = (struct umalloc)UMALLOC_INITIAL(&watched, n[5] != 0 ? &is_alone : &is_not_alone,
						    .quick_bytes = n[2], .map_bytes = n[1],
						    .deferred_slots = (uint32_t)n[0],
						    .fit = (uint32_t)n[3], .remaps = n[4] != 0);
	place_all(n[6]);
}

/* In a process of its own; does not return. */
__attribute__((noreturn)) static void play_all(const char *text)
{
	struct words w;

	alarm(PATIENCE_SECONDS);
	for (unsigned i = 0; i < 2; i++) {
		if (!line_next(&text, &w)) no_score();
		play.now.number++;
		play.now.line = w;
		if (i == 0 && !(words_take(&w, "player") && words_take(&w, "heap"))) no_score();
	}
	cast.text = text;
	cast.turn = TURN_NONE;
	play.now.line = w;
	/* Threads take memory that must not be had while it is played. */
	for (unsigned n = 0; n < THREADS; n++) begins(n);
	heap_opens(w);
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
	wakes(0);
	for (;;) pause();
}

/* Behind its last line. */
static const char *score_end(const char *text)
{
	struct words w;

	while (line_next(&text, &w))
		if (words_take(&w, "end")) break;
	return text;
}

static unsigned lines_between(const char *from, const char *to)
{
	unsigned lines = 0;

	for (; from < to; from++) lines += *from == '\n';
	return lines;
}

static bool score_differs(const char *text)
{
	const pid_t child = fork();

	if (child < 0) {
		say("replay: no process: %s", strerror(errno));
		exit(EXIT_NO_ROOM);
	}
	if (child == 0) play_all(text);
	const int status = status_of(child);
	if (status > EXIT_DIFFERS) exit(status);
	return status != 0;
}

int main(int argc, char **argv)
{
	unsigned scores = 0, differ = 0;
	struct words w;

	if (argc != 2 || argv[1][0] == '-') {
		fputs("usage: heap FILE\n", stderr);
		return 2;
	}
	const char *text = text_of_file(argv[1]), *from = text;
	tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (text == NULL || tally == MAP_FAILED) {
		perror(argv[1]);
		return text == NULL ? EXIT_BAD_FILE : EXIT_NO_ROOM;
	}
	while (line_next(&text, &w)) {
		play.now = (struct place_in_file){ .line = w, .number = lines_between(from, text) };
		if (!words_take(&w, "score")) no_score();
		while (w.at < w.end && *w.at == ' ') w.at++;
		play.now.name = w.at;
		play.now.name_length = (int)(w.end - w.at);
		scores++;
		differ += score_differs(text);
		text = score_end(text);
	}
	if (scores == 0) {
		say("replay: %s has no score", argv[1]);
		return EXIT_BAD_FILE;
	}
	say("replay: %u scores, %u lines, %u differ", scores, atomic_load(&tally->lines), differ);
	return differ != 0;
}
