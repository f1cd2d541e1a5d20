/*
 * heap_does.c -- what a score's lines do to the allocator, and what must come of it.
 *
 * A block is filled as it is got, and looked at before it is resized or freed, after a resize as
 * far as both sizes go, and where a fork is; what realloc has left behind is looked at as long as
 * it waits.  errno is ENOMEM after a refusal, and otherwise what it was.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "user/replay/heap.h"
#include "user/replay/heap_names.h"

enum { ERRNO_BEFORE = 7777, RESIZE_BAD_BYTES = 100 };

struct block {
	char *at; /* NULL: the handle is free */
	size_t bytes;
	uint64_t seed;
};

static struct block blocks[HANDLES];
static struct block left[DEFERRED_FREE_SLOTS_MAX]; /* in a ring */
static uint64_t left_ever, seeds;
static char *foreign[HANDLES]; /* where somebody else has moved the break to, and from there */
static size_t foreign_bytes[HANDLES];
static unsigned foreigns;
static uint64_t figures[HEAP_FIGURES];

static __thread struct umalloc_cache mine __attribute__((tls_model("initial-exec")));

/* --- contents --------------------------------------------------------------------------------- */

static uint64_t word_of(uint64_t seed, size_t n)
{
	return (seed << 32 | n) * 0x9e3779b97f4a7c15u;
}

static void fill(struct block *b)
{
	b->seed = ++seeds;
	for (size_t at = 0; at < b->bytes; at += sizeof(uint64_t)) {
		const uint64_t word = word_of(b->seed, at);
		const size_t bytes = b->bytes - at < sizeof word ? b->bytes - at : sizeof word;
		memcpy(b->at + at, &word, bytes);
	}
}

/* Its first `bytes`, at `at`. */
static void look(const struct block *b, const char *at, size_t bytes)
{
	for (size_t n = 0; n < bytes; n += sizeof(uint64_t)) {
		const uint64_t word = word_of(b->seed, n);
		const size_t some = bytes - n < sizeof word ? bytes - n : sizeof word;
		if (memcmp(at + n, &word, some) != 0)
			differs("other contents at %s, %zu of %zu", place_say(b->at).text, n,
				b->bytes);
	}
}

