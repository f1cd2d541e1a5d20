/*
 * race_report.c -- says what raced: who, how, where in the program, with what, in which object.
 *
 * Kept out of the way of the accesses themselves: they note an offset into the program and nothing
 * else; names are looked for when there is something to say (symbol.c).
 *
 * The object is the one that was given (unpoisoned) last among those that the byte lies in: a slab
 * is given as pages, then its objects are, out of these.  What is noted is its size and who gave
 * it, for its first eight bytes and beside the cells, so that noting is a store.
 *
 * Locks: none.  Cost: nothing until there is a race; then as much as it takes.
 */
#include "machine/host/race_inside.h"

#include <sys/mman.h>

#include "machine/format.h"
#include "machine/host/arena.h"
#include "machine/host/symbol.h"

enum { PLACE_BYTES = 96, OBJECT_BYTES = 192 };

struct given {
	uint32_t when; /* 1 for the first that was given; 0: nothing begins here */
	uint32_t bytes;
	place_t place;
};

static struct given *given;
static size_t given_count;
static uint32_t given_last;

void given_arena(size_t bytes)
{
	if (given != NULL) munmap(given, given_count * sizeof(*given));
	given_count = bytes / RACE_GRAIN;
	given = host_map(given_count * sizeof(*given));
	given_last = 0;
}

void given_note(size_t at, size_t bytes, place_t place)
{
	given[at / RACE_GRAIN] = (struct given){ ++given_last, (uint32_t)bytes, place };
}

/* --- words ----------------------------------------------------------------------------------- */

static enum race_how place_how(place_t place)
{
	return place & ((1 << PLACE_HOW_BITS) - 1);
}

/* A return address is one past the call; the call is what is meant. */
static const char *place_text(char *out, place_t place)
{
	uint64_t into;
	const char *name = symbol_find((place >> PLACE_HOW_BITS) - 1, &into);
	format_text(out, PLACE_BYTES, "%s+0x%llx", name, (unsigned long long)into + 1);
	return out;
}

static const char *how_text(enum race_how how)
{
	static const char *const texts[] = {
		[RACE_BYTES_1] = "1 byte",    [RACE_BYTES_2] = "2 bytes",
		[RACE_BYTES_4] = "4 bytes",   [RACE_BYTES_8] = "8 bytes",
		[RACE_BYTES_16] = "16 bytes", [RACE_RANGE] = "a range",
	};
	return how < COUNT_OF(texts) ? texts[how] : "?";
}

static const char *kind_text(epoch_t e)
{
	static const char *const texts[] = {
		[RACE_READ] = "reads",
		[RACE_WRITE] = "writes",
		[RACE_ATOMIC_READ] = "atomically reads",
		[RACE_ATOMIC_WRITE] = "atomically writes",
	};
	return texts[epoch_kind(e)];
}

/* "cpu 1 reads 4 bytes at slab_take+0x10". */
static size_t access_text(char *out, size_t room, epoch_t e, place_t place)
{
	char where[PLACE_BYTES];
	const enum race_how how = place_how(place);
	if (how == RACE_FREED)
		return format_text(out, room, "cpu %u frees it at %s", epoch_cpu(e),
				   place_text(where, place));
	return format_text(out, room, "cpu %u %s %s at %s", epoch_cpu(e), kind_text(e),
			   how_text(how), place_text(where, place));
}

static const struct given *given_find(size_t at, size_t *first)
{
	const struct given *best = NULL;
	for (size_t i = at / RACE_GRAIN + 1; i-- > 0;) {
		const struct given *g = &given[i];
		if (g->when == 0 || at - i * RACE_GRAIN >= g->bytes) continue;
		if (best != NULL && best->when > g->when) continue;
		best = g;
		*first = i * RACE_GRAIN;
	}
	return best;
}

static const char *object_text(char *out, size_t at)
{
	char where[PLACE_BYTES];
	size_t first = 0;
	if (at / RACE_GRAIN >= given_count) return "outside of the arena";
	const struct given *g = given_find(at, &first);
	if (g == NULL)
		format_text(out, OBJECT_BYTES, "arena+0x%zx, in no object", at);
	else
		format_text(out, OBJECT_BYTES, "arena+0x%zx, byte %zu of %u given by %s", at,
			    at - first, g->bytes, place_text(where, g->place));
	return out;
}

void race_words(char *out, size_t at, epoch_t mine, place_t place, epoch_t earlier,
		place_t earlier_place)
{
	char now[PLACE_BYTES + 64], before[PLACE_BYTES + 64], object[OBJECT_BYTES];
	access_text(now, sizeof(now), mine, place);
	access_text(before, sizeof(before), earlier, earlier_place);
	format_text(out, RACE_WORDS_BYTES, "%s; unordered, before it %s: %s", now, before,
		    object_text(object, at));
}

/* Nobody looks any more from here on: the run is over, and what words it is not part of it. */
NORETURN void race_report(size_t at, epoch_t mine, place_t place, epoch_t earlier,
			  place_t earlier_place)
{
	char words[RACE_WORDS_BYTES];
	race_end();
	race_words(words, at, mine, place, earlier, earlier_place);
	kpanic("race", "%s", words);
}
