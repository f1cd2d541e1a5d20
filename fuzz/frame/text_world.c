/*
 * text_world.c -- a world's fields as text, and the small words that reading and writing share.
 *
 * One table names every field of struct script_world with its range; flags are bits of one field
 * that have a name and a word each.  Writing leaves out what the world of zeroes has already, so
 * a reader sees what is special about a script.
 *
 * A value out of range is refused here, though the decoder would fold it: a person who writes
 * cpus=9 means something that will not happen, and should hear so.
 *
 * Always true: every field has its row; so text_world_set() over what text_world_write() wrote
 * gives the same world (a test holds this for every value of every field).
 *
 * Locks: none.  Cost: not in a run's way.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz/frame/text.h"

struct world_field {
	const char *name;
	uint8_t at, bytes;
	uint16_t least, most, step;
	const char *const *names; /* of its values, or NULL */
};

static const char *const strategies[PLAN_STRATEGIES] = {
	[PLAN_LISTED] = "listed", [PLAN_ROBIN] = "robin", [PLAN_PRIORITY] = "priority"
};

#define WORLD_NAMED(field, least, most, step, names)                                        \
	{                                                                                   \
#field, offsetof(struct script_world, field),                               \
			sizeof(((struct script_world *)0)->field), least, most, step, names \
	}
#define WORLD_FIELD(field, least, most, step) WORLD_NAMED(field, least, most, step, NULL)

static const struct world_field fields[] = {
	WORLD_FIELD(pages, SCRIPT_PAGES_MIN, SCRIPT_PAGES_MAX, 1),
	WORLD_FIELD(cpus, 1, SCRIPT_CPUS_MAX, 1),
	WORLD_FIELD(cache_pages, 0, SCRIPT_CACHE_MAX, 1),
	WORLD_FIELD(reserve, 0, UINT8_MAX, 1),
	WORLD_FIELD(quarantine, 0, UINT8_MAX, 1),
	WORLD_FIELD(redzone, 0, SCRIPT_REDZONE_MAX, 8),
	WORLD_FIELD(magazine, 0, SCRIPT_MAGAZINE_MAX, 1),
	WORLD_FIELD(window_pages, 0, UINT8_MAX, 1),
	WORLD_FIELD(keep_pages, 0, UINT8_MAX, 1),
	WORLD_FIELD(tag, 0, UINT16_MAX, 1),
	WORLD_NAMED(strategy, 0, PLAN_STRATEGIES - 1, 1, strategies),
	WORLD_FIELD(seed, 0, UINT16_MAX, 1),
};

static const struct world_flag {
	const char *name, *word;
	uint8_t bit;
} flags[] = {
	{ "walk", "always", WORLD_WALK_ALWAYS },
	{ "poison", "yes", WORLD_POISON },
	{ "sites", "yes", WORLD_SITES },
	{ "zones", "yes", WORLD_ZONES },
};

void text_put(const struct text_out *out, const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	const int length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ASSERT(length >= 0 && (size_t)length < sizeof(text));
	out->put(out->context, text, (size_t)length);
}

bool text_refuse(struct text_fault *fault, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(fault->said, sizeof(fault->said), format, args);
	va_end(args);
	return false;
}

bool text_same(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(text, word, length) == 0;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

bool text_number(const char *text, size_t length, int64_t *value)
{
	const char *at = text, *end = text + length;
	const bool negative = at < end && *at == '-';
	if (negative) at++;
	const bool hex = end - at > 2 && at[0] == '0' && at[1] == 'x';
	const int base = hex ? 16 : 10;
	if (hex) at += 2;
	if (at == end) return false;
	int64_t n = 0;
	for (; at < end; at++) {
		if (digit_value(*at) >= base) return false;
		n = n * base + digit_value(*at);
		if (n > 1ll << 32) return false;
	}
	*value = negative ? -n : n;
	return true;
}

static uint32_t world_get(const struct script_world *w, const struct world_field *f)
{
	const uint8_t *at = (const uint8_t *)w + f->at;
	uint16_t wide;
	if (f->bytes == 1) return *at;
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

static void world_put(struct script_world *w, const struct world_field *f, uint16_t value)
{
	uint8_t *at = (uint8_t *)w + f->at;
	if (f->bytes == 1)
		*at = (uint8_t)value;
	else
		memcpy(at, &value, sizeof(value));
}

static void write_field(const struct world_field *f, uint32_t value, const struct text_out *out)
{
	if (f->names != NULL)
		text_put(out, " %s=%s", f->name, f->names[value]);
	else
		text_put(out, " %s=%u", f->name, value);
}

void text_world_write(const struct script_world *w, const struct text_out *out)
{
	struct script_world plain = { 0 };
	script_world_clamp(&plain);
	for (unsigned i = 0; i < COUNT_OF(fields); i++)
		if (world_get(w, &fields[i]) != world_get(&plain, &fields[i]))
			write_field(&fields[i], world_get(w, &fields[i]), out);
	for (unsigned i = 0; i < COUNT_OF(flags); i++)
		if (w->flags & flags[i].bit) text_put(out, " %s=%s", flags[i].name, flags[i].word);
}

static bool flag_set(struct script_world *w, const struct world_flag *flag, const char *value,
		     size_t length, struct text_fault *fault)
{
	if (!text_same(value, length, flag->word))
		return text_refuse(fault, "%s: expected %s", flag->name, flag->word);
	w->flags |= flag->bit;
	return true;
}

static bool field_set_checked(struct script_world *w, const struct world_field *f,
			      const char *value, size_t length, struct text_fault *fault)
{
	int64_t n;
	for (uint16_t i = 0; f->names != NULL && i <= f->most; i++) {
		if (!text_same(value, length, f->names[i])) continue;
		world_put(w, f, i);
		return true;
	}
	if (f->names != NULL)
		return text_refuse(fault, "%s: expected %s, %s or %s", f->name, f->names[0],
				   f->names[1], f->names[2]);
	if (!text_number(value, length, &n) || n < f->least || n > f->most)
		return text_refuse(fault, "%s: expected a number from %u to %u", f->name, f->least,
				   f->most);
	if (n % f->step != 0)
		return text_refuse(fault, "%s: expected a multiple of %u", f->name, f->step);
	world_put(w, f, (uint16_t)n);
	return true;
}

bool text_world_set(struct script_world *w, const char *name, size_t length, const char *value,
		    size_t value_length, struct text_fault *fault)
{
	for (unsigned i = 0; i < COUNT_OF(fields); i++)
		if (text_same(name, length, fields[i].name))
			return field_set_checked(w, &fields[i], value, value_length, fault);
	for (unsigned i = 0; i < COUNT_OF(flags); i++)
		if (text_same(name, length, flags[i].name))
			return flag_set(w, &flags[i], value, value_length, fault);
	return text_refuse(fault,
			   "a world has no `%.*s`; expected one of pages, cpus, cache_pages, "
			   "reserve, quarantine, redzone, magazine, window_pages, keep_pages, tag, "
			   "strategy, seed, walk, poison, sites, zones",
			   (int)min_u64(length, 32), name);
}
