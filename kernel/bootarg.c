/*
 * bootarg.c -- the words of the kernel's command line.
 *
 * Words are separated by blanks; "key=value" is a word with a value.  The first word that fits
 * counts.  Numbers are decimal, or hexadecimal after 0x; anything else in them, or more than 64
 * bits, makes them none.  Total for any text; nothing is kept.
 */
#include "kernel/platform.h"

/* The next word at or after `text`, or one of no bytes at the end. */
static const char *word_next(const char *text, size_t *bytes)
{
	while (*text == ' ') text++;
	*bytes = 0;
	while (text[*bytes] != 0 && text[*bytes] != ' ') (*bytes)++;
	return text;
}

/* Does the word of `bytes` begin with all of `start`?  Returns its length, or 0. */
static size_t starts_with(const char *word, size_t bytes, const char *start)
{
	size_t n = 0;
	while (start[n] != 0) {
		if (n == bytes || word[n] != start[n]) return 0;
		n++;
	}
	return n;
}

bool bootarg_is_set(const char *bootargs, const char *word)
{
	size_t bytes;
	for (const char *w = word_next(bootargs, &bytes); bytes > 0; w = word_next(w, &bytes)) {
		if (starts_with(w, bytes, word) == bytes) return true;
		w += bytes;
	}
	return false;
}

bool bootarg_text(const char *bootargs, const char *key, const char **text, size_t *bytes)
{
	size_t length;
	for (const char *w = word_next(bootargs, &length); length > 0; w = word_next(w, &length)) {
		const size_t n = starts_with(w, length, key);
		if (n > 0 && n < length && w[n] == '=') {
			*text = w + n + 1;
			*bytes = length - n - 1;
			return true;
		}
		w += length;
	}
	return false;
}

bool bootarg_copy(const char *bootargs, const char *key, char *out, size_t room)
{
	const char *text;
	size_t bytes;
	if (!bootarg_text(bootargs, key, &text, &bytes) || bytes >= room) return false;
	for (size_t n = 0; n < bytes; n++) out[n] = text[n];
	out[bytes] = '\0';
	return true;
}

bool bootarg_says(const char *bootargs, const char *key, const char *value)
{
	const char *text;
	size_t bytes;
	if (!bootarg_text(bootargs, key, &text, &bytes)) return false;
	return bytes > 0 && starts_with(text, bytes, value) == bytes;
}

/* The value of a digit, or 255. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9') return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A' + 10);
	return 255;
}

uint64_t bootarg_number(const char *bootargs, const char *key, uint64_t otherwise)
{
	const char *text;
	size_t bytes;
	if (!bootarg_text(bootargs, key, &text, &bytes)) return otherwise;
	const unsigned base = bytes > 2 && text[0] == '0' && text[1] == 'x' ? 16 : 10;
	uint64_t number = 0;
	for (size_t i = base == 16 ? 2 : 0; i < bytes; i++) {
		const unsigned d = digit(text[i]);
		if (d >= base || __builtin_mul_overflow(number, (uint64_t)base, &number) ||
		    !add_fits(number, d, &number))
			return otherwise;
	}
	return bytes > 0 ? number : otherwise;
}
