/*
 * heap_port.c -- Linux's memory calls, as programs have them, watched: each must be the one that
 * the score has next, with its arguments and its answer.
 *
 * A call that the score refuses is refused by the kernel, where a limit can make it do so: the
 * address space may not grow for that moment.  What gives memory back is refused here.
 *
 * What a kernel maps where it likes is moved to where the score has it, so that alignments, room to
 * grow in place and addresses are the same everywhere.
 */
#define _GNU_SOURCE /* mremap */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "user/malloc/linux.h"
#include "user/replay/heap.h"

enum { ASKS_MAX = 64 };

static struct {
	struct words line[ASKS_MAX];
	unsigned number[ASKS_MAX]; /* in the file */
	unsigned count, done;
} asks;

void ask_expect(struct words line)
{
	if (asks.count == ASKS_MAX) no_score();
	asks.number[asks.count] = play.now.number;
	asks.line[asks.count++] = line;
}

static void tell_of(unsigned ask)
{
	play.now.line = asks.line[ask];
	play.now.number = asks.number[ask];
}

void ask_end(void)
{
	if (asks.done != asks.count) {
		tell_of(asks.done);
		differs("it is not asked");
	}
	asks.count = asks.done = 0;
}

/* The next line of what is asked, behind its verb. */
static struct words ask_next(const char *verb, size_t bytes)
{
	if (asks.done == asks.count) differs("%s %zu is asked as well", verb, bytes);
	struct words line = asks.line[asks.done++];
	if (!words_take(&line, verb)) {
		tell_of(asks.done - 1);
		differs("%s %zu is asked", verb, bytes);
	}
	return line;
}

/* It is the last one that was asked that differs. */
#define ASK_DIFFERS(...) (tell_of(asks.done - 1), differs(__VA_ARGS__))

static void expect_number(struct words *w, uint64_t value)
{
	uint64_t due;

	if (!number_next(w, &due)) no_score();
	if (due != value) ASK_DIFFERS("with %lld", (long long)value);
}

static void expect_place(struct words *w, const void *at)
{
	void *due;

	if (!place_next(w, &due)) no_score();
	if (due != at) ASK_DIFFERS("%s", place_say(at).text);
}

/* --- refusals --------------------------------------------------------------------------------- */

static bool is_refused(struct words *w)
{
	return words_take(w, "refused");
}

static struct rlimit space;

static void space_limit(bool refuses)
{
	struct rlimit none = { .rlim_cur = 0 };

	if (!refuses) return;
	if (getrlimit(RLIMIT_AS, &space) != 0) ASK_DIFFERS("errno %d of getrlimit", errno);
	none.rlim_max = space.rlim_max;
	if (setrlimit(RLIMIT_AS, &none) != 0) ASK_DIFFERS("errno %d of setrlimit", errno);
}

static void space_free(bool refuses)
{
	if (refuses && setrlimit(RLIMIT_AS, &space) != 0)
		ASK_DIFFERS("errno %d of setrlimit", errno);
}

/* --- the calls -------------------------------------------------------------------------------- */

static void *watched_sbrk(void *context, ptrdiff_t bytes)
{
	struct words w = ask_next("sbrk", (size_t)bytes);

	expect_number(&w, (uint64_t)bytes);
	if (!words_take(&w, "=")) no_score();
	const bool refuses = is_refused(&w);
	if (refuses && bytes < 0) return UMALLOC_NO_MEMORY;
	space_limit(refuses);
	void *was = umalloc_linux.sbrk(context, bytes);
	space_free(refuses);
	if (refuses && was != UMALLOC_NO_MEMORY) ASK_DIFFERS("%s", place_say(was).text);
	if (!refuses) expect_place(&w, was);
	return was;
}

/* Where the score has it. */
static void *moved(void *at, size_t bytes, void *due)
{
	if (at == UMALLOC_NO_MEMORY) ASK_DIFFERS("refused");
	if (at == due) return at;
	if (mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, due) != due)
		differs("errno %d of the move there", errno);
	return due;
}

static void *watched_map(void *context, size_t bytes)
{
	struct words w = ask_next("map", bytes);
	void *due;

	expect_number(&w, bytes);
	if (!words_take(&w, "=")) no_score();
	const bool refuses = is_refused(&w);
	space_limit(refuses);
	void *at = umalloc_linux.map(context, bytes);
	space_free(refuses);
	if (refuses) {
		if (at != UMALLOC_NO_MEMORY) ASK_DIFFERS("%s", place_say(at).text);
		return at;
	}
	if (!place_next(&w, &due)) no_score();
	return moved(at, bytes, due);
}

static bool watched_unmap(void *context, void *at, size_t bytes)
{
	struct words w = ask_next("unmap", bytes);
	unsigned char seen;

	expect_place(&w, at);
	expect_number(&w, bytes);
	if (!words_take(&w, "=")) no_score();
	if (is_refused(&w)) {
		play.vague = true;
		return false;
	}
	if (!umalloc_linux.unmap(context, at, bytes)) ASK_DIFFERS("refused");
	const int kept = errno;
	if (mincore(at, UMALLOC_PAGE, &seen) == 0 || errno != ENOMEM)
		differs("done, and it is there");
	errno = kept;
	return true;
}

static void *watched_remap(void *context, void *at, size_t bytes, size_t larger)
{
	struct words w = ask_next("remap", bytes);
	void *due;

	expect_place(&w, at);
	expect_number(&w, bytes);
	expect_number(&w, larger);
	if (!words_take(&w, "=")) no_score();
	const bool refuses = is_refused(&w);
	space_limit(refuses);
	void *now = umalloc_linux.remap(context, at, bytes, larger);
	space_free(refuses);
	if (refuses) {
		if (now != UMALLOC_NO_MEMORY) ASK_DIFFERS("%s", place_say(now).text);
		return now;
	}
	if (!place_next(&w, &due)) no_score();
	if (now == at && due != at) ASK_DIFFERS("it has grown where it is");
	play.remapped = true;
	return moved(now, larger, due);
}

/* --- what is told ----------------------------------------------------------------------------- */

static void watched_lock(void *context, uint32_t *word)
{
	umalloc_linux.lock(context, word);
}

static void watched_unlock(void *context, uint32_t *word)
{
	umalloc_linux.unlock(context, word);
}

static void watched_relax(void *context)
{
	umalloc_linux.relax(context);
}

static void watched_cached(void *context, struct umalloc_cache *c)
{
	umalloc_linux.cached(context, c);
}

static void watched_refused(void *context)
{
	umalloc_linux.refused(context);
}

static void watched_misused(void *context, const void *p, uint32_t verdict)
{
	(void)context;
	(void)p;
	play.misused++;
	play.verdict = verdict;
}

__attribute__((noreturn)) static void watched_broken(void *context, const char *what,
						     const void *at)
{
	(void)context;
	differs("the heap is damaged at %s: not so: %s", place_say(at).text, what);
}

const struct umalloc_calls watched = {
	.sbrk = watched_sbrk,
	.map = watched_map,
	.unmap = watched_unmap,
	.remap = watched_remap,
	.lock = watched_lock,
	.unlock = watched_unlock,
	.relax = watched_relax,
	.cached = watched_cached,
	.refused = watched_refused,
	.misused = watched_misused,
	.broken = watched_broken,
};