void heap_verify(void)
{
	for (unsigned slot = 0; slot < HANDLES; slot++)
		if (blocks[slot].at != NULL)
			look(&blocks[slot], blocks[slot].at, blocks[slot].bytes);
	for (unsigned n = 0; n < foreigns; n++)
		for (size_t i = 0; i < foreign_bytes[n]; i++)
			if (foreign[n][i] != (char)n)
				differs("other contents in what is not the allocator's");
	const char *why = umalloc_check(&play.heap);
	if (why != NULL) differs("not sound: %s", why);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static unsigned slot_next(struct words *w)
{
	uint64_t slot;

	if (!number_next(w, &slot) || slot >= HANDLES) no_score();
	return (unsigned)slot;
}

static size_t size_next(struct words *w)
{
	uint64_t bytes;

	if (!number_next(w, &bytes)) no_score();
	return bytes;
}

static void *alloc(size_t bytes, bool cached)
{
	return cached ? umalloc_alloc_by(&play.heap, &mine, bytes)
		      : umalloc_alloc(&play.heap, bytes);
}

static void release(void *p, bool cached)
{
	if (cached)
		umalloc_free_by(&play.heap, &mine, p);
	else
		umalloc_free(&play.heap, p);
}

/* The answer, and errno, are those of the line. */
static void expect_block(struct words *w, const void *p)
{
	const int error = errno;
	const size_t usable = umalloc_usable(&play.heap, p);
	void *due = NULL;

	if (!words_take(w, "=")) no_score();
	if (!words_take(w, "none") && !place_next(w, &due)) no_score();
	if (p != due) differs("%s", p == NULL ? "none" : place_say(p).text);
	if (error != (p == NULL ? ENOMEM : ERRNO_BEFORE)) differs("errno is %d", error);
	if (p != NULL && size_next(w) != usable) differs("%zu usable bytes", usable);
	if (play.misused != 0) differs("it is called misuse");
}

static void put(unsigned slot, void *p)
{
	struct block *b = &blocks[slot];

	b->at = p;
	b->bytes = umalloc_usable(&play.heap, p);
	if (p != NULL) fill(b);
}

static void does_alloc(struct words *w, bool cached)
{
	const unsigned slot = slot_next(w);

	errno = ERRNO_BEFORE;
	void *p = alloc(size_next(w), cached);
	expect_block(w, p);
	put(slot, p);
}

static void does_zeroed(struct words *w)
{
	const unsigned slot = slot_next(w);
	const size_t bytes = size_next(w);

	errno = ERRNO_BEFORE;
	char *p = umalloc_alloc_zeroed(&play.heap, bytes);
	expect_block(w, p);
	for (size_t n = 0; p != NULL && n < bytes; n++)
		if (p[n] != 0) differs("byte %zu is %d, not 0", n, p[n]);
	put(slot, p);
}

static void does_aligned(struct words *w)
{
	const unsigned slot = slot_next(w);
	const size_t bytes = size_next(w), align = size_next(w);

	errno = ERRNO_BEFORE;
	void *p = umalloc_alloc_aligned(&play.heap, align, bytes);
	expect_block(w, p);
	if ((uintptr_t)p % align != 0) differs("%p", p);
	put(slot, p);
}

static void does_resize(struct words *w)
{
	const unsigned slot = slot_next(w);
	const struct block was = blocks[slot];

	if (was.at == NULL) no_score();
	look(&was, was.at, was.bytes);
	errno = ERRNO_BEFORE;
	char *p = umalloc_realloc(&play.heap, was.at, size_next(w));
	expect_block(w, p);
	if (p == NULL) {
		look(&was, was.at, was.bytes);
		return;
	}
	const size_t usable = umalloc_usable(&play.heap, p);
	look(&was, p, usable < was.bytes ? usable : was.bytes);
	if (p != was.at && !play.remapped && play.heap.config.deferred_slots != 0)
		left[left_ever++ % DEFERRED_FREE_SLOTS_MAX] = was;
	put(slot, p);
}

static void does_free(struct words *w, bool cached)
{
	const unsigned slot = slot_next(w);
	struct block *b = &blocks[slot];

	if (b->at == NULL) no_score();
	look(b, b->at, b->bytes);
	errno = ERRNO_BEFORE;
	release(b->at, cached);
	if (errno != ERRNO_BEFORE) differs("errno is %d", errno);
	if (play.misused != 0) differs("it is called misuse");
	b->at = NULL;
}

/* --- misuse, and what somebody else does ------------------------------------------------------ */

static void does_misuse(struct words *w, bool resize, bool cached)
{
	void *p;

	if (!place_next(w, &p)) no_score();
	if (!resize)
		release(p, cached);
	else if (umalloc_realloc(&play.heap, p, RESIZE_BAD_BYTES) != NULL)
		differs("it is given a block");
	if (play.misused != 1) differs("it is told %u times", play.misused);
	const bool wild = play.verdict == UMALLOC_WILD;
	if (!words_take(w, "=") || !words_take(w, wild ? "wild" : "double"))
		differs("%s", wild ? "wild" : "double");
}

/* The script goes on, as another program would. */
static void does_exit(void)
{
	const uint32_t slots = play.heap.config.deferred_slots;

	umalloc_at_exit(&play.heap);
	play.heap.config.deferred_slots = slots;
}

static void does_others(struct words *w)
{
	const size_t bytes = size_next(w);

	if (foreigns == HANDLES) no_score();
	char *at = sbrk((intptr_t)bytes);
	if (at == UMALLOC_NO_MEMORY) differs("errno %d", errno);
	memset(at, (int)foreigns, bytes);
	foreign[foreigns] = at;
	foreign_bytes[foreigns++] = bytes;
}

void heap_does(struct words w, bool cached)
{
	struct word rest;

	play.misused = 0;
	play.remapped = false;
	if (words_take(&w, "alloc"))
		does_alloc(&w, cached);
	else if (words_take(&w, "free"))
		does_free(&w, cached);
	else if (words_take(&w, "resize"))
		does_resize(&w);
	else if (words_take(&w, "zeroed"))
		does_zeroed(&w);
	else if (words_take(&w, "aligned"))
		does_aligned(&w);
	else if (words_take(&w, "misfree"))
		does_misuse(&w, false, cached);
	else if (words_take(&w, "misresize"))
		does_misuse(&w, true, cached);
	else if (words_take(&w, "others"))
		does_others(&w);
	else if (words_take(&w, "flush"))
		umalloc_flush(&play.heap);
	else if (words_take(&w, "drain"))
		umalloc_drain(&play.heap);
	else if (words_take(&w, "exit"))
		does_exit();
	else
		no_score();
	if (word_next(&w, &rest)) no_score();
}

/* --- figures ---------------------------------------------------------------------------------- */

static void figure_next(struct words *w)
{
	struct word name;

	if (!word_next(w, &name)) no_score();
	for (unsigned n = 0; n < HEAP_FIGURES; n++) {
		if (!word_is(name, heap_figures[n])) continue;
		if (!number_next(w, &figures[n])) no_score();
		return;
	}
	no_score();
}

void heap_stats(struct words w)
{
	struct umalloc_stats now;

	while (w.at < w.end) figure_next(&w);
	umalloc_stats(&play.heap, &now);
	for (unsigned n = 0; n < HEAP_FIGURES; n++)
		if (heap_figure(&now, n) != figures[n])
			differs("%s %llu", heap_figures[n],
				(unsigned long long)heap_figure(&now, n));
	for (uint64_t n = 1; !play.vague && n <= now.queued; n++) {
		const struct block *b = &left[(left_ever - n) % DEFERRED_FREE_SLOTS_MAX];
		look(b, b->at, b->bytes);
	}
	heap_verify();
}
