/*
 * malloc_score.c -- lines of a score about an allocator (malloc_score.h).
 *
 * Always true: a line is begun when its call has returned, so the calls that it made stand before
 * it; figures are told once, and again when they change.
 *
 * Locks: none.  Compiled without points.
 */
#include "fuzz/malloc_score.h"

#include "user/replay/heap_names.h"

static struct umalloc_stats told;
static const struct umalloc *its; /* whose score it is */

static struct score *score_of(const struct umw_memory *mem)
{
	return mem->scored ? mem->run->score : NULL;
}

static void say_place(const struct umw_memory *mem, const void *p)
{
	struct score *s = score_of(mem);
	const uint64_t offset = (uintptr_t)p - (uintptr_t)mem->base;
	const uint64_t window = (uint64_t)mem->window << PAGE_SHIFT;
	const uint8_t *state = mem->run->state;

	if (p == UMALLOC_NO_MEMORY)
		score_say(s, " refused");
	else if (offset < window)
		score_say(s, " %%%lu", (unsigned long)offset);
	else if (offset < RUN_ARENA_BYTES)
		score_say(s, " ^%lu", (unsigned long)offset);
	else if ((const uint8_t *)p >= state && (const uint8_t *)p < state + RUN_STATE_BYTES)
		score_say(s, " own");
	else
		score_number(s, (uintptr_t)p);
}

void umw_score_opens(struct umw_memory *mem, const struct umalloc *m)
{
	const struct umalloc_config *c = &m->config;

	memset(&told, 0, sizeof told);
	its = m;
	mem->scored = true;
	score_say(score_of(mem), "player heap\nheap %u %lu %lu %u %u %u %u\n", c->deferred_slots,
		  (unsigned long)c->map_bytes, (unsigned long)c->quick_bytes, c->fit, c->remaps,
		  *m->alone != 0, mem->pages);
}

/* --- what the kernel is asked ----------------------------------------------------------------- */

/* What was answered, and the end of the line. */
static void say_answer(const struct umw_memory *mem, const void *place)
{
	score_say(score_of(mem), " =");
	say_place(mem, place);
	score_say(score_of(mem), "\n");
}

void umw_score_sbrk(const struct umw_memory *mem, ptrdiff_t bytes, const void *was)
{
	struct score *s = score_of(mem);

	if (s == NULL) return;
	score_say(s, "asks sbrk %ld = ", (long)bytes);
	if (was == UMALLOC_NO_MEMORY)
		score_say(s, "refused\n");
	else
		score_say(s, "%%%lu\n", (unsigned long)((const uint8_t *)was - mem->base));
}

void umw_score_map(const struct umw_memory *mem, size_t bytes, const void *at)
{
	if (score_of(mem) == NULL) return;
	score_say(score_of(mem), "asks map %zu", bytes);
	say_answer(mem, at);
}

void umw_score_unmap(const struct umw_memory *mem, const void *at, size_t bytes, bool done)
{
	if (score_of(mem) == NULL) return;
	score_say(score_of(mem), "asks unmap");
	say_place(mem, at);
	score_say(score_of(mem), " %zu = %s\n", bytes, done ? "done" : "refused");
}

void umw_score_remap(const struct umw_memory *mem, const void *at, size_t bytes, size_t larger,
		     const void *now)
{
	if (score_of(mem) == NULL) return;
	score_say(score_of(mem), "asks remap");
	say_place(mem, at);
	score_say(score_of(mem), " %zu %zu", bytes, larger);
	say_answer(mem, now);
}

/* --- what is done ----------------------------------------------------------------------------- */

static void operation_ends(const struct umw_memory *mem)
{
	if (score_of(mem) != NULL && its->stuck >= 2)
		score_end(score_of(mem),
			  "which of two that are stuck goes first, addresses decide");
}

void umw_score_got(const struct umw_memory *mem, unsigned thread, const char *verb, unsigned slot,
		   size_t bytes, size_t align, const void *p, size_t usable)
{
	struct score *s = score_of(mem);

	if (s == NULL) return;
	score_say(s, "%u %s %u", thread, verb, slot);
	score_number(s, bytes);
	if (align != 0) score_say(s, " %zu", align);
	score_say(s, " =");
	if (p == NULL) {
		score_say(s, " none\n");
		return;
	}
	say_place(mem, p);
	score_say(s, " %zu\n", usable);
}

void umw_score_misuse(const struct umw_memory *mem, unsigned thread, const char *verb,
		      const void *p, const char *verdict)
{
	struct score *s = score_of(mem);

	if (s == NULL) return;
	score_say(s, "%u %s", thread, verb);
	say_place(mem, p);
	score_say(s, " = %s\n", verdict);
}

void umw_score_does(const struct umw_memory *mem, unsigned thread, const char *verb,
		    const char *word)
{
	score_say(score_of(mem), "%u %s%s%s\n", thread, verb, word == NULL ? "" : " ",
		  word == NULL ? "" : word);
	operation_ends(mem);
}

void umw_score_does_to(const struct umw_memory *mem, unsigned thread, const char *verb,
		       unsigned number)
{
	score_say(score_of(mem), "%u %s %u\n", thread, verb, number);
	operation_ends(mem);
}

/* --- figures ---------------------------------------------------------------------------------- */

void umw_score_stats(const struct umw_memory *mem, const struct umalloc_stats *now)
{
	struct score *s = score_of(mem);

	if (s == NULL || memcmp(now, &told, sizeof told) == 0) return;
	score_say(s, "stats");
	for (unsigned i = 0; i < HEAP_FIGURES; i++) {
		if (heap_figure(now, i) == heap_figure(&told, i)) continue;
		score_say(s, " %s %lu", heap_figures[i], (unsigned long)heap_figure(now, i));
	}
	score_say(s, "\n");
	told = *now;
}
