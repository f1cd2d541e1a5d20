/*
 * score.c -- lines of a score.
 *
 * Whether a call sleeps is known only when it is back, or when everything has settled without it:
 * until then its line has the verb of those that do not, and is not closed.
 *
 * Always true: a score holds whole pieces, in order, up to its end or the first that had no room.
 *
 * Locks: none.  Compiled without points.
 */
#include "fuzz/frame/score.h"

#include "machine/format.h"
#include "machine/machine.h"

enum { DECIMAL_MOST = 9999, DECIMAL_LEAST = -4095 };

void score_say(struct score *s, const char *format, ...)
{
	va_list args;

	if (s == NULL || s->full || s->ended) return;
	ASSERT(s->used < s->room);
	const size_t room = s->room - s->used;
	va_start(args, format);
	const size_t bytes = format_text_v(s->text + s->used, room, format, args);
	va_end(args);
	s->full = bytes == room - 1; /* perhaps cut */
	if (s->full)
		s->text[s->used] = '\0';
	else
		s->used += bytes;
}

/* --- calls that may sleep --------------------------------------------------------------------- */

static const char call_verb[] = "call", begins_verb[] = "begins";

static bool takes_more(const struct score *s)
{
	return s != NULL && !s->full && !s->ended;
}

void score_asks(struct score *s, unsigned actor)
{
	score_sleeps(s);
	if (!takes_more(s)) return;
	s->line_at = s->used;
	score_say(s, "%u ", actor);
	ASSERT(actor < 32 && (s->asleep >> actor & 1) == 0);
	s->asks = true;
	s->caller = actor;
	s->verb_at = s->used;
	score_say(s, "%s", call_verb);
}

/* The verb becomes the other one, which is longer. */
void score_sleeps(struct score *s)
{
	enum { WAS = sizeof call_verb - 1, NOW = sizeof begins_verb - 1 };

	if (!takes_more(s) || !s->asks) return;
	_Static_assert(NOW - WAS == 2, "so many more");
	score_say(s, "  \n");
	if (s->full) return;
	char *verb = s->text + s->verb_at;
	memmove(verb + NOW, verb + WAS, s->used - 1 - NOW - s->verb_at);
	memcpy(verb, begins_verb, NOW);
	s->asks = false;
	s->asleep |= 1u << s->caller;
}

void score_back(struct score *s, unsigned actor)
{
	if (!takes_more(s)) return;
	if (s->asks && s->caller == actor) {
		s->asks = false;
		return;
	}
	score_sleeps(s);
	ASSERT((s->asleep >> actor & 1) != 0);
	s->asleep &= ~(1u << actor);
	score_say(s, "%u ends", actor);
}

void score_rest(struct score *s)
{
	score_sleeps(s);
	if (!takes_more(s) || s->asleep == 0 || s->used == s->rested_at) return;
	score_say(s, "- rest\n");
	s->rested_at = s->used;
}

void score_lost(struct score *s, unsigned actor)
{
	score_sleeps(s);
	if (!takes_more(s)) return;
	s->asleep &= ~(1u << actor);
	score_say(s, "- gone %u\n", actor);
}

void score_end(struct score *s, const char *why)
{
	if (!takes_more(s)) return;
	if (s->asks) s->used = s->line_at;
	s->asks = false;
	score_say(s, "# ends here: %s\n", why);
	s->ended = true;
}

/* --- numbers ---------------------------------------------------------------------------------- */

void score_number(struct score *s, uint64_t value)
{
	const int64_t number = (int64_t)value;

	if (number >= DECIMAL_LEAST && number <= DECIMAL_MOST)
		score_say(s, " %ld", (long)number);
	else
		score_say(s, " 0x%lx", (unsigned long)value);
}

void score_bytes(struct score *s, const void *bytes, size_t count)
{
	const uint8_t *from = bytes;

	score_say(s, " ");
	for (size_t n = 0; n < count; n++) score_say(s, "%02x", from[n]);
}
