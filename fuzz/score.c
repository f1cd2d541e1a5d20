/*
 * score.c -- lines of a score.
 *
 * Always true: a score holds whole pieces, in order, up to its end or the first that had no room.
 *
 * Locks: none.  Compiled without points.
 */
#include "fuzz/score.h"

#include "machine/format.h"

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

void score_end(struct score *s, const char *why)
{
	score_say(s, "# ends here: %s\n", why);
	if (s != NULL) s->ended = true;
}

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
