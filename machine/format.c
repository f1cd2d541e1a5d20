/*
 * format.c -- printf for places without a C library.
 *
 * One pass over the format.  A conversion is read into a struct spec, its argument is turned into
 * text in a small buffer on the stack, and put() copies it with its padding.  Output goes through
 * one function that counts and never writes behind the room there is: text that does not fit is
 * cut off, and the NUL always stands.
 *
 * Always true: out->used < out->room, when there is any room at all; what was written so far is
 * out->text[0 .. used).
 *
 * Not here, because nobody needs it: floating point, %n, %o, %i, precision for numbers, '+', '#',
 * widths from arguments (but %.*s, for text without a NUL).  A conversion that is not known is
 * copied as it stands and takes no argument: wrong, but visible, and it cannot read wild.
 *
 * Locks: none; touches nothing but `out` and what %s points to.  Cost: linear; about 100 bytes
 * of stack.
 */
#include "machine/format.h"

enum { NUMBER_MAX = 20 }; /* digits of 2^64 - 1 in decimal; hexadecimal needs fewer */

struct output {
	char *text;
	size_t room; /* the NUL included */
	size_t used;
};

struct spec {
	bool left, zero;
	size_t width;
	bool limited; /* %.*s */
	size_t limit;
	unsigned longs; /* 0 int, 1 long, 2 long long; size_t counts as long */
	char kind;
};

static void put_char(struct output *out, char c)
{
	if (out->used + 1 < out->room) out->text[out->used++] = c;
}

static void put_fill(struct output *out, char c, size_t count)
{
	/* Bounded by the room, not by the width: a width can be anything. */
	for (; count > 0 && out->used + 1 < out->room; count--) put_char(out, c);
}

/* `sign` is "-" or "": it stands before zeroes and after spaces. */
static void put(struct output *out, const struct spec *spec, const char *sign, const char *text,
		size_t length)
{
	const size_t signs = *sign != '\0' ? 1 : 0;
	const size_t fill = sub_or_zero(spec->width, length + signs);
	if (!spec->left && !spec->zero) put_fill(out, ' ', fill);
	if (signs != 0) put_char(out, *sign);
	if (!spec->left && spec->zero) put_fill(out, '0', fill);
	for (size_t i = 0; i < length; i++) put_char(out, text[i]);
	if (spec->left) put_fill(out, ' ', fill);
}

/* Digits come out backwards, so the buffer is filled from its end. */
static void put_number(struct output *out, const struct spec *spec, const char *sign, uint64_t n,
		       unsigned base)
{
	char digits[NUMBER_MAX];
	size_t at = NUMBER_MAX;
	do {
		digits[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n != 0);
	put(out, spec, sign, digits + at, NUMBER_MAX - at);
}

static void put_text(struct output *out, const struct spec *spec, const char *text)
{
	if (text == NULL) text = "(null)";
	size_t length = 0;
	while ((!spec->limited || length < spec->limit) && text[length] != '\0') length++;
	put(out, spec, "", text, length);
}

/* Reads what stands after the '%'; returns behind it. */
static const char *spec_read(struct spec *spec, const char *at, va_list *args)
{
	*spec = (struct spec){ .kind = '\0' };
	for (; *at == '-' || *at == '0'; at++) {
		spec->left |= *at == '-';
		spec->zero |= *at == '0';
	}
	for (; *at >= '0' && *at <= '9'; at++) spec->width = spec->width * 10 + (size_t)(*at - '0');
	if (at[0] == '.' && at[1] == '*' && at[2] == 's') {
		const int limit = va_arg(*args, int);
		spec->limited = limit >= 0;
		spec->limit = limit >= 0 ? (size_t)limit : 0;
		at += 2;
	}
	for (; *at == 'l' && spec->longs < 2; at++) spec->longs++;
	if (*at == 'z' && spec->longs == 0) {
		spec->longs = 1;
		at++;
	}
	spec->kind = *at;
	if (spec->kind == 's' || spec->kind == 'c') spec->zero = false;
	return *at == '\0' ? at : at + 1;
}

static int64_t number_signed(const struct spec *spec, va_list *args)
{
	if (spec->longs == 0) return va_arg(*args, int);
	if (spec->longs == 1) return va_arg(*args, long);
	return va_arg(*args, long long);
}

static uint64_t number_unsigned(const struct spec *spec, va_list *args)
{
	if (spec->longs == 0) return va_arg(*args, unsigned);
	if (spec->longs == 1) return va_arg(*args, unsigned long);
	return va_arg(*args, unsigned long long);
}

/* The smallest number has no positive twin among the signed ones; unsigned arithmetic has it. */
static void put_signed(struct output *out, const struct spec *spec, int64_t n)
{
	const bool negative = n < 0;
	put_number(out, spec, negative ? "-" : "", negative ? 0 - (uint64_t)n : (uint64_t)n, 10);
}

/* Always with 0x in front; a width counts it, and is filled with zeroes behind it. */
static void put_pointer(struct output *out, const struct spec *spec, const void *p)
{
	struct spec plain = { .kind = 'p' };
	put_char(out, '0');
	put_char(out, 'x');
	plain.left = spec->left;
	plain.zero = !spec->left;
	plain.width = sub_or_zero(spec->width, 2);
	put_number(out, &plain, "", (uintptr_t)p, 16);
}

/* False when this kind is not known; then nothing was written and no argument taken. */
static bool put_argument(struct output *out, const struct spec *spec, va_list *args)
{
	switch (spec->kind) {
	case 'd': put_signed(out, spec, number_signed(spec, args)); return true;
	case 'u': put_number(out, spec, "", number_unsigned(spec, args), 10); return true;
	case 'x': put_number(out, spec, "", number_unsigned(spec, args), 16); return true;
	case 's': put_text(out, spec, va_arg(*args, const char *)); return true;
	case 'p': put_pointer(out, spec, va_arg(*args, const void *)); return true;
	case '%': put_char(out, '%'); return true;
	case 'c': {
		const char c = (char)va_arg(*args, int);
		put(out, spec, "", &c, 1);
		return true;
	}
	default: return false;
	}
}

size_t format_text_v(char *text, size_t room, const char *format, va_list args)
{
	struct output out = { .text = text, .room = room };
	struct spec spec;
	va_list left;
	va_copy(left, args);
	while (*format != '\0') {
		const char *from = format++;
		if (*from != '%') {
			put_char(&out, *from);
			continue;
		}
		format = spec_read(&spec, format, &left);
		if (put_argument(&out, &spec, &left)) continue;
		while (from < format) put_char(&out, *from++);
	}
	va_end(left);
	if (room > 0) text[out.used] = '\0';
	return out.used;
}

bool same_text(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) a++, b++;
	return *a == *b;
}

size_t format_text(char *text, size_t room, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const size_t used = format_text_v(text, room, format, args);
	va_end(args);
	return used;
}
